"""Read from embedding tables which subjects their representations learned from."""

import numpy as np

from datamodules.contract import SPLITS
from datamodules.tables.embedding_table import EmbeddingTable
from evaluation.samples.arrays import Ints

IDENTITY = "identity"  # the attribute that names the subject of a sample
_NETWORK, _ERASER, _MODEL = "network learned from", "eraser learned from", "model"


def subjects_learned_from(table: EmbeddingTable, first: EmbeddingTable) -> Ints | None:
    """Compare the record of a table with the samples of the first table.

    A sample counts as learned from if the record names it, or another sample of its subject in either table,
    whatever splits the tables state now. Tables of earlier versions name the splits that an eraser learned
    from instead of the samples.

    Returns:
        (n,) int64 for the samples of `first`: 1 learned from, 0 not, -1 not known; None without a record.
    """
    origin = table.provenance
    ids = [] if table.learned_from is None else [table.learned_from]
    names = [text for key, text in origin.items() if key.split("/")[-1] == _ERASER]  # of a source/, too
    splits = [SPLITS.index(split) for text in names for split in text.split() if split in SPLITS]
    if table.learned_from is None and splits:
        ids = [x.sample_id[np.isin(x.split.numpy(), splits)] for x in (table, first)]
    if not ids:
        return None
    learned = np.unique(np.concatenate(ids))
    subjects = np.union1d(_subjects_of(table, learned), _subjects_of(first, learned))
    names = _subject_names(first)
    known = names != ""
    seen = np.isin(first.sample_id, learned) | np.isin(names, subjects)
    # complete: all networks on the way have a record, and the subject of every sample in it is known
    networks = {_MODEL, *(key for key in origin if key.split("/")[-1] == _MODEL)}
    recorded = all(key.removesuffix(_MODEL) + _NETWORK in origin for key in networks)
    named = [x.sample_id[_subject_names(x) != ""] for x in (table, first)]
    complete = recorded and np.isin(learned, np.concatenate(named)).all()
    return np.where(seen, 1, np.where(known & complete, 0, -1))


def _subject_names(table: EmbeddingTable) -> np.ndarray:
    """Name the subject of each sample, (n,) str; empty where unknown."""
    if IDENTITY not in table.labels:
        return np.full(len(table), "")
    return np.array((*table.attributes[IDENTITY], ""))[table.labels[IDENTITY].numpy()]


def _subjects_of(table: EmbeddingTable, ids: np.ndarray) -> np.ndarray:
    names = np.unique(_subject_names(table)[np.isin(table.sample_id, ids)])
    return names[names != ""]
