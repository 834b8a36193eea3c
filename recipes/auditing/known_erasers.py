"""Load the erasers that an attacker of an audit knows."""

from collections.abc import Sequence

import numpy as np

from evaluation.erasers.stored_eraser import EraserFileError, StoredEraser
from evaluation.erasers.transport import Transport
from evaluation.samples.arrays import Floats
from evaluation.samples.representations import Representations
from recipes.auditing.representation_tables import named_paths
from recipes.command_line.usage_error import UsageError

_ROWS = 200  # that show whether an eraser made a table


def load_known_erasers(given: Sequence[str], representations: Representations) -> dict[str, Transport]:
    """Load erasers without their keys, for an attacker who knows all the rest.

    Args:
        given: `NAME=PATH`, of the representation that the eraser made of the first one.
        representations: data of the audit.

    Returns:
        Erasers by the names of their representations.

    Raises:
        UsageError: no such representation; a file that is no eraser, or one without maps of classes; or an
            eraser that did not make the representation.
    """
    if not given:
        return {}
    first, *others = representations.embeddings
    found = {}
    for name, path in zip(*named_paths(given[0], given[1:]), strict=True):
        if name not in others:
            raise UsageError(f"--eraser: no --after is called {name!r}; there are {', '.join(others)}")
        try:
            eraser = StoredEraser.load(path).eraser
        except EraserFileError as error:
            raise UsageError(f"--eraser: {error}") from error
        if not isinstance(eraser, Transport):
            raise UsageError(
                f"--eraser: {path} maps all classes alike, so there is nothing to invert; attackers with "
                "pairs of both tables read what it leaves (--access true)"
            )
        rows = np.flatnonzero(representations.present(name))[:_ROWS]
        before, after = (representations.embeddings[x][rows].astype(np.float64) for x in (first, name))
        if not _made(eraser, before, after):
            raise UsageError(
                f"--eraser: {path} did not make {name} of {first}; give the file of that erasure"
            )
        found[name] = eraser
    return found


def _made(eraser: Transport, before: Floats, after: Floats) -> bool:
    """Compare embeddings with what the eraser makes of them without noise, whose cosine is known."""
    if before.shape[1] != len(eraser.mean) or after.shape[1] != len(eraser.target):
        return False
    z = eraser.mapped(eraser.coordinates(before), eraser.predicted(before))
    cosine = (z * after).sum(1) / (np.linalg.norm(z, axis=1) * np.linalg.norm(after, axis=1))
    return bool(cosine.mean() > 0.5 / np.sqrt(1 + eraser.sigma**2))
