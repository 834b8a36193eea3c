"""Write the page of a reproduction: self-contained HTML, the same as Markdown, and the figures as JSON."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

from evaluation.report.figures import ReportFigure
from evaluation.report.inline_svg import inline_svg
from evaluation.report.sections import Section
from evaluation.report.tables import Table, escape_markdown
from evaluation.reproduction.audit_pages import audit_table
from evaluation.reproduction.claims import Finding, judge
from evaluation.reproduction.measured import Numbers, Scores, score_rows
from evaluation.reproduction.metric_pages import metric_section
from evaluation.reproduction.published import Published
from evaluation.reproduction.tables import claims_table, details, overview, suppression_table
from evaluation.reproduction.trained import MetricScores, score_metrics
from storage.json_file import read_json

_DAMAGED = "delete done.json in its step, and the step goes on"


def write_page(
    published: Published,
    audits: Mapping[str, Sequence[Path]],
    *,
    results: Mapping[str, Sequence[Path]],
    deviations: Sequence[str],
    facts: Table,
    folder: Path,
) -> Path:
    """Write `<name>.html`, `<name>.md` and `<name>.json`; returns the first.

    Args:
        published: published results to compare with.
        audits: step -> folders of `report.page.write_report`, one for each seed, in the same order of the
            seeds.
        results: step -> the `results.json` of its trainings, in the order of the seeds.
        deviations: sentences on differences from the paper.
        facts: description of the runs.
        folder: folder of the files; made if missing.
    """
    numbers = {
        step: [read_json(path / "numbers.json", advice=_DAMAGED) for path in paths]
        for step, paths in audits.items()
    }
    scores = score_rows(published.rows, list(published.representations), numbers)
    left = {step: [read_json(path, advice=_DAMAGED) for path in paths] for step, paths in results.items()}
    trained = score_metrics(published.metrics, left)
    findings = judge(published, scores, trained)
    sections = [x for x in (_verdict(findings), _table(published, scores)) if x]
    sections += [metric_section(table, i, trained) for i, table in enumerate(published.metrics)]
    sections += _figures(published, audits, numbers)
    sections += [x for x in [_tables(published, numbers)] if x]
    title = "How this was measured" if published.ours else "How this differs from the paper"
    sections.append(Section("deviations", title, [*deviations, *_measures(scores)]))
    if published.notes:
        sections.append(Section("print", "What is known of the print", published.notes))
    sections.append(Section("steps", "What ran", tables=[*_tested(numbers), facts]))
    page = folder / f"{published.name}.html"
    template = _environment().get_template("paper.html.j2")
    folder.mkdir(parents=True, exist_ok=True)
    page.write_text(template.render(title=published.title, subtitle=published.source, sections=sections))
    page.with_suffix(".md").write_text(markdown(published, sections))
    page.with_suffix(".json").write_text(json.dumps(as_json(scores, trained, findings), indent=1) + "\n")
    return page


def _verdict(findings: Sequence[Finding]) -> Section | None:
    return Section("verdict", "Which claims hold", tables=[claims_table(findings)]) if findings else None


def _table(published: Published, scores: Scores) -> Section | None:
    if not published.rows:
        return None
    return Section(
        "table", "Published and ours", tables=[overview(published, scores), details(published, scores)]
    )


def _measures(scores: Scores) -> list[str]:
    """Explain the measures that replace published ones."""
    found = {x.measure for score in scores.values() for x in score.readings}
    texts = {
        "1 - EER over all pairs": "Without pair files, the accuracy of verification is that at the threshold "
        "of equal errors, over all pairs of the people tested.",
        "pairs in LFW's format": "The pairs are in the format of LFW's View 1, but are not LFW's own, so "
        "their accuracy is none on LFW.",
        "balanced accuracy": "The figures of classifiers are balanced accuracies: the accuracies where all "
        "classes are equally frequent, as they nearly are in the paper's test sets.",
    }
    return [text for measure, text in texts.items() if measure in found]


def _figures(
    published: Published, audits: Mapping[str, Sequence[Path]], numbers: Mapping[str, Sequence[Numbers]]
) -> list[Section]:
    """Make a section for each published figure: its statement, ours of the first seed, numbers of all."""
    sections = []
    for place, figure in enumerate(published.figures):
        files = [audits[figure.audit][0] / "figures" / f"{name}.svg" for name in figure.names]
        drawn = [
            ReportFigure(
                figure.title, "Ours, of the first seed.", inline_svg(path, figure.title, figure.statement)
            )
            for path in files
            if path.exists()
        ]
        statement = figure.statement if published.ours else f"Published: {figure.statement}"
        text = [statement, *([] if drawn else ["Ours was not measured."])]
        table = suppression_table(figure, published.control, numbers[figure.audit])
        sections.append(Section(f"figure-{place}", figure.title, text, drawn, [table] if table else []))
    return sections


def _tables(published: Published, numbers: Mapping[str, Sequence[Numbers]]) -> Section | None:
    found = [audit_table(f"audit-{i}", x, numbers[x.audit]) for i, x in enumerate(published.tables)]
    tables = [table for table in found if table]
    return Section("numbers", "In numbers, over the seeds", tables=tables) if tables else None


def _tested(numbers: Mapping[str, Sequence[Numbers]]) -> list[Table]:
    if not numbers:
        return []
    rows = [
        [step, x["facts"]["samples of the tables"], x["facts"]["tested"]] for step, (x, *_) in numbers.items()
    ]
    return [
        Table(
            "tested",
            "What the audits were of (the first seed).",
            ("audit", "samples", "tested"),
            rows,
            texts=3,
        )
    ]


def as_json(scores: Scores, trained: MetricScores, findings: Sequence[Finding]) -> dict[str, Any]:
    """Convert our figures by seed and the findings to JSON-serialisable data."""
    found = {
        "scores": [
            {"row": row, "representation": name, "scaling": scaling, **asdict(score)}
            for (row, name, scaling), score in scores.items()
        ],
        "metrics": [
            {"row": row, "column": column, "values": score.values} for (row, column), score in trained.items()
        ],
        "claims": [{"claim": x.claim.text, "published": x.printed, "ours": list(x.ours)} for x in findings],
    }
    return json.loads(json.dumps(found), parse_constant=lambda _: None)  # nan is null


def markdown(published: Published, sections: Sequence[Section]) -> str:
    """Write the page as Markdown, without its drawings."""
    parts = [f"# {escape_markdown(published.title)}", escape_markdown(published.source)]
    for section in sections:
        parts.append(f"## {escape_markdown(section.title)}")
        parts += [f"- {escape_markdown(text)}" for text in section.text]
        for table in section.tables:
            parts += [escape_markdown(table.caption), table.markdown().rstrip()]
    return "\n\n".join(parts) + "\n"


def _environment() -> Environment:
    loader = ChoiceLoader([PackageLoader("evaluation.reproduction"), PackageLoader("evaluation.report")])
    return Environment(loader=loader, autoescape=True, undefined=StrictUndefined, trim_blocks=True)
