"""Run the unfinished steps of a reproduction, each in a folder of its own."""

import re
import shlex
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datamodules.tables.embedding_table import EmbeddingTable
from evaluation.report.tables import Table
from recipes.command_line.config_lookup import RECIPES
from recipes.command_line.usage_error import UsageError
from recipes.reproducing.reproduce_plan import Job, JobId
from recipes.reproducing.reproduce_study import OUTPUTS, WORD
from recipes.runs.resume import RESULTS, read_results
from storage.json_file import DamagedFileError, read_json, write_json

_DONE = "done.json"
_NOTED = ("outputs", "command", "seconds")
_TAIL = 3  # lines of a log that an error repeats


def _train_args(folder: Path) -> list[str]:
    """Tell a training where to write, and to resume if it was killed."""
    quiet = ["--trainer.logger=false", "--trainer.enable_progress_bar=false"]
    return [f"--trainer.default_root_dir={folder / 'runs'}", *quiet, "--resume=auto"]


def _train_outputs(folder: Path) -> dict[str, str]:
    for results in sorted(folder.glob(f"runs/*/*/{RESULTS}"), reverse=True):
        if read_results(results) is None:
            continue
        files = {"checkpoint": results.parent / "checkpoints" / "best.ckpt", "results": results}
        return {name: str(path.relative_to(folder)) for name, path in files.items()}
    raise UsageError(f"{folder}: the training did not come to its end")


def _embed_outputs(folder: Path) -> dict[str, str]:
    table = EmbeddingTable.load(folder / "table.safetensors", memory_map=True)
    return {"table": "table.safetensors", "features": str(table.embedding.shape[1])}


def _erase_args(folder: Path) -> list[str]:
    """Tell an eraser where to write, again if it was killed between its two files."""
    files = [*_out("table.safetensors")(folder), f"--save_eraser={folder / 'eraser.safetensors'}"]
    return [*files, "--overwrite=true"]


def _erase_outputs(folder: Path) -> dict[str, str]:
    return _embed_outputs(folder) | {"eraser": "eraser.safetensors"}


def _out(name: str) -> Callable[[Path], list[str]]:
    return lambda folder: [f"--out={folder / name}"]


_ARGS: dict[str, Callable[[Path], list[str]]] = {
    "prepare": _out("crops"),
    "train": _train_args,
    "embed": lambda folder: [*_out("table.safetensors")(folder), "--trainer.enable_progress_bar=false"],
    "erase": _erase_args,
    "audit": _out("audit"),
}
_OUTPUTS: dict[str, Callable[[Path], dict[str, str]]] = {
    "prepare": lambda folder: {"crops": "crops"},
    "train": _train_outputs,
    "embed": _embed_outputs,
    "erase": _erase_outputs,
    "audit": lambda folder: {"audit": "audit"},
}
_VALUES = ("features",)  # outputs that are not paths


@dataclass(frozen=True)
class StudyRunner:
    """Runs the steps of a study in their folders.

    Attributes:
        folder: holds a folder `<step>-<key>` for each job; a finished one contains `done.json`, written last.
    """

    folder: Path

    def place(self, job: Job, key: str) -> Path:
        """Find the folder of a job by its key alone, so that equal steps of two names share one."""
        return next(iter(sorted(self.folder.glob(f"*-{key}"))), self.folder / f"{job.step}-{key}")

    def done(self, job: Job, key: str) -> dict[str, Any] | None:
        """Read the record of a finished job (`outputs`, `command`, `seconds`); None if it is not finished."""
        path = self.place(job, key) / _DONE
        if not path.exists():
            return None
        try:
            noted = read_json(path, *_NOTED, advice="the step goes on where it stopped")
        except DamagedFileError as error:  # the step finds its own files and resumes
            warnings.warn(str(error), stacklevel=2)
            return None
        outputs = noted["outputs"]
        return noted if isinstance(outputs, dict) and outputs.keys() >= set(OUTPUTS[job.recipe]) else None

    def output(self, job: Job, key: str, name: str) -> str | None:
        """Return an output of a job: a path, or a value; None before it is finished."""
        noted = self.done(job, key)
        if noted is None:
            return None
        value = noted["outputs"][name]
        return value if name in _VALUES else str(self.place(job, key) / value)

    def outputs(
        self, jobs: Sequence[Job], keys: dict[JobId, str], steps: Sequence[str], name: str
    ) -> dict[str, list[Path]]:
        """Collect an output of each of the steps, in the order of the seeds; all their jobs are finished."""
        of = {step: [job for job in jobs if job.step == step] for step in steps}
        return {
            step: [Path(self.output(job, keys[job.id], name) or "") for job in own]
            for step, own in of.items()
        }

    def command(self, job: Job, keys: dict[JobId, str]) -> list[str]:
        """Build the command of a job; outputs of unfinished steps stay words in braces."""

        def given(found: re.Match[str]) -> str:
            other = job.needs[found[1]]
            return self.output(other, keys[other.id], found[2]) or found[0]

        folder = self.place(job, keys[job.id])
        own = _ARGS[job.recipe](folder)
        return [
            sys.executable,
            str(RECIPES / f"{job.recipe}.py"),
            *(WORD.sub(given, argument) for argument in job.args),
            *own,
        ]

    def run(self, job: Job, keys: dict[JobId, str], lock: int) -> float:
        """Run a job, with its output in `log.txt`; return the seconds that it took.

        Args:
            job: to run.
            keys: of all jobs.
            lock: file descriptor that the job holds until it ends, even if this process dies first.

        Raises:
            UsageError: the job failed; names it, its log, and the end of the log.
        """
        folder = self.place(job, keys[job.id])
        folder.mkdir(parents=True, exist_ok=True)
        command = self.command(job, keys)
        start, log = time.monotonic(), folder / "log.txt"
        with log.open("a") as file:
            file.write(f"$ {shlex.join(command)}\n")
            file.flush()
            code = subprocess.run(
                command, stdout=file, stderr=subprocess.STDOUT, pass_fds=[lock], check=False
            ).returncode
        if code:
            lines = [line.strip() for line in log.read_text(errors="replace").splitlines() if line.strip()]
            raise UsageError(f"{job.title}: exit code {code}; {log} ends with: {' | '.join(lines[-_TAIL:])}")
        seconds = time.monotonic() - start
        noted = {
            "outputs": _OUTPUTS[job.recipe](folder),
            "command": command[1:],
            "seconds": round(seconds, 1),
        }
        write_json(folder / _DONE, noted, indent=1)
        return seconds

    def table(self, jobs: Sequence[Job], keys: dict[JobId, str]) -> Table:
        """List the finished jobs in a table; paths are relative to the repository and to this folder."""
        noted = [(job, keys[job.id], self.done(job, keys[job.id]) or {}) for job in jobs]
        here, repository = f"{self.folder.parent}/", f"{RECIPES.parent}/"
        short = re.compile(
            f"{re.escape(here)}|{re.escape(repository)}"
        )  # this folder may be inside the repository
        rows = [
            [job.title, key, short.sub("", shlex.join(x["command"])), f"{x['seconds']:.0f}"]
            for job, key, x in noted
        ]
        caption = "Steps. What starts with `steps/` is in the folder of this page."
        return Table("steps", caption, ("step", "key", "command", "seconds"), rows, texts=3)
