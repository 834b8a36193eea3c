"""Audit a construction by the way of the command, and compare the outcome with the right one."""

from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.audit_validity.case import Construction, Right, Table
from datamodules.errors import DatasetError
from datamodules.tables.embedding_table import EmbeddingTable
from evaluation.audit.result import Audit
from evaluation.audit.run import run_audit
from evaluation.audit.settings import AuditSettings
from recipes.auditing.representation_tables import load_representations
from recipes.command_line.usage_error import UsageError

ATTRIBUTE = "attribute"
QUICK: dict[str, Any] = {
    "sensitive": [ATTRIBUTE],
    "attackers": ["linear", "rbf_svm", "knn"],
    "learning_curve": False,
    "access": False,
    "information": False,
    "suppression_draws": 0,
    "tsne": 0,
}
"""Options of the study: few attackers, so that it ends in minutes, and the default permutation test."""


@dataclass(frozen=True)
class Outcome:
    """The outcome of one construction.

    Attributes:
        level: level of the verdict, or `refused`.
        accuracy: reading of the strongest attacker; nan if refused.
        p: p-value of the permutation test; nan if refused.
        text: the verdict and its caveats, or the error.
        faults: differences from the right outcome; empty if it is right.
        beyond_identity: whether the attribute was found beyond identity.
    """

    level: str
    accuracy: float
    p: float
    text: str
    faults: tuple[str, ...]
    beyond_identity: bool = False


def judge(construction: Construction, seed: int, folder: Path) -> Outcome:
    """Draw the tables of a construction, audit them in `folder`, and compare the outcome."""
    tables = construction.make(np.random.default_rng([seed, 16]))
    paths = [folder / f"{name}.safetensors" for name in ("before", "after")[: len(tables)]]
    for table, path in zip(tables, paths, strict=True):
        embedding_table(table).save(path)
    settings = AuditSettings(**(QUICK | {"seed": seed} | construction.settings))
    try:
        representations, _ = load_representations(str(paths[0]), [str(path) for path in paths[1:]])
        audit = run_audit(representations, settings, folder / "cache")
    except (ValueError, UsageError, DatasetError) as error:
        return _refused(construction.right, str(error))
    return _judged(construction.right, audit)


def embedding_table(table: Table) -> EmbeddingTable:
    """Convert a table of the study to the file format of the commands."""
    number = len(table.label)
    columns = {"identity": table.identity, ATTRIBUTE: table.label, **table.others}
    if table.block is not None:
        columns["block"] = table.block
    split = np.full(number, -1) if table.split is None else table.split
    ids = np.array([f"image {n}" for n in range(number)]) if table.sample_id is None else table.sample_id
    x = torch.from_numpy(np.asarray(table.embedding))
    return EmbeddingTable(
        embedding=x if x.dtype == torch.float16 else x.float(),
        labels={name: torch.from_numpy(column).long() for name, column in columns.items()},
        attributes={name: tuple(str(n) for n in range(column.max() + 1)) for name, column in columns.items()},
        sample_id=ids,
        split=torch.from_numpy(split).to(torch.int8),
        provenance=dict(table.provenance),
    )


def _refused(right: Right, error: str) -> Outcome:
    faults = [f"refused: {error}"] if right.level is not None else _unsaid(right, error)
    return Outcome("refused", nan, nan, error, tuple(faults))


def _judged(right: Right, audit: Audit) -> Outcome:
    verdict = audit.verdicts[-1]
    estimate = audit.leakage_estimate(ATTRIBUTE, audit.names[-1])
    text = " ".join([verdict.sentence, *(caveat.text for caveat in audit.caveats)])
    faults = [] if right.level is not None else ["not refused"]
    if right.level not in (None, verdict.level):
        faults.append(f"{verdict.level} in place of {right.level}")
    if not right.at_least <= estimate.accuracy <= right.at_most:
        faults.append(f"read at {estimate.accuracy:.3f}, right is {right.at_least} to {right.at_most}")
    beyond = estimate.beyond is not None and estimate.beyond.significant
    if right.beyond_identity not in (None, beyond):
        faults.append(f"{'' if beyond else 'not '}found beyond identity")
    faults += _unsaid(right, text)
    return Outcome(verdict.level, estimate.accuracy, estimate.p, text, tuple(faults), beyond)


def _unsaid(right: Right, text: str) -> list[str]:
    return [f"does not say {words!r}" for words in right.says if words not in text]
