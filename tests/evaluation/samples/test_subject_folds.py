import numpy as np
import pytest

from evaluation.samples.subject_folds import drawn_subjects, subject_folds

RNG = np.random.default_rng(0)
PEOPLE = RNG.integers(40, size=300) * 7
LABEL = RNG.integers(3, size=300)


def test_every_row_is_tested_once_by_probes_of_other_people():
    tested = []
    for train, test in subject_folds(LABEL, PEOPLE, 5, 0):
        assert not set(PEOPLE[train]) & set(PEOPLE[test])
        assert len(train) + len(test) == 300
        tested += test.tolist()
    assert sorted(tested) == list(range(300))


def test_folds_hold_the_classes_alike():
    label = np.arange(300) % 3
    for _, test in subject_folds(label, np.arange(300) // 3, 5, 0):
        assert np.bincount(label[test]).tolist() == [20, 20, 20]


def test_the_seed_deals_people_out_and_equal_labels_do_not():
    def folds(label, seed):
        return [test.tolist() for _, test in subject_folds(label, PEOPLE, 5, seed)]

    assert folds(LABEL, 0) == folds(LABEL, 0) != folds(LABEL, 1)
    assert folds(np.zeros_like(LABEL), 0) == folds(np.full_like(LABEL, 4), 0)


def test_fewer_people_than_folds_are_refused():
    with pytest.raises(ValueError, match="5 folds need at least as many people"):
        list(subject_folds(np.arange(8) % 2, np.arange(8) % 4, 5, 0))


@pytest.mark.parametrize(("share", "subjects"), [(0.5, 10), (0.01, 1), (1, 20)])
def test_a_share_of_the_subjects_with_all_their_samples(share, subjects):
    identity = np.repeat(np.arange(20), 3)
    chosen = drawn_subjects(identity, share, seed=0)
    assert len(np.unique(identity[chosen])) == subjects
    assert chosen.sum() == 3 * subjects


def test_unknown_subjects_are_drawn_one_by_one():
    chosen = drawn_subjects(np.full(100, -1), 0.3, seed=0)
    assert chosen.sum() == 30
    assert not np.array_equal(chosen, drawn_subjects(np.full(100, -1), 0.3, seed=1))


@pytest.mark.parametrize("share", [0, -0.5, 1.1])
def test_a_share_lies_between_0_and_1(share):
    with pytest.raises(ValueError, match="above 0 and at most 1"):
        drawn_subjects(np.arange(4), share, seed=0)
