"""Writes a miniature LFW: 24 people with two images each, in both views of the authors' pair files."""

from pathlib import Path

import numpy as np

from tests.support.noise_images import write_noise

NAMES = [f"Person_{chr(65 + i)}" for i in range(24)]
DEV_TRAIN, DEV_TEST, FOLDS = NAMES[:10], NAMES[10:16], [NAMES[i : i + 4] for i in range(0, 16, 4)]
GENDER = {name: ["male", "female"][i % 2] for i, name in enumerate(NAMES)} | {NAMES[3]: "", NAMES[20]: ""}


def write_lfw(root: Path, folder: str = "lfw-deepfunneled", end: str = "\n") -> None:
    """Images of 250 x 250, pairsDevTrain.txt, pairsDevTest.txt, pairs.txt (4 folds) and gender.csv."""
    rng = np.random.default_rng(5)
    for name in NAMES:
        for number in (1, 2):
            write_noise(root / folder / name / f"{name}_{number:04d}.jpg", rng, (250, 250), (6, 6, 3))
    for file, header, blocks in (
        ("pairsDevTrain.txt", "10", [DEV_TRAIN]),
        ("pairsDevTest.txt", "6", [DEV_TEST]),
        ("pairs.txt", "4\t4", FOLDS),
    ):
        lines = [header]
        for people in blocks:
            lines += [f"{name}\t1\t2" for name in people]
            others = people[1:] + people[:1]
            lines += [f"{a}\t1\t{b}\t2" for a, b in zip(people, others, strict=True)]
        (root / file).write_bytes("".join(line + end for line in lines).encode())
    rows = ["name,gender", *(f"{name},{gender}" for name, gender in GENDER.items() if name != NAMES[20])]
    (root / "gender.csv").write_bytes("".join(row + end for row in rows).encode())
