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
from evaluation.audit.measuring_code import MEASURING
from recipes.command_line.config_lookup import CONFIGS, resolve_configs
from recipes.reproducing.reproduce_study import WORD, Job, JobId, Recipe
from storage.checksums import file_sha256
from storage.code_digest import code_digest

_ROOT = Path(__file__).resolve().parents[2]
_LENGTH = 16

_TABLES = ("datamodules/contract.py", "datamodules/tables")
_EVALUATION = tuple(f"evaluation/{part}" for part in MEASURING)

CODE: dict[Recipe, tuple[str, ...]] = {
    "prepare": ("datamodules", "recipes/prepare.py"),
    "embed": ("datamodules", "lightning_modules", "recipes/embed.py", "recipes/embedding"),
    "train": (
        *("datamodules", "lightning_modules", "callbacks", *_EVALUATION),
        *("recipes/command_line/cli.py", "recipes/command_line/ddp_strategy.py"),
        *("recipes/command_line/trainable.py", "recipes/command_line/training.py", "recipes/runs"),
    ),
    "erase": (*_TABLES, "evaluation/erasers", "evaluation/samples/arrays.py", "recipes/erase.py"),
    "audit": (
        *(*_TABLES, "datamodules/annotations/lfw_pairs.py", "datamodules/annotations/label_table.py"),
        *(*_EVALUATION, "evaluation/audit/choices.py", "evaluation/audit/plan.py", "evaluation/audit/run.py"),
        *("evaluation/audit/result.py", "recipes/auditing/representation_tables.py"),
        *("recipes/auditing/pair_files.py", "recipes/audit.py"),
    ),
}
"""The modules that decide the result of a recipe, files and folders of this repository."""


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
        text = json.dumps([job.recipe, recipe_digest(job.recipe), parts])
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
def recipe_digest(recipe: Recipe) -> str:
    """Hash this package's version, and the modules and shipped weights that decide a recipe's result."""
    return f"{metadata.version(DISTRIBUTION)} {code_digest(_ROOT, CODE[recipe])}"
