import numpy as np
import pytest

from evaluation.leakage.fused_samples import classes_of_groups, draw_groups, fuse
from evaluation.samples.audited_samples import AuditedSamples

LABEL = np.array([0, 0, 1, 1, 1, 0, 1, 1, 0])
SUBJECTS = np.array([0, 0, 0, 1, 1, 1, 1, 1, 2])
SAMPLES = AuditedSamples(np.eye(9), LABEL, SUBJECTS)  # a mean tells its images


def fused(images, seed=0, *, by_class):
    groups = draw_groups(SAMPLES, images, by_class=by_class, rng=np.random.default_rng(seed))
    return fuse(SAMPLES, *groups)


@pytest.mark.parametrize(
    ("images", "by_class", "sizes"),
    [
        (2, False, [2, 2, 2]),
        (2, True, [2, 2, 2]),
        (4, False, [4]),
        (None, False, [3, 5]),
        (None, True, [2, 4]),
    ],
)
def test_groups_are_of_one_subject_and_as_large_as_asked(images, by_class, sizes):
    found = fused(images, by_class=by_class)
    members = [np.flatnonzero(mean) for mean in found.embedding]
    assert [len(m) for m in members] == sizes
    np.testing.assert_allclose(found.embedding.sum(1), 1)
    assert (found.embedding > 0).sum(0).max() == 1  # no image twice
    for some in members:
        assert len(set(SUBJECTS[some])) == 1
        assert not by_class or len(set(LABEL[some])) == 1


def test_the_class_of_a_mean_is_that_of_most_of_its_images():
    found = fused(None, by_class=False)
    assert found.label.tolist() == [0, 1]
    assert found.subjects.tolist() == [0, 1]


def test_classes_of_no_group_are_skipped_in_the_numbering():
    samples = SAMPLES._replace(label=LABEL + 1, subjects=SUBJECTS)
    rows, group = np.array([2, 3, 4]), np.array([0, 1, 1])
    assert classes_of_groups(samples, rows, group).tolist() == [2, 2]
    assert fuse(samples, rows, group).label.tolist() == [0, 0]


def test_the_groups_are_random():
    def different(images, seeds):
        return len({fused(images, seed, by_class=True).embedding.tobytes() for seed in range(seeds)})

    assert different(4, 2) == 1  # the only four images of a class
    assert different(2, 9) > 1
