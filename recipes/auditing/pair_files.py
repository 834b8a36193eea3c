"""Files of pairs in LFW's format, matched with the samples of embedding tables."""

from pathlib import Path

import numpy as np

from datamodules.annotations.lfw_pairs import Pairs, read_pairs
from evaluation.verification.lfw_protocol import PairRows
from evaluation.verification.listed_pairs import ListedPairs
from recipes.command_line.errors import UsageError

_VIEW1, _VIEW2 = ("pairsDevTest.txt", "pairsDevTrain.txt"), ("pairs.txt",)


def load_pairs(folder: Path, sample_id: np.ndarray) -> list[ListedPairs]:
    """View 1, View 2 or both, as the files in a folder allow.

    Args:
        folder: of `pairsDevTrain.txt` and `pairsDevTest.txt` (View 1), of `pairs.txt` (View 2), or of all.
        sample_id: (N,) str, of the rows of the representations.

    Raises:
        UsageError: no such file, or one none of whose pairs has two embeddings (says how the ids differ).
        DatasetError: a file is damaged, or one of View 1 lacks the other.
    """
    found = []
    for names in (_VIEW1, _VIEW2):
        paths = [folder / name for name in names]
        if any(path.exists() for path in paths):
            files = [read_pairs(path) for path in paths]
            test, *train = [_rows_of(x, sample_id, path) for x, path in zip(files, paths, strict=True)]
            official = all(pairs.official for pairs in files)
            found.append(ListedPairs(test, train[0] if train else None, official))
    if not found:
        raise UsageError(f"--pairs: {folder} has neither {' with '.join(_VIEW1)} nor {_VIEW2[0]}")
    return found


def _rows_of(pairs: Pairs, sample_id: np.ndarray, path: Path) -> PairRows:
    row = {name: place for place, name in enumerate(sample_id.tolist())}
    first, second = (
        np.array([row.get(name, -1) for name in names.tolist()]) for names in (pairs.first, pairs.second)
    )
    if not ((first >= 0) & (second >= 0)).any():
        raise UsageError(
            f"{path}: no pair has two embeddings; its ids are such as {str(pairs.first[0])!r}, those of the "
            f"embeddings such as {str(sample_id[0])!r}; embed the images of these pairs, all splits of them"
        )
    return PairRows(first, second, pairs.same, pairs.fold.astype(np.int64))
