"""The commands of a sweep: what W&B's agent would start, each parsed before the first of them is."""

import hashlib
import os
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentError, Namespace
from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

from recipes.command_line.cli import RecipeCLI
from recipes.command_line.config_lookup import resolve_configs
from recipes.command_line.errors import UsageError, one_line
from recipes.sweeping.sweep_file import TRAIN, Sweep
from recipes.sweeping.sweep_run_folder import PARAMETERS, SweepRun, label
from storage.json_file import write_json


def planned_runs(sweep: Sweep, out: Path, extra: Sequence[str] = ()) -> list[SweepRun]:
    """All runs of a sweep, once each, in its order; nothing is started or written.

    Args:
        sweep: the grid.
        out: folder of the folders of the runs.
        extra: options of `recipes/train.py` after those of the sweep's command.

    Raises:
        UsageError: a command that `recipes/train.py` does not accept, or whose first word is no program.
    """
    if shutil.which(first := agent_command(sweep, {}, Path())[0]) is None:
        raise UsageError(f"{sweep.path}: command starts with {first}, which is no program")
    parser = TrainOptions().parser
    parser.exit_on_error = False
    runs: dict[str, SweepRun] = {}
    with tempfile.TemporaryDirectory() as draft:
        for point in sweep.points():
            file = Path(draft, PARAMETERS)
            write_json(file, point)
            options = [*agent_command(sweep, point, file), *extra]
            options = options[options.index(str(TRAIN)) + 1 :]
            try:
                resolved = parser.parse_args(resolve_configs(options))
            except (ArgumentError, UsageError) as error:
                raise UsageError(f"{sweep.path}, run {label(point)}: {one_line(str(error))}") from error
            text = parser.dump(resolved, skip_link_targets=False, format="json")
            key = hashlib.sha256(text.encode()).hexdigest()[:12]
            folder = out / key
            command = [*agent_command(sweep, point, folder / PARAMETERS), *extra]
            command.append(f"--trainer.default_root_dir={folder}")
            runs.setdefault(key, SweepRun(point, folder, command, text))
    return list(runs.values())


def agent_command(sweep: Sweep, point: dict[str, Any], file: Path) -> list[str]:
    """The words that `wandb agent` would start, but for this Python and the path of the program.

    Args:
        sweep: its command is the template.
        point: the values of the run.
        file: what `${args_json_file}` stands for.
    """
    words = create_sweep_command_args({"args": {name: {"value": value} for name, value in point.items()}})
    words |= {"interpreter": [sys.executable], "program": [str(TRAIN)], "args_json_file": [str(file)]}
    words |= {"env": ["/usr/bin/env"] if os.name == "posix" else []}
    command: list[str] = []
    for word in create_sweep_command(list(sweep.command)):  # which fills in ${envvar:...}
        macro = word.startswith("${") and word.endswith("}")
        command += words.get(word[2:-1], []) if macro else [word]
    return command


class TrainOptions(RecipeCLI):
    """The parser of `recipes/train.py`, without a command line read, a seed set or anything built."""

    def parse_arguments(self, parser: Any, args: Any) -> None:
        """Nothing; False is Lightning's word for no seed."""
        self.config = Namespace(seed_everything=False)

    def instantiate_classes(self) -> None:
        """Nothing."""
