"""Read files of pairs in LFW's format and match them with the samples of embedding tables."""

from pathlib import Path

import numpy as np

from datamodules.annotations.lfw_pairs import Pairs, read_pairs
from evaluation.verification.lfw_protocol import PairRows
from evaluation.verification.listed_pairs import ListedPairs
from recipes.command_line.usage_error import UsageError

_VIEW1, _VIEW2 = ("pairsDevTest.txt", "pairsDevTrain.txt"), ("pairs.txt",)


def load_pairs(folder: Path, sample_id: np.ndarray) -> list[ListedPairs]:
    """Load View 1, View 2 or both, depending on the files in a folder.

    Args:
        folder: holds `pairsDevTrain.txt` and `pairsDevTest.txt` (View 1), `pairs.txt` (View 2), or all three.
        sample_id: (N,) str, ids of the rows of the representations.

    Raises:
        UsageError: there is no such file, or no pair of one has two embeddings (the message says how ids
            differ).
        DatasetError: a file is damaged, or one of the two files of View 1 is missing.
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
