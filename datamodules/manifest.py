"""Your own faces: a folder of images and a table with their labels."""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any

from pytorch_lightning.utilities import rank_zero_warn

from datamodules.annotations.cell_text import normalize
from datamodules.annotations.face_table import FaceTable
from datamodules.annotations.group_split import check_shares
from datamodules.annotations.manifest_files import TextTable, read_text_table
from datamodules.annotations.manifest_splits import deal_splits, given_splits
from datamodules.contract import Attributes
from datamodules.errors import DatasetError
from datamodules.file_faces import FileFaces
from storage.checksums import json_sha256

MAX_CLASSES = 200
"""A column with more classes is an attribute only if it is named in `attributes`, is `identity`, or is
categorical in a Parquet file."""

_TAKEN = ("image", "index")  # keys of a batch
_BOOKKEEPING = ("sample_id", "status")  # columns of the manifest that `recipes/prepare.py` writes

_HOW_TO_MAKE = """The manifest is missing: there is no {path}
Expected: a CSV in UTF-8 (or Parquet) with one row an image; paths are relative to `root`, and what is not
known is left empty. For example
  path,split,identity,emotion
  anna/001.jpg,train,anna,happy
  ben/001.jpg,val,ben,
  carla/001.jpg,test,carla,neutral
Write it with a spreadsheet, with pandas, or from the names of files and folders with
recipes/make_manifest.py; say where it is with --data.init_args.manifest."""


def _classes_by_name(
    attributes: Mapping[str, Sequence[str] | None] | Sequence[str] | None,
) -> dict[str, Sequence[str] | None] | None:
    """Read the option `attributes`; classes to be found are None. Raise ValueError if it is invalid."""
    if attributes is None:
        return None
    if isinstance(attributes, str):
        raise ValueError(f"attributes: a list of columns is needed, such as [{attributes}]")
    asked = dict(attributes) if isinstance(attributes, Mapping) else dict.fromkeys(attributes)
    for name, classes in asked.items():
        if name in _TAKEN:
            raise ValueError(f"attributes: {name!r} is what batches call something else; rename the column")
        if isinstance(classes, str):
            raise ValueError(f"attributes: the classes of {name} must be a list of names, not {classes!r}")
        if classes is None:
            continue
        plain = [normalize(c) for c in classes]
        if not plain or "" in plain or len(set(plain)) < len(plain):
            raise ValueError(
                f"attributes: the classes of {name} must be different names, got {list(classes)}"
            )
    return asked


class Manifest(FileFaces):
    """Your own faces, listed in a CSV or Parquet file; images as (3, size, size) uint8 RGB.

    The table has one row for each image: its path below `root`, its split (`train`, `val` or `test`; images
    without are in none) and a column for each attribute, empty where unknown. NaN, NA, N/A, None, null and -1
    are unknown too, unless `attributes` names a class so; text is normalised to Unicode's NFC form; a warning
    names classes and identities that look alike.

    The manifest that `recipes/prepare.py` writes is one of these: with `root`, `crops` and `manifest` set to
    the crops, a prepared dataset trains without its original images.

    Args:
        root: folder of the images.
        manifest: the table; a path, looked up below `root` first.
        attributes: columns to use as attributes, with their classes in label order; null as the classes of a
            column, or a list of columns, takes the classes found, sorted (or those of a categorical column of
            Parquet, in its order). null for all takes every column of text with at most 200 classes, the
            categorical ones and `identity`. A class that is not listed is refused.
        path_column: the column of image paths.
        split_column: the column of splits. Without such a column the images are assigned to splits.
        disjoint: a column, such as `identity`, none of whose values may be in two splits: they are assigned
            as a whole, and given splits are checked. null assigns image by image.
        shares: of the images assigned to train, val and test.
        split_seed: of the assignment, apart from the seed of the training, so that all runs share one test
            split.
        **options: see `FileFaces`.
    """

    def __init__(
        self,
        root: str,
        manifest: str = "manifest.csv",
        attributes: dict[str, list[str] | None] | list[str] | None = None,
        path_column: str = "path",
        split_column: str = "split",
        disjoint: str | None = None,
        shares: tuple[float, float, float] = (0.8, 0.1, 0.1),
        split_seed: int = 0,
        **options: Any,
    ) -> None:
        super().__init__(root, **options)
        self.asked = _classes_by_name(attributes)
        check_shares(shares)
        self.manifest, self.path_column, self.split_column = manifest, path_column, split_column
        self.disjoint, self.shares, self.split_seed = disjoint, shares, split_seed

    @property
    def attributes(self) -> Attributes:
        """Class names of each attribute; raises `DatasetError` if the manifest cannot be read."""
        return self._coded[1]

    def read_table(self) -> FaceTable:
        """Read the rows of the manifest; raise `DatasetError` if it is missing or damaged."""
        return self._coded[0]

    @cached_property
    def _coded(self) -> tuple[FaceTable, Attributes]:
        """The table with the classes of its labels."""
        path = self._find()
        rows = read_text_table(path)
        files = rows.files(self.path_column)
        columns = self._columns(rows)
        coded = {name: rows.codes(name, classes) for name, classes in columns.items()}
        attributes = {name: classes for name, (classes, _) in coded.items()}
        if not attributes:
            raise DatasetError(f"{path}: no column to make an attribute of; it has {', '.join(rows.columns)}")
        for name, classes in attributes.items():
            if not classes:
                raise DatasetError(f"{path}: the column {name!r} is empty; leave it out of attributes")
        used = {**columns} if self.disjoint is None else {self.disjoint: None, **columns}
        rows.warn_of_doubts(used)
        try:
            self.check_samples(attributes)
        except ValueError as error:
            raise DatasetError(f"{path}: {error}") from None
        if self.split_column in rows.columns:
            split = given_splits(rows, self.split_column, self.disjoint)
        else:
            split = deal_splits(rows, files, self.disjoint, self.shares, self.split_seed)
        table = FaceTable(
            folder=self.root,
            file=files,
            split=split,
            labels={name: codes for name, (_, codes) in coded.items()},
            digest=json_sha256([rows.digest, self.path_column, attributes], sort_keys=False),
        )
        return table, attributes

    def _find(self) -> Path:
        given = Path(self.manifest).expanduser()
        for path in (self.root / given, given):
            if path.exists():
                return path
        raise DatasetError(_HOW_TO_MAKE.format(path=self.root / given))

    def _columns(self, rows: TextTable) -> Mapping[str, Sequence[str] | None]:
        """Choose the columns to use as attributes, with their classes where given."""
        if self.asked is not None:
            return self.asked
        others = {self.path_column, self.split_column, *_BOOKKEEPING}
        count = {name: len(rows.codes(name)[0]) for name in rows.text if name not in others}
        sure = {"identity", *rows.declared}
        chosen = [name for name, n in count.items() if n and (n <= MAX_CLASSES or name in sure)]
        left = [f"{name} ({n:,} classes)" for name, n in count.items() if n and name not in chosen]
        if left:
            rank_zero_warn(
                f"{rows.path}: no attribute is made of {', '.join(left)}; name it in attributes if it is"
            )
        for name in chosen:
            if name in _TAKEN:
                raise DatasetError(
                    f"{rows.path}: batches call something else {name!r}; rename the column, or list the "
                    "columns to use with --data.init_args.attributes"
                )
        return dict.fromkeys(chosen)
