"""Read which samples the run of a checkpoint learned from."""

from pathlib import Path

import numpy as np

from callbacks.run_record import TRAINING_SAMPLES
from storage.checksums import json_sha256
from storage.json_file import read_json


def read_training_samples(ckpt: Path) -> np.ndarray | None:
    """Read the ids of the training samples (m,) str from the run folder of a checkpoint.

    What a pretrained backbone had learned from before is not recorded anywhere.

    Returns:
        None if the checkpoint lies in no run folder with that record.

    Raises:
        DamagedFileError: the record cannot be read.
    """
    path = ckpt.expanduser().resolve().parent.parent / TRAINING_SAMPLES
    if not path.is_file():
        return None
    advice = "remove it, and tables will not say whom the network learned from"
    return np.array(read_json(path, "samples", advice=advice)["samples"], dtype=np.str_)


def training_facts(samples: np.ndarray | None) -> dict[str, str]:
    """Describe the training samples (m,) for the provenance of a table; empty without a record."""
    if samples is None:
        return {}
    digest = json_sha256(samples.tolist())
    return {"network learned from": f"{len(samples):,} training samples (sha256 {digest[:16]})"}
