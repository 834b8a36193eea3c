"""Silence messages of other libraries that no user can act upon; each line says why."""

import logging
import re
import warnings

# Lightning logs these; what else it says is kept.
_LOGGED = re.compile(
    r"💡 Tip: "  # advertises packages of Lightning's makers
    r"|TPU available: False"  # nobody asked for a TPU
)


class _WithoutAdverts(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        return not _LOGGED.match(record.getMessage())


def silence_noise() -> None:
    """Silence messages that the recipes cause by design, or that address the authors of other libraries."""
    for name in ("pytorch_lightning.utilities.rank_zero", "lightning_fabric.utilities.rank_zero"):
        logging.getLogger(name).addFilter(_WithoutAdverts())
    # Lightning calls a function of its own that torch has renamed.
    warnings.filterwarnings("ignore", ".*treespec, LeafSpec")
