"""Read DiveFace from its authors' lists or the folders of their course material; refuse damaged lists."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
from pytorch_lightning.utilities import rank_zero_warn

from datamodules.annotations.label_table import GENDERS, check_folder, decode_text, read_bytes, refuse
from datamodules.errors import DatasetError, first_names

ETHNICITIES = ("east_asian", "sub_saharan_south_indian", "caucasian")
"""The authors' groups 1, 2 and 3."""

IMAGES = 139_677

LISTS = {f"Group{e + 1}_{word.title()}": (g, e) for e in range(3) for g, word in enumerate(GENDERS)}
"""(gender, ethnicity) of each list. `max_images_per_identity` 3 gives the lists named `_balanced`."""

FOLDERS = {
    f"{sex}{group}4K_120": (gender, ethnicity)
    for sex, gender in (("H", 1), ("M", 0))  # hombre, mujer
    for group, ethnicity in (("A", 0), ("B", 2), ("N", 1))  # asiático, blanco, negro
}
"""(gender, ethnicity) of each folder, in the order of the material's class ids 0 to 5."""

_LINE = re.compile(r"(?P<identity>(?P<uploader>[\w@-]+)_identity_\d+)/[\w@-][\w@.-]*", re.ASCII)
_UPLOADER = re.compile(r"(\d+@N\d\d)_.+")
_SUFFIXES = (".jpg", ".jpeg", ".png")

_HOW_TO_GET = """DiveFace is missing: there is no {path}
Expected under `root`, as the authors ship it          or as in the folders 4K_120
  files/Group1_Female.txt ... Group3_Male.txt            4K_120/HA4K_120/<id>/<photo>.jpg
  12345678@N00_identity_1/123_0.jpg ...                  4K_120/HB4K_120/ ... HN, MA, MB, MN
The lists are at github.com/BiDAlab/DiveFace (for research only). They name images of MegaFace, which is no
longer distributed; if its tightly cropped images lie elsewhere, set --data.init_args.images to their folder.
Set --data.init_args.root to the folder of the lists, or to the one that holds 4K_120."""


@dataclass(frozen=True)
class DiveFaceFiles:
    """The images of DiveFace and their labels.

    Attributes:
        folder: of the images.
        table: n rows in the order of the lists: `file` (path below `folder`), `identity` (unique), `uploader`
            (the Flickr account of the photograph, "" where unknown), and `gender` and `ethnicity` (indices in
            `GENDERS` and `ETHNICITIES`).
        digest: sha256 of the lists, or of the file names where there are no lists.
        published: number of images of the complete release; None if unknown.
    """

    folder: Path
    table: pd.DataFrame
    digest: str
    published: int | None


Classes = tuple[int, int]
Row = tuple[str, str, str, int, int]
_COLUMNS = ["file", "identity", "uploader", "gender", "ethnicity"]


def _parse(path: Path, lines: list[str], classes: Classes, prefix: str, home: dict[str, Path]) -> list[Row]:
    """Parse the rows of a list; `home` maps the identities seen so far to their lists, and is updated."""
    rows: dict[str, Row] = {}
    for number, line in enumerate(lines, start=1):
        match = _LINE.fullmatch(line)
        if match is None:
            refuse(path, number, f"not of the form <uploader>_identity_<number>/<photo>.jpg: {line[:60]!r}")
        if line in rows:
            refuse(path, number, f"the image was listed before: {line!r}")
        identity = match["identity"]
        if home.setdefault(identity, path) != path:
            refuse(path, number, f"{identity!r} is in {home[identity].name} too, with another class")
        rows[line] = (prefix + line, identity, match["uploader"], *classes)
    return list(rows.values())


def _read_lists(lists: Path, folder: Path) -> DiveFaceFiles:
    home: dict[str, Path] = {}
    rows: list[Row] = []
    digest = hashlib.sha256()
    for name, classes in LISTS.items():
        path = lists / f"{name}.txt"
        content = read_bytes(path, _HOW_TO_GET)
        prefix = f"{name}/" if (folder / name).is_dir() else ""  # create_diveface.py made a copy
        lines = [line.removesuffix("\r") for line in decode_text(path, content).split("\n")]
        rows += _parse(path, lines, classes, prefix, home)
        digest.update(f"{path.name} {len(content)}\n".encode() + content)
    return DiveFaceFiles(folder, pd.DataFrame(rows, columns=_COLUMNS), digest.hexdigest(), IMAGES)


def _read_folders(folder: Path) -> DiveFaceFiles:
    home: dict[str, str] = {}
    rows: list[Row] = []
    strange: list[str] = []
    for name, classes in FOLDERS.items():
        if not (folder / name).is_dir():
            raise DatasetError(_HOW_TO_GET.format(path=folder / name))
        for path in sorted(x for x in (folder / name).rglob("*") if x.is_file()):
            file = path.relative_to(folder).as_posix()
            if path.suffix.lower() not in _SUFFIXES or file.count("/") != 2:
                strange.append(file)
                continue
            person = path.parent.name
            match = _UPLOADER.fullmatch(person)
            identity = person if match else f"{name}/{person}"  # plain numbers may start anew in each folder
            if home.setdefault(identity, name) != name:
                raise DatasetError(
                    f"{path.parent}: {person!r} is in {home[identity]} too, with another class"
                )
            rows.append((file, identity, match[1] if match else "", *classes))
    if not rows:
        raise DatasetError(f"{folder}: no image in its folders; expected HA4K_120/<id>/<photo>.jpg ...")
    if strange:
        rank_zero_warn(
            f"{folder}: {len(strange)} files are no <id>/<photo>.jpg and are left out: {first_names(strange)}"
        )
    digest = hashlib.sha256("\n".join(row[0] for row in rows).encode("utf-8", errors="surrogateescape"))
    return DiveFaceFiles(folder, pd.DataFrame(rows, columns=_COLUMNS), digest.hexdigest(), None)


def read_diveface_files(root: Path, images: Path | None = None) -> DiveFaceFiles:
    """Read and check the lists under `root`, or scan its class folders, whichever exist.

    Args:
        root: folder of the lists (or of `files/`, which holds them), or of `4K_120/` (or that folder itself).
        images: folder of the images of the lists; None: `root`. They may lie in a folder named after each
            list, where create_diveface.py puts them.

    Raises:
        DatasetError: files are missing (says what is expected and how to get it), lists are damaged (one line
            with file, line and what to do), or both lists and class folders exist.
    """
    check_folder(root, "DiveFace")
    lists = [x for x in (root / "files", root) if any((x / f"{name}.txt").exists() for name in LISTS)]
    folders = [x for x in (root / "4K_120", root) if any((x / name).is_dir() for name in FOLDERS)]
    if lists and folders:
        raise DatasetError(
            f"{root}: holds both the authors' lists and the folders of 4K_120; keep them apart and set "
            "--data.init_args.root to one"
        )
    if folders:
        if images is not None:
            raise DatasetError(f"{folders[0]}: holds its own images; leave out --data.init_args.images")
        return _read_folders(folders[0])
    folder = images or root
    if lists and not folder.is_dir():
        raise DatasetError(_HOW_TO_GET.format(path=folder))
    return _read_lists(lists[0] if lists else root / "files", folder)
