import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from evaluation.leakage import permutation_null as tested
from evaluation.leakage import shuffled_units
from evaluation.leakage.fold_probes import PROBES, FoldProbes, balanced_accuracy, splits_of
from evaluation.leakage.permutation_null import permutation_tests
from evaluation.leakage.permutation_table import permutation_frame
from evaluation.leakage.shuffled_units import ShuffledUnits
from evaluation.samples.labelled_samples import Samples
from evaluation.samples.subject_folds import subject_folds
from tests.support.known_leaks import leaking
from tests.support.marks import slow

LEAST = 1 / 60  # p-value of 59 shuffles without an exceedance


@pytest.mark.parametrize(
    ("kind", "at_all", "beyond"),
    [
        ("linear", True, True),
        ("xor", True, True),
        slow("tiny", True, True),
        ("none", False, False),
        ("confounded", True, False),
        slow("constant", True, None),
    ],
)
def test_known_leaks(kind, at_all, beyond):
    results = permutation_tests(leaking(kind), permutations=59)
    found = {result.hypothesis: result for result in results}
    assert list(found) == ["readable at all", "beyond identity"][: len(results)]
    for hypothesis, right in (("readable at all", at_all), ("beyond identity", beyond)):
        if right is None:
            assert hypothesis not in found
        else:
            p = found[hypothesis].p_value
            assert (p == pytest.approx(LEAST)) if right else (p > 0.05)
    assert abs(found["readable at all"].null.mean() - 0.5) < 0.06


@pytest.mark.slow
def test_a_trait_of_subjects_with_wrong_labels():
    rng = np.random.default_rng(0)
    counts = rng.integers(1, 9, size=160)
    subjects = np.repeat(np.arange(160), counts)
    trait = rng.integers(2, size=160)
    label = np.where(rng.random(len(subjects)) < 0.25, 1 - trait[subjects], trait[subjects])
    x = rng.normal(size=(160, 8))[subjects] + 0.5 * rng.normal(size=(len(subjects), 8))
    x[:, 0] += 6 * trait[subjects]
    at_all, beyond = permutation_tests(Samples(x, label, subjects), permutations=99)
    assert at_all.p_value == 0.01
    assert at_all.statistic == pytest.approx(0.75, abs=0.05)
    assert beyond.p_value > 0.05
    assert len(beyond.label) < len(at_all.label) <= len(label)
    assert len(at_all.label) > 0.95 * len(label)  # the others are left out for equal counts
    assert len(np.unique(at_all.subjects)) == 160


def test_what_identity_tells_is_in_the_null_within_subjects():
    at_all, beyond = permutation_tests(leaking("confounded"), permutations=39)
    assert min(at_all.statistic, beyond.statistic) > 0.6  # who smiles often can be told ...
    assert at_all.null.mean() < 0.55
    assert beyond.null.mean() > 0.6  # ... and no more than that


def test_a_constant_attribute_without_leak():
    label = np.random.default_rng(3).integers(2, size=120)
    samples = leaking("none")
    (result,) = permutation_tests(samples._replace(label=label[samples.identity]), permutations=59)
    assert result.p_value > 0.05


def test_parity_of_eight_bits_is_out_of_reach():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(600, 8))
    (result,) = permutation_tests(Samples(x, (x > 0).sum(1) % 2, np.arange(600)), permutations=59)
    assert result.p_value > 0.05
    assert result.statistic < 0.56


@pytest.mark.parametrize("lengths", ["few huge", "random"])
def test_the_lengths_of_rows_hide_nothing(lengths):
    rng = np.random.default_rng(0)
    label = np.arange(450) % 2
    x = rng.normal(size=(450, 12))
    x[:, 0] += 6 * label - 3
    x *= np.where(np.arange(450) < 9, 1e18, 1)[:, None] if lengths == "few huge" else 1.0
    x *= np.exp(rng.normal(scale=5, size=(450, 1))) if lengths == "random" else 1.0
    (result,) = permutation_tests(Samples(x, label, np.arange(450)), permutations=59)
    assert result.statistic > 0.97
    assert result.p_value == pytest.approx(LEAST)
    assert PROBES[result.probe][1] != "standardised"
    standardised = [scaling == "standardised" for _, scaling in PROBES]
    assert result.correct[standardised].mean(1).max() < 0.9  # control


def test_statistic_and_p_value_of_known_readings(monkeypatch):
    """Two probes that answer from the embedding: the better one counts, in every labelling anew."""

    class Reader:
        def __init__(self, x, splits):
            self.answers = x.T.astype(int)

        def predict(self, labels):
            return np.repeat(self.answers[:, None], len(labels), axis=1)

    monkeypatch.setattr(shuffled_units, "FoldProbes", Reader)
    label = np.tile([0, 1, 1], 12)
    right_twice = np.tile([0, 1, 0], 12)
    samples = Samples(np.stack([1 - label, right_twice], 1), label, np.repeat(np.arange(12), 3))
    for result in permutation_tests(samples, permutations=300, folds=2):
        assert (result.statistic, result.probe) == (0.75, 1)
        exceeding = int((result.null >= 0.75).sum())
        assert result.exceedances == exceeding
        count = len(result.null)
        assert result.p_value == (20 / count if exceeding == 20 else (1 + exceeding) / 301)
        assert result.null.min() < 0.5  # the other probe is the better one for some
        np.testing.assert_array_equal(result.correct, label == samples.embedding.T)
        assert (len(result.label), len(np.unique(result.subjects)), result.blocks) == (36, 12, 36)


