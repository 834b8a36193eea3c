"""Internal frames of an audit: predictions and replicates, by which representations are compared."""

import numpy as np
import pandas as pd

CORRECT = "_correct"
"""Internal section: whether each reading was right about each sample; not written to files."""

REPLICATES = "_replicates"
"""Internal section: replicates of the gaps of downstream classifiers, see `fairness.gap_changes`."""


def pack_correct(table: pd.DataFrame, correct: np.ndarray) -> pd.DataFrame:
    """Make the internal frame of readings; the predictions of a reading are one cell of float32 bytes.

    Args:
        table: R rows of `cross_fitted_leakage`.
        correct: (R, N) its predictions that were correct.
    """
    about = table[["attacker", "scaling", "learned_from", "spread"]].reset_index(drop=True)
    return about.assign(correct=[row.astype(np.float32).tobytes() for row in correct])
