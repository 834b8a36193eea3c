"""Read CelebA's annotation files, as its authors and as Kaggle ship them; refuse damaged ones."""

import hashlib
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pandas as pd
from pytorch_lightning.utilities import rank_zero_warn

from datamodules.annotations.face_table import FaceTable
from datamodules.annotations.label_table import (
    GENDERS,
    check_folder,
    check_values,
    match_files,
    read_bytes,
    read_table,
    refuse,
)
from datamodules.errors import DatasetError

_NAMES = """5_o_Clock_Shadow Arched_Eyebrows Attractive Bags_Under_Eyes Bald Bangs Big_Lips Big_Nose
Black_Hair Blond_Hair Blurry Brown_Hair Bushy_Eyebrows Chubby Double_Chin Eyeglasses Goatee Gray_Hair
Heavy_Makeup High_Cheekbones Male Mouth_Slightly_Open Mustache Narrow_Eyes No_Beard Oval_Face Pale_Skin
Pointy_Nose Receding_Hairline Rosy_Cheeks Sideburns Smiling Straight_Hair Wavy_Hair Wearing_Earrings
Wearing_Hat Wearing_Lipstick Wearing_Necklace Wearing_Necktie Young"""
NAMES = tuple(_NAMES.split())
"""The 40 attributes in the order of the official file."""

IMAGES, IDENTITIES = 202_599, 10_177

_PUBLISHED_MD5 = {  # of the authors' files, as torchvision checks them
    "list_attr_celeba.txt": "75e246fa4810816ffd6ee81facbd244c",
    "list_eval_partition.txt": "d32c9cbf5e040fd4025c592c306e6668",
    "identity_CelebA.txt": "32bd1bd63d3c78cd57e08160ec5ed1e2",
}

ATTRIBUTES: dict[str, tuple[str, ...]] = {
    **{name.lower(): ("no", "yes") for name in NAMES},
    "gender": GENDERS,
    "identity": tuple(str(person) for person in range(1, IDENTITIES + 1)),
}
"""Class names of the attributes of a batch: the official ones, `male` as `gender`, and the identity."""

_HOW_TO_GET = """CelebA is missing: there is no {path}
Expected under `root`, as the authors ship it    or as on Kaggle
  list_attr_celeba.txt                             list_attr_celeba.csv
  list_eval_partition.txt                          list_eval_partition.csv
  identity_CelebA.txt                              (no identities)
  img_align_celeba/000001.jpg ...                  img_align_celeba/img_align_celeba/000001.jpg ...
Get the aligned and cropped images and the annotations from the project page of MMLab, CUHK, "Large-scale
CelebFaces Attributes (CelebA) Dataset" (for research only), and set --data.init_args.root to their folder."""


def _content(path: Path) -> bytes:
    content = read_bytes(path, _HOW_TO_GET).rstrip()
    if not content:
        refuse(path, None, "the file is empty")
    return content


def _attributes(path: Path, content: bytes) -> pd.DataFrame:
    csv = path.suffix == ".csv"
    lines = content.split(b"\n", 2)
    header = 1 if csv else 2
    if len(lines) <= header:
        refuse(path, None, "no rows after the header")
    names = lines[header - 1].decode("utf-8", errors="replace").replace(",", " ").split()[1 if csv else 0 :]
    if sorted(names) != sorted(NAMES):
        odd = sorted(set(names) ^ set(NAMES))
        which = f", first difference {odd[0]!r}" if odd else ""
        refuse(path, header, f"the header must name CelebA's 40 attributes, it has {len(names)}{which}")
    table = read_table(path, content, header, ["image_id", *names])
    if not csv:
        count = lines[0].strip().decode("utf-8", errors="replace")
        if count != str(len(table)):
            refuse(path, 1, f"the count is {count[:20]!r} but {len(table)} images are listed")
    check_values(path, header, table, (-1, 1), "-1 or 1")
    return table[list(NAMES)]


def _compare_with_published(paths: Iterable[Path]) -> None:
    """Warn of files of full length that are not the authors' own."""
    for path in paths:
        published = _PUBLISHED_MD5.get(path.name)
        if published and hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest() != published:
            rank_zero_warn(f"{path}: has all {IMAGES:,} rows but is not the published file (md5 {published})")


def read_celeba_files(root: Path) -> FaceTable:
    """Read and check the annotations under `root`; labels are those of `ATTRIBUTES`.

    `identity` is the official number less 1, or -1 where there is no identity file (Kaggle).

    Raises:
        DatasetError: a file is missing (says what is expected and how to get it) or damaged (one line with
            the file, the line if known, and what to do).
    """
    check_folder(root, "CelebA")
    kaggle = not (root / "list_attr_celeba.txt").exists() and (root / "list_attr_celeba.csv").exists()
    suffix = "csv" if kaggle else "txt"
    attributes, partition = root / f"list_attr_celeba.{suffix}", root / f"list_eval_partition.{suffix}"
    contents = {path: _content(path) for path in (attributes, partition)}
    binary = _attributes(attributes, contents[attributes])
    header = 1 if kaggle else 0
    parts = read_table(partition, contents[partition], header, ["image_id", "partition"])
    check_values(partition, header, parts, (0, 1, 2), "0 (train), 1 (val) or 2 (test)")
    parts = match_files(partition, parts, attributes, binary.index)
    person = np.full(len(binary), -1)
    identity = root / "identity_CelebA.txt"
    if identity.exists() or not kaggle:
        contents[identity] = _content(identity)
        identities = read_table(identity, contents[identity], 0, ["image_id", "identity"])
        check_values(identity, 0, identities, range(1, IDENTITIES + 1), f"1 to {IDENTITIES}")
        person = match_files(identity, identities, attributes, binary.index)["identity"].to_numpy() - 1
    folder = root / "img_align_celeba"
    if (folder / folder.name).is_dir():
        folder /= folder.name
    if not folder.is_dir():
        raise DatasetError(_HOW_TO_GET.format(path=folder))
    if len(binary) == IMAGES:  # a subset is reported where the table is used
        _compare_with_published(contents)
    labels = {name.lower(): (binary[name] == 1).to_numpy(dtype=np.int16) for name in NAMES}
    labels |= {"gender": labels["male"], "identity": person.astype(np.int16)}
    digest = hashlib.sha256()
    for path, content in contents.items():
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return FaceTable(
        folder=folder,
        file=binary.index.to_numpy(dtype=np.str_),
        split=parts["partition"].to_numpy(dtype=np.int8),  # its numbers are indices into SPLITS
        labels=labels,
        digest=digest.hexdigest(),
        published=IMAGES,
    )
