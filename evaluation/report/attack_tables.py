"""Tables of attacks on parts of the samples, with more data, and with other access."""

from evaluation.audit.access_verdict import ACCESSES
from evaluation.audit.attacker_names import attacker_name
from evaluation.audit.result import Audit
from evaluation.report.evidence_tables import count
from evaluation.report.result_tables import LEAKAGE, make_table
from evaluation.report.tables import Table
from evaluation.samples.wording import interval, p_value, percent


def attack_tables(audit: Audit, attribute: str, slug: str) -> list[Table]:
    """Make the tables of attacks with other access and on subgroups."""
    tables = [access_table(audit, attribute, slug), subgroups_table(audit, attribute, slug)]
    return [table for table in tables if table]


def detail_tables(audit: Audit, attribute: str, slug: str) -> list[Table]:
    """Make the tables of attacks on confident samples and with more data, and of the power."""
    tables = [
        confident_table(audit, attribute, slug),
        learning_curve_table(audit, attribute, slug),
        power_table(audit, attribute, slug),
    ]
    return [table for table in tables if table]


def subgroups_table(audit: Audit, attribute: str, slug: str) -> Table | None:
    """Make the table of the leakage within subgroups."""
    return make_table(
        f"subgroups_{slug}",
        f"Leakage of {attribute} within groups of another attribute, by the strongest attacker. A leak of a "
        "small group hardly shows in the average over all.",
        audit.frame("subgroups", attribute=attribute),
        {
            "representation": lambda x: x.representation,
            "groups of": lambda x: x.group_attribute,
            "group": lambda x: x.group,
            **LEAKAGE,
            "p": lambda x: p_value(x.p_value),
            "Holm p": lambda x: p_value(x.p_holm),
            "images": count("n"),
            "subjects": count("people"),
        },
        texts=3,
    )


def confident_table(audit: Audit, attribute: str, slug: str) -> Table | None:
    """Make the table of the leakage among the samples that the attacker is most confident of."""
    return make_table(
        f"confident_{slug}",
        f"Leakage of {attribute} among the images that the attacker is most confident of.",
        audit.frame("confident", attribute=attribute),
        {
            "representation": lambda x: x.representation,
            "most confident": lambda x: percent(x.share, 0),
            **LEAKAGE,
            "p": lambda x: p_value(x.p_value),
            "images": count("n"),
        },
    )


def learning_curve_table(audit: Audit, attribute: str, slug: str) -> Table | None:
    """Make the table of the leakage by the number of images that the attacker learned from."""
    return make_table(
        f"learning_curve_{slug}",
        f"Leakage of {attribute} by the number of images that the attacker learned from. Extrapolated rows "
        "continue a curve that was fitted to the measured ones.",
        audit.frame("learning_curve", attribute=attribute),
        {
            "representation": lambda x: x.representation,
            "attacker": lambda x: attacker_name(x.attacker),
            "kind": lambda x: x.kind,
            "images": count("n_train"),
            **LEAKAGE,
        },
        texts=3,
    )


def learning_curve_text(audit: Audit, attribute: str) -> list[str]:
    """Say what would be read with the most data that was extrapolated to; empty if nothing was."""
    frame = audit.frame("learning_curve", attribute=attribute, kind="extrapolated")
    if frame.empty:
        return []
    most = frame[frame["n_train"] == frame["n_train"].max()].dropna(subset="balanced_accuracy")
    best = most.loc[most.groupby("representation", sort=False)["balanced_accuracy"].idxmax()]
    read = [
        f"{percent(x.balanced_accuracy)} {interval(x.low, x.high)} from {x.representation} "
        f"({attacker_name(x.attacker)})"
        for x in best.itertuples()
    ]
    return [
        f"More data teach attackers more: with {frame['n_train'].max():,.0f} images to learn from they would "
        f"read {', '.join(read)}, by extrapolation of the learning curves."
    ] * bool(read)


def access_table(audit: Audit, attribute: str, slug: str) -> Table | None:
    """Make the table of the leakage by the access that an attacker has."""
    return make_table(
        f"access_{slug}",
        f"Leakage of {attribute} by the access of the attacker, read by closed-form probes.",
        audit.frame("access", attribute=attribute),
        {
            "representation": lambda x: x.representation,
            "the attacker has": lambda x: ACCESSES.get(x.access, x.access),
            "attacker": lambda x: attacker_name(x.attacker),
            "learned from": lambda x: x.learned_from,
            "images of a subject": lambda x: f"{x.images}",
            **LEAKAGE,
            "images": count("n"),
            "subjects": count("people"),
        },
        texts=3,
    )


def power_table(audit: Audit, attribute: str, slug: str) -> Table | None:
    """Make the table of the share of planted leaks that were found, by their size."""
    return make_table(
        f"power_{slug}",
        f"How often a planted leak of {attribute} is found, by its size.",
        audit.frame("power", attribute=attribute),
        {
            "representation": lambda x: x.representation,
            "planted leak": lambda x: percent(x.accuracy),
            "found": lambda x: percent(x.detected, 0),
            "draws": count("draws"),
        },
    )
