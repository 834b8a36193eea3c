import numpy as np
import pytest
from sklearn.kernel_ridge import KernelRidge
from sklearn.linear_model import Ridge
from sklearn.metrics import balanced_accuracy_score

from evaluation.probes.kernel_probe import _RIDGE, KERNELS, KernelProbe
from evaluation.probes.standardise import SCALINGS, standardise
from tests.support.known_leaks import leaking

SHOWN = leaking("linear", people=10, width=5)
UNSEEN = leaking("linear", people=7, width=5, seed=1)


def brute_force(x, label, x_test):
    """The linear probe by one regression a class, and one more for each sample that is left out."""
    scores = []
    for c in range(label.max() + 1):
        target = (label == c) / (label == c).sum()

        def fitted(rows, query, target=target):
            return Ridge(_RIDGE * x.shape[1]).fit(x[rows], target[rows]).predict(query)

        every = np.arange(len(x))
        unseen = np.array([fitted(every != i, x[i : i + 1])[0] for i in every])
        threshold = (unseen[label == c].mean() + unseen[label != c].mean()) / 2
        scores.append(fitted(every, x_test) - threshold)
    return np.argmax(scores, axis=0)


@pytest.mark.parametrize("classes", [2, 3])
def test_the_linear_probe_is_ridge_regression_with_thresholds(classes):
    rng = np.random.default_rng(0)
    label = np.where(rng.random(60) < 0.6, 0, rng.integers(classes, size=60))
    x, x_test = standardise(SHOWN.embedding, UNSEEN.embedding)
    found = KernelProbe(SHOWN.embedding, UNSEEN.embedding, "linear").predict(label[None])[0]
    np.testing.assert_array_equal(found, brute_force(x, label, x_test))
    assert len(np.unique(found)) == classes


def test_the_rbf_probe_ranks_as_kernel_ridge_regression():
    x, x_test = standardise(SHOWN.embedding, UNSEEN.embedding)
    probe = KernelProbe(SHOWN.embedding, UNSEEN.embedding, "rbf")
    inside = (SHOWN.label == 1).astype(float)
    ours = probe._score(inside[None])[0]
    # an unpenalised intercept is what centring the kernel amounts to
    gram, cross = (np.exp(-((a[:, None] - x) ** 2).sum(2) / 5) for a in (x, x_test))
    middle = np.eye(60) - 1 / 60
    ridge = KernelRidge(alpha=_RIDGE, kernel="precomputed").fit(middle @ gram @ middle, inside / inside.sum())
    theirs = ridge.predict((cross - gram.mean(0)) @ middle)
    np.testing.assert_allclose(ours - ours.mean(), theirs - theirs.mean(), atol=1e-9)


@pytest.mark.parametrize("kernel", KERNELS)
def test_many_labellings_at_once_are_each_one_alone(kernel):
    rng = np.random.default_rng(0)
    labels = np.stack([SHOWN.label, *(rng.integers(2, size=60) for _ in range(5))])
    probe = KernelProbe(SHOWN.embedding, UNSEEN.embedding, kernel)
    together = probe.predict(labels)
    assert together.shape == (6, 42)
    for one, label in zip(together, labels, strict=True):
        np.testing.assert_array_equal(one, probe.predict(label[None])[0])


@pytest.mark.parametrize(
    ("kind", "linear", "rbf"),
    [("linear", True, True), ("tiny", True, True), ("xor", False, True), ("none", False, False)],
)
def test_what_each_kernel_can_read(kind, linear, rbf):
    train, test = leaking(kind), leaking(kind, seed=1)
    for kernel, reads in (("linear", linear), ("rbf", rbf)):
        read = KernelProbe(train.embedding, test.embedding, kernel).predict(train.label[None])[0]
        score = balanced_accuracy_score(test.label, read)
        assert score > 0.8 if reads else abs(score - 0.5) < 0.08


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_large_class_does_not_swallow_a_small_one(kernel):
    rng = np.random.default_rng(0)
    label = (rng.random(1000) < 0.05).astype(int)
    x = rng.normal(size=(1000, 4))
    x[:, 0] += 2 * label
    read = KernelProbe(x[:500], x[500:], kernel).predict(label[None, :500])[0]
    recalls = [(read == c)[label[500:] == c].mean() for c in (0, 1)]
    assert min(recalls) > 0.65


def test_a_class_that_a_labelling_lacks_is_not_predicted():
    labels = np.stack([SHOWN.label * 2, SHOWN.label])
    read = KernelProbe(SHOWN.embedding, UNSEEN.embedding, "rbf").predict(labels)
    assert set(read[0]) == {0, 2}
    assert set(read[1]) == {0, 1}


@pytest.mark.parametrize("kernel", KERNELS)
def test_a_constant_embedding_gives_one_answer(kernel):
    probe = KernelProbe(np.full((60, 3), 0.1), np.full((9, 3), 0.1), kernel)
    assert len(np.unique(probe.predict(SHOWN.label[None]))) == 1


@pytest.mark.parametrize("kernel", KERNELS)
def test_one_scaling_at_least_reads_rows_of_any_length(kernel):
    rng = np.random.default_rng(0)
    label = np.arange(450) % 2
    x = rng.normal(size=(450, 12))
    x[:, 0] += 6 * label - 3
    huge, lengths = np.ones((450, 1)), np.exp(rng.normal(scale=5, size=(450, 1)))
    huge[:9] = 1e18

    train, test = np.arange(300), np.arange(300, 450)
    for factor, best in ((huge, "robust"), (lengths, "unit")):
        table = (x * factor).astype(np.float32)
        score = {}
        for scaling in SCALINGS:
            read = KernelProbe(table[train], table[test], kernel, scaling).predict(label[None, train])[0]
            score[scaling] = balanced_accuracy_score(label[test], read)
        assert score[best] > 0.97
        assert score["standardised"] < 0.9


@pytest.mark.parametrize("kernel", KERNELS)
def test_two_classes_take_one_score(kernel):
    rng = np.random.default_rng(0)
    train = rng.normal(size=(40, 5))
    labels = np.concatenate([rng.integers(2, size=(20, 40)), np.zeros((1, 40), int), np.ones((1, 40), int)])
    probe = KernelProbe(train, rng.normal(size=(30, 5)), kernel)
    both = [probe._score((labels == c).astype(float)) for c in (0, 1)]
    np.testing.assert_array_equal(probe.predict(labels), np.argmax(both, axis=0))


@pytest.mark.parametrize("kernel", KERNELS)
@pytest.mark.parametrize("apart", [0, 100])
def test_large_kernels_in_single_precision_score_alike(monkeypatch, kernel, apart):
    rng = np.random.default_rng(0)
    label = rng.integers(2, size=400)
    x = rng.normal(size=(400, 500)) + apart * label[:, None]  # far apart is the worst condition
    exact = KernelProbe(x[:300], x[300:], kernel).scores(label[None, :300])
    monkeypatch.setattr("evaluation.probes.kernel_probe._DOUBLE", 299)
    found = KernelProbe(x[:300], x[300:], kernel).scores(label[None, :300])
    assert 0 < np.abs(found - exact).max() < 1e-4 * np.ptp(exact)
