import itertools

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from datamodules.errors import DatasetError
from datamodules.sampling.biased_sample import BiasedSample, draw_biased_sample

NAMES = ("attractive", "gender", "smiling")
CELLS = list(itertools.product((0, 1), repeat=3))


def _labels(sizes: dict[tuple[int, int, int], int], unknown: int = 0, seed: int = 0) -> dict[str, np.ndarray]:
    rows = np.array([cell for cell, size in sizes.items() for _ in range(size)], dtype=np.int64).reshape(
        -1, 3
    )
    rows = np.concatenate(
        [rows, np.random.default_rng(seed).permutation(np.tile([[-1, 0, 1], [1, -1, 0]], (unknown, 1)))]
    )
    rows = np.random.default_rng(seed).permutation(rows)
    return dict(zip(NAMES, rows.T, strict=True))


def _counts(labels: dict[str, np.ndarray], chosen: np.ndarray) -> dict[tuple[int, int, int], int]:
    rows = list(zip(*(labels[name][chosen].tolist() for name in NAMES), strict=True))
    assert set(rows) <= set(CELLS)
    return {cell: rows.count(cell) for cell in CELLS}


EQUAL = dict.fromkeys(CELLS, 7000)


@pytest.mark.parametrize(("share", "trend"), [(0.5, 4500), (0.7, 6300), (0.3, 2700), (0.0, 0)])
def test_the_thesis_compositions(share: float, trend: int) -> None:
    labels = _labels(EQUAL | (dict.fromkeys(CELLS, 9000) if share == 0 else {}), unknown=500)
    chosen = draw_biased_sample(labels, BiasedSample(n=36_000, share=share), seed=0)
    assert _counts(labels, chosen) == {(t, b, s): trend if t == s else 9000 - trend for t, b, s in CELLS}
    assert len(np.unique(chosen)) == 36_000
    assert (np.diff(chosen) > 0).all()


def test_the_test_set_of_the_thesis_has_500_in_each_cell() -> None:
    labels = _labels(dict.fromkeys(CELLS, 500))
    assert set(_counts(labels, draw_biased_sample(labels, BiasedSample(n=4000), seed=1)).values()) == {500}


def test_share_one_needs_half_of_the_cells_alone() -> None:
    labels = _labels({(t, b, s): 5 * (t == s) for t, b, s in CELLS})
    assert draw_biased_sample(labels, BiasedSample(share=1.0), seed=0).tolist() == list(range(20))


@given(
    sizes=st.lists(st.integers(0, 12), min_size=8, max_size=8),
    share=st.one_of(st.sampled_from([0.0, 0.3, 0.5, 0.7, 0.9, 1.0]), st.floats(0, 1)),
    seed=st.integers(0, 1000),
)
@settings(max_examples=150, deadline=None)
def test_the_largest_sample_fits_and_the_next_does_not(sizes: list[int], share: float, seed: int) -> None:
    have = dict(zip(CELLS, sizes, strict=True))
    labels = _labels(have, unknown=3, seed=seed)

    def attempt(n: int) -> bool:
        try:
            chosen = draw_biased_sample(labels, BiasedSample(n=n, share=share), seed)
        except DatasetError:
            return False
        counts = _counts(labels, chosen)
        for t, b in itertools.product((0, 1), repeat=2):
            assert counts[t, b, 0] + counts[t, b, 1] == n // 4
            assert abs(counts[t, b, t] - share * n / 4) <= 0.5 + 1e-9
        assert all(counts[cell] <= have[cell] for cell in CELLS)
        return True

    fits = [n for n in range(4, 120, 4) if attempt(n)]
    assert fits == list(range(4, max(fits, default=0) + 4, 4))
    if fits:
        assert len(draw_biased_sample(labels, BiasedSample(share=share), seed)) == max(fits)
    else:
        with pytest.raises(DatasetError, match="not even n = 4 fits"):
            draw_biased_sample(labels, BiasedSample(share=share), seed)


