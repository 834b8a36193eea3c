"""Writes a miniature CelebA in the authors' or in Kaggle's layout."""

from pathlib import Path

import numpy as np

from tests.support.noise_images import write_noise

_NAMES = (
    "5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose Black_Hair "
    "Blond_Hair Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee Gray_Hair Heavy_Makeup "
    "High_Cheekbones Male Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard Oval_Face Pale_Skin Pointy_Nose "
    "Receding_Hairline Rosy_Cheeks Sideburns Smiling Straight_Hair Wavy_Hair Wearing_Earrings Wearing_Hat "
    "Wearing_Lipstick Wearing_Necklace Wearing_Necktie Young"
)
NAMES = _NAMES.split()


def write_celeba(root: Path, count: int = 24, kaggle: bool = False, end: str = "\r\n") -> np.ndarray:
    """The (count, 40) -1/1 labels written; image i is in split i % 3, six in turn show one person."""
    rng = np.random.default_rng(7)
    labels = rng.choice([-1, 1], size=(count, 40))
    files = [f"{i + 1:06d}.jpg" for i in range(count)]
    folder = root / "img_align_celeba"
    folder = folder / "img_align_celeba" if kaggle else folder
    for file in files:
        write_noise(folder / file, rng, (178, 218), (6, 5, 3))
    if kaggle:
        write(root / "list_attr_celeba.csv", ["image_id," + ",".join(NAMES)], files, labels, ",", end)
        write(root / "list_eval_partition.csv", ["image_id,partition"], files, splits(count), ",", end)
    else:
        header = [str(count), " ".join(NAMES) + " "]
        write(root / "list_attr_celeba.txt", header, files, labels, " ", end)
        write(root / "list_eval_partition.txt", [], files, splits(count), " ", end)
        people = celeba_people(count)[:, None]
        write(root / "identity_CelebA.txt", [], files, people, " ", end)
    return labels


def celeba_people(count: int) -> np.ndarray:
    """The official number of the person in each image, counted down from 10177; nobody is in two splits."""
    i = np.arange(count)
    return 10_177 - (i // 18 * 3 + i % 3)


def splits(count: int) -> np.ndarray:
    return np.arange(count)[:, None] % 3


def write(
    path: Path, header: list[str], files: list[str], values: np.ndarray, separator: str, end: str
) -> None:
    width = 2 if separator == " " and values.shape[1] > 1 else 0  # the official file pads with spaces
    rows = [
        separator.join([file, *(f"{v:{width}d}" for v in row)])
        for file, row in zip(files, values, strict=True)
    ]
    path.write_bytes("".join(line + end for line in header + rows).encode())
