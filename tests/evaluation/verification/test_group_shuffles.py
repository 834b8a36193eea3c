from collections import Counter

import numpy as np

from evaluation.verification.group_shuffles import GroupShuffles


def test_subjects_of_one_group_exchange_it():
    subject = np.array([0, 0, 1, 2, 2, 2, 3])
    group = np.array([0, 0, 0, 1, 1, 1, 2])
    shuffles, rng = GroupShuffles(subject, group), np.random.default_rng(0)
    seen = Counter()
    for _ in range(600):
        drawn = shuffles.draw(rng)
        own = [drawn[subject == s] for s in range(4)]
        assert all(len(set(x)) == 1 for x in own)
        assert sorted(x[0] for x in own) == [0, 0, 1, 2]
        seen[tuple(x[0] for x in own)] += 1
    assert len(seen) == 12, "every arrangement occurs"
    assert min(seen.values()) > 25


def test_groups_that_vary_within_a_subject_stay_with_it():
    subject = np.array([1, 0, 1, 2, 1, 0, 3, 2])  # 0 and 1 vary, 2 and 3 do not
    group = np.array([0, 1, 1, 0, 1, 0, 1, 0])
    shuffles, rng = GroupShuffles(subject, group), np.random.default_rng(0)
    seen = set()
    for _ in range(200):
        drawn = shuffles.draw(rng)
        seen.add(tuple(drawn))
        assert sorted(drawn[subject == 1]) == [0, 1, 1]
        assert sorted(drawn[subject == 0]) == [0, 1]
        assert len(set(drawn[subject == 2])) == 1
        assert sorted([drawn[3], drawn[6]]) == [0, 1]
    assert len(seen) == 3 * 2 * 2


def test_no_samples_have_no_groups():
    none = np.empty(0, np.int64)
    assert len(GroupShuffles(none, none).draw(np.random.default_rng(0))) == 0
