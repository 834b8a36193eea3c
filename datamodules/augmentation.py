"""Random changes of training images, the same ones in every run with the same seed."""

import random

import albumentations as A
import cv2
import numpy as np
import torch


class Augmentation:
    """Mirrors, shifts, scales, turns and re-lights training images a little, sample by sample.

    What happens to a sample follows from the seed, its index and how often it was read before (once an
    epoch), not from the number of loader processes.

    Args:
        length: number of samples in the split.
        seed: of the draws.
    """

    def __init__(self, length: int, seed: int) -> None:
        self.seed = seed
        # In shared memory, so that loader processes count together; a sample is in one process at a time.
        self.times_read = torch.zeros(length, dtype=torch.int32).share_memory_()
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

    def __call__(self, image: np.ndarray, index: int) -> np.ndarray:
        """A changed copy of sample `index`, (H, W, 3) uint8."""
        draws = np.random.default_rng((self.seed, index, int(self.times_read[index])))
        self.times_read[index] += 1
        # A seed would start every transform with the same draw (mirrored always means re-lit); one shared
        # generator does not.
        self.transform.set_random_state(draws, random.Random(int(draws.integers(2**63))))
        return self.transform(image=image)["image"]
