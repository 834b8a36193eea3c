import numpy as np
import pytest
from sklearn.metrics import balanced_accuracy_score

from evaluation.leakage import suppression as tested
from evaluation.leakage.suppression import SHARES, suppression
from evaluation.probes.kernel_probe import KernelProbe
from evaluation.samples.labelled_samples import Samples
from evaluation.samples.subject_folds import subject_folds
from tests.support.known_leaks import leaking


def test_the_table():
    table = suppression(leaking("linear", people=30, width=20), draws=3)
    columns = ["share_removed", "draw", "features", "balanced_accuracy", "chance"]
    assert table.columns.tolist() == columns
    assert table["share_removed"].tolist() == [*SHARES] * 3
    assert table["draw"].tolist() == np.repeat([0, 1, 2], len(SHARES)).tolist()
    assert table["features"].tolist() == [20, 18, 16, 14, 12, 10, 8, 6, 4, 2, 1] * 3
    assert (table["chance"] == 0.5).all()


def test_without_removal_each_draw_is_the_probe_on_its_fold():
    samples = leaking("xor", people=40)
    table = suppression(samples, shares=[0], draws=7)
    expected = []
    for train, test in subject_folds(samples.label, samples.identity, 5, 0):
        probe = KernelProbe(samples.embedding[train], samples.embedding[test], "rbf")
        read = probe.predict(samples.label[None, train])[0]
        expected.append(balanced_accuracy_score(samples.label[test], read))
    assert table["balanced_accuracy"].tolist() == pytest.approx([*expected, *expected[:2]])


@pytest.mark.slow
def test_a_redundant_leak_survives_and_a_single_one_does_not():
    rng = np.random.default_rng(0)
    label = np.arange(600) % 2
    everywhere = rng.normal(size=(600, 30)) + 1.2 * label[:, None]
    once = rng.normal(size=(600, 30))
    once[:, 4] += 4 * label
    shares = [0, 0.5, 0.9]
    table = suppression(Samples(everywhere, label), shares)
    curve = table.groupby("share_removed")["balanced_accuracy"].mean()
    assert curve[0] > 0.95
    assert curve[0.5] > 0.9
    assert 0.6 < curve[0.9] < curve[0.5]
    lost = suppression(Samples(once, label), shares, draws=10)
    assert (lost.loc[lost["share_removed"] == 0, "balanced_accuracy"] > 0.8).all()
    halves = lost.loc[lost["share_removed"] == 0.5, "balanced_accuracy"]
    assert ((halves > 0.8) | (abs(halves - 0.5) < 0.2)).all()  # all or nothing
    assert 0 < (halves > 0.8).sum() < 10


def test_the_features_of_a_draw_are_nested(monkeypatch):
    kept = []

    class Spy:
        def __init__(self, train, test, kernel):
            kept.append(set(train[0].astype(int)))
            self.size = len(test)

        def predict(self, label):
            return np.zeros((1, self.size), int)

    monkeypatch.setattr(tested, "KernelProbe", Spy)
    x = np.tile(np.arange(40.0), (50, 1))
    suppression(Samples(x, np.arange(50) % 2), [0, 0.5, 0.9], draws=2)
    for all_of, half, tenth in (kept[:3], kept[3:]):
        assert all_of == set(range(40))
        assert tenth < half < all_of
        assert (len(half), len(tenth)) == (20, 4)
    assert kept[1] != kept[4]


def test_the_sample_is_bounded_and_the_seed_counts():
    samples = leaking("none", people=60)
    first = suppression(samples, [0.5], max_samples=120, seed=1)
    assert first.equals(suppression(samples, [0.5], max_samples=120, seed=1))
    assert not first.equals(suppression(samples, [0.5], max_samples=120, seed=2))
    assert not first.equals(suppression(samples, [0.5], seed=1))


@pytest.mark.parametrize("share", [-0.1, 1.0])
def test_shares_that_leave_nothing_or_more_than_all_are_refused(share):
    with pytest.raises(ValueError, match=r"must be in \[0, 1\)"):
        suppression(leaking("none"), [share])
