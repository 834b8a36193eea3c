import numpy as np
import pytest

from evaluation.leakage import permutation_null as tested
from evaluation.leakage.permutation_null import permutation_test
from evaluation.samples.labelled_samples import Samples
from tests.support.known_leaks import leaking


@pytest.mark.parametrize(
    ("kind", "scheme", "found"),
    [
        ("linear", "within people", True),
        ("xor", "within people", True),
        ("tiny", "within people", True),
        ("none", "within people", False),
        ("confounded", "within people", False),
        ("constant", "over people", True),
    ],
)
def test_known_leaks(kind, scheme, found):
    result = permutation_test(leaking(kind), permutations=59)
    assert result.scheme == scheme
    assert result.null.shape == (59,)
    assert (result.p_value == 1 / 60) if found else (result.p_value > 0.05)
    assert abs(result.null.mean() - 0.5) < 0.06 or kind == "confounded"


def test_what_identity_tells_is_in_the_null_as_well():
    result = permutation_test(leaking("confounded"), permutations=19)
    assert result.statistic > 0.6  # who smiles often can be told ...
    assert result.null.mean() > 0.6  # ... and no more than that


def test_a_constant_attribute_without_leak():
    samples = leaking("none")
    rng = np.random.default_rng(3)
    result = permutation_test(
        samples._replace(label=rng.integers(2, size=120)[samples.identity]), permutations=59
    )
    assert result.scheme == "over people"
    assert result.p_value > 0.05


def test_the_statistic_and_p_value_of_known_readings(monkeypatch):
    """Two probes that answer from the embedding: the better one counts, in every labelling anew."""

    class Reader:
        def __init__(self, train, test, kernel):
            self.answer = test[:, 0 if kernel == "linear" else 1].astype(int)

        def predict(self, label):
            return np.tile(self.answer, (len(label), 1))

    monkeypatch.setattr(tested, "KernelProbe", Reader)
    label = np.tile([0, 1, 1], 4)
    right_twice = np.tile([0, 1, 0], 4)
    never = 1 - label
    samples = Samples(np.stack([never, right_twice], 1), label, np.repeat(np.arange(4), 3))
    result = permutation_test(samples, permutations=30, folds=2)
    assert result.statistic == pytest.approx((1 + 1 / 2) / 2)
    assert result.p_value == (1 + (result.null >= 0.75).sum()) / 31
    assert result.null.min() < 0.5  # p is not 1 for nothing
    assert (result.n, result.subjects) == (12, 4)


def test_people_whom_the_shuffle_does_not_touch_are_not_scored():
    samples = leaking("linear", people=40)
    same = samples.identity < 10
    result = permutation_test(samples._replace(label=np.where(same, 1, samples.label)), permutations=5)
    assert (result.scheme, result.n, result.subjects) == ("within people", 180, 30)


def test_unknown_people_are_one_each_and_unknown_labels_left_out():
    samples = leaking("linear", people=20)
    label = np.where(np.arange(120) < 20, -1, samples.label)
    result = permutation_test(Samples(samples.embedding, label, np.full(120, -1)), permutations=19)
    assert (result.scheme, result.n, result.subjects) == ("over people", 100, 100)
    assert result.p_value == 1 / 20


def test_chance_depends_on_the_seed_alone():
    samples = leaking("none", people=30)
    first = permutation_test(samples, permutations=9, max_samples=100, seed=1)
    again = permutation_test(samples, permutations=9, max_samples=100, seed=1)
    other = permutation_test(samples, permutations=9, max_samples=100, seed=2)
    assert (first.null == again.null).all()
    assert (first.null != other.null).any()
    assert first.n == 96  # sixteen people of six images


def test_too_few_people_are_refused():
    with pytest.raises(ValueError, match="are of 4 people; 5 are needed"):
        permutation_test(leaking("linear", people=4))
