import numpy as np
import pytest

from evaluation.leakage.fused_samples import fuse
from evaluation.samples.audited_samples import AuditedSamples

LABEL = np.array([0, 0, 1, 1, 1, 0, 1, 1, 0])
SUBJECTS = np.array([0, 0, 0, 1, 1, 1, 1, 1, 2])
SAMPLES = AuditedSamples(np.eye(9), LABEL, SUBJECTS)  # a mean tells its images


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
    found = fuse(SAMPLES, images, by_class=by_class, rng=np.random.default_rng(0))
    members = [np.flatnonzero(mean) for mean in found.embedding]
    assert [len(m) for m in members] == sizes
    np.testing.assert_allclose(found.embedding.sum(1), 1)
    assert (found.embedding > 0).sum(0).max() == 1  # no image twice
    for some in members:
        assert len(set(SUBJECTS[some])) == 1
        assert not by_class or len(set(LABEL[some])) == 1


def test_the_class_of_a_mean_is_that_of_most_of_its_images():
    found = fuse(SAMPLES, None, by_class=False, rng=np.random.default_rng(0))
    assert found.label.tolist() == [0, 1]
    assert found.subjects.tolist() == [0, 1]


def test_the_groups_are_random():
    groups = {
        fuse(SAMPLES, 4, by_class=True, rng=np.random.default_rng(s)).embedding.tobytes() for s in (0, 1)
    }
    assert len(groups) == 1  # the only four images of a class
    groups = {
        fuse(SAMPLES, 2, by_class=True, rng=np.random.default_rng(s)).embedding.tobytes() for s in range(9)
    }
    assert len(groups) > 1
