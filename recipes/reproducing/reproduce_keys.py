"""What a step's result depends on, as a hash: two runs with the same key give the same."""

import hashlib
import json
from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from callbacks.run_record import DISTRIBUTION
from recipes.command_line.config_lookup import CONFIGS, resolve_configs
from recipes.reproducing.reproduce_study import WORD, Job, JobId, Recipe
from storage.checksums import file_sha256

_ROOT = Path(__file__).resolve().parents[2]
_LENGTH = 16

_PACKAGES: dict[Recipe, tuple[str, ...]] = {
    "prepare": ("datamodules",),
    "embed": ("datamodules", "lightning_modules"),
    "train": ("datamodules", "lightning_modules", "callbacks", "evaluation"),
    "erase": ("datamodules", "evaluation"),
    "audit": ("datamodules", "evaluation"),
}
"""The code that a recipe's result comes from, beside `recipes/`."""

_SUFFIXES = (".py", ".safetensors")
_PAGES = ("evaluation/paper", "recipes/reproduce")  # what words a finished result


def job_keys(jobs: Sequence[Job]) -> dict[JobId, str]:
    """A key for each job; the jobs come after those that they need.

    It is of the recipe and its code, and of the arguments: a file counts by its content (YAML by what it
    says, not how), the output of another step by that step's key, anything else as it is written.
    """
    keys: dict[JobId, str] = {}
    for job in jobs:
        needs = {name: keys[other.id] for name, other in job.needs.items()}
        parts = [_counts(argument, needs) for argument in resolve_configs(list(job.args))]
        if job.recipe == "train":
            parts.append(_counts(str(CONFIGS / "defaults.yaml"), {}))
        text = json.dumps([job.recipe, code_digest(job.recipe), parts])
        keys[job.id] = hashlib.sha256(text.encode()).hexdigest()[:_LENGTH]
    return keys


def _counts(argument: str, needs: dict[str, str]) -> Any:
    """What stands for an argument in a key."""
    option, equals, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
    path = Path(value).expanduser()
    if WORD.search(value) or not path.is_file():
        return option + equals + WORD.sub(lambda found: f"{needs[found[1]]}.{found[2]}", value)
    said = yaml.safe_load(path.read_text()) if path.suffix == ".yaml" else file_sha256(path)
    return [option, said]


@cache
def code_digest(recipe: Recipe) -> str:
    """sha256 of this package's version, and of the modules and shipped weights behind a recipe's result."""
    digest = hashlib.sha256(metadata.version(DISTRIBUTION).encode())
    for package in (*_PACKAGES[recipe], "recipes"):
        for path in sorted((_ROOT / package).rglob("*")):
            name = path.relative_to(_ROOT).as_posix()
            if path.suffix in _SUFFIXES and not name.startswith(_PAGES):
                digest.update(f"{name} {file_sha256(path)}\n".encode())
    return digest.hexdigest()
