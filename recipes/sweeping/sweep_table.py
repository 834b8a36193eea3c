"""Tabulate a sweep: a row for each setting with its validation over the seeds, and the chosen one."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluation.fairness.selection import Rule
from evaluation.report.tables import Table
from evaluation.samples.wording import number
from recipes.command_line.usage_error import UsageError
from recipes.sweeping.sweep_file import Metric
from recipes.sweeping.sweep_metrics import read_test, read_validation
from recipes.sweeping.sweep_run_folder import short_names


@dataclass(frozen=True)
class RunResult:
    """A run of a sweep and its training.

    Attributes:
        parameters: its values in the sweep.
        training: folder with its checkpoints and metrics; None if it failed.
    """

    parameters: Mapping[str, Any]
    training: Path | None


@dataclass(frozen=True)
class BestMean:
    """Selection rule: the best mean of the metric of the sweep.

    Args:
        metric: its name and which direction is better.
    """

    metric: Metric

    @property
    def name(self) -> str:
        """Name of the rule in tables."""
        return f"{self.metric.goal} {self.metric.name}"

    def select(self, table: pd.DataFrame) -> int:
        """See `evaluation.fairness.selection.Rule`."""
        values = table[self.metric.name].to_numpy(np.float64)
        if np.isnan(values).all():
            raise ValueError(f"{self.name}: none of {len(values)} candidates qualifies")
        return int(np.nanargmin(values) if self.metric.goal == "minimize" else np.nanargmax(values))


class SettingTable:
    """The settings of a sweep, with the mean of their validation metrics over the seeds.

    Args:
        compared: the parameters that make up a setting.
        runs: of the whole sweep, in its order.

    Attributes:
        settings: the values of `compared`, one row each, in order of appearance.
        n: number of finished runs of each setting.
        seeds: number of runs of a complete setting.
        whole: (rows,) bool, whether a setting is complete: no run failed or was cut off by `run_cap`.
        mean: one row for each setting, one column for each validation metric; nan if a run lacks the metric.
        std: the standard deviation over the seeds (n - 1 in the denominator), likewise; nan for one seed.

    Raises:
        UsageError: no run is done.
    """

    def __init__(self, compared: Sequence[str], runs: Sequence[RunResult]) -> None:
        self.compared = list(compared)
        groups: dict[str, list[RunResult]] = {}
        for run in runs:
            groups.setdefault(repr(self._setting(run)), []).append(run)
        self._groups = list(groups.values())
        trainings = [self.trainings(row) for row in range(len(self._groups))]
        if not any(trainings):
            raise UsageError("no run of the sweep is done, so there is nothing to compare")
        self.settings = [self._setting(group[0]) for group in self._groups]
        self.n = [len(done) for done in trainings]
        self.seeds = max(map(len, self._groups))
        self.whole = np.array([n == self.seeds for n in self.n])
        each = [_mean_and_std([read_validation(folder) for folder in done]) for done in trainings]
        self.mean, self.std = (pd.DataFrame([pair[i] for pair in each]) for i in (0, 1))

    def _setting(self, run: RunResult) -> dict[str, Any]:
        return {name: run.parameters[name] for name in self.compared}

    def trainings(self, row: int) -> list[Path]:
        """List the folders of the finished runs of a setting."""
        return [run.training for run in self._groups[row] if run.training is not None]

    def choose(self, rule: Rule) -> int:
        """Return the row that a rule chooses by the means, among the complete settings.

        Raises:
            UsageError: the rule can choose none.
        """
        try:
            return rule.select(self.mean.where(np.broadcast_to(self.whole[:, None], self.mean.shape)))
        except (KeyError, ValueError) as error:
            reason, logged = " ".join(map(str, error.args)), ", ".join(map(str, self.mean))
            raise UsageError(f"cannot choose: {reason}; validation has {logged}") from error

    def test(self, row: int) -> pd.DataFrame:
        """Open the test of one row: `metric`, `mean`, `std`, `n`."""
        folders = self.trainings(row)
        mean, std = _mean_and_std([read_test(folder) for folder in folders])
        columns = {"metric": mean.keys(), "mean": mean.values(), "std": std.values(), "n": len(folders)}
        return pd.DataFrame(columns)

    def frame(self, chosen: int) -> pd.DataFrame:
        """Return everything, for a CSV: the setting, `n`, `chosen`, and each metric with its `/std`."""
        table = pd.DataFrame(self.settings, index=self.mean.index, columns=self.compared)
        table["n"] = self.n
        table["chosen"] = [row == chosen for row in range(len(table))]
        for name in self.mean:
            table[name], table[f"{name}/std"] = self.mean[name], self.std[name]
        return table

    def shown(self, metrics: Sequence[str], chosen: int, rule: Rule) -> Table:
        """Tabulate for the user the setting, the number of seeds, and `mean ± std` of a few metrics."""
        rows = []
        for row, setting in enumerate(self.settings):
            values = [spread(self.mean.at[row, name], self.std.at[row, name]) for name in metrics]
            count = f"{self.n[row]}" if self.whole[row] else f"{self.n[row]} of {self.seeds}"
            rows.append([*map(str, setting.values()), count, *values, "chosen" if row == chosen else ""])
        names = list(short_names(self.compared).values())
        caption = f"Mean and standard deviation over seeds, validation. The rule: {rule.name}."
        return Table("sweep", caption, [*names, "n", *metrics, ""], rows, texts=len(names))


def spread(mean: float, std: float) -> str:
    """Write `mean ± std`; the mean alone without a deviation."""
    return number(mean) if np.isnan(std) else f"{number(mean)} ± {number(std)}"


def _mean_and_std(values: Sequence[Mapping[str, float]]) -> tuple[dict[str, float], dict[str, float]]:
    """Compute mean and deviation of each metric over some runs; nan if one of them lacks it."""
    frame = pd.DataFrame(list(values), dtype=np.float64)
    return frame.mean(skipna=False).to_dict(), frame.std(skipna=False).to_dict()
