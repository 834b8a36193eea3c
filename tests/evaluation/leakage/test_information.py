import numpy as np
import pytest
from scipy.integrate import quad
from scipy.stats import norm

from evaluation.leakage import information
from evaluation.leakage.information import _block_ends, _mean_interval, description_length, usable_information
from evaluation.samples.labelled_samples import Samples
from tests.support.known_leaks import leaking


def gaussians(n, mean, seed=0):
    """Two classes around -mean and mean on a line, everybody with one sample; and their exact information."""
    rng = np.random.default_rng(seed)
    label = rng.integers(2, size=n)
    x = rng.normal(size=n) + mean * (2 * label - 1)
    posterior = 1 / (1 + np.exp(-2 * mean * x * (2 * label - 1)))
    return Samples(x[:, None], label), 1 + np.log2(posterior)


def mutual_information(mean):
    """In bits, H(X) - H(X | Y) by quadrature."""

    def density(x):
        return (norm.pdf(x - mean) + norm.pdf(x + mean)) / 2

    entropy = quad(lambda x: -density(x) * np.log2(density(x)), -12, 12)[0]
    return entropy - np.log2(2 * np.pi * np.e) / 2


@pytest.mark.slow
@pytest.mark.parametrize("mean", [0.5, 1.5])
def test_two_gaussians_give_nearly_their_mutual_information(mean):
    samples, exact = gaussians(1500, mean)
    truth = mutual_information(mean)
    assert exact.mean() == pytest.approx(truth, abs=3 * exact.std() / np.sqrt(1500))  # the control
    table = usable_information(samples, folds=2).set_index("family")
    for family, slack in (("linear", 0.01), ("mlp", 0.02)):
        bits = table.loc[family, "bits"]
        assert exact.mean() - slack < bits < exact.mean() + 0.005
        assert table.loc[family, "low"] < truth < table.loc[family, "high"]


@pytest.mark.slow
def test_a_label_written_out_gives_nearly_all_of_its_entropy():
    rng = np.random.default_rng(0)
    label = rng.choice(3, p=[0.5, 0.3, 0.2], size=600)
    table = usable_information(Samples(np.eye(3)[label], label), folds=2).set_index("family")
    entropy = -(np.bincount(label) / 600) @ np.log2(np.bincount(label) / 600)
    assert table["entropy"].to_numpy() == pytest.approx([entropy, entropy], abs=0.01)
    assert (table["bits"] > entropy - 0.06).all()
    assert (table["bits"] <= table["entropy"]).all()
    lengths = description_length(Samples(np.eye(3)[label], label)).set_index("family")
    assert (lengths["compression"] > 4).all()


@pytest.mark.slow
def test_no_leak_gives_no_bits_and_no_compression():
    rng = np.random.default_rng(0)
    samples = Samples(rng.normal(size=(400, 20)), (rng.random(400) < 0.2).astype(int))
    table = usable_information(samples, folds=2)
    assert (table["bits"] < 0.01).all()
    assert (table["bits"] > -0.05).all()
    assert (table["high"] > table["bits"]).all()
    lengths = description_length(samples)
    assert (lengths["codelength"] > lengths["prior"] - 5).all()
    assert (lengths["prior"] < 0.85 * lengths["uniform"]).all()  # as one class is large


@pytest.mark.slow
@pytest.mark.parametrize(
    ("kind", "families"), [("linear", {"linear", "mlp"}), ("xor", {"mlp"}), ("tiny", {"linear", "mlp"})]
)
def test_what_each_family_can_use(kind, families):
    samples = leaking(kind)
    bits = usable_information(samples, folds=2).set_index("family")["bits"]
    compression = description_length(samples).set_index("family")["compression"]
    for family in ("linear", "mlp"):
        if family in families:
            assert bits[family] > 0.4
            assert compression[family] > 1.2
        else:
            assert bits[family] < 0.02
            assert compression[family] < 1.02


