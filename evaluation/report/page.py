"""Write the report of an audit: one self-contained page, and the same numbers for papers and programs."""

import json
from math import isfinite
from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from evaluation.audit.cache import Frames
from evaluation.audit.result import Audit
from evaluation.audit.verification_verdict import verification_verdicts
from evaluation.report.figures import FigureWriter
from evaluation.report.print_parts import print_parts
from evaluation.report.result_tables import summary_table
from evaluation.report.sections import make_sections
from evaluation.report.tables import Table
from evaluation.report.typography import typographic
from evaluation.report.verdict_cards import caveat_groups, facts_tables, header_facts, verdict_cards
from evaluation.report.words import GLOSSARY
from evaluation.report.written_files import replaced_files
from storage.spreadsheet import csv_text


def write_report(audit: Audit, folder: Path) -> None:
    """Write the report of an audit.

    Files: `report.html`; `numbers.json` with all numbers; `csv/` with a file for each section; `tables/` in
    LaTeX and Markdown; `figures/` in SVG and PNG. They replace the files of an earlier audit, see
    `replaced_files`.

    Args:
        audit: result of the audit.
        folder: folder of the files; made if missing.
    """
    with replaced_files(folder) as part:
        _write_files(audit, part)


def _write_files(audit: Audit, folder: Path) -> None:
    sections = make_sections(audit, FigureWriter(folder / "figures"))
    summary = summary_table(audit)
    facts, provenance = facts_tables(audit)
    frames = public_frames(audit)
    _write(folder / "numbers.json", json.dumps(numbers(audit), ensure_ascii=False) + "\n")
    for name, frame in frames.items():
        _write(folder / "csv" / f"{name}.csv", csv_text(frame))
    tables = [summary] if audit.attributes else []
    for table in tables + [x for section in sections for x in (*section.tables, *section.folded)]:
        _write(folder / "tables" / f"{table.name}.tex", table.latex())
        _write(folder / "tables" / f"{table.name}.md", table.markdown())
    names = f"{audit.names[0]} and {', '.join(audit.names[1:])}" if audit.names[1:] else audit.names[0]
    page = _environment().get_template("report.html.j2")
    _write(
        folder / "report.html",
        page.render(
            title=f"How blind is it? An audit of {names}" if audit.attributes else f"An audit of {names}",
            header=header_facts(audit),
            cards=verdict_cards(audit),
            statements=() if audit.attributes else verification_verdicts(audit),
            summary=summary,
            caveats=caveat_groups(audit.caveats),
            sections=sections,
            facts=facts,
            provenance=provenance,
            settings=_settings(audit.settings),
            glossary=GLOSSARY,
        ),
    )


def public_frames(audit: Audit) -> Frames:
    """Select the frames for files; those of the audit itself have names that start with an underscore."""
    return {name: frame for name, frame in audit.frames.items() if not name.startswith("_")}


def numbers(audit: Audit) -> dict[str, Any]:
    """Convert an audit to JSON-serialisable data, sections by columns; numbers not finite become null."""
    return {
        "representations": list(audit.names),
        "attributes": list(audit.attributes),
        "verdicts": [_plain(vars(verdict)) for verdict in audit.verdicts],
        "caveats": [vars(caveat) for caveat in audit.caveats],
        "settings": audit.settings,
        "facts": audit.facts,
        "sections": {name: _plain(frame.to_dict("list")) for name, frame in public_frames(audit).items()},
    }


def _plain(value: Any) -> Any:
    """Convert a value to JSON-serialisable data."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and not isfinite(value) else value


def _settings(settings: dict[str, Any]) -> Table:
    rows = [(name, json.dumps(value, ensure_ascii=False)) for name, value in settings.items()]
    return Table("settings", "Options of the audit.", ("option", "value"), rows, texts=2)


def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("evaluation.report"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
    )
    environment.filters["capitalise"] = lambda text: text[:1].upper() + text[1:]
    environment.filters["typographic"] = typographic
    environment.filters["print_parts"] = print_parts
    return environment


def _write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")
