"""A run of a sweep and its folder: the input of its command, and the results.

Imports nothing slow, as the tasks of SLURM start with it.
"""

import csv
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from storage.json_file import DamagedFileError, read_json, write_json

PARAMETERS, LOG, DONE = "parameters.json", "log.txt", "done.json"


@dataclass(frozen=True)
class SweepRun:
    """One training of a sweep.

    Attributes:
        parameters: its values in the sweep.
        folder: of this run, named by a hash of its resolved configuration.
        command: to start after `write_parameters`.
        config: the resolved configuration, as JSON.
    """

    parameters: dict[str, Any]
    folder: Path
    command: list[str]
    config: str

    def write_parameters(self) -> None:
        """Write the file that the command may read; make the folder."""
        write_json(self.folder / PARAMETERS, self.parameters)

    def __str__(self) -> str:
        """Name the run by its parameters."""
        return label(self.parameters)


def label(parameters: dict[str, Any]) -> str:
    """Write values with their short names, such as `lambda_=0.1 seed_everything=2`."""
    short = short_names(parameters)
    return " ".join(f"{short[name]}={value}" for name, value in parameters.items())


def short_names(names: Iterable[str]) -> dict[str, str]:
    """Map dotted names to their last parts, or to themselves where two last parts are equal."""
    last = {name: name.rpartition(".")[2] for name in names}
    return {name: part if list(last.values()).count(part) == 1 else name for name, part in last.items()}


def training_folder(run: SweepRun) -> Path | None:
    """Find the folder with the checkpoints and metrics of a finished run; None if it is not finished.

    Raises:
        DamagedFileError: the record of its end is damaged, or the training is gone.
    """
    done = run.folder / DONE
    if not done.is_file():
        return None
    advice = "delete this file, and the same command trains the run again"
    training = run.folder / str(read_json(done, "training", advice=advice)["training"])
    if not (training / "metrics.csv").is_file():
        raise DamagedFileError(f"{done} names the training {training}, which is not there: {advice}")
    return training


def note_end(run: SweepRun, code: int, seconds: float, begin: int = 0) -> str | None:
    """Record that a run is done; return the problem if there was one.

    Args:
        run: whose command ended.
        code: its exit code.
        seconds: since its last start.
        begin: size of `log.txt` before that start, in bytes.
    """
    log = run.folder / LOG
    if code:
        return f"exit code {code}: {_reason(log, begin)}; all of it in {log}"
    trainings = sorted(file.parent for file in run.folder.glob("*/*/metrics.csv") if _is_tested(file))
    if not trainings:
        return f"its training was not tested, so it was cut short or a rehearsal; see {log}"
    note = {
        "training": str(trainings[-1].relative_to(run.folder)),
        "parameters": run.parameters,
        "command": run.command,
        "seconds": round(seconds, 1),
    }
    write_json(run.folder / DONE, note, indent=2)
    return None


def _reason(log: Path, begin: int) -> str:
    """Return the line of a log that says what went wrong."""
    text = log.read_bytes()[begin:].decode(errors="replace")
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return next(iter([x for x in lines if x.startswith("error: ")] or lines[-1:]), "it printed nothing")


def _is_tested(metrics: Path) -> bool:
    with open(metrics, newline="") as file:
        return any(name.startswith("test/") for name in next(csv.reader(file), []))
