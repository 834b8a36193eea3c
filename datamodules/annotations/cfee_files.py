"""Read CFEE's folders, its annotation spreadsheet and a user's list of genders."""

import re
from collections import Counter
from dataclasses import dataclass
from io import BytesIO
from pathlib import Path

import numpy as np
import pandas as pd
from python_calamine import CalamineError
from pytorch_lightning.utilities import rank_zero_warn

from datamodules.annotations.label_table import GENDERS, check_folder, read_bytes, refuse
from datamodules.errors import DatasetError, first_names

_IMAGE = re.compile(r"(\d\d)_(\d{3})_\d+\.jpg", re.ASCII | re.IGNORECASE)
_SHEET = "AU_annotation_all_subjects"

_HOW_TO_GET = """CFEE is missing: there is no {path}
Expected under `root`, as the authors ship it
  CFEE_Database_230/01-04/Images1/01_126_3963.jpg ... 21-26/Images6/23_178_6632.jpg
  CFEE_Database_230/AU_annotation_all_subjects.xls (or .xlsx, or its sheet "summary" as .csv)
Ask the authors for access at cbcsl.ece.ohio-state.edu/compound.html (Compound Facial Expressions of Emotion,
for research only), and set --data.init_args.root to the folder CFEE_Database_230 or to its parent."""


@dataclass(frozen=True)
class CfeeFiles:
    """The images of CFEE and their labels.

    Attributes:
        folder: the folder of the database.
        file: (n,) str, path below `folder`, sorted.
        emotion_id: (n,) number of the emotion, with which the file name begins.
        subject: (n,) str, three digits.
        names: name of each emotion id, in the order of the spreadsheet.
    """

    folder: Path
    file: np.ndarray
    emotion_id: np.ndarray
    subject: np.ndarray
    names: dict[int, str]


def class_name(text: str) -> str:
    """Turn the name of an emotion into a class name: "Happily surprised" becomes `happily_surprised`."""
    return "_".join(text.lower().replace("_", " ").split())


def _rows(path: Path, sheet: str) -> pd.DataFrame:
    """Read all cells as text, without a header; line n of the file is row n - 1."""
    content = BytesIO(read_bytes(path))
    try:
        if path.suffix == ".csv":
            return pd.read_csv(content, header=None, dtype=str, skip_blank_lines=False, encoding="utf-8-sig")
        return pd.read_excel(content, sheet_name=sheet, header=None, dtype=str, engine="calamine")
    except (ValueError, CalamineError) as error:  # pandas' and Unicode's errors are of the first kind
        refuse(path, None, f"not a table that can be read ({str(error).splitlines()[0]})")


def read_emotions(path: Path) -> dict[int, str]:
    """Read the class name of each emotion id from the first two columns of the sheet "summary".

    Raises:
        DatasetError: the sheet cannot be read, a row is not an id and a name, or one occurs twice.
    """
    rows = _rows(path, "summary")
    if rows.shape[1] < 2:
        refuse(path, None, 'the sheet "summary" must begin with a column of ids and one of names')
    names: dict[int, str] = {}
    for line, (number, text) in enumerate(zip(rows[0], rows[1], strict=True), start=1):
        blank = pd.isna(number) and pd.isna(text)
        header = line == 1 and not str(number).strip().isdecimal()
        if blank or header:
            continue
        if pd.isna(text) or not str(number).strip().isdecimal() or not class_name(text):
            refuse(path, line, f"not an emotion's id and name: {number!r}, {text!r}")
        if int(number) in names or class_name(text) in names.values():
            refuse(path, line, f"the emotion was listed before: {number}, {text!r}")
        names[int(number)] = class_name(text)
    if not names:
        refuse(path, None, "no emotion is listed")
    return names


def read_genders(path: Path) -> dict[str, int]:
    """Read the index in `GENDERS` of each subject (three digits) from a CSV with columns subject, gender.

    Raises:
        DatasetError: the file cannot be read, lacks a column, has another gender, or a subject twice.
    """
    if not path.exists():
        raise DatasetError(
            f"{path}: there is no such file; set --data.init_args.gender_csv to it, or to null"
        )
    rows = _rows(path, "")
    header = [str(name).strip().lower() for name in rows.iloc[0]]
    if not {"subject", "gender"} <= set(header):
        refuse(
            path, 1, f"the header must name the columns subject and gender, it has {', '.join(header)[:60]}"
        )
    genders: dict[str, int] = {}
    columns = (rows.iloc[1:, header.index(name)].fillna("").str.strip() for name in ("subject", "gender"))
    for line, (number, gender) in enumerate(zip(*columns, strict=True), start=2):
        if not number.isdecimal() or gender.lower() not in GENDERS:
            refuse(path, line, f"not a subject's number and female or male: {number[:20]!r}, {gender[:20]!r}")
        subject = f"{int(number):03d}"  # a spreadsheet program drops leading zeros
        if subject in genders:
            refuse(path, line, f"subject {subject} was listed before")
        genders[subject] = GENDERS.index(gender.lower())
    return genders


def _sheet(places: tuple[Path, Path]) -> Path:
    for place in places:
        for suffix in (".xls", ".xlsx", ".csv"):
            if (place / (_SHEET + suffix)).exists():
                return place / (_SHEET + suffix)
    raise DatasetError(_HOW_TO_GET.format(path=places[0] / f"{_SHEET}.xls"))


def read_cfee_files(root: Path) -> CfeeFiles:
    """Find the images under `root` and read the names of the emotions.

    Files whose names do not follow CFEE's pattern are left out, and a warning names the first ones. If a
    subject shows an emotion in several frames, all are kept, and a warning says so.

    Args:
        root: the folder CFEE_Database_230, or its parent; the spreadsheet is in either.

    Raises:
        DatasetError: files are missing (says what is expected and how to get it) or the spreadsheet is
            damaged.
    """
    check_folder(root, "CFEE")
    folder = root / "CFEE_Database_230"
    folder = folder if folder.is_dir() else root
    names = read_emotions(_sheet((folder, root)))
    found = sorted(path.relative_to(folder).as_posix() for path in folder.glob("*/Images*/*"))
    matches = {file: _IMAGE.fullmatch(file.rsplit("/", 1)[1]) for file in found}
    strange = [file for file, match in matches.items() if match is None]
    images = {file: match.groups() for file, match in matches.items() if match}
    if not images:
        raise DatasetError(
            _HOW_TO_GET.format(path=folder / "01-04" / "Images1" / "<emotion>_<subject>_<frame>.jpg")
        )
    if strange:
        rank_zero_warn(
            f"{folder}: {len(strange)} files are left out, their names are not of the form "
            f"<emotion>_<subject>_<frame>.jpg: {first_names(strange)}"
        )
    frames = Counter(images.values())
    repeated = sorted(f"{emotion}_{subject}" for (emotion, subject), count in frames.items() if count > 1)
    if repeated:
        rank_zero_warn(
            f"{folder}: {len(repeated)} pairs of emotion and subject have more than one frame, all are kept: "
            f"{first_names(repeated)}"
        )
    emotion, subject = zip(*images.values(), strict=True)
    return CfeeFiles(
        folder, np.array(list(images)), np.array(emotion, dtype=np.int64), np.array(subject), names
    )