def test_the_code_of_known_probabilities(monkeypatch):
    """A probe that gives the true class 0.9 from the third sample on, of everybody with one."""
    asked = []

    def sure(family, train, label, people, test, classes, seed):
        asked.append((family, len(train), len(test)))
        found = np.full((len(test), classes), 0.1 / (classes - 1))
        found[np.arange(len(test)), test[:, 0].astype(int)] = 0.9
        return found

    monkeypatch.setattr(information, "probabilities", sure)
    label = np.arange(200) % 4
    table = description_length(Samples(label[:, None].astype(float), label))
    length = 25 * 2 - 175 * np.log2(0.9)  # the first block is 12.5 %: 6.25 % would be less than sixteen
    assert table["codelength"].tolist() == pytest.approx([length, length])
    assert table["uniform"].tolist() == [400, 400]
    assert table["compression"].tolist() == pytest.approx([400 / length] * 2)
    assert asked == [
        (f, start, size) for start, size in ((25, 25), (50, 50), (100, 100)) for f in ("linear", "mlp")
    ]


def test_the_prior_code_is_laplace_rule_block_by_block():
    label = np.zeros(64, int)
    label[5] = 1
    table = description_length(Samples(np.ones((64, 2)), label, np.arange(64)), seed=3)
    order = np.argsort(np.random.default_rng(3).permutation(64))
    bits = 16.0
    for start, end in ((16, 32), (32, 64)):
        ones = label[order[:start]].sum()
        for one in label[order[start:end]]:
            bits -= np.log2(((ones if one else start - ones) + 1) / (start + 2))
    assert table["prior"].tolist() == pytest.approx([bits, bits])


def test_a_first_block_may_hold_each_class_hardly_twice():
    rng = np.random.default_rng(0)
    table = description_length(Samples(rng.normal(size=(64, 3)), rng.permutation(np.arange(64) % 8)))
    assert (abs(table["compression"] - 1) < 0.3).all()


def test_blocks_end_with_people_and_with_the_last_sample():
    assert _block_ends(np.arange(1000)) == [16, 32, 63, 125, 250, 500, 1000]
    assert _block_ends(np.repeat(np.arange(10), 10)) == [20, 30, 50, 100]
    assert _block_ends(np.arange(5)) == [5]


def test_probes_of_the_code_never_meet_a_person_twice(monkeypatch):
    def check(family, train, label, people, test, classes, seed):
        assert set(train[:, 0]).isdisjoint(test[:, 0])
        return np.full((len(test), classes), 1 / classes)

    monkeypatch.setattr(information, "probabilities", check)
    samples = leaking("linear")
    description_length(samples._replace(embedding=samples.identity[:, None].astype(float)))
    usable_information(samples._replace(embedding=samples.identity[:, None].astype(float)))


def test_a_wrong_probe_has_less_than_no_information(monkeypatch):
    monkeypatch.setattr(
        information,
        "probabilities",
        lambda f, x, label, people, test, k, seed: np.tile([0.9, 0.1], (len(test), 1)),
    )
    rng = np.random.default_rng(0)
    table = usable_information(Samples(np.zeros((200, 1)), rng.permutation(np.arange(200) % 2)))
    cost = -(np.log2(0.9) + np.log2(0.1)) / 2
    assert table["bits"].tolist() == pytest.approx([1 - cost] * 2, abs=1e-3)
    assert (table["high"] < 0).all()


def test_the_interval_draws_people():
    rng = np.random.default_rng(0)
    value = rng.normal(size=400)
    low, high = _mean_interval(value, np.arange(400), 0)
    assert (low + high) / 2 == pytest.approx(value.mean(), abs=0.02)
    assert high - low == pytest.approx(2 * 1.96 * value.std() / 20, rel=0.1)
    assert _mean_interval(value.repeat(30), np.arange(400).repeat(30), 0) == pytest.approx((low, high))


@pytest.mark.slow
def test_samples_are_bounded_and_the_table_says_so():
    samples = leaking("none")
    assert usable_information(samples, folds=2, max_samples=60)["n"].tolist() == [60, 60]
    assert description_length(samples, max_samples=60)["n"].tolist() == [60, 60]
