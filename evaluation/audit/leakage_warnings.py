"""Warn of leakage figures that are easily misread."""

from collections.abc import Iterator

import pandas as pd

from evaluation.audit.attacker_names import attack_name, attacker_name
from evaluation.samples.wording import interval, percent, short

_STANDARD = "standardised"
_FAR = 1.7  # half intervals below chance: one of several dozen attackers is beyond one by chance
_MIN_RELATIVE_SCALE = 1e-3  # as `embedding_health.collapsed`
_MIN_RELATIVE_RANK = 0.02  # of the width


def leakage_warnings(
    table: pd.DataFrame, best: pd.Series, health: pd.Series, before: pd.Series | None = None
) -> list[str]:
    """Write sentences about anomalies in the leakage of one attribute from one representation.

    Args:
        table: rows of `cross_fitted_leakage`, of which `attacker`, `scaling`, `balanced_accuracy`, `low`,
            `high`, `chance`, `majority` and `n_train` are used.
        best: the strongest reading, with `attacker`, `scaling`, `low`, `high` and `chance`.
        health: `scale`, `effective_rank` (both of `embedding_health`) and `dimensions` of the representation.
        before: the same of the original representation, on the same samples; None if there is none.

    Returns:
        Sentences; none without anomalies.
    """
    texts = (
        _of_the_strongest(best),
        _of_the_samples(table),
        _of_the_scalings(table),
        _of_the_training(table),
    )
    return [*(text for found in texts for text in found), *_of_the_embedding(health, before)]


def _of_the_strongest(best: pd.Series) -> Iterator[str]:
    """Check the interval of the strongest attacker against chance."""
    if best["low"] <= best["chance"]:
        yield (
            f"Not shown to be readable: the interval of the strongest attacker "
            f"({attacker_name(best['attacker'])}), {interval(best['low'], best['high'])}, holds chance "
            f"({percent(best['chance'])}). That is no proof of absence: another attacker, or more subjects, "
            "may read it."
        )


def _of_the_samples(table: pd.DataFrame) -> Iterator[str]:
    """Find attackers below chance, and classes of unequal size."""
    first, reading = table.iloc[0], table["balanced_accuracy"]
    below = table[first["chance"] - reading > _FAR * (table["high"] - reading)]
    if len(below):
        lowest = below.loc[below["balanced_accuracy"].idxmin()]
        yield (
            f"Below chance: {attack_name(lowest['attacker'], lowest['scaling'])} reads "
            f"{percent(lowest['balanced_accuracy'])}, where chance is {percent(first['chance'])}. That is an "
            "artefact, not blindness: of an eraser that learned from the subjects tested, or of a split in "
            "which few subjects, or one image of each class, make other answers likelier. Who reverses the "
            "answers reads more."
        )
    if first["majority"] > (1 + first["chance"]) / 2:
        yield (
            f"Unequal classes: {percent(first['majority'])} of the samples are of one class, so that a "
            "constant answer has that accuracy. Only balanced accuracy says how much is read."
        )


def _of_the_scalings(table: pd.DataFrame) -> Iterator[str]:
    """Say where the scaling of the embeddings decides what is read, in either direction."""
    best = table.loc[table.groupby("scaling", sort=False)["balanced_accuracy"].idxmax()].set_index("scaling")
    if _STANDARD not in best.index:
        return
    standard, others = best.loc[_STANDARD], best.drop(_STANDARD)
    more = others[others["low"] > standard["balanced_accuracy"]]
    for scaling, row in more.iterrows():
        yield (
            f"Hidden from standardising: {attack_name(row['attacker'], str(scaling))} reads "
            f"{percent(row['balanced_accuracy'])}, on standardised embeddings the best attacker reads "
            f"{percent(standard['balanced_accuracy'])}. Rows or features of extreme size hide the attribute "
            "from whoever standardises; the others read it."
        )
    hidden = others[(others["high"] < standard["low"]) & (others["low"] <= others["chance"])]
    if len(hidden) and standard["low"] > standard["chance"]:
        yield (
            f"Hidden by scale: on {' and '.join(map(str, hidden.index))} embeddings no attacker can be told "
            "from chance, on standardised ones some can. The attribute is still there, on a small or uneven "
            "scale."
        )


def _of_the_training(table: pd.DataFrame) -> Iterator[str]:
    """Name attackers that learned from a subsample."""
    for _, peers in table.drop_duplicates(["attacker", "learned_from"]).groupby("learned_from"):
        fewer = peers[peers["n_train"] < peers["n_train"].max()]
        if len(fewer):
            counts = ", ".join(f"{n:,.0f}" for n in fewer["n_train"].unique())
            yield (
                f"Subsampled: {', '.join(map(attacker_name, fewer['attacker']))} learned from {counts} "
                f"samples, the others from {peers['n_train'].max():,.0f}. With all of them they might read "
                "more."
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
