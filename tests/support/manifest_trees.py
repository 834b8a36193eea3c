"""Writes small folders of images with a manifest: one of one's own, FER2013 and UTKFace."""

from pathlib import Path

import numpy as np

from tests.support.noise_images import write_noise

EMOTIONS = ("angry", "disgust", "fear", "happy", "neutral", "sad", "surprise")  # as folders are sorted
NO_RACE = ("39_1_20170116174525125.jpg.chip.jpg", "61_1_20170109142408075.jpg.chip.jpg")
"""Two of the names in the release that lack a field."""


def write_manifest(root: Path, splits: bool = True) -> list[dict[str, str]]:
    """The rows written: 24 people of 3 images; two people in three train; every tenth emotion is unknown."""
    rng, rows = np.random.default_rng(3), []
    for i in range(72):
        person = i // 3
        row = {"path": f"{person:02d}/{i:03d}.png"}
        if splits:
            row["split"] = ("train", "train", "train", "train", "val", "test")[person % 6]
        row |= {
            "identity": f"p{person}",
            "emotion": "" if i % 10 == 9 else ("happy", "sad", "angry")[i % 3],
            "gender": ("male", "female")[person // 6 % 2],
        }
        rows.append(row)
        write_noise(root / row["path"], rng, (48, 48), (4, 4, 3))
    lines = [",".join(rows[0]), *(",".join(row.values()) for row in rows)]
    (root / "manifest.csv").write_text("\n".join(lines) + "\n")
    return rows


def write_fer2013(root: Path) -> list[tuple[str, str, str]]:
    """The rows (path, split, emotion) written: two images of each emotion train, one each val and test."""
    rng, rows, number = np.random.default_rng(4), [], 10_000_000
    for split, prefix in (
        ("train", "Training"), ("train", "Training"), ("val", "PublicTest"), ("test", "PrivateTest"),
    ):  # fmt: skip
        for emotion in EMOTIONS:
            number += 17
            rows.append((f"{split}/{emotion}/{prefix}_{number}.jpg", split, emotion))
            write_noise(root / rows[-1][0], rng, (48, 48), (4, 4))
    rows.sort()
    (root / "manifest.csv").write_text("\n".join(map(",".join, [("path", "split", "emotion"), *rows])) + "\n")
    return rows


def write_utkface(root: Path) -> list[tuple[str, str, str, str]]:
    """The rows (path, age, gender, ethnicity) written: 40 images, and two more whose names lack a field."""
    rng, rows = np.random.default_rng(6), []
    for i in range(40):
        gender, race, age = i % 2, i // 2 % 5, (1, 9, 26, 80, 116)[i // 8]
        name = f"{age}_{gender}_{race}_201701{i + 10:02d}174525125.jpg.chip.jpg"
        words = ("male", "female")[gender], ("white", "black", "asian", "indian", "other")[race]
        rows.append((name, str(age), *words))
    for name in (*NO_RACE, *(row[0] for row in rows)):
        write_noise(root / name, rng, (200, 200), (4, 4, 3))
    rows.sort()
    header = ("path", "age", "gender", "ethnicity")
    (root / "manifest.csv").write_text("\n".join(map(",".join, [header, *rows])) + "\n")
    return rows
