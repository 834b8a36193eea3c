"""Read LFW's files of image pairs, of View 1 and View 2; refuse damaged ones."""

import hashlib
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from pytorch_lightning.utilities import rank_zero_warn

from datamodules.annotations.label_table import read_bytes, refuse
from datamodules.errors import DatasetError

_PUBLISHED = {  # lines after the first, md5
    "pairsDevTrain.txt": (2200, "4f27cbf15b2da4a85c1907eb4181ad21"),
    "pairsDevTest.txt": (1000, "5132f7440eb68cf58910c8a45a2ac10b"),
    "pairs.txt": (6000, "9f1ba174e4e1c508ff7cdf10ac338a7d"),
}

_HOW_TO_GET = """LFW's pairs are missing: there is no {path}
Expected beside the images: pairsDevTrain.txt and pairsDevTest.txt for View 1, pairs.txt for View 2.
Get them from the project page "Labeled Faces in the Wild" of the University of Massachusetts, Amherst. (The
match*.csv and mismatch*.csv on Kaggle hold the same pairs in another form, which is not read.)"""


@dataclass(frozen=True)
class Pairs:
    """Pairs of images to verify: do both show the same person?

    Attributes:
        first: (n,) str, sample ids (`FaceTable.file`) of the first images.
        second: (n,) str, sample ids of the second images.
        same: (n,) bool, whether both show the same person.
        fold: (n,) int8, from 0; the files of View 1 have one fold.
        official: whether the file is LFW's own, by its name and md5.
    """

    first: np.ndarray
    second: np.ndarray
    same: np.ndarray
    fold: np.ndarray
    official: bool = False

    def __len__(self) -> int:
        return len(self.same)


def _whole(path: Path, line: int, text: str) -> int:
    """Parse a whole number of 1 or more."""
    if not (text.isascii() and text.isdigit()) or int(text) < 1:
        refuse(path, line, f"{text[:40]!r} is not a whole number of 1 or more")
    return int(text)


def _pair(path: Path, line: int, text: str, same: bool) -> tuple[str, str]:
    """Parse the sample ids of a pair."""
    words = text.split()
    if len(words) != (3 if same else 4):
        wanted = "a matched pair, `name n1 n2`" if same else "a mismatched pair, `name1 n1 name2 n2`"
        refuse(path, line, f"expected {wanted}, found {text.strip()[:60]!r}")
    one, n1 = words[0], _whole(path, line, words[1])
    other, n2 = (one, _whole(path, line, words[2])) if same else (words[2], _whole(path, line, words[3]))
    if (one, n1) == (other, n2) or (one == other) != same:  # the authors draw neither
        refuse(path, line, "a pair needs two images" if same else "a mismatched pair needs two people")
    return f"{one}/{one}_{n1:04d}.jpg", f"{other}/{other}_{n2:04d}.jpg"


def read_pairs(path: Path, files: np.ndarray | None = None) -> Pairs:
    """Read a pair file of either view.

    The first line of a file of View 1 is a number N; N matched pairs `name n1 n2` and N mismatched pairs
    `name1 n1 name2 n2` follow. In View 2 it is the number of folds and N, followed by such blocks for each
    fold.

    Args:
        path: the file.
        files: (m,) str, the existing sample ids; None does not check that the images exist.

    Raises:
        DatasetError: the file is missing or damaged, or an image of a pair is not among `files`.
    """
    content = read_bytes(path, _HOW_TO_GET)
    try:
        lines = content.decode("utf-8").rstrip().splitlines()
    except UnicodeDecodeError:
        refuse(path, None, "not a text file")
    header = lines[0].split() if lines else []
    if len(header) not in (1, 2):
        refuse(path, 1, "expected the number of pairs, or the number of folds and that of pairs")
    *folds, count = (_whole(path, 1, word) for word in header)
    blocks = folds[0] if folds else 1
    if len(lines) - 1 != 2 * count * blocks:
        expected = f"{blocks} x " * bool(folds) + f"({count} matched + {count} mismatched)"
        refuse(path, 1, f"it promises {expected} pairs, but {len(lines) - 1} lines follow")
    place = np.arange(2 * count * blocks)
    same = place % (2 * count) < count
    ids = [_pair(path, i + 2, lines[i + 1], bool(same[i])) for i in place]
    first, second = np.array(ids, dtype=np.str_).T
    official = _is_published(path, content, len(place))
    if files is not None:
        _check_images(path, first, second, files)
    return Pairs(first, second, same, (place // (2 * count)).astype(np.int8), official)


def _is_published(path: Path, content: bytes, count: int) -> bool:
    """Return whether the file is LFW's own; warn if it only has the same length."""
    published, md5 = _PUBLISHED.get(path.name, (None, None))
    official = hashlib.md5(content.replace(b"\r\n", b"\n")).hexdigest() == md5
    if count == published and not official:
        rank_zero_warn(
            f"{path}: as long as LFW's own file, but not the same pairs; do not call it LFW's protocol"
        )
    return official


def _check_images(path: Path, first: np.ndarray, second: np.ndarray, files: np.ndarray) -> None:
    wanted = np.stack([first, second], axis=1)
    missing = ~np.isin(wanted, files)
    if missing.any():
        row = int(missing.any(axis=1).argmax())
        raise DatasetError(
            f"{path}: {missing.any(axis=1).sum()} of {len(first)} pairs have an image that is not there, "
            f"first '{wanted[row][missing[row]][0]}' in line {row + 2}; get all images, or draw other pairs"
        )


def subjects_of_folds(path: Path, pairs: Pairs) -> list[np.ndarray]:
    """List the names (k,) str of the subjects of each fold; raise `DatasetError` if one is in two folds."""
    folds, fold_of = [], dict[str, int]()
    for fold in range(int(pairs.fold.max()) + 1):
        here = pairs.fold == fold
        ids = np.concatenate([pairs.first[here], pairs.second[here]]).tolist()
        folds.append(np.unique([name.split("/")[0] for name in ids]))
        for person in folds[-1].tolist():
            if fold_of.setdefault(person, fold) != fold:
                refuse(path, None, f"{person!r} is in the folds {fold_of[person] + 1} and {fold + 1}")
    return folds
