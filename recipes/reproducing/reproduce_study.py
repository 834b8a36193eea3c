"""What a reproduction consists of: steps, what stands behind the words in them, and their order."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from jsonargparse import Namespace

from recipes.command_line.config_lookup import find_config
from recipes.command_line.errors import RecipeParser, UsageError
from storage.path_names import file_name

Recipe = Literal["prepare", "train", "embed", "erase", "audit"]

OUTPUTS: dict[Recipe, tuple[str, ...]] = {
    "prepare": ("crops",),
    "train": ("checkpoint", "results"),
    "embed": ("table", "features"),
    "erase": ("table", "features"),
    "audit": ("audit",),
}
"""What a later step may ask for: `{step.table}`; `features` is the length of the table's embeddings."""

WORD = re.compile(r"\{(\w+)(?:\.(\w+))?\}")
"""`{word}` or `{step.output}` in an argument; anything else in braces is left as it is."""

SEED = "seed"

JobId = tuple[str, int | None]


@dataclass(frozen=True)
class Step:
    """One run of a recipe, or one for each seed.

    Args:
        recipe: the file in `recipes/`.
        args: its arguments; `{x.table}` is the output of the step x, `{seed}` the seed, and an argument that
            is `{faces}` alone stands for all arguments of that dataset.
        for_each: `seeds`, or null for one run.
    """

    recipe: Recipe
    args: list[str]
    for_each: Literal["seeds"] | None = None


@dataclass(frozen=True)
class Job:
    """A step, for one seed.

    Attributes:
        step: its name.
        seed: null of a step that runs once.
        recipe: what runs.
        args: datasets and the seed filled in, outputs of other steps not yet.
        needs: those steps, by name.
    """

    step: str
    seed: int | None
    recipe: Recipe
    args: tuple[str, ...]
    needs: dict[str, "Job"] = field(default_factory=dict)

    @property
    def id(self) -> JobId:
        """What tells it from the other jobs."""
        return self.step, self.seed

    @property
    def title(self) -> str:
        """A few words for people."""
        return f"{self.recipe} {self.step}" + ("" if self.seed is None else f", seed {self.seed}")


def add_study_arguments(parser: RecipeParser) -> None:
    """The options that a study file and a configuration share; those of the configuration win, by name."""
    parser.add_argument("--datasets", type=dict[str, list[str]], default={}, help="Name -> arguments.")
    parser.add_argument("--steps", type=dict[str, Step], default={}, help="Name -> recipe, args, for_each.")
    parser.add_argument("--deviations", type=list[str], default=[], help="From the paper, in sentences.")


def with_study(config: Namespace) -> Namespace:
    """The configuration, completed by the study file that it names; its deviations are added to the study's.

    Raises:
        UsageError: there is no such file, or the configuration replaces data that it does not know at all.
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
    complete.steps = {name: _step(x) for name, x in {**study.steps, **config.steps}.items()}
    complete.deviations = [*study.deviations, *config.deviations]
    return complete


def _step(step: Step | Namespace) -> Step:
    return step if isinstance(step, Step) else Step(**vars(step))


def plan_jobs(
    steps: Mapping[str, Step],
    datasets: Mapping[str, Sequence[str]],
    seeds: Sequence[int],
    wanted: Iterable[str],
) -> list[Job]:
    """The jobs that the wanted steps need, each after those that it needs, one seed after the other.

    Raises:
        UsageError: a word that means nothing, a step that does not exist or waits for itself.
    """
    jobs: dict[JobId, Job] = {}

    def make(name: str, seed: int | None, waiting: tuple[str, ...]) -> Job:
        if name in waiting:
            raise UsageError(f"steps wait for each other: {' -> '.join((*waiting, name))}")
        if name not in steps:
            asker = f"step {waiting[-1]}: " if waiting else ""
            raise UsageError(f"{asker}there is no step {name!r}; there are {', '.join(sorted(steps))}")
        try:
            file_name(name)
        except ValueError as error:
            raise UsageError(f"step {error}") from error
        step = steps[name]
        if step.for_each and seed is None:
            raise UsageError(f"step {waiting[-1]} runs once, but {name} runs for each seed: give it for_each")
        own = seed if step.for_each else None
        if (name, own) not in jobs:
            args = tuple(_filled(name, step, datasets, own))
            needs = {other: make(other, own, (*waiting, name)) for other in _needed(name, args, steps)}
            jobs[name, own] = Job(name, own, step.recipe, args, needs)
        return jobs[name, own]

    for seed in seeds:
        for name in wanted:
            make(name, seed, ())
    return list(jobs.values())


def _filled(name: str, step: Step, datasets: Mapping[str, Sequence[str]], seed: int | None) -> Iterable[str]:
    """The arguments with datasets and the seed in them."""
    for argument in step.args:
        alone = WORD.fullmatch(argument)
        spliced = datasets.get(alone[1]) if alone and not alone[2] else None
        for part in [argument] if spliced is None else spliced:
            for word, output in WORD.findall(part):
                if not output and (word != SEED or seed is None):
                    known = [f"{{{x}}}" for x in (*sorted(datasets), *([SEED] if step.for_each else []))]
                    raise UsageError(
                        f"step {name}: {{{word}}} in {part!r} means nothing; there are {', '.join(known)}"
                    )
            yield part.replace(f"{{{SEED}}}", str(seed))


def _needed(name: str, args: Sequence[str], steps: Mapping[str, Step]) -> list[str]:
    """The steps whose outputs the arguments name."""
    found = [x for argument in args for x in WORD.findall(argument)]
    for other, output in found:
        if other in steps and output not in OUTPUTS[steps[other].recipe]:
            has = ", ".join(OUTPUTS[steps[other].recipe])
            raise UsageError(
                f"step {name}: {steps[other].recipe} gives no {output!r} of {other}; it gives {has}"
            )
    return list(dict.fromkeys(other for other, _ in found))
