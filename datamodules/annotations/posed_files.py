"""Read the file names and the observers' ratings of the Taiwanese photographs of posed expressions."""

import re
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from python_calamine import CalamineError
from pytorch_lightning.utilities import rank_zero_warn

from datamodules.annotations.label_table import check_folder, read_bytes, refuse
from datamodules.errors import DatasetError, first_names

POSED = ("neutral", "happy", "sad", "angry", "disgusted", "fearful", "surprised")
"""Class names of the expressions, in the order of the letters a to g of the file names."""

_IMAGE = re.compile(r"(\d\d)([0-3])1([a-g\d])(\d\d)\.jpg", re.ASCII | re.IGNORECASE)
_NEUTRAL = re.compile(r"^(\d{4})\d")  # which the sheet names by the letter a
_FOLDER, _SHEET, _SHARES = "faces_256x256", "Image_info.xls", "counterMax"

_HOW_TO_GET = """The photographs of posed expressions are missing: there is no {path}
Expected under `root`, as the authors ship it
  faces_256x256/0111b01.jpg ... 3031g07.jpg (subject, how it was acted, view, expression, number)
  Image_info.xls (what observers saw in each; needed for `ratings` alone)
Ask the authors of the Taiwan Corpora of Chinese Emotions for access (Chen, Cho and Tseng, 2013), and set
--data.init_args.root to the folder of faces_256x256."""

_NO_SHEET = (
    "{path}: there is no such file, and `ratings` needs it; get it, or set --data.init_args.ratings false"
)


@dataclass(frozen=True)
class PosedFiles:
    """The frontal photographs and what their names say.

    Attributes:
        folder: the folder of the images.
        file: (n,) str, path below `folder`, sorted.
        subject: (n,) str, two digits.
        acting: (n,) int, how the expression was brought about, from 1; 0 for neutral faces.
        emotion: (n,) int, index in `POSED`.
    """

    folder: Path
    file: np.ndarray
    subject: np.ndarray
    acting: np.ndarray
    emotion: np.ndarray


def read_posed_files(root: Path) -> PosedFiles:
    """Find the photographs under `root`.

    A name is <subject><acting><view><expression><number>.jpg, such as 0111b01.jpg: two digits, 0 to 3, 1 (the
    frontal view), a letter of a to g, two digits. A digit in place of the letter is a neutral face, as in
    1201002.jpg. Other files are left out, and a warning names the first ones.

    Args:
        root: folder of `faces_256x256`, or that folder.

    Raises:
        DatasetError: there are no such files (says what is expected and how to get it).
    """
    check_folder(root, "the photographs")
    folder = root / _FOLDER
    folder = folder if folder.is_dir() else root
    found = sorted(path.name for path in folder.glob("*") if path.name != _SHEET)
    matches = {name: _IMAGE.fullmatch(name) for name in found}
    images = {name: match.groups() for name, match in matches.items() if match}
    if not images:
        raise DatasetError(
            _HOW_TO_GET.format(path=root / _FOLDER / "<subject><acting>1<expression><number>.jpg")
        )
    if strange := [name for name in found if name not in images]:
        rank_zero_warn(
            f"{folder}: {len(strange)} files are left out, their names are not those of frontal photographs, "
            f"<subject><acting>1<expression><number>.jpg: {first_names(strange)}"
        )
    subject, acting, expression, _ = zip(*images.values(), strict=True)
    return PosedFiles(
        folder=folder,
        file=np.array(list(images)),
        subject=np.array(subject),
        acting=np.array(acting, dtype=np.int64),
        emotion=np.array([_index(letter) for letter in expression]),
    )


def _index(letter: str) -> int:
    """Return the index in `POSED` of the letter, or digit, of a file name."""
    return 0 if letter.isdigit() else "abcdefg".index(letter.lower())


def read_ratings(root: Path, files: PosedFiles) -> np.ndarray:
    """Read the share of the observers who saw each expression most strongly in each photograph.

    Observers chose among the six expressions of `POSED` without neutral. The sheet is beside the folder of
    the images, or in it. Its second row names the expressions; most of its rows are of photographs that the
    frontal release does not hold.

    Returns:
        (n, 6) shares, in the order of `POSED` from 1; nan for photographs that the sheet does not name, of
        which a warning names the first ones.

    Raises:
        DatasetError: the sheet is missing, cannot be read, lacks a column, names a file twice, or has a share
            that is not a number from 0 to 1.
    """
    places = [folder / _SHEET for folder in (root, files.folder.parent)]
    path = next((place for place in places if place.exists()), places[0])
    content = BytesIO(read_bytes(path, _NO_SHEET))
    try:
        sheet = pd.read_excel(content, header=None, dtype=str, engine="calamine")
    except (ValueError, CalamineError) as error:
        refuse(path, None, f"not a sheet that can be read ({str(error).splitlines()[0]})")
    columns, rows = _share_columns(path, sheet), sheet.iloc[2:]
    stem = rows[0].fillna("").str.lower().str.removesuffix(".tif")
    shares = rows[columns].apply(pd.to_numeric, errors="coerce")
    named = (stem != "").to_numpy()
    for problem, where in (
        ("the file was listed before", stem.duplicated()),
        ("the six shares are not numbers from 0 to 1", ~((shares >= 0) & (shares <= 1)).all(axis=1)),
    ):
        if (bad := named & where.to_numpy()).any():
            row = int(bad.argmax())
            refuse(path, 3 + row, f"{problem}: {stem.iloc[row][:20]!r}")
    wanted = [_NEUTRAL.sub(r"\1a", name.lower().removesuffix(".jpg")) for name in files.file.tolist()]
    found = shares.set_axis(stem)[named].reindex(wanted).to_numpy(dtype=np.float64)
    if len(unrated := files.file[np.isnan(found).any(axis=1)].tolist()):
        rank_zero_warn(f"{path}: {len(unrated)} photographs have no ratings: {first_names(unrated)}")
    return found


def _share_columns(path: Path, sheet: pd.DataFrame) -> list[int]:
    """Find the columns of the six shares by both header rows."""
    header = sheet.iloc[:2].reindex([0, 1])
    below = header.columns[header.iloc[0].ffill() == _SHARES]
    where = {str(header.at[1, column]).strip().lower(): int(column) for column in below}
    if missing := [name for name in POSED[1:] if name not in where]:
        refuse(path, 2, f"there is no column {missing[0]!r} under {_SHARES!r}")
    return [where[name] for name in POSED[1:]]
