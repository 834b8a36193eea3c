"""Write the model card of an export in Markdown: the model, its measurements, and its limits."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, PackageLoader, StrictUndefined

from evaluation.report.result_tables import leakage_table, summary_table, verification_table
from evaluation.report.tables import Table, escape_markdown
from lightning_modules.training.base import FaceModule
from recipes.exporting.card_audit import CardAudit
from recipes.exporting.card_run import run_facts

_LONGEST = 200  # characters of an option's value
HIDDEN_OPTIONS = ("attributes", "backbone", "backbone_options", "weights", "start_from", "task", "sensitive")


class _Markdown(str):
    """Text that is Markdown already."""


def model_card(
    module: FaceModule,
    ckpt: Path | None,
    about: dict[str, Any],
    files: dict[str, dict[str, Any]],
    audit: CardAudit | None,
) -> str:
    """Render the card; text from a checkpoint, a run or an audit is escaped, never read as Markdown.

    Args:
        module: what is exported.
        ckpt: its checkpoint; None for a bare backbone.
        about: from `export_network.describe`.
        files: by name: `bytes`, `sha256`, and `largest` and `relative` difference from the original.
        audit: of this model, or None.
    """
    hidden = hidden_attributes(module)
    trained = {
        "method": type(module).__name__ if ckpt else None,
        "method_summary": (type(module).__doc__ or "").partition("\n")[0],
        "task": module.task,
        "hidden": {name: ", ".join(module.attributes.get(name, ())) for name in hidden},
        "options": _rows(_options(module) if ckpt else {}, "option", "value"),
        "run": _rows(run_facts(ckpt) if ckpt else {}, "of the training", "recorded"),
    }
    exported = {
        "about": about,
        "facts": _rows(about["facts"], "of the model", "name or sha256"),
        "files": _rows(
            {
                name: (f"{x['bytes'] / 1e6:.1f}", f"{x['largest']:.1e}", f"{x['relative']:.1e}", x["sha256"])
                for name, x in files.items()
            },
            *("file", "MB", "largest difference", "of the root mean square", "sha256"),
        ),
    }
    text = _environment().get_template("model_card.md.j2")
    return text.render(**trained, **exported, **_audited(audit, hidden))


def hidden_attributes(module: FaceModule) -> list[str]:
    """List the attributes that the method is to hide."""
    found = module.hparams.get("sensitive")
    if found is None or "sensitive" not in module.learns:
        return []
    return [found] if isinstance(found, str) else list(found)


def _audited(card: CardAudit | None, hidden: list[str]) -> dict[str, Any]:
    """Collect what the template shows of the audit."""
    if card is None:
        return {"audit": None, "caveats": [], "unaudited": [], "mirrored": False, "other_precision": None}
    audit, precision = card.audit, card.table.get("precision", "32-true")
    attackers = ((name, leakage_table(audit, name, "")) for name in audit.attributes)
    tested = {"tested": audit.facts["tested"]} if "tested" in audit.facts else {}
    return {
        "audit": card,
        "summary": _markdown(summary_table(audit)),
        "attackers": [(name, _markdown(table)) for name, table in attackers if table],
        "verification": _markdown(verification_table(audit)),
        "audited": _rows(card.table | tested, "of the audit", "recorded"),
        "caveats": card.caveats,
        "unaudited": [name for name in hidden if name not in audit.attributes],
        "mirrored": card.table.get("mirror") == "true",
        "other_precision": None if precision == "32-true" else precision,
    }


def _options(module: FaceModule) -> dict[str, str]:
    """List the options of the method."""
    return {name: str(x)[:_LONGEST] for name, x in module.hparams.items() if name not in HIDDEN_OPTIONS}


def _rows(rows: dict[str, Any], *columns: str) -> _Markdown:
    """Format a table with a row for each entry; empty without entries."""
    cells = [(name, *([x] if isinstance(x, str) else x)) for name, x in rows.items()]
    return _markdown(Table("", "", columns, cells, texts=len(columns)) if cells else None)


def _markdown(table: Table | None) -> _Markdown:
    return _Markdown(table.markdown().rstrip("\n") if table else "")


def _environment() -> Environment:
    return Environment(
        loader=PackageLoader("recipes.exporting"),
        autoescape=False,  # which escapes for HTML; `finalize` escapes for Markdown
        finalize=lambda value: value if isinstance(value, _Markdown) else escape_markdown(str(value)),
        undefined=StrictUndefined,
        trim_blocks=True,
        keep_trailing_newline=True,
    )
