import numpy as np
import pytest

from evaluation.samples.audited_samples import audited_samples, reindex, subsample_subjects
from evaluation.samples.labelled_samples import Samples


def test_classes_and_people_are_numbered_and_unknown_left_out():
    x = np.arange(12.0).reshape(6, 2)
    found = audited_samples(
        Samples(x, np.array([7, -1, 2, 2, 7, 2]), np.array([40, 40, -1, 9, -1, 40])), min_subjects=4
    )
    np.testing.assert_array_equal(found.embedding, x[[0, 2, 3, 4, 5]])
    assert found.label.tolist() == [1, 0, 0, 1, 0]
    assert len(set(found.subjects)) == found.subjects.max() + 1 == 4
    assert found.subjects[0] == found.subjects[4]


def test_nobody_known():
    found = audited_samples(Samples(np.zeros((4, 1)), np.array([0, 1, 0, 1])), min_subjects=4)
    assert sorted(found.subjects) == [0, 1, 2, 3]


def test_some_people_are_drawn_with_all_their_samples():
    people = reindex(np.random.default_rng(0).integers(50, size=300))
    rows = subsample_subjects(people, 100, seed=0)
    assert 80 < len(rows) <= 100
    assert not set(people[rows]) & set(np.delete(people, rows))
    assert rows.tolist() == sorted(rows)
    assert rows.tolist() != subsample_subjects(people, 100, seed=1).tolist()
    assert len(subsample_subjects(people, 300, seed=0)) == 300


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"label": np.zeros(8, int)}, "audited set has 1 classes"),
        ({"embedding": np.full((8, 2), np.nan)}, "audited embeddings are not finite"),
        ({"identity": np.arange(8) % 3}, "are of 3 people; 4 are needed"),
    ],
)
def test_what_cannot_be_audited_is_refused(change, message):
    samples = Samples(np.zeros((8, 2)), np.arange(8) % 2, np.arange(8))
    with pytest.raises(ValueError, match=message):
        audited_samples(samples._replace(**change), min_subjects=4)
