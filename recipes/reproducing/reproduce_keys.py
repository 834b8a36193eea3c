"""Hash everything that the result of a step depends on: steps with equal keys give equal results."""

from collections.abc import Sequence
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import Any

import yaml

from callbacks.run_record import DISTRIBUTION
from evaluation.audit.measuring_code import MEASURING
from recipes.command_line.config_lookup import CONFIGS, REPOSITORY, resolve_configs
from recipes.reproducing.reproduce_plan import Job, JobId
from recipes.reproducing.reproduce_study import WORD, Recipe
from storage.checksums import file_sha256, json_sha256
from storage.code_digest import code_digest

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
    "erase": (
        *(*_TABLES, "evaluation/erasers", "evaluation/probes", "evaluation/samples"),
        *("evaluation/verification", "recipes/erase.py", "recipes/erasing"),
    ),
    "audit": (
        *(*_TABLES, "datamodules/annotations/lfw_pairs.py", "datamodules/annotations/label_table.py"),
        *(*_EVALUATION, "evaluation/audit/choices.py", "evaluation/audit/plan.py", "evaluation/audit/run.py"),
        *("evaluation/audit/result.py", "recipes/auditing/representation_tables.py"),
        *("recipes/auditing/pair_files.py", "recipes/auditing/known_erasers.py", "recipes/audit.py"),
        "evaluation/erasers/transport.py",
    ),
}
"""The modules that decide the result of a recipe, files and folders of this repository."""


def job_keys(jobs: Sequence[Job]) -> dict[JobId, str]:
    """Compute a key for each job; jobs come after those that they need.

    A key covers the recipe, its code and its arguments: a file counts by its content (YAML by its values, not
    its layout), the output of another step by the key of that step, and any other argument as it is written.
    """
    keys: dict[JobId, str] = {}
    for job in jobs:
        needs = {name: keys[other.id] for name, other in job.needs.items()}
        parts = [_counts(argument, needs) for argument in resolve_configs(list(job.args))]
        if job.recipe == "train":
            parts.append(_counts(str(CONFIGS / "defaults.yaml"), {}))
        named = [job.recipe, recipe_digest(job.recipe), parts]
        keys[job.id] = json_sha256(named, sort_keys=False)[:_LENGTH]
    return keys


def _counts(argument: str, needs: dict[str, str]) -> Any:
    """Return what stands for an argument in a key."""
    option, equals, value = argument.partition("=") if argument.startswith("--") else ("", "", argument)
    path = Path(value).expanduser()
    if WORD.search(value) or not path.is_file():
        return option + equals + WORD.sub(lambda found: f"{needs[found[1]]}.{found[2]}", value)
    content = yaml.safe_load(path.read_text()) if path.suffix == ".yaml" else file_sha256(path)
    return [option, content]


@cache
def recipe_digest(recipe: Recipe) -> str:
    """Hash the package's version and the modules and shipped weights that decide a recipe's result."""
    return f"{metadata.version(DISTRIBUTION)} {code_digest(REPOSITORY, CODE[recipe])}"
