import numpy as np
import pandas as pd
import pytest
from evaluation.leakage.paired_readings import paired_readings
from evaluation.leakage.strongest_reading import strongest_reading

from evaluation.audit.readings import compare_readings, pack_correct
from evaluation.audit.rows import AuditRows
from evaluation.samples.representations import Representations

N = 200
RNG = np.random.default_rng(0)
LABEL = np.where(np.arange(N) < 10, -1, np.arange(N) % 2)  # ten samples are of unknown class
IDENTITY = np.arange(N) // 2
ROWS = AuditRows(np.arange(N), np.arange(0), "all")


def representations(lacking=0):
    """Two representations; the second lacks the last samples."""
    after = np.zeros((N, 2))
    after[N - lacking :] = np.nan
    return Representations(
        {"x": np.zeros((N, 2)), "y": after}, {"a": LABEL}, {"a": ("0", "1")}, IDENTITY, np.full(N, -1),
        np.array([str(n) for n in range(N)]),
    )  # fmt: skip


def packed(name, *readings):
    table = pd.DataFrame(
        [
            {"attacker": attacker, "scaling": scaling, "learned_from": source, "spread": np.nan}
            for attacker, scaling, source, _ in readings
        ]
    )
    correct = np.stack([right for *_, right in readings])
    return pack_correct(table, correct).assign(representation=name, attribute="a")


def right(share, n=N - 10):
    return (RNG.random(n) < share).astype(float)


def test_the_strongest_of_all_sources_and_scalings_counts():
    weak, strong = right(0.5), right(0.9)
    x = packed("x", ("linear", "standardised", "unseen", weak), ("mlp", "unit", "also training", strong))
    y = packed("y", ("linear", "standardised", "unseen", weak))
    found = compare_readings(pd.concat([x, y]), representations(), ROWS, ["a"], seed=0)
    best = found["strongest"].set_index("representation").loc["x"]
    known = LABEL >= 0
    expected = strongest_reading(LABEL[known], IDENTITY[known], np.stack([weak, strong]), seed=0)
    assert best[["attacker", "scaling", "learned_from"]].tolist() == ["mlp", "unit", "also training"]
    assert best["balanced_accuracy"] == pytest.approx(expected.balanced_accuracy)
    assert (best["low"], best["high"]) == pytest.approx((expected.low, expected.high))
    assert best["chance"] == 0.5


def test_changes_are_paired_over_the_samples_that_both_have():
    before, after = right(0.9), right(0.6, N - 10 - 40)
    x, y = packed("x", ("linear", "raw", "unseen", before)), packed("y", ("linear", "raw", "unseen", after))
    found = compare_readings(pd.concat([x, y]), representations(lacking=40), ROWS, ["a"], seed=0)["removed"]
    known = np.arange(10, N - 40)
    expected = paired_readings(LABEL[known], IDENTITY[known], before[None, :-40], after[None])
    strongest = found.set_index("attacker").loc["strongest"]
    assert strongest["n"] == len(known)
    assert strongest["before"] == pytest.approx(expected.before.balanced_accuracy)
    assert strongest["difference_low"] == pytest.approx(expected.difference_low)
    assert strongest["removed"] == pytest.approx(expected.removed)
    assert found["attacker"].tolist() == ["strongest", "linear"]


def test_one_representation_is_compared_with_nothing():
    one = packed("x", ("linear", "raw", "unseen", right(0.9)))
    alone, _ = representations().alone("x")
    assert list(compare_readings(one, alone, ROWS, ["a"], seed=0)) == ["strongest"]
