import numpy as np

from datamodules.loading.augmentation import Augmentation

FACE = np.linspace(40, 200, 32 * 32 * 3).reshape(32, 32, 3).astype(np.uint8)


def _epochs(augmentation: Augmentation, count: int = 3, length: int = 40) -> np.ndarray:
    return np.array([[augmentation(FACE, i, epoch) for i in range(length)] for epoch in range(count)])


def test_one_seed_one_sequence_whatever_the_order() -> None:
    reference = _epochs(Augmentation(seed=3))
    np.testing.assert_array_equal(_epochs(Augmentation(seed=3)), reference)
    backwards = Augmentation(seed=3)
    last = [backwards(FACE, i, 2) for i in range(39, -1, -1)][::-1]
    np.testing.assert_array_equal(last, reference[2])


def test_seeds_samples_and_epochs_differ() -> None:
    reference = _epochs(Augmentation(seed=3))
    assert reference.shape == (3, 40, 32, 32, 3)
    assert reference.dtype == np.uint8
    for other in (_epochs(Augmentation(seed=4)), reference[::-1], reference[:, ::-1]):
        same = (other == reference).all(axis=(2, 3, 4))
        assert same.mean() < 0.5  # an eighth of the draws leave the image as it is


def test_the_input_is_not_written_to() -> None:
    before = FACE.copy()
    _epochs(Augmentation(seed=0))
    np.testing.assert_array_equal(FACE, before)


def test_mirroring_and_relighting_are_drawn_independently() -> None:
    images = _epochs(Augmentation(seed=0), count=1, length=400)[0].astype(int)
    mirrored = images[:, :, 0].sum(axis=(1, 2)) > images[:, :, -1].sum(axis=(1, 2))
    same_light = np.array([set(np.unique(image)) <= set(np.unique(FACE)) for image in images])
    assert 0.4 < mirrored.mean() < 0.6
    assert 0.35 < mirrored[same_light].mean() < 0.65
    assert 0.35 < mirrored[~same_light].mean() < 0.65


def test_a_repeat_within_an_epoch_differs():
    augmentation = Augmentation(seed=0)
    same = [np.array_equal(augmentation(FACE, i, 0, 0), augmentation(FACE, i, 0, 1)) for i in range(40)]
    assert np.mean(same) < 0.5
