"""Write the verdict of an audit on verification and identification, for tables with or without attributes."""

from collections.abc import Callable, Hashable
from math import isnan
from typing import Any

from evaluation.audit.result import Audit
from evaluation.samples.wording import interval, percent
from evaluation.verification.paired_change import verification_change


def verification_verdicts(audit: Audit) -> list[str]:
    """Say how well each representation after the first, or the only one, tells subjects apart.

    Uses the frames `verification`, and if they were measured `identification` and `_verification_draws` (the
    columns of `PairScores.drawn`, `representation` and `metric`), for cosine scores.

    Returns:
        A sentence for each representation; none if verification was not measured.
    """
    verification = audit.frame("verification", metric="cosine")
    if verification.empty:
        return []
    sentences = []
    changes: dict[str, dict[Hashable, Any]] = {}
    if len(audit.names) > 1:
        drawn = audit.frame("_verification_draws", metric="cosine")
        if drawn.empty:
            drawn = verification[["representation", "metric", "auc", "eer"]][:0]
        table = verification_change(verification, drawn, audit.names[0])
        rows = table[table["measure"] == "auc"].to_dict("records")
        changes = {row["representation"]: row for row in rows}
    for row in verification.to_dict("records"):
        name = row["representation"]
        if len(audit.names) > 1 and name == audit.names[0]:
            continue
        area = _auc(row["auc"]) + _span(row["auc_low"], row["auc_high"])
        parts = [
            f"{name} tells subjects apart with AUC {area} and EER {percent(row['eer'])} "
            f"{interval(row['eer_low'], row['eer_high'])}{_accepted(row)}",
            _within(audit, name),
            _identified(audit, name),
            _changed(changes.get(name), audit.names[0]),
        ]
        sentences.append("; ".join(filter(None, parts)) + ".")
    return sentences


def _accepted(row: dict[Hashable, Any]) -> str:
    """Say the TAR at a FMR of 0.001, if there are impostors enough for it."""
    tar = row["tar_at_1e-3"]
    return "" if isnan(tar) else f", and {percent(tar)} of genuine pairs are accepted at a FMR of 0.1 %"


def _within(audit: Audit, representation: str) -> str:
    frame = audit.frame("verification_within", representation=representation)
    found = [
        f"of the same {row['attribute']} with AUC {_auc(row['auc'])} and EER {percent(row['eer'])}"
        for row in frame.to_dict("records")
        if not isnan(row["auc"])
    ]
    return f"subjects {', '.join(found)}" if found else ""


def _identified(audit: Audit, representation: str) -> str:
    frame = audit.frame("identification", representation=representation, rank=1, group_attribute="")
    return "".join(
        f"among {row['gallery']:,} enrolled subjects the right one has rank 1 for {percent(row['rate'])} "
        f"{interval(row['low'], row['high'])} of the probes"
        for row in frame.to_dict("records")
    )


def _changed(change: dict[Hashable, Any] | None, before: str) -> str:
    """Compare the AUC with that of the original representation by the interval of the difference."""
    if change is None:
        return ""
    size = _signed(change["difference"]) + _span(change["difference_low"], change["difference_high"], _signed)
    was = f"AUC {_auc(change['before'])} in {before}, a change of {size}"
    if isnan(change["difference_low"]):
        return was
    if change["difference_high"] < 0:
        return f"that is less than before ({was})"
    if change["difference_low"] > 0:
        return f"that is more than before ({was})"
    return f"no change is shown ({was})"


def _auc(auc: float) -> str:
    return f"{auc:.4f}".removeprefix("0")


def _signed(value: float) -> str:
    return f"{value:+.4f}".replace("-", "−")


def _span(low: float, high: float, form: Callable[[float], str] = _auc) -> str:
    """Format an interval to follow its figure; empty if an end is nan."""
    return "" if isnan(low) or isnan(high) else f" [{form(low)}, {form(high)}]"
