"""Tables of an audit: its frames with readable names and rounded numbers."""

from collections.abc import Callable
from math import isnan, nan
from typing import Any

import pandas as pd

from evaluation.audit.attacker_names import attacker_name
from evaluation.audit.result import Audit
from evaluation.report.tables import Table
from evaluation.samples.wording import MISSING, interval, number, p_value, percent, short

Cell = Callable[[Any], str]
"""Convert a row of `itertuples` to the text of a cell."""


LEAKAGE: dict[str, Cell] = {
    "leakage": lambda x: percent(x.balanced_accuracy),
    "95 %": lambda x: interval(x.low, x.high),
}
"""Columns of a balanced accuracy and its interval."""


def make_table(
    name: str, caption: str, frame: pd.DataFrame, columns: dict[str, Cell], texts: int = 1
) -> Table | None:
    """Make a table of a frame, a column for each heading; None if the frame is empty."""
    if frame.empty:
        return None
    rows = [[cell(row) for cell in columns.values()] for row in frame.itertuples()]
    return Table(name, caption, list(columns), rows, texts)


def removed_text(value: float) -> str:
    """Format a leakage reduction in percent; a dash for nan."""
    return MISSING if isnan(value) else f"{value:.1f} %"


def summary_table(audit: Audit) -> Table:
    """Make one row for each sensitive attribute and representation: leakage and verification."""
    gone = {(x.attribute, x.representation): x.removed for x in audit.verdicts}
    rows = []
    for attribute in audit.attributes:
        for name in audit.names:
            estimate = audit.leakage_estimate(attribute, name)
            rows.append(
                [
                    attribute,
                    name,
                    attacker_name(estimate.attacker),
                    percent(estimate.accuracy),
                    interval(estimate.low, estimate.high),
                    percent(estimate.chance),
                    p_value(estimate.p),
                    removed_text(gone.get((attribute, name), nan)),
                    number(estimate.auc, 4),
                ]
            )
    columns = (
        "attribute",
        "embedding",
        "strongest attacker",
        "leakage",
        "95 %",
        "chance",
        "p",
        "reduction",
    )
    caption = (
        "Leakage (balanced accuracy of the strongest attacker who has labelled embeddings of other "
        "subjects), leakage reduction, and AUC of verification."
    )
    return Table("summary", caption, (*columns, "AUC"), rows, texts=3)


def leakage_table(audit: Audit, attribute: str, slug: str) -> Table | None:
    """Make the table of every attacker on every representation."""
    frame = audit.frame("leakage", attribute=attribute)
    gone = audit.frame("removed", attribute=attribute)
    key = ("representation", "attacker", "scaling")
    found = {tuple(x[column] for column in key): x["removed"] for x in gone.to_dict("records")}
    return make_table(
        f"leakage_{slug}",
        f"Every attacker on {attribute}: accuracy, balanced accuracy and leakage reduction. All of them have "
        "labelled embeddings of other subjects, and know neither the network nor the eraser.",
        frame,
        {
            "representation": lambda x: x.representation,
            "attacker": lambda x: attacker_name(x.attacker),
            "embeddings": lambda x: x.scaling,
            "learned from": lambda x: x.learned_from,
            "accuracy": lambda x: percent(x.accuracy),
            "balanced": lambda x: percent(x.balanced_accuracy),
            "95 %": lambda x: interval(x.low, x.high),
            "reduction": lambda x: removed_text(found.get((x.representation, x.attacker, x.scaling), nan)),
        },
        texts=4,
    )


def information_table(audit: Audit, attribute: str, slug: str) -> Table | None:
    """Make the table of usable information and description length, in bits."""
    frame = audit.frame("information", attribute=attribute)
    lengths = audit.frame("description_length", attribute=attribute)
    if frame.empty:
        return None
    joined = frame.merge(lengths, on=["representation", "attribute", "family"], how="left")
    return make_table(
        f"information_{slug}",
        f"Usable information about {attribute} in bits a face, and description length: what the embeddings "
        "save is measured against the code by class shares, which knows how common each class is and nothing "
        "else.",
        joined,
        {
            "representation": lambda x: x.representation,
            "classifiers": lambda x: attacker_name(x.family),
            "bits": lambda x: number(x.bits),
            "95 %": lambda x: MISSING if isnan(x.low) else f"[{x.low:.3f}, {x.high:.3f}]",
            "of": lambda x: number(x.entropy),
            "code length, bits": lambda x: MISSING if isnan(x.codelength) else f"{x.codelength:,.0f}",
            "by class shares, bits": lambda x: MISSING if isnan(x.prior) else f"{x.prior:,.0f}",
            "compression": lambda x: number(x.compression, 2),
        },
        texts=2,
    )


def map_table(audit: Audit) -> Table | None:
    """Make the table of every attribute in every representation, by one fast attacker."""
    return make_table(
        "attribute_map",
        "Every attribute, read by one fast attacker (balanced accuracy).",
        audit.frame("attribute_map"),
        {
            "attribute": lambda x: x.attribute + (" (sensitive)" if x.attribute in audit.attributes else ""),
            "representation": lambda x: x.representation,
            "leakage": lambda x: percent(x.balanced_accuracy),
            "95 %": lambda x: interval(x.low, x.high),
            "chance": lambda x: percent(x.chance),
        },
        texts=2,
    )


def health_table(audit: Audit) -> Table | None:
    """Make the table of scale and effective rank of every representation."""
    return make_table(
        "health",
        "How much the representations vary.",
        audit.frame("health"),
        {
            "representation": lambda x: x.representation,
            "dimensions": lambda x: f"{x.dimensions}",
            "effective rank": lambda x: number(x.effective_rank, 1),
            "scale": lambda x: short(x.scale),
        },
    )


def verification_table(audit: Audit) -> Table | None:
    """Make the table of verification over all pairs."""
    return make_table(
        "verification",
        "Verification over all pairs of the samples tested.",
        _with_tar_names(audit.frame("verification")),
        {
            "representation": lambda x: x.representation,
            "score": lambda x: x.metric,
            **_VERIFICATION,
        },
        texts=2,
    )


def verification_within_table(audit: Audit) -> Table | None:
    """Make the table of verification where impostors are of the same class."""
    return make_table(
        "verification_within",
        "Verification by cosine where impostor pairs are of the same class of the attribute. Who loses the "
        "attribute loses what told impostors of different classes apart; these show what else was lost.",
        _with_tar_names(audit.frame("verification_within")),
        {
            "impostors of the same": lambda x: x.attribute,
            "representation": lambda x: x.representation,
            **_VERIFICATION,
        },
        texts=2,
    )


def _with_tar_names(frame: pd.DataFrame) -> pd.DataFrame:
    """Rename the columns that `itertuples` could not name."""
    return frame.rename(columns=lambda name: name.replace("1e-", "1e_"))


def _tar(column: str) -> Cell:
    return lambda x: percent(getattr(x, column))


_VERIFICATION: dict[str, Cell] = {
    "AUC": lambda x: number(x.auc, 4),
    "AUC, 95 %": lambda x: MISSING if isnan(x.auc_low) else f"[{x.auc_low:.4f}, {x.auc_high:.4f}]",
    "EER": lambda x: percent(x.eer, 2),
    "EER, 95 %": lambda x: interval(x.eer_low, x.eer_high),
    **{f"TAR at FMR 1e-{k}": _tar(f"tar_at_1e_{k}") for k in range(1, 6)},
    "genuine pairs": lambda x: f"{x.genuine:,}",
    "impostor pairs": lambda x: f"{x.impostor:,}",
}
"""Columns of `PairScores.summary`."""
