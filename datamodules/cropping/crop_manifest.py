"""The manifest of prepared crops: one table with everything that is known of each sample."""

from pathlib import Path

import pandas as pd

from datamodules.annotations.face_table import FaceTable
from datamodules.contract import SPLITS, Attributes
from datamodules.cropping.crop_chunk import NUMBERS, OK
from datamodules.errors import DatasetError

OWN_COLUMNS = ("sample_id", "path", "split", *NUMBERS, "faces", "status")


def check_attributes(attributes: Attributes) -> None:
    """Refuse attributes that are named like a column of the manifest."""
    taken = sorted(set(attributes) & set(OWN_COLUMNS))
    if taken:
        raise DatasetError(
            f"an attribute may not be called {taken[0]!r}: the manifest has a column of that name"
        )


def build_manifest(table: FaceTable, attributes: Attributes, record: pd.DataFrame) -> pd.DataFrame:
    """Build the manifest: a row for each sample of the table, in its order, whether cropped or not.

    Args:
        table: the annotations.
        attributes: class names of each.
        record: of the crops, see `ChunkCropper`.

    Returns:
        Columns `sample_id`; `path`, below the folder of the photographs; `split`, empty for none; every
        attribute by class name, empty where unknown; box `x1` to `y2`, landmarks and `score` of the chosen
        face, in pixels of the upright photograph; `faces`, the number found; `status`, "ok" or the reason.
    """
    codes = {"split": pd.Categorical.from_codes(table.split.tolist(), pd.Index(SPLITS))}
    codes |= {
        name: pd.Categorical.from_codes(labels.tolist(), pd.Index(attributes[name]))
        for name, labels in table.labels.items()
    }
    ids = pd.DataFrame({"sample_id": table.file.astype(str), "path": table.file.astype(str)})
    return pd.concat([ids, pd.DataFrame(codes), record.reset_index(drop=True)], axis=1)


def left_out(manifest: pd.DataFrame) -> pd.DataFrame:
    """Return `sample_id` and `reason` of every sample without a crop."""
    rows = manifest.reset_index() if manifest.index.name else manifest
    return rows.loc[rows["status"] != OK, ["sample_id", "status"]].rename(columns={"status": "reason"})


def read_records(paths: list[Path], rows: int) -> pd.DataFrame:
    """Concatenate the records of all chunks; raise `DatasetError` if they are damaged."""
    records = []
    for path in paths:
        try:
            records.append(pd.read_parquet(path))
        except (OSError, ValueError) as error:
            raise DatasetError(f"{path}: cannot be read ({error}); delete it and start again") from None
    record = pd.concat(records) if records else pd.DataFrame({"status": pd.Series(dtype=str)})
    if len(record) != rows:
        raise DatasetError(
            f"{paths[0].parent}: {len(record)} samples are recorded, not {rows}; delete the folder"
        )
    return record
