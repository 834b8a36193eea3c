"""Warn of leakage figures that are easily misread."""

from collections.abc import Iterator

import pandas as pd

from evaluation.audit.attacker_names import attacker_name
from evaluation.samples.wording import interval, percent, short

_MIN_RELATIVE_SCALE = 1e-3  # as `embedding_health.collapsed`
_MIN_RELATIVE_RANK = 0.02  # of the width


def leakage_warnings(table: pd.DataFrame, health: pd.Series, before: pd.Series | None = None) -> list[str]:
    """Write sentences about anomalies in the leakage of one attribute from one representation.

    Args:
        table: rows of `cross_fitted_leakage`, of which `attacker`, `scaling`, `balanced_accuracy`, `low`,
            `high`, `chance`, `majority` and `n_train` are used.
        health: `scale`, `effective_rank` (both of `embedding_health`) and `dimensions` of the representation.
        before: the same of the original representation, on the same samples; None if there is none.

    Returns:
        Sentences; none without anomalies.
    """
    return [*_of_the_strongest(table), *_of_the_attackers(table), *_of_the_embedding(health, before)]


def _of_the_strongest(table: pd.DataFrame) -> Iterator[str]:
    """Check the strongest attacker: its interval against chance, and the balance of the classes."""
    fair = table[table["scaling"] == "standardised"]
    best = fair.loc[fair["balanced_accuracy"].idxmax()]
    who = f"the strongest attacker ({attacker_name(best['attacker'])})"
    span, chance = interval(best["low"], best["high"]), f"chance ({percent(best['chance'])})"
    if best["high"] < best["chance"]:
        yield (
            f"Below chance: {who} reads {percent(best['balanced_accuracy'])} {span}, all of it below "
            f"{chance}. That is an artefact of the split, not blindness: where people are few, or "
            "are on both sides with one image of each class, what is left out makes other answers likelier."
        )
    elif best["low"] <= best["chance"]:
        yield (
            f"Not shown to be readable: the interval of {who}, {span}, holds {chance}. That is no proof of "
            "absence: another attacker, or more people, may read it."
        )
    if best["majority"] > (1 + best["chance"]) / 2:
        yield (
            f"Unequal classes: {percent(best['majority'])} of the samples are of one class, so that a "
            "constant answer has that accuracy. Only balanced accuracy says how much is read."
        )


def _of_the_attackers(table: pd.DataFrame) -> Iterator[str]:
    """Compare the attackers: leaks hidden by scale, and attackers that learned from a subsample."""
    fair, raw = (table[table["scaling"] == kind].set_index("attacker") for kind in ("standardised", "raw"))
    both = fair.join(raw.add_suffix("_raw"), how="inner")
    hidden = both[(both["low_raw"] <= both["chance"]) & (both["low"] > both["chance"])]
    if len(hidden):
        yield (
            f"Hidden by scale: on the raw embedding {_names(hidden)} cannot be told from chance, on the "
            "standardised one it can. The attribute is still there, on a small or uneven scale."
        )
    for _, peers in fair.groupby("learned_from"):
        fewer = peers[peers["n_train"] < peers["n_train"].max()]
        if len(fewer):
            counts = ", ".join(f"{n:,.0f}" for n in fewer["n_train"].unique())
            yield (
                f"Subsampled: {_names(fewer)} learned from {counts} samples, the others from "
                f"{peers['n_train'].max():,.0f}. With all of them they might read more."
            )


def _of_the_embedding(health: pd.Series, before: pd.Series | None) -> Iterator[str]:
    """Check whether the embedding has collapsed; the comparisons count nan as a collapse."""
    rank, width = health["effective_rank"], health["dimensions"]
    if not rank >= 1 + _MIN_RELATIVE_RANK * width:
        yield (
            f"Few directions: the effective rank of the representation is {short(rank)} of {width:,.0f} "
            "dimensions. What is not read may have been lost with everything else: compare verification."
        )
    if before is not None and not health["scale"] >= _MIN_RELATIVE_SCALE * before["scale"]:
        yield (
            f"Tiny scale: the representation varies by {short(health['scale'])} (root mean square of the "
            f"standard deviations), what it was made from by {short(before['scale'])}. Attackers that do not "
            "standardise would take that for blindness."
        )


def _names(rows: pd.DataFrame) -> str:
    return ", ".join(attacker_name(name) for name in rows.index)
