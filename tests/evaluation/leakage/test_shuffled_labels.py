import itertools
from collections import Counter

import numpy as np
import pytest

from evaluation.leakage.shuffled_labels import choose_scheme, shuffled, varies

PEOPLE = np.array([0, 2, 0, 1, 1, 2, 3, 2, 4])


def test_who_varies():
    assert varies(np.array([0, 1, 0, 1, 0, 1, 2, 1, 0]), PEOPLE).tolist() == [
        False,
        True,
        False,
        False,
        False,
    ]


def test_within_people_every_order_is_equally_likely():
    rng = np.random.default_rng(0)
    label = np.array([0, 3, 1, 5, 5, 3, 7, 4, 8])  # 0, 1 of person 0; 5, 5; 3, 3, 4; 7; 8
    seen = Counter(tuple(shuffled(label, PEOPLE, "within people", rng)) for _ in range(3000))
    possible = set()
    for first, third in itertools.product([(0, 1), (1, 0)], [(3, 3, 4), (3, 4, 3), (4, 3, 3)]):
        one = label.copy()
        one[PEOPLE == 0], one[PEOPLE == 2] = first, third
        possible.add(tuple(one))
    assert set(seen) == possible
    assert min(seen.values()) > 400  # 500 expected, standard deviation 20


def test_over_people_labels_change_hands_as_wholes():
    rng = np.random.default_rng(0)
    label = np.array([0, 1, 0, 2, 2, 1, 0, 1, 1])  # the people's classes: 0, 2, 1, 0, 1
    given = np.array([0, 2, 1, 0, 1])
    seen = Counter()
    for _ in range(6000):
        found = shuffled(label, PEOPLE, "over people", rng)
        assert not varies(found, PEOPLE).any()
        seen[tuple(found[np.unique(PEOPLE, return_index=True)[1]])] += 1
    assert set(seen) == set(itertools.permutations(given))
    assert len(seen) == 30
    assert min(seen.values()) > 140  # 200 expected, standard deviation 14


def test_over_people_whose_labels_differ_only_equals_trade():
    rng = np.random.default_rng(0)
    people = np.array([0, 0, 1, 1, 2, 2, 2, 3, 4, 4])
    label = np.array([0, 1, 1, 0, 0, 1, 1, 1, 0, 0])  # 0 and 1 trade; 2 has no equal; 3 and 4 trade
    seen = {tuple(shuffled(label, people, "over people", rng)) for _ in range(200)}
    assert seen == {
        (*pair, 0, 1, 1, *rest)
        for pair, rest in itertools.product([(0, 1, 1, 0), (1, 0, 0, 1)], [(1, 0, 0), (0, 1, 1)])
    }


@pytest.mark.parametrize("scheme", ["within people", "over people"])
def test_a_shuffle_keeps_what_scheme_and_score_depend_on(scheme):
    rng = np.random.default_rng(0)
    people = np.sort(rng.integers(40, size=200))
    people = np.unique(people, return_inverse=True)[1]
    label = np.where(people % 3 == 0, people % 2, rng.integers(2, size=200))
    for _ in range(20):
        found = shuffled(label, people, scheme, rng)
        np.testing.assert_array_equal(varies(found, people), varies(label, people))


@pytest.mark.parametrize(
    ("wrong", "scheme"), [(0.0, "over people"), (0.02, "over people"), (0.5, "within people")]
)
def test_the_scheme_follows_the_attribute_not_its_wrong_labels(wrong, scheme):
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(200), 3)
    label = people % 2
    label = np.where(rng.random(600) < wrong, 1 - label, label)
    assert choose_scheme(label, people) == scheme


def test_two_images_of_a_rare_class_show_that_it_changes():
    rng = np.random.default_rng(0)
    people = np.repeat(np.arange(300), 2)
    label = (rng.random(600) < 0.1).astype(int)
    assert varies(label, people).mean() < 0.25
    assert choose_scheme(label, people) == "within people"


def test_one_image_each_leaves_only_people_to_shuffle():
    assert choose_scheme(np.arange(8) % 2, np.arange(8)) == "over people"
