"""Report the verification of the test split: a table and curves."""

from collections.abc import Mapping

import pandas as pd
from pytorch_lightning import Trainer
from torch import Tensor

from callbacks.support.report_files import log_figure, log_table, report_folder, write_table
from evaluation.plots.verification_plots import plot_roc, plot_score_histogram
from evaluation.verification.pair_scores import score_pairs


def write_verification(trainer: Trainer, embeddings: Mapping[str, Tensor], identity: Tensor) -> None:
    """Write `verification.csv`, and to `figures/` the ROC curve and the scores; W&B gets all three.

    The table has a row for each representation, see `PairScores.summary`. Every rank must call this; rank
    zero writes. Without a logger, or without both genuine and impostor pairs, nothing is written.

    Args:
        trainer: its loggers give the folder.
        embeddings: representation (before, after) -> (N, D).
        identity: (N,) int64, -1 where unknown.
    """
    folder = report_folder(trainer)
    if folder is None:
        return
    scores = {name: score_pairs(embedding, identity) for name, embedding in embeddings.items()}
    if any(not (pairs.counts.genuine and pairs.counts.impostor) for pairs in scores.values()):
        return
    table = _labelled({name: pairs.summary() for name, pairs in scores.items()})
    rates = _labelled({name: pairs.rates() for name, pairs in scores.items()})
    histogram = _labelled({name: pairs.histogram() for name, pairs in scores.items()})
    write_table(folder, "verification", table)
    log_table(trainer, "test/verification", table)
    log_figure(trainer, "test/verification_roc", plot_roc(rates), folder, "verification_roc")
    log_figure(
        trainer, "test/verification_scores", plot_score_histogram(histogram), folder, "verification_scores"
    )


def _labelled(frames: dict[str, pd.DataFrame]) -> pd.DataFrame:
    """Concatenate all frames, with the column `representation` first."""
    return (
        pd.concat(frames, names=["representation", None]).reset_index("representation").reset_index(drop=True)
    )
