"""Read a study: its datasets, variants and steps, and what stands behind the words in their arguments."""

import re
from dataclasses import dataclass
from typing import Literal

from jsonargparse import Namespace

from recipes.command_line.config_lookup import find_config
from recipes.command_line.errors import RecipeParser
from recipes.command_line.usage_error import UsageError

Recipe = Literal["prepare", "train", "embed", "erase", "audit"]

OUTPUTS: dict[Recipe, tuple[str, ...]] = {
    "prepare": ("crops",),
    "train": ("checkpoint", "results"),
    "embed": ("table", "features"),
    "erase": ("table", "features", "eraser"),
    "audit": ("audit",),
}
"""Outputs that a later step may use, as `{step.table}`; `features` is the length of the embeddings."""

WORD = re.compile(r"\{(\w+)(?:\.(\w+))?\}")
"""`{word}` or `{step.output}` in an argument; other text in braces is left as it is."""

SEED, SEEDS = "seed", "seeds"


@dataclass(frozen=True)
class Step:
    """One run of a recipe, or one for each seed and each value of a variant.

    Args:
        recipe: the file in `recipes/`.
        args: its arguments; `{x.table}` is the output of the step x, `{seed}` the seed, `{variance}` the
            value of that variant, and an argument that is `{faces}` alone stands for all arguments of that
            dataset.
        for_each: `seeds`, the name of a variant, or a list of them; null for one run.
    """

    recipe: Recipe
    args: list[str]
    for_each: str | list[str] | None = None

    @property
    def variants(self) -> list[str]:
        """The variants in `for_each`."""
        return [name for name in self._for_each if name != SEEDS]

    @property
    def seeded(self) -> bool:
        """True if the step runs once for each seed."""
        return SEEDS in self._for_each

    @property
    def _for_each(self) -> list[str]:
        return [self.for_each] if isinstance(self.for_each, str) else self.for_each or []


def add_study_arguments(parser: RecipeParser) -> None:
    """Add the options that a study file and a configuration share; the configuration wins, by name."""
    parser.add_argument("--datasets", type=dict[str, list[str]], default={}, help="Name -> arguments.")
    parser.add_argument(
        "--variants", type=dict[str, list[str]], default={}, help="Name -> values that for_each goes through."
    )
    parser.add_argument("--steps", type=dict[str, Step], default={}, help="Name -> recipe, args, for_each.")
    parser.add_argument(
        "--deviations", type=list[str], default=[], help="Deviations from the paper, in sentences."
    )


def with_study(config: Namespace) -> Namespace:
    """Complete a configuration by the study file that it names; deviations are added to those of the study.

    Raises:
        UsageError: there is no such file, or the configuration replaces datasets that the study does not
            know.
    """
    parser = RecipeParser(parser_mode="omegaconf")
    add_study_arguments(parser)
    study = parser.parse_path(find_config(config.study))
    if config.datasets and not config.datasets.keys() & study.datasets.keys():
        raise UsageError(
            f"{config.study} has nothing of what is to be replaced: {', '.join(config.datasets)}; "
            f"its data are {', '.join(study.datasets)}"
        )
    complete = config.clone()
    complete.datasets = {**study.datasets, **config.datasets}
    complete.variants = {**study.variants, **config.variants}
    complete.steps = {name: _step(x) for name, x in {**study.steps, **config.steps}.items()}
    complete.deviations = [*study.deviations, *config.deviations]
    return complete


def _step(step: Step | Namespace) -> Step:
    return step if isinstance(step, Step) else Step(**vars(step))
