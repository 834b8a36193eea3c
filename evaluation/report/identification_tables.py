"""Tables of 1:N identification, closed and open set."""

from evaluation.audit.result import Audit
from evaluation.report.evidence_tables import count
from evaluation.report.result_tables import Cell, make_table
from evaluation.report.tables import Table
from evaluation.samples.wording import interval, percent, short

_RANKS = (1, 5, 10, 20)  # that the table shows; the file has all
_ALL = "all"


def identification_tables(audit: Audit) -> list[Table]:
    """Make the tables of identification rates; those of groups follow those of all subjects."""
    closed, opened = audit.frame("identification"), audit.frame("identification_open")
    first: dict[str, Cell] = {
        "representation": lambda x: x.representation,
        "group": lambda x: f"{x.group_attribute}: {x.group}" if x.group else _ALL,
    }
    ranks = make_table(
        "identification",
        "Identification in a closed set: share of probes whose subject is among the first images of the "
        "gallery, up to a rank. Groups are shown at rank 1.",
        closed[closed["rank"].isin(_RANKS) & ((closed["group"] == "") | (closed["rank"] == 1))]
        if len(closed)
        else closed,
        {
            **first,
            "rank": lambda x: f"{x.rank}",
            "found": lambda x: percent(x.rate),
            "95 %": lambda x: interval(x.low, x.high),
            "gallery": count("gallery"),
            "probes": count("probes"),
        },
        texts=2,
    )
    rates = make_table(
        "identification_open",
        "Identification in an open set: share of probes found at rank 1 and above the threshold (TPIR), at "
        "the share of unknown subjects that the threshold lets in (FPIR).",
        opened,
        {
            **first,
            "FPIR": lambda x: percent(x.fpir, 2),
            "TPIR": lambda x: percent(x.tpir),
            "95 %": lambda x: interval(x.low, x.high),
            "threshold": lambda x: short(x.threshold),
        },
        texts=2,
    )
    return [table for table in (ranks, rates) if table]
