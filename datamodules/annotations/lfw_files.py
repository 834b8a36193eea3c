"""Find LFW's images, under the folder names of its releases, and read a list of genders."""

import os
import re
from pathlib import Path

import numpy as np

from datamodules.annotations.cell_text import normalize
from datamodules.annotations.label_table import GENDERS
from datamodules.annotations.manifest_files import read_text_table
from datamodules.errors import DatasetError

IMAGES = 13_233

FOLDERS = ("lfw-deepfunneled", "lfw_funneled", "lfw")
"""Folders below the root that hold the images, in order of search; Kaggle nests each in one of its name."""

_HOW_TO_GET = """LFW is missing: there is no {looked} in {root}
Expected under `root`
  lfw-deepfunneled/Aaron_Eckhart/Aaron_Eckhart_0001.jpg ...    or in lfw_funneled/ or lfw/
  pairsDevTrain.txt, pairsDevTest.txt                          View 1
  pairs.txt                                                    View 2
  gender.csv                                                   optional: name,gender
Get "Labeled Faces in the Wild" from its project page at the University of Massachusetts, Amherst, or from
Kaggle ("LFW - People"), and set --data.init_args.root to the folder that holds the images' folder."""


def find_folder(root: Path) -> Path:
    """Find the folder of the subjects' folders; raise `DatasetError` if there is none."""
    for name in FOLDERS:
        for folder in (root / name / name, root / name):
            if folder.is_dir():
                return folder
    raise DatasetError(_HOW_TO_GET.format(looked=", ".join(FOLDERS[:-1]) + f" or {FOLDERS[-1]}", root=root))


def list_images(folder: Path) -> np.ndarray:
    """List every image as `<Name>/<Name>_0001.jpg`, (n,) str, sorted; other files are ignored.

    Raises:
        DatasetError: there is no image.
    """
    files = []
    with os.scandir(folder) as entries:
        for person in (entry for entry in entries if entry.is_dir()):
            image = re.compile(re.escape(person.name) + r"_\d{4}\.jpg")
            files += [f"{person.name}/{name}" for name in os.listdir(person.path) if image.fullmatch(name)]
    if not files:
        raise DatasetError(
            f"{folder}: no image such as Aaron_Eckhart/Aaron_Eckhart_0001.jpg; get LFW's images"
        )
    return np.array(sorted(files), dtype=np.str_)


def read_gender(path: Path, subjects: np.ndarray) -> tuple[np.ndarray, str]:
    """Read the gender of each of `subjects` (n,) str from a CSV with the columns name and gender.

    Returns:
        (n,) int8 index in `GENDERS`, -1 for subjects that are not listed or whose cell is empty; and the
        sha256 of the file.

    Raises:
        DatasetError: the file is missing or damaged, or lists a subject twice.
    """
    if not path.exists():
        raise DatasetError(
            f"there is no {path}; it is a CSV with the columns name and gender (female or male)"
        )
    table = read_text_table(path)
    names, gender = map(normalize, table.column("name")), table.codes("gender", GENDERS)[1]
    table.warn_of_doubts({"gender": GENDERS})
    known: dict[str, int] = {}
    for row, name in enumerate(names):
        if name in known:
            table.refuse(row, f"{name!r} was listed before")
        known[name] = int(gender[row])
    return np.array(
        [known.get(normalize(name), -1) for name in subjects.tolist()], dtype=np.int8
    ), table.digest
