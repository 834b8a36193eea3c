import itertools
from collections import Counter

import numpy as np
import pytest

from evaluation.leakage.shuffled_labels import SCHEMES, even_counts, possible_schemes, shuffled, varies

SUBJECTS = np.array([0, 2, 0, 1, 1, 2, 3, 2, 4])


def _many(wrong: float, count: int = 200, images: int = 3) -> tuple[np.ndarray, np.ndarray]:
    """Draw a trait of subjects that some of the images deny."""
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(count), images)
    label = subjects % 2
    return np.where(rng.random(len(label)) < wrong, 1 - label, label), subjects


def test_who_varies():
    label = np.array([0, 1, 0, 1, 0, 1, 2, 1, 0])
    assert varies(label, SUBJECTS).tolist() == [False, True, False, False, False]


def test_within_subjects_every_order_is_equally_likely():
    rng = np.random.default_rng(0)
    label = np.array([0, 3, 1, 5, 5, 3, 7, 4, 8])  # 0, 1 of subject 0; 5, 5; 3, 3, 4; 7; 8
    seen = Counter(tuple(shuffled(label, SUBJECTS, "within subjects", rng)) for _ in range(3000))
    possible = set()
    for first, third in itertools.product([(0, 1), (1, 0)], [(3, 3, 4), (3, 4, 3), (4, 3, 3)]):
        one = label.copy()
        one[SUBJECTS == 0], one[SUBJECTS == 2] = first, third
        possible.add(tuple(one))
    assert set(seen) == possible
    assert min(seen.values()) > 400  # 500 expected, standard deviation 20


def test_across_subjects_equals_exchange_all_their_labels():
    rng = np.random.default_rng(0)
    subjects = np.array([0, 0, 1, 1, 2, 2, 2, 3, 4])
    label = np.array([0, 0, 1, 2, 3, 3, 4, 5, 6])
    seen = Counter(tuple(shuffled(label, subjects, "across subjects", rng)) for _ in range(4800))
    pairs = [(0, 0, 1, 2), (0, 0, 2, 1), (1, 2, 0, 0), (2, 1, 0, 0)]  # 0 and 1 exchange
    alone = [(3, 3, 4), (3, 4, 3), (4, 3, 3)]  # 2 has no equal: its own labels, in any order
    singles = [(5, 6), (6, 5)]
    assert set(seen) == {(*a, *b, *c) for a, b, c in itertools.product(pairs, alone, singles)}
    assert min(seen.values()) > 140  # 200 expected, standard deviation 14


def test_labels_that_a_subject_shares_stay_together():
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(30), 4)[rng.permutation(120)]
    label = subjects % 3
    for _ in range(20):
        found = shuffled(label, subjects, "across subjects", rng)
        assert not varies(found, subjects).any()
        np.testing.assert_array_equal(np.bincount(found), np.bincount(label))
    assert (found != label).any()


@pytest.mark.parametrize("scheme", SCHEMES)
def test_a_shuffle_loses_no_label(scheme):
    rng = np.random.default_rng(0)
    subjects = np.unique(rng.integers(40, size=200), return_inverse=True)[1]
    label = np.where(subjects % 3 == 0, subjects % 2, rng.integers(2, size=200))
    for _ in range(20):
        found = shuffled(label, subjects, scheme, rng)
        np.testing.assert_array_equal(np.bincount(found), np.bincount(label))
        if scheme == "within subjects":
            np.testing.assert_array_equal(varies(found, subjects), varies(label, subjects))


@pytest.mark.parametrize(("wrong", "both"), [(0.0, False), (0.02, False), (0.25, True), (0.5, True)])
def test_the_schemes_follow_the_attribute_not_its_wrong_labels(wrong, both):
    assert possible_schemes(*_many(wrong)) == list(SCHEMES)[: 1 + both]


def test_two_images_of_a_rare_class_show_that_it_changes():
    rng = np.random.default_rng(0)
    subjects = np.repeat(np.arange(300), 2)
    label = (rng.random(600) < 0.1).astype(int)
    assert varies(label, subjects).mean() < 0.25
    assert "within subjects" in possible_schemes(label, subjects)


def test_few_subjects_leave_only_the_exchange_across():
    assert possible_schemes(np.arange(8) % 2, np.arange(8)) == ["across subjects"]
    assert possible_schemes(*_many(0.5, count=9)) == ["across subjects"]


def test_equal_counts_lose_nothing():
    assert even_counts(np.repeat(np.arange(20), 5), np.random.default_rng(0)).all()


@pytest.mark.parametrize(
    ("counts", "kept"),
    [
        ([9] * 12 + [10] * 2 + [1] * 30, [9] * 14 + [1] * 30),  # the two that are nearly like the twelve
        ([100] * 4 + [1] * 30, [100] * 4 + [1] * 30),  # four may exchange among themselves
        ([100] + [1] * 30, [1] * 31),  # alone, it could exchange with nobody
        ([1, 2], [1, 1]),
    ],
)
def test_groups_of_similar_counts_waste_little(counts, kept):
    subjects = np.repeat(np.arange(len(counts)), counts)
    chosen = even_counts(subjects, np.random.default_rng(0))
    np.testing.assert_array_equal(np.bincount(subjects[chosen]), kept)


def test_groups_waste_no_more_than_any_other_partition():
    rng = np.random.default_rng(0)
    for _ in range(20):
        sizes, count = np.unique(rng.integers(1, 30, size=12), return_counts=True)

        def waste(minima, sizes=sizes, count=count):
            return (count * (sizes - minima)).sum() + np.unique(minima).sum()

        partitions = itertools.product([False, True], repeat=len(sizes) - 1)
        least = min(waste(sizes[np.maximum.accumulate(np.arange(len(sizes)) * [1, *p])]) for p in partitions)
        subjects = np.repeat(np.arange(count.sum()), np.repeat(sizes, count))
        kept = np.bincount(subjects[even_counts(subjects, rng)])
        found = np.array([kept[np.repeat(sizes, count) == one][0] for one in sizes])
        assert waste(found) == least


def test_which_units_are_left_out_is_random():
    subjects = np.repeat([0, 1], [2, 3])
    seen = Counter(tuple(even_counts(subjects, np.random.default_rng(seed))[2:]) for seed in range(300))
    assert len(seen) == 3
    assert min(seen.values()) > 70  # 100 expected, standard deviation 8
