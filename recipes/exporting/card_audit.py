"""Read the audit that a model card quotes, and check that it is an audit of this model."""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluation.audit.result import Audit, Caveat
from evaluation.audit.verdict import Verdict
from recipes.command_line.usage_error import UsageError

_SAME = ("checkpoint", "weights", "graph")
"""The facts of `embedder.embedder_facts` that are equal for two files of one model."""


@dataclass(frozen=True)
class CardAudit:
    """The findings of an audit about one model.

    Attributes:
        audit: reduced to the reference representation and the model's.
        name: of the model's representation.
        table: facts about the model's embedding table: data, splits, mirror images, precision.
        verdicts: on the model's representation, one for each attribute.
    """

    audit: Audit
    name: str
    table: dict[str, str]
    verdicts: list[Verdict]

    @property
    def caveats(self) -> list[Caveat]:
        """Warnings about the model's representation and about the whole audit."""
        return [caveat for caveat in self.audit.caveats if caveat.representation in (None, self.name)]


def audit_of(folder: Path, facts: dict[str, str]) -> CardAudit:
    """Read the audit of a model.

    Args:
        folder: that `recipes/audit.py` wrote.
        facts: about the model, see `embedder.embedder_facts`.

    Raises:
        UsageError: there is no audit, or it is an audit of other models.
    """
    path = folder / "numbers.json"
    if not path.is_file():
        raise UsageError(f"{folder} holds no audit: there is no {path.name}; recipes/audit.py writes one")
    try:
        audit = _read(path)
        tables = {name: _table(audit.facts, name) for name in audit.names}
        own = {key: facts[key] for key in _SAME if key in facts}
        name = next((x for x, table in tables.items() if own.items() <= table.items()), None)
        if name is None:
            raise UsageError(_of_others(path, tables, own))
        audit = replace(audit, names=tuple(dict.fromkeys((audit.names[0], name))))
        return CardAudit(audit, name, tables[name], audit.verdicts)
    except (AttributeError, IndexError, KeyError, TypeError, ValueError, RecursionError) as error:
        raise UsageError(f"{path} is damaged, or no audit of this version: {_reason(error)}") from error


def _read(path: Path) -> Audit:
    found: dict[str, Any] = json.loads(path.read_text("utf-8"))
    texts = [*found["representations"], *found["attributes"], *found["facts"], *found["facts"].values()]
    caveats = [Caveat(**caveat) for caveat in found["caveats"]]
    if not all(isinstance(text, str) for text in (*texts, *(caveat.text for caveat in caveats))):
        raise ValueError("names, facts and caveats must be text")
    return Audit(
        names=tuple(found["representations"]),
        attributes=tuple(found["attributes"]),
        classes={},
        frames={
            name: pd.DataFrame(columns).replace({None: np.nan}) for name, columns in found["sections"].items()
        },
        caveats=caveats,
        settings=dict(found["settings"]),
        facts=found["facts"],
    )


def _table(facts: dict[str, str], name: str) -> dict[str, str]:
    """Select the facts about the table of the representation `name`."""
    start = f"{name}: "
    return {key.removeprefix(start): value for key, value in facts.items() if key.startswith(start)}


def _of_others(path: Path, tables: dict[str, dict[str, str]], own: dict[str, str]) -> str:
    key = next(iter(own))
    others = ", ".join(f"{name} ({table.get(key, 'none stated')[:12]})" for name, table in tables.items())
    return (
        f"{path} is an audit of other models: this one's {key} has the sha256 {own[key][:12]}, "
        f"those of the audit are {others}; embed and audit this checkpoint, or leave out --audit"
    )


def _reason(error: Exception) -> str:
    return " ".join(f"{type(error).__name__}: {error}".split())[:200]