def test_the_seed_decides_the_draw() -> None:
    labels = _labels(dict.fromkeys(CELLS, 100))
    spec = BiasedSample(n=200)
    draws = [draw_biased_sample(labels, spec, seed).tolist() for seed in (0, 0, 1)]
    assert draws[0] == draws[1]
    assert draws[0] != draws[2]


def test_every_image_of_a_cell_has_the_same_chance() -> None:
    labels = _labels(dict.fromkeys(CELLS, 10))
    drawn = np.zeros(80)
    for seed in range(600):
        drawn[draw_biased_sample(labels, BiasedSample(n=40), seed)] += 1
    # binomial(600, 1/2), five standard deviations; n / 4 * 0.5 is 5 of the 10 of each cell
    assert np.abs(drawn - 300).max() < 5 * np.sqrt(150)


def test_cells_are_drawn_independently() -> None:
    labels = dict(zip(NAMES, np.repeat(np.array(CELLS), 50, axis=0).T, strict=True))
    chosen = draw_biased_sample(labels, BiasedSample(n=200), seed=0)
    assert len({tuple(chosen[25 * k : 25 * k + 25] % 50) for k in range(8)}) == 8


def test_smaller_samples_are_part_of_larger_ones() -> None:
    labels = _labels(dict.fromkeys(CELLS, 100))
    small, large = (set(draw_biased_sample(labels, BiasedSample(n=n), 3).tolist()) for n in (80, 240))
    assert small < large
    biased = set(draw_biased_sample(labels, BiasedSample(n=240, share=0.7), 3).tolist())
    assert len(biased & large) == 240 - 4 * 12


def test_the_error_names_the_cells_and_the_largest_that_fits() -> None:
    labels = _labels(dict.fromkeys(CELLS, 20) | {(1, 1, 0): 3, (0, 1, 0): 9}, unknown=9)
    with pytest.raises(DatasetError) as caught:
        draw_biased_sample(labels, BiasedSample(n=80, share=0.7), seed=0)
    for fact in (
        "attractive=0,gender=1,smiling=0 (9 of 14)",
        "attractive=1,gender=1,smiling=0 (3 of 6)",
        "largest n that fits is 44",
    ):
        assert fact in str(caught.value)
    draw_biased_sample(labels, BiasedSample(n=44, share=0.7), seed=0)


@pytest.mark.parametrize("n", [None, 400])
def test_nothing_fits(n: int | None) -> None:
    labels = _labels(dict.fromkeys(CELLS, 20) | {(1, 0, 1): 0})
    with pytest.raises(
        DatasetError, match=r"attractive=1,gender=0,smiling=1 \(0 of \d+\).*not even n = 4 fits"
    ):
        draw_biased_sample(labels, BiasedSample(n=n, share=0.9), seed=0)


@pytest.mark.parametrize(
    ("kwargs", "message"),
    [
        ({"n": 10}, "n is 10, it must be a multiple of 4; nearest is 8"),
        ({"n": 4001}, "multiple of 4; nearest is 4000"),
        ({"n": 4003}, "multiple of 4; nearest is 4004"),
        ({"n": 0}, "multiple of 4; nearest is 4"),
        ({"n": -8}, "multiple of 4; nearest is 4"),
        ({"share": 1.2}, "share is 1.2, it must lie between 0 and 1"),
        ({"share": float("nan")}, "share is nan"),
        ({"target": "gender"}, "must differ, got gender, gender, smiling"),
        ({"bias": "attractive"}, "must differ"),
    ],
)
def test_impossible_samples_are_refused_at_once(kwargs: dict, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        BiasedSample(**kwargs)


def test_attributes_must_exist_and_be_binary() -> None:
    attributes = {"attractive": ("no", "yes"), "gender": ("female", "male"), "ethnicity": ("a", "b", "c")}
    with pytest.raises(ValueError, match="attribute 'smiling' is unknown; binary are attractive, gender$"):
        BiasedSample().check(attributes)
    with pytest.raises(ValueError, match="attribute 'ethnicity' is not binary"):
        BiasedSample(bias="ethnicity").check(attributes)
    BiasedSample().check(attributes | {"smiling": ("no", "yes")})
