import numpy as np
import torch
from torch.utils.data import DataLoader, Dataset

from datamodules.augmentation import Augmentation

FACE = np.linspace(40, 200, 32 * 32 * 3).reshape(32, 32, 3).astype(np.uint8)


def _epochs(augmentation: Augmentation, count: int = 3, length: int = 40) -> np.ndarray:
    return np.array([[augmentation(FACE, i) for i in range(length)] for _ in range(count)])


def test_one_seed_one_sequence_whatever_the_order() -> None:
    reference = _epochs(Augmentation(40, seed=3))
    np.testing.assert_array_equal(_epochs(Augmentation(40, seed=3)), reference)
    backwards = Augmentation(40, seed=3)
    first = [backwards(FACE, i) for i in range(39, -1, -1)][::-1]
    np.testing.assert_array_equal(first, reference[0])


def test_seeds_samples_and_epochs_differ() -> None:
    reference = _epochs(Augmentation(40, seed=3))
    assert reference.shape == (3, 40, 32, 32, 3)
    assert reference.dtype == np.uint8
    for other in (_epochs(Augmentation(40, seed=4)), reference[::-1], reference[:, ::-1]):
        same = (other == reference).all(axis=(2, 3, 4))
        assert same.mean() < 0.5  # an eighth of the draws leave the image as it is


def test_the_input_is_not_written_to() -> None:
    before = FACE.copy()
    _epochs(Augmentation(40, seed=0))
    np.testing.assert_array_equal(FACE, before)


def test_mirroring_and_relighting_are_drawn_independently() -> None:
    images = _epochs(Augmentation(400, seed=0), count=1, length=400)[0].astype(int)
    mirrored = images[:, :, 0].sum(axis=(1, 2)) > images[:, :, -1].sum(axis=(1, 2))
    same_light = np.array([set(np.unique(image)) <= set(np.unique(FACE)) for image in images])
    assert 0.4 < mirrored.mean() < 0.6
    assert 0.35 < mirrored[same_light].mean() < 0.65
    assert 0.35 < mirrored[~same_light].mean() < 0.65


class _Faces(Dataset):
    def __init__(self) -> None:
        self.augmentation = Augmentation(16, seed=1)

    def __len__(self) -> int:
        return 16

    def __getitem__(self, index: int) -> tuple[int, torch.Tensor]:
        return index, torch.from_numpy(self.augmentation(FACE, index).copy())


def test_the_number_of_loader_processes_changes_nothing() -> None:
    def epochs(workers: int) -> list[torch.Tensor]:
        torch.manual_seed(workers)  # another order, so that samples change processes between epochs
        loader = DataLoader(
            _Faces(), 2, shuffle=True, num_workers=workers, persistent_workers=workers > 0, collate_fn=list
        )
        return [
            torch.stack([face for _, face in sorted(sum(loader, []), key=lambda s: s[0])]) for _ in range(3)
        ]

    alone, together = epochs(0), epochs(2)
    for epoch in range(3):
        assert torch.equal(alone[epoch], together[epoch])
    assert not torch.equal(alone[0], alone[1])
