"""Sections of the report: questions, answers in figures and tables, and how to read them."""

from collections.abc import Sequence
from dataclasses import dataclass

from evaluation.audit.access_verdict import access_sentence
from evaluation.audit.result import Audit
from evaluation.report.attack_figures import attack_figures
from evaluation.report.attack_tables import attack_tables, detail_tables, learning_curve_text
from evaluation.report.choice_table import choice_table, choice_text
from evaluation.report.cost_figures import (
    comparison_figure,
    downstream_figures,
    map_figure,
    verification_figures,
)
from evaluation.report.evidence_tables import evidence_tables
from evaluation.report.figures import FigureWriter, ReportFigure
from evaluation.report.group_tables import demographic_tables, downstream_tables
from evaluation.report.identification_figures import identification_figure
from evaluation.report.identification_tables import identification_tables
from evaluation.report.pair_tables import pair_sentences, pair_tables
from evaluation.report.result_tables import (
    health_table,
    information_table,
    leakage_table,
    map_table,
    verification_table,
    verification_within_table,
)
from evaluation.report.tables import Table
from evaluation.samples.wording import percent


@dataclass(frozen=True)
class Section:
    """A section of the page.

    Attributes:
        id: id of the anchor.
        title: heading.
        text: paragraphs.
        figures: shown after the text and the tables.
        tables: shown after the text.
        folded: tables for readers who check, shown on demand.
    """

    id: str
    title: str
    text: Sequence[str] = ()
    figures: Sequence[ReportFigure] = ()
    tables: Sequence[Table] = ()
    folded: Sequence[Table] = ()


def make_sections(audit: Audit, figures: FigureWriter) -> list[Section]:
    """Make every section that the audit has results for."""
    sections = [method_section(audit)]
    sections += [attribute_section(audit, name, figures) for name in audit.attributes]
    sections += [cost_section(audit, figures), groups_section(audit, figures)]
    return [x for x in sections if x.text or x.figures or x.tables or x.folded]


def method_section(audit: Audit) -> Section:
    """Explain the data and the method to readers from outside the field."""
    before, others = audit.names[0], audit.names[1:]
    compared = f"compares {before} with {_listed(others)}, made from it" if others else f"looks at {before}"
    text = [
        "A network turns each face into a list of numbers, an embedding, by which subjects are recognised. "
        f"This audit {compared}. Tested were {audit.facts['tested']}."
    ]
    if audit.attributes:
        repeats = audit.settings["repeats"]
        text += [
            f"It asks how much the embeddings give away about {_listed(audit.attributes)}. Attackers, "
            "classifiers of several kinds, learn to read the attribute from the embeddings of some subjects "
            f"and are measured on others, {audit.settings['folds']} times, so that every subject is attacked "
            "once"
            + (f", and all of it {repeats} times" if repeats > 1 else "")
            + ". The strongest counts: whoever holds the embeddings may choose any. Intervals come from "
            "drawing the subjects, not the images, anew.",
            "An attribute that no attacker reads is not proven absent: another attacker, or more data, may "
            "find it.",
        ]
    if not audit.frame("permutation").empty:
        text.insert(
            2,
            "Shuffled labels show what luck alone reads. Labels exchanged across subjects test whether the "
            "attribute is readable at all; labels exchanged within subjects test whether it is readable "
            f"beyond identity. Up to {audit.settings['permutations']} shuffles are made of each.",
        )
    return Section("method", "What was tested, and how", text)


def attribute_section(audit: Audit, attribute: str, figures: FigureWriter) -> Section:
    """Make the section of one sensitive attribute."""
    slug = f"{audit.attributes.index(attribute) + 1}"
    drawn = [figures.leakage(audit, attribute, slug)]
    if not audit.frame("verification").empty and len(audit.names) > 1:
        drawn.append(figures.tradeoff(audit, attribute, slug))
    if not audit.frame("suppression", attribute=attribute).empty:
        drawn.append(figures.suppression(audit, attribute, slug))
    drawn += attack_figures(audit, attribute, slug, figures)
    if not audit.frame("tsne").empty:
        drawn.append(figures.tsne(audit, attribute, slug))
        if audit.settings["per_group"] and attribute == audit.attributes[-1] != audit.attributes[0]:
            drawn.append(figures.tsne_groups(audit))
    folded = [leakage_table(audit, attribute, slug), information_table(audit, attribute, slug)]
    folded += detail_tables(audit, attribute, slug)
    return Section(
        f"attribute-{slug}",
        f"What is read of {attribute}?",
        [access_sentence(audit, attribute, name) for name in audit.names]
        + learning_curve_text(audit, attribute),
        drawn,
        [*evidence_tables(audit, attribute, slug), *attack_tables(audit, attribute, slug)],
        [x for x in folded if x],
    )


def cost_section(audit: Audit, figures: FigureWriter) -> Section:
    """Make the section on the remaining utility: recognition and the other attributes."""
    verified = not audit.frame("verification").empty
    drawn = verification_figures(audit, figures) if verified else []
    if (cmc := identification_figure(audit, figures)) is not None:
        drawn.append(cmc)
    if not audit.frame("comparison").empty:
        drawn.append(comparison_figure(audit, figures))
    if not audit.frame("attribute_map").empty:
        drawn.append(map_figure(audit, figures))
    text = []
    if audit.attributes:
        text.append("A representation of zeros hides everything. What counts is what else was lost.")
    if not verified:
        text.append("Verification was not measured: no subject is known to have two images.")
    text += pair_sentences(audit)
    tables = [verification_table(audit), verification_within_table(audit)]
    tables += [*identification_tables(audit), *pair_tables(audit)]
    folded = [map_table(audit), health_table(audit)]
    return Section(
        "cost",
        "What did it cost?" if audit.names[1:] else "How well are subjects recognised?",
        text,
        drawn,
        [x for x in tables if x],
        [x for x in folded if x],
    )


def groups_section(audit: Audit, figures: FigureWriter) -> Section:
    """Make the section on errors and gaps by group."""
    text = []
    if not audit.frame("demographic_rates").empty:
        text.append(
            f"One threshold for all accepts {percent(audit.settings['fmr_target'], 2)} of all impostor "
            f"pairs. Groups of {audit.settings['group']} are compared by the errors that this threshold "
            "makes with them; impostor pairs are of two subjects of the same group."
        )
    drawn = []
    if not audit.frame("signed_gaps").empty:
        drawn = downstream_figures(audit, figures)
        balance = audit.settings["balance"]
        even = f" All these samples are balanced over {balance} as well." if balance else ""
        text.append(
            f"A classifier of {audit.settings['target']} was trained on samples in which one group has more "
            "positive examples than the other, and tested where it has not. A gap is the rate of one group "
            f"minus that of the other; an interval that holds 0 leaves open whom it favours.{even}"
        )
    tables = [*demographic_tables(audit), *downstream_tables(audit), choice_table(audit)]
    text += choice_text(audit)
    return Section("people", "Who pays?", text, drawn, [x for x in tables if x])


def _listed(names: Sequence[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
