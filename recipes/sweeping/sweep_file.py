"""Read a W&B sweep file, to run it without W&B's server."""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice, product
from pathlib import Path
from typing import Any, Literal

import yaml

from recipes.command_line.config_lookup import REPOSITORY, TRAIN, find_config
from recipes.command_line.usage_error import UsageError

SEED = "seed_everything"

_SUPPORTED = {"program", "method", "metric", "parameters", "command", "run_cap"}
_IGNORED = {"name", "description", "project", "entity"}  # names in W&B
_DEFAULT_COMMAND = ["${env}", "${interpreter}", "${program}", "${args}"]  # W&B's


@dataclass(frozen=True)
class Metric:
    """The metric that the sweep optimises.

    Attributes:
        name: as the run logs it.
        goal: which direction is better.
    """

    name: str
    goal: Literal["minimize", "maximize"]


@dataclass(frozen=True)
class Sweep:
    """A grid of trainings.

    Attributes:
        path: of the file.
        metric: to minimise or maximise.
        parameters: dotted option -> its values.
        command: how a run is started, with W&B's macros such as `${args_json_file}`.
        run_cap: largest number of runs; None: no limit.
    """

    path: Path
    metric: Metric
    parameters: dict[str, list[Any]]
    command: list[str]
    run_cap: int | None = None

    @property
    def compared(self) -> list[str]:
        """The parameters with several values, without the seed: each combination is a row of the table."""
        return [name for name, values in self.parameters.items() if len(values) > 1 and name != SEED]

    def points(self) -> Iterator[dict[str, Any]]:
        """Return the values of each run in the order of W&B's grid: names sorted, the last varies fastest."""
        names = sorted(self.parameters)
        grid = product(*(self.parameters[name] for name in names))
        return (dict(zip(names, values, strict=True)) for values in islice(grid, self.run_cap))


def read_sweep(name: str) -> Sweep:
    """Read a sweep file.

    Args:
        name: a path, or a file below `configs/`.

    Raises:
        UsageError: no such file, no sweep of `recipes/train.py`, or one that only W&B can run.
    """
    path = Path(find_config(name))
    content = yaml.safe_load(path.read_text(encoding="utf-8"))
    try:
        return _sweep(path, content)
    except _Invalid as error:
        raise UsageError(f"{path}: {error}") from error


class _Invalid(Exception):
    """A sweep file that cannot be run; the message says why."""


def _sweep(path: Path, content: dict[str, Any]) -> Sweep:
    _check_keys(content)
    method = content.get("method")
    if method != "grid":
        raise _Invalid(f"method is {method}, and only grid runs without a server; use wandb agent")
    program = str(content.get("program"))
    if TRAIN not in (Path(program).resolve(), (REPOSITORY / program).resolve()):
        raise _Invalid(f"program is {program}, and only recipes/train.py runs without a server")
    command = content.get("command", _DEFAULT_COMMAND)
    if not isinstance(command, list) or "${program}" not in command:
        raise _Invalid("command is to be a list, with ${program} in it")
    cap = content.get("run_cap")
    if cap is not None and (type(cap) is not int or cap < 1):  # True is an int
        raise _Invalid(f"run_cap is a number of runs, 1 or more, not {cap}")
    parameters = content.get("parameters")
    if not isinstance(parameters, dict) or not parameters:
        raise _Invalid(
            "parameters names no option; expected lines such as 'seed_everything: {values: [0, 1]}'"
        )
    values = {str(name): _values(name, asked) for name, asked in parameters.items()}
    return Sweep(path, _metric(content.get("metric")), values, [str(word) for word in command], cap)


def _check_keys(content: dict[str, Any]) -> None:
    for key in map(str, content):
        if key in _SUPPORTED | _IGNORED:
            continue
        near = difflib.get_close_matches(key, _SUPPORTED | _IGNORED, n=1)
        hint = f"did you mean {near[0]}?" if near else "only wandb agent does"
        raise _Invalid(f"recipes/sweep.py knows nothing of {key!r}; {hint}")


def _metric(asked: Any) -> Metric:
    if not isinstance(asked, dict) or not isinstance(asked.get("name"), str):
        raise _Invalid("metric is missing; expected 'metric: {name: val/..., goal: minimize}'")
    goal = asked.get("goal", "minimize")  # W&B's default
    if goal not in ("minimize", "maximize"):
        raise _Invalid(f"metric.goal is minimize or maximize, not {goal}")
    if not asked["name"].startswith("val/"):
        raise _Invalid(f"metric.name is {asked['name']}, and settings are chosen by validation, val/...")
    return Metric(asked["name"], goal)


def _values(name: str, asked: Any) -> list[Any]:
    """Read the values of one parameter."""
    kind = tuple(asked) if isinstance(asked, dict) else None
    if kind == ("value",):
        return [asked["value"]]
    if kind == ("values",) and isinstance(asked["values"], list) and asked["values"]:
        return asked["values"]
    raise _Invalid(f"parameter {name}: expected 'value: ...' or 'values: [...]'; others are wandb agent's")
