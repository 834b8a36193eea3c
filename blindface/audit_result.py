"""The result of an audit, as text, tables or a page."""

import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pandas as pd

from blindface.label_columns import as_column
from blindface.metric_frames import metric_frame
from evaluation.audit.access_verdict import access_sentence
from evaluation.audit.result import Audit
from evaluation.audit.rows import choose_rows
from evaluation.audit.settings import AuditSettings
from evaluation.report.page import write_report
from evaluation.report.result_tables import summary_table
from evaluation.samples.representations import Representations


class AuditResult:
    """Result of `audit`.

    Args:
        audit: the measurements; `audit.frames` holds all of them by section.
        representations: the data.
    """

    def __init__(self, audit: Audit, representations: Representations) -> None:
        self.audit, self.representations = audit, representations

    def __repr__(self) -> str:
        attributes, names = ", ".join(self.audit.attributes), ", ".join(self.audit.names)
        return f"<AuditResult of {attributes} in {names}; print(result.verdict())>"

    def summary(self) -> str:
        """Return a table as text: one row for each attribute and representation."""
        table = summary_table(self.audit)
        return pd.DataFrame(table.rows, columns=list(table.columns)).to_string(index=False)

    def verdict(self) -> str:
        """Return a sentence for each attribute and representation, each with the warnings that limit it."""
        lines = []
        for verdict in self.audit.verdicts:
            about = self.audit.caveats_about(verdict.attribute, verdict.representation)
            lines += [verdict.sentence, *(f"  warning: {caveat.text}" for caveat in about)]
            lines.append(f"  {access_sentence(self.audit, verdict.attribute, verdict.representation)}")
        lines += [f"note: {caveat.text}" for caveat in self.audit.caveats if caveat.representation is None]
        return "\n".join(lines)

    def to_frame(self) -> pd.DataFrame:
        """Return one row for each attribute and representation.

        Columns: `attribute`, `representation`, `attacker` (the strongest), `balanced_accuracy`, `low`,
        `high`, `chance`, `p_value`, `level` (`readable`, `doubtful`, `not found`), `removed` (percent of the
        leakage before that is gone), `auc` (of verification), `warnings` (their number).
        """
        gone = {(x.attribute, x.representation): x.removed for x in self.audit.verdicts}
        rows = []
        for attribute in self.audit.attributes:
            for name in self.audit.names:
                found = self.audit.leakage_estimate(attribute, name)
                rows.append(
                    {
                        "attribute": attribute,
                        "representation": name,
                        "attacker": found.attacker,
                        "balanced_accuracy": found.accuracy,
                        "low": found.low,
                        "high": found.high,
                        "chance": found.chance,
                        "p_value": found.p,
                        "level": found.level,
                        "removed": gone.get((attribute, name), np.nan),
                        "auc": found.auc,
                        "warnings": found.warnings,
                    }
                )
        return pd.DataFrame(rows)

    def to_html(self, path: str | Path) -> Path:
        """Write the report as one self-contained page; returns its path."""
        path = Path(path).expanduser()
        path.parent.mkdir(parents=True, exist_ok=True)
        with TemporaryDirectory(prefix="blindface-") as folder:
            write_report(self.audit, Path(folder) / "report")
            shutil.copyfile(Path(folder) / "report" / "report.html", path)
        return path

    def metric_frame(
        self,
        y_true: Any,
        y_pred: Any,
        by: str | Sequence[str],
        metrics: Mapping[str, Callable[..., float]] | None = None,
    ) -> Any:
        """Compare the errors of a classifier between groups of the samples tested, by fairlearn.

        Args:
            y_true: (N,) true classes of all samples that were audited.
            y_pred: (N,) predicted classes.
            by: attribute, or attributes, whose classes are the groups.
            metrics: see `metric_frame`.

        Returns:
            fairlearn's `MetricFrame` over the samples that the audit tested.

        Raises:
            ValueError: no such attribute, or another length.
            ImportError: fairlearn is not installed.
        """
        data, rows = (
            self.representations,
            choose_rows(self.representations, AuditSettings(**self.audit.settings)),
        )
        groups: dict[str, np.ndarray] = {}
        for name in [by] if isinstance(by, str) else by:
            if name not in data.labels:
                raise ValueError(f"there is no attribute {name!r}; there are {', '.join(data.labels)}")
            names = np.array([*data.classes[name], None], dtype=object)
            groups[name] = names[data.labels[name][rows.tested]]
        true, predicted = (
            as_column(y, name, len(data)).to_numpy()[rows.tested]
            for y, name in ((y_true, "y_true"), (y_pred, "y_pred"))
        )
        return metric_frame(true, predicted, groups, metrics)
