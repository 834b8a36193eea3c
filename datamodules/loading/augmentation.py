"""Random changes of training images, the same in every run with the same seed."""

import random

import albumentations as A
import cv2
import numpy as np


class Augmentation:
    """Flips, shifts, scales and rotates training images a little, and changes their light.

    The change of a sample depends on the seed, its index, the epoch and how often the epoch has shown it
    before: not on the number of processes, nor on where training resumed.

    Args:
        seed: of the draws.
    """

    def __init__(self, seed: int) -> None:
        self.seed = seed
        self.transform = A.Compose(
            [
                A.HorizontalFlip(p=0.5),
                A.Affine(
                    scale=(0.95, 1.05),
                    translate_percent=(-0.03, 0.03),
                    rotate=(-5, 5),
                    border_mode=cv2.BORDER_REFLECT_101,
                    p=0.5,
                ),
                A.RandomBrightnessContrast(brightness_limit=0.15, contrast_limit=0.15, p=0.5),
            ]
        )

    def __call__(self, image: np.ndarray, index: int, epoch: int, repeat: int = 0) -> np.ndarray:
        """Return a changed copy (H, W, 3) uint8 of sample `index`, shown `repeat` times before in `epoch`."""
        draws = np.random.default_rng((self.seed, index, epoch, repeat))
        # A seed would start every transform with the same draw (a flip would always change the light); one
        # shared generator does not.
        self.transform.set_random_state(draws, random.Random(int(draws.integers(2**63))))
        return self.transform(image=image)["image"]
