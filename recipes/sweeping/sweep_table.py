"""The table of a sweep: a row for each setting, its validation over the seeds, and which one is chosen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import nan
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from evaluation.fairness.selection import Rule
from evaluation.report.tables import Table
from evaluation.samples.wording import number
from recipes.command_line.errors import UsageError
from recipes.sweeping.sweep_file import Metric
from recipes.sweeping.sweep_metrics import read_test, read_validation
from recipes.sweeping.sweep_run_folder import short_names


@dataclass(frozen=True)
class Ran:
    """A run of a sweep.

    Attributes:
        parameters: the values that the sweep gave it.
        training: folder with its checkpoints and metrics; None if it failed.
    """

    parameters: Mapping[str, Any]
    training: Path | None


@dataclass(frozen=True)
class BestMean:
    """The best mean of the metric that the sweep is about.

    Args:
        metric: its name and which way is better.
    """

    metric: Metric

    @property
    def name(self) -> str:
        """What a table calls the rule."""
        return f"{self.metric.goal} {self.metric.name}"

    def select(self, table: pd.DataFrame) -> int:
        """See `evaluation.fairness.selection.Rule`."""
        values = table[self.metric.name].to_numpy(np.float64)
        if np.isnan(values).all():
            raise ValueError(f"{self.name}: none of {len(values)} candidates qualifies")
        return int(np.nanargmin(values) if self.metric.goal == "minimize" else np.nanargmax(values))


class SettingTable:
    """The settings of a sweep, with their runs and the mean of their validation over the seeds.

    Args:
        compared: the parameters that a setting consists of.
        runs: of the whole sweep, in its order.

    Attributes:
        settings: the values of `compared`, one a row, in order of appearance.
        n: how many runs of each are done.
        seeds: how many runs a setting has that none is missing of.
        whole: (rows,) bool, whether a setting has as many: no run failed, nor was cut off by `run_cap`.
        mean: one row a setting, one column a metric of validation. A metric that a run lacks is nan.
        std: likewise the standard deviation over the seeds (n - 1 in the denominator), nan for one.

    Raises:
        UsageError: no run is done.
    """

    def __init__(self, compared: Sequence[str], runs: Sequence[Ran]) -> None:
        self.compared = list(compared)
        groups: dict[str, list[Ran]] = {}
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

    def _setting(self, run: Ran) -> dict[str, Any]:
        return {name: run.parameters[name] for name in self.compared}

    def trainings(self, row: int) -> list[Path]:
        """The folders of a setting's runs that are done."""
        return [run.training for run in self._groups[row] if run.training is not None]

    def choose(self, rule: Rule) -> int:
        """The row that a rule chooses by the means, among those that are whole.

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
        """Everything, for a CSV: the setting, `n`, `chosen`, and each metric with its `/std`."""
        table = pd.DataFrame(self.settings, index=self.mean.index, columns=self.compared)
        table["n"] = self.n
        table["chosen"] = [row == chosen for row in range(len(table))]
        for name in self.mean:
            table[name], table[f"{name}/std"] = self.mean[name], self.std[name]
        return table

    def shown(self, metrics: Sequence[str], chosen: int, rule: Rule) -> Table:
        """For people: the setting, the number of seeds, and `mean ± std` of a few metrics."""
        rows = []
        for row, setting in enumerate(self.settings):
            values = [spread(self.mean.at[row, name], self.std.at[row, name]) for name in metrics]
            count = f"{self.n[row]}" if self.whole[row] else f"{self.n[row]} of {self.seeds}"
            rows.append([*map(str, setting.values()), count, *values, "chosen" if row == chosen else ""])
        names = list(short_names(self.compared).values())
        caption = f"Mean and standard deviation over seeds, validation. The rule: {rule.name}."
        return Table("sweep", caption, [*names, "n", *metrics, ""], rows, texts=len(names))


def spread(mean: float, std: float) -> str:
    """`mean ± std`; the mean alone where there is no deviation."""
    return number(mean) if np.isnan(std) else f"{number(mean)} ± {number(std)}"


def _mean_and_std(values: Sequence[Mapping[str, float]]) -> tuple[dict[str, float], dict[str, float]]:
    """Of each metric of some runs; nan where one of them lacks it."""
    names = dict.fromkeys(name for run in values for name in run)
    columns = {name: np.array([run.get(name, nan) for run in values]) for name in names}
    mean = {name: float(column.mean()) for name, column in columns.items()}
    return mean, {name: float(c.std(ddof=1)) if len(c) > 1 else nan for name, c in columns.items()}
