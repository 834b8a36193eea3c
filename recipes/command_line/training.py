"""Fit a method, then test its best checkpoint: the body of `recipes/train.py`."""

import shlex
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from pytorch_lightning.utilities.exceptions import SIGTERMException
from pytorch_lightning.utilities.rank_zero import rank_zero_warn

from recipes.command_line.cli import RecipeCLI
from recipes.command_line.config_lookup import replaced_callbacks, resolve_configs
from recipes.command_line.errors import Stopped, one_line, report_errors
from recipes.command_line.exit_codes import INTERRUPTED, TERMINATED
from recipes.command_line.training_summary import print_training_summary
from recipes.command_line.usage_error import UsageError
from recipes.runs.resume import note_results


@contextmanager
def _sigterm_left_to_lightning() -> Iterator[None]:
    """Leave SIGTERM to Lightning, which stops a training after its batch, instead of to `report_errors`."""
    earlier = signal.getsignal(signal.SIGTERM)
    if getattr(earlier, "__module__", None) != report_errors.__module__:
        yield
        return
    signal.signal(signal.SIGTERM, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, earlier)


@contextmanager
def _resume_hint(cli: RecipeCLI, typed: list[str]) -> Iterator[None]:
    """Say, if a signal ends the run, where the run folder is and how to resume."""
    again = typed if any(x.startswith("--resume") for x in typed) else [*typed, "--resume", "auto"]
    command = shlex.join(["python", sys.argv[0], *again])
    after = f"run folder: {cli.trainer.default_root_dir}; to go on: {command}"
    if cli.config.trainer.fast_dev_run:
        after = "a rehearsal leaves nothing to go on with"
    try:
        yield
    except SIGTERMException as ended:  # it would exit with 0
        raise Stopped(INTERRUPTED if cli.termination.interrupted else TERMINATED, after) from ended
    except Stopped as ended:  # before the first batch, or in the test
        raise Stopped(int(str(ended.code)), after) from ended


@contextmanager
def _interval_errors() -> Iterator[None]:
    """Shorten Lightning's error about val_check_interval, raised once the number of batches is known."""
    try:
        yield
    except ValueError as error:
        if not str(error).strip().startswith("`val_check_interval`"):
            raise
        raise UsageError(f"trainer.val_check_interval: {one_line(str(error))}") from error


def main() -> None:
    """Fit, then test the best checkpoint."""
    typed = sys.argv[1:]
    sys.argv[1:] = resolve_configs(sys.argv[1:])
    for sentence in replaced_callbacks(sys.argv[1:]):
        rank_zero_warn(sentence, category=UserWarning)
    cli = RecipeCLI()
    if cli.previous.finished:
        again = "without --resume auto it is trained again"
        print(f"this run was finished before: {cli.previous.finished}; {again}")
        return
    start = cli.previous.checkpoint or cli.config.ckpt_path
    with _resume_hint(cli, typed):
        with _sigterm_left_to_lightning(), _interval_errors():
            cli.trainer.fit(cli.model, cli.datamodule, ckpt_path=start, weights_only=True)
        if cli.trainer.interrupted:
            return
        rehearsal = cli.config.trainer.fast_dev_run  # leaves neither checkpoint nor run folder
        best = None
        if not rehearsal:
            best = cli.config_init.checkpoint.best_model_path or _last_as_best(cli, start)
        (results,) = cli.trainer.test(
            cli.model, cli.datamodule, ckpt_path=best, weights_only=True, verbose=False
        )
    if cli.trainer.is_global_zero and not rehearsal:
        folder = Path(cli.trainer.default_root_dir)
        note_results(folder, results)
        print_training_summary(folder, folder / "config.yaml", results)


def _last_as_best(cli: RecipeCLI, start: str | Path | None) -> str:
    """Save the last weights as the best, if the best checkpoint was lost and no epoch is left to choose.

    Raises:
        UsageError: the training began in this run, and no metric was measured to choose by.
    """
    checkpoint = cli.config_init.checkpoint
    if start is None:
        raise UsageError(
            f"no checkpoint was kept, so none is tested: {checkpoint.monitor}, by which they are chosen, was "
            "not measured; validate (limit_val_batches), or set checkpoint.monitor to epoch"
        )
    path = Path(checkpoint.dirpath, f"{checkpoint.filename}{checkpoint.FILE_EXTENSION}")
    rank_zero_warn(f"no best checkpoint is left, nor an epoch to choose one: {path} holds the last weights")
    cli.trainer.save_checkpoint(path)
    return str(path)
