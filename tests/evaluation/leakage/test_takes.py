import numpy as np
import pytest

from evaluation.leakage.takes import merge_takes
from tests.support.known_leaks import leaking


def frames(takes: int, images: int, noise: float, width: int = 16, subjects: int = 60, seed: int = 0):
    """Draw frames of takes: embeddings, classes of the takes, subjects, takes."""
    rng = np.random.default_rng(seed)
    take = np.repeat(np.arange(subjects * takes), images)
    x = 3 * rng.normal(size=(subjects, width))[take // takes] + rng.normal(size=(take.max() + 1, width))[take]
    return (
        x + noise * rng.normal(size=x.shape),
        rng.integers(2, size=take.max() + 1)[take],
        take // takes,
        take,
    )


def alone(x):
    return np.arange(len(x))


@pytest.mark.parametrize(("takes", "images"), [(3, 3), (2, 10)])
@pytest.mark.parametrize("noise", [0.0, 0.05, 0.2])
def test_frames_of_a_take_are_one_unit(takes, images, noise):
    x, label, subjects, take = frames(takes, images, noise)
    units = merge_takes(x, label, subjects, alone(x))
    np.testing.assert_array_equal(units[:, None] == units, take[:, None] == take)


@pytest.mark.parametrize("change", [lambda x: 1e-6 * x + 5, lambda x: x * np.geomspace(1e-3, 1e3, 16)])
def test_the_scale_does_not_matter(change):
    x, label, subjects, take = frames(3, 3, 0.1)
    units = merge_takes(change(x), label, subjects, alone(x))
    np.testing.assert_array_equal(units[:, None] == units, take[:, None] == take)


@pytest.mark.parametrize("width", [1, 2, 4, 8, 64])
@pytest.mark.parametrize("images", [3, 8])
@pytest.mark.parametrize("kind", ["none", "linear"])
def test_ordinary_photographs_stay_apart(width, images, kind):
    samples = leaking(kind if width > 1 else "none", people=60, images=images, width=width)
    units = merge_takes(samples.embedding, samples.label, samples.identity, alone(samples.label))
    assert len(np.unique(units)) >= 0.97 * len(units)


def test_frames_that_differ_much_are_not_found():
    x, label, subjects, _ = frames(3, 3, noise=0.6)
    assert len(np.unique(merge_takes(x, label, subjects, alone(x)))) > 0.9 * len(x)


def test_classes_and_subjects_are_never_merged():
    x, label, subjects, _ = frames(1, 6, noise=0.0)
    x[:] = np.arange(len(x))[:, None] // 12  # the same for two subjects
    label = alone(x) % 2
    units = merge_takes(x, label, subjects, np.zeros_like(label))
    expected = 2 * subjects + label
    np.testing.assert_array_equal(units[:, None] == units, expected[:, None] == expected)


def test_blocks_and_takes_add_up():
    x, label, subjects, _ = frames(2, 4, noise=0.05, subjects=20)
    label[:] = 1
    label[::8] = 0  # the first image of each subject
    block = alone(x)
    block[3::8] = block[4::8]  # joins the rest of the first take with the second
    units = merge_takes(x, label, subjects, block)
    expected = 2 * subjects + label
    np.testing.assert_array_equal(units[:, None] == units, expected[:, None] == expected)


def test_a_constant_embedding_has_no_takes():
    label, subjects = alone(np.empty(30)) % 2, alone(np.empty(30)) // 3
    assert len(np.unique(merge_takes(np.ones((30, 3)), label, subjects, alone(label)))) == 30
    assert len(np.unique(merge_takes(np.ones((30, 3)), label, alone(label), alone(label)))) == 30
