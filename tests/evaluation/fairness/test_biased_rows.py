import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datamodules.sampling.biased_sample import BiasedSample, draw_biased_sample
from evaluation.fairness.biased_rows import biased_rows


def some_labels(n=800, seed=0):
    rng = np.random.default_rng(seed)
    labels = {
        name: rng.choice([-1, 0, 1], n, p=[0.1, 0.3, 0.6]) for name in ("attractive", "smiling", "gender")
    }
    return labels | {"ethnicity": rng.integers(-1, 3, n)}


LABELS = some_labels()
ALL = np.arange(800)


def cells(rows, *names):
    """Count the rows of each combination of labels."""
    found, size = np.unique(np.stack([LABELS[name][rows] for name in names], 1), axis=0, return_counts=True)
    return {tuple(cell): int(k) for cell, k in zip(found.tolist(), size, strict=True)}


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 999), st.integers(50, 95), st.integers(0, 5), st.none() | st.integers(1, 40))
def test_it_draws_what_the_samples_of_training_runs_draw(seed, percent, data_seed, blocks):
    labels, share = some_labels(seed=data_seed), percent / 100
    spec = BiasedSample(share=share)
    largest = len(draw_biased_sample(labels, spec, seed))
    n = None if blocks is None else min(4 * blocks, largest)
    ours = biased_rows(labels, ALL, "attractive", "smiling", "gender", bias=share, n=n, seed=seed)
    np.testing.assert_array_equal(
        ours, draw_biased_sample(labels, BiasedSample(n=n or largest, share=share), seed)
    )


def test_the_thesis_composition():
    rows = biased_rows(LABELS, ALL, "attractive", "smiling", "gender", bias=0.7, n=80)
    assert cells(rows, "attractive", "gender", "smiling") == {
        **{(1, g, 1): 14 for g in (0, 1)},
        **{(1, g, 0): 6 for g in (0, 1)},
        **{(0, g, 1): 6 for g in (0, 1)},
        **{(0, g, 0): 14 for g in (0, 1)},
    }
    assert (np.diff(rows) > 0).all()


def test_without_balance_and_with_three_classes():
    rows = biased_rows(LABELS, ALL, "attractive", "smiling", bias=0.75, n=80)
    assert cells(rows, "attractive", "smiling") == {(0, 0): 30, (0, 1): 10, (1, 0): 10, (1, 1): 30}
    rows = biased_rows(LABELS, ALL, "attractive", "smiling", "ethnicity", n=49)
    assert len(rows) == 48
    assert set(cells(rows, "attractive", "ethnicity", "smiling").values()) == {4}


def test_only_the_given_rows_are_drawn():
    some = ALL[100:500]
    drawn = biased_rows(LABELS, some, "attractive", "smiling", bias=0.6)
    assert np.isin(drawn, some).all()
    assert len(drawn) > 100


@pytest.mark.parametrize("bias", [0.5, 0.7, 0.95])
def test_more_than_there_are_is_as_many_as_there_are(bias):
    drawn = biased_rows(LABELS, ALL, "attractive", "smiling", "gender", bias=bias, n=4000)
    np.testing.assert_array_equal(
        drawn, biased_rows(LABELS, ALL, "attractive", "smiling", "gender", bias=bias)
    )
    # one more of each block would ask some cell for more than it has
    block = len(drawn) // 4 + 1
    along = int(np.floor(block * bias + 0.5))
    have = cells(ALL, "attractive", "gender", "smiling")
    assert any(
        have[t, b, g] < (along if t == g else block - along) for t in (0, 1) for b in (0, 1) for g in (0, 1)
    )


def test_samples_of_one_seed_share_what_they_can():
    def draw(bias, n, seed=3):
        return set(biased_rows(LABELS, ALL, "attractive", "smiling", "gender", bias=bias, n=n, seed=seed))

    assert draw(0.7, 40) < draw(0.7, 80)
    assert len(draw(0.5, 80) & draw(0.7, 80)) == 64  # 20 a block: 10 of 10 one way, 6 of 10 the other
    assert draw(0.7, 80, seed=4) != draw(0.7, 80)


def test_the_extremes_need_no_other_cells():
    only = np.array([i for i in ALL if LABELS["attractive"][i] == LABELS["smiling"][i] >= 0])
    assert len(biased_rows(LABELS, only, "attractive", "smiling", bias=1.0)) > 100
    with pytest.raises(ValueError, match="no sample with attractive=0, smiling=1 among .*; a bias of 0.95"):
        biased_rows(LABELS, only, "attractive", "smiling", bias=0.95)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bias": 1.2}, "bias is 1.2, it must lie between 0 and 1"),
        ({"balance": "ethnicity", "n": 5}, "5 samples cannot be balanced over 6 blocks; ask for 6 or more"),
        (
            {"rows": np.flatnonzero(LABELS["gender"] != 1)},
            "no sample with attractive=0, gender=1, smiling=0 among",
        ),
        ({"labels": LABELS | {"gender": np.full(800, -1)}}, "gender is unknown in all samples"),
    ],
)
def test_what_cannot_be_drawn_is_refused(change, message):
    arguments = {"labels": LABELS, "rows": ALL, "balance": "gender"} | change
    with pytest.raises(ValueError, match=message):
        biased_rows(target="attractive", group="smiling", **arguments)
