"""Build the commands that W&B's agent would start, and parse each before the first one starts."""

import hashlib
import json
import os
import re
import shutil
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from jsonargparse import ArgumentError, Namespace

from recipes.command_line.cli import RecipeCLI
from recipes.command_line.config_lookup import TRAIN, resolve_configs
from recipes.command_line.errors import one_line
from recipes.command_line.usage_error import UsageError
from recipes.sweeping.sweep_file import Sweep
from recipes.sweeping.sweep_run_folder import PARAMETERS, SweepRun, label
from storage.json_file import write_json

_MACRO = re.compile(r"\$\{(.*)\}")
_ENVIRONMENT = re.compile(r"\$\{envvar:([A-Z0-9_]*)\}")  # the name itself where it is not set, as in W&B


def planned_runs(sweep: Sweep, out: Path, extra: Sequence[str] = ()) -> list[SweepRun]:
    """Plan all runs of a sweep, each once, in its order; nothing is started or written.

    Args:
        sweep: the grid.
        out: folder of the folders of the runs.
        extra: options of `recipes/train.py` to add after those of the sweep's command.

    Raises:
        UsageError: `recipes/train.py` does not accept a command, or its first word is not a program.
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
    """Fill in W&B's macros, as `wandb agent` does, with this Python and the absolute path of the program.

    W&B's own functions for this are private (wandb.sdk.launch); the macros are documented with `command`.

    Args:
        sweep: its command is the template.
        point: the values of the run.
        file: the path for `${args_json_file}`.

    Raises:
        UsageError: a macro that W&B does not document.
    """
    flags = [f"{name}={value}" for name, value in point.items()]
    on = {name: name if value is True else f"{name}={value}" for name, value in point.items()}
    words = {
        "env": ["/usr/bin/env"] if os.name == "posix" else [],
        "interpreter": [sys.executable],
        "program": [str(TRAIN)],
        "args": [f"--{flag}" for flag in flags],
        "args_no_hyphens": flags,
        "args_no_boolean_flags": [f"--{on[name]}" for name, value in point.items() if value is not False],
        "args_json": [json.dumps(point)],
        "args_json_file": [str(file)],
    }
    command: list[str] = []
    for template in sweep.command:
        word = _ENVIRONMENT.sub(lambda found: os.environ.get(found[1], found[1]), template)
        macro = _MACRO.fullmatch(word)
        if macro and macro[1] not in words:
            known = ", ".join(f"${{{name}}}" for name in words)
            raise UsageError(f"{sweep.path}: command has the macro {word}; there are {known}")
        command += words[macro[1]] if macro else [word]
    return command


class TrainOptions(RecipeCLI):
    """Build the parser of `recipes/train.py` without reading a command line, seeding or building anything."""

    def parse_arguments(self, parser: Any, args: Any) -> None:
        """Parse nothing; a seed of False means none to Lightning."""
        self.config = Namespace(seed_everything=False)

    def instantiate_classes(self) -> None:
        """Build nothing."""
