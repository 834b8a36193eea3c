"""Tables of 1:N identification."""

import pandas as pd

from evaluation.audit.result import Audit
from evaluation.report.result_tables import Cell, make_table
from evaluation.report.tables import Table
from evaluation.samples.wording import interval, number, percent

_SHOWN_RANKS = (1, 5, 10)


def identification_tables(audit: Audit) -> list[Table]:
    """Make the tables of closed-set and open-set identification, of all probes and of the groups' probes."""
    words: dict[str, Cell] = {
        "representation": lambda x: x.representation,
        "probes of": lambda x: x.group if x.group_attribute else "all",
    }
    closed = audit.frame("identification")
    closed_table = make_table(
        "identification",
        "Closed-set identification: how often the right one of all enrolled subjects has rank 1, 5 or 10 "
        "(ties count against it).",
        _ranks_side_by_side(closed),
        {
            **words,
            "rank 1": lambda x: percent(x.rate_1),
            "rank 1, 95 %": lambda x: interval(x.low_1, x.high_1),
            "rank 5": lambda x: percent(x.rate_5),
            "rank 10": lambda x: percent(x.rate_10),
            "enrolled": lambda x: f"{x.gallery:,}",
            "probes": lambda x: f"{x.probes:,}",
            "subjects": lambda x: f"{x.subjects:,}",
        },
        texts=2,
    )
    searched = audit.frame("identification_open")
    open_table = make_table(
        "identification_open",
        "Open-set identification: how often the right subject has rank 1 and reaches the threshold at which "
        "a share FPIR of the searches for subjects who are not enrolled find somebody (TPIR), and that share "
        "of each group's own searches.",
        searched.dropna(subset="tpir") if len(searched) else searched,
        {
            **words,
            "FPIR": lambda x: percent(x.fpir),
            "TPIR": lambda x: percent(x.tpir),
            "TPIR, 95 %": lambda x: interval(x.low, x.high),
            "FPIR of the group": lambda x: percent(x.group_fpir, 2),
            "FPIR, 95 %": lambda x: interval(x.group_fpir_low, x.group_fpir_high, 2),
            "threshold": lambda x: number(x.threshold),
            "enrolled": lambda x: f"{x.gallery:,}",
            "mated searches": lambda x: f"{x.mated:,}",
            "non-mated": lambda x: f"{x.non_mated:,}",
        },
        texts=2,
    )
    return [table for table in (closed_table, open_table) if table]


def _ranks_side_by_side(frame: pd.DataFrame) -> pd.DataFrame:
    """Put the rates of the shown ranks into a row for each representation and group; nan if one lacks."""
    if frame.empty:
        return frame
    key = ["representation", "group_attribute", "group"]
    rows = frame[frame["rank"] == 1].rename(columns={"rate": "rate_1", "low": "low_1", "high": "high_1"})
    for rank in _SHOWN_RANKS[1:]:
        one = frame[frame["rank"] == rank][[*key, "rate"]].rename(columns={"rate": f"rate_{rank}"})
        rows = rows.merge(one, on=key, how="left")
    return rows