def test_batches_do_not_change_the_shuffles(monkeypatch):
    whole = permutation_tests(leaking("linear", people=30), permutations=30)
    monkeypatch.setattr(tested, "_FIRST", 7)
    monkeypatch.setattr(tested, "_BATCH", 5)
    parts = permutation_tests(leaking("linear", people=30), permutations=30)
    for one, other in zip(whole, parts, strict=True):
        np.testing.assert_array_equal(one.null, other.null)


def test_subjects_whom_the_shuffle_does_not_touch_are_not_scored():
    samples = leaking("linear", people=40)
    same = samples.identity < 10
    at_all, beyond = permutation_tests(
        samples._replace(label=np.where(same, 1, samples.label)), permutations=5
    )
    assert (len(at_all.label), len(beyond.label)) == (240, 180)
    assert len(np.unique(beyond.subjects)) == 30


def test_unknown_subjects_are_one_each_unknown_labels_left_out():
    samples = leaking("linear", people=20)
    label = np.where(np.arange(120) < 20, -1, samples.label)
    (result,) = permutation_tests(Samples(samples.embedding, label, np.full(120, -1)), permutations=19)
    assert (len(result.label), len(np.unique(result.subjects))) == (100, 100)
    assert result.p_value == 1 / 20


def test_a_block_is_shuffled_as_one():
    rng = np.random.default_rng(0)
    samples = leaking("none", people=40)
    block = np.arange(240) // 3
    label = rng.integers(2, size=80)[block]
    results = permutation_tests(samples._replace(label=label, block=block), permutations=9)
    assert results[0].blocks == 80
    units = ShuffledUnits(samples.embedding, block, label[::3], np.repeat(np.arange(40), 2))
    for scheme in ("across subjects", "within subjects"):
        (labels,) = tested._batches(units, scheme, 9, seed=0)
        assert (labels.reshape(9, 80, 3) == labels.reshape(9, 80, 3)[:, :, :1]).all()


@pytest.mark.slow
@pytest.mark.parametrize("images", [3, 6])
def test_frames_of_one_take_raise_no_more_false_alarms(images):
    results = []
    for seed in range(8):
        rng = np.random.default_rng(seed)
        take = np.repeat(np.arange(80), images)
        x = rng.normal(size=(40, 16))[take // 2] + rng.normal(size=(80, 16))[take]
        x += 0.1 * rng.normal(size=x.shape)
        samples = Samples(x, rng.integers(2, size=80)[take], take // 2)
        results.append(permutation_tests(samples, 39, seed=seed)[-1])
    assert {result.blocks % 2 for result in results} == {0}  # two takes of each subject of two classes
    assert max(result.blocks for result in results) < 80
    assert np.mean([result.p_value <= 0.05 for result in results]) <= 0.25


def test_chance_depends_on_the_seed_alone():
    samples = leaking("none", people=30)
    first, again, other = (
        permutation_tests(samples, permutations=9, max_samples=100, seed=seed)[0] for seed in (1, 1, 2)
    )
    assert (first.null == again.null).all()
    assert (first.null != other.null).any()
    assert len(first.label) == 96  # sixteen subjects of six images


def test_too_few_subjects_are_refused():
    with pytest.raises(ValueError, match="are of 4 people; 5 are needed"):
        permutation_tests(leaking("linear", people=4))


def test_the_table_has_the_reading_of_the_best_probe():
    results = permutation_tests(leaking("xor"), permutations=59)
    table = permutation_frame(results)
    assert table["hypothesis"].tolist() == ["readable at all", "beyond identity"]
    assert (table["attacker"] == "kernel_rbf").all()
    for row, result in zip(table.to_dict("records"), results, strict=True):
        assert row["low"] < row["statistic"] < row["high"]
        assert (row["n"], row["people"], row["blocks"], row["permutations"]) == (720, 120, result.blocks, 59)
        read = np.where(result.correct[result.probe], result.label, 1 - result.label)
        assert balanced_accuracy_score(result.label, read) == pytest.approx(row["statistic"])
        assert row["null_mean"] < row["null_high"] < row["statistic"]


def test_probes_predict_subjects_that_they_did_not_learn_from():
    samples = leaking("linear", people=20)
    probes = FoldProbes(samples.embedding, splits_of(samples.identity, 4, seed=0))
    labels = np.stack([samples.label, 1 - samples.label])
    before = probes.predict(labels)
    train, test = next(iter(subject_folds(np.zeros(120, int), samples.identity, 4, 0)))
    labels[:, test] = 0  # of no importance for the prediction of these
    np.testing.assert_array_equal(probes.predict(labels)[:, :, test], before[:, :, test])
    assert (probes.predict(labels)[:, :, train] != before[:, :, train]).any()


def test_balanced_accuracy_is_that_of_scikit_learn():
    rng = np.random.default_rng(0)
    label, read = rng.integers(3, size=(2, 4, 50))
    label = rng.permuted(np.tile(label[:1], (4, 1)), axis=1)
    expected = [balanced_accuracy_score(*one) for one in zip(label, read, strict=True)]
    np.testing.assert_allclose(balanced_accuracy(read, label), expected)
    one = [balanced_accuracy_score(label[0], each) for each in read]
    np.testing.assert_allclose(balanced_accuracy(read, label[0]), one)
