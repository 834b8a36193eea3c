"""Plan the jobs of a reproduction: a job for each step, seed and value of a variant, in their order."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import product

from recipes.command_line.usage_error import UsageError
from recipes.reproducing.reproduce_study import OUTPUTS, SEED, SEEDS, WORD, Recipe, Step
from storage.path_names import file_name

JobId = tuple[str, int | None]


@dataclass(frozen=True)
class Job:
    """A step for one seed.

    Attributes:
        step: name of the step.
        seed: None if the step runs once.
        recipe: to run.
        args: with datasets and the seed filled in, but not yet the outputs of other steps.
        needs: the jobs whose outputs it reads, by name of the step.
    """

    step: str
    seed: int | None
    recipe: Recipe
    args: tuple[str, ...]
    needs: dict[str, "Job"] = field(default_factory=dict)

    @property
    def id(self) -> JobId:
        """Identifies the job among the others."""
        return self.step, self.seed

    @property
    def title(self) -> str:
        """A short description for the user."""
        return f"{self.recipe} {self.step}" + ("" if self.seed is None else f", seed {self.seed}")


def plan_jobs(
    steps: Mapping[str, Step],
    datasets: Mapping[str, Sequence[str]],
    seeds: Sequence[int],
    wanted: Iterable[str],
    variants: Mapping[str, Sequence[str]] | None = None,
) -> list[Job]:
    """Order the jobs that the wanted steps need, each after those that it needs, one seed after the other.

    Args:
        steps: the steps of the study, by name.
        datasets: arguments, by the name that stands for them.
        seeds: of the steps that run for each seed.
        wanted: names of steps; a step of a variant is called `<step>_<value>`.
        variants: values, by the name of the variant.

    Raises:
        UsageError: a word that means nothing, or a step that does not exist or depends on itself.
    """
    spliced = {name: replace(step, args=list(_spliced(step, datasets))) for name, step in steps.items()}
    expanded = _expand_variants(spliced, variants or {})
    jobs: dict[JobId, Job] = {}

    def make(name: str, seed: int | None, waiting: tuple[str, ...]) -> Job:
        if name in waiting:
            raise UsageError(f"steps wait for each other: {' -> '.join((*waiting, name))}")
        if name not in expanded:
            asker = f"step {waiting[-1]}: " if waiting else ""
            raise UsageError(f"{asker}there is no step {name!r}; there are {', '.join(sorted(expanded))}")
        try:
            file_name(name)
        except ValueError as error:
            raise UsageError(f"step {error}") from error
        step = expanded[name]
        if step.seeded and seed is None:
            raise UsageError(f"step {waiting[-1]} runs once, but {name} runs for each seed: give it for_each")
        own = seed if step.seeded else None
        if (name, own) not in jobs:
            args = tuple(_with_seed(name, step, datasets, own))
            needs = {other: make(other, own, (*waiting, name)) for other in _needed(name, args, expanded)}
            jobs[name, own] = Job(name, own, step.recipe, args, needs)
        return jobs[name, own]

    for seed in seeds:
        for name in wanted:
            make(name, seed, ())
    return list(jobs.values())


def _spliced(step: Step, datasets: Mapping[str, Sequence[str]]) -> Iterator[str]:
    """Yield the arguments of a step, with those of a dataset in place of its name."""
    for argument in step.args:
        alone = WORD.fullmatch(argument)
        dataset = datasets.get(alone[1]) if alone and not alone[2] else None
        yield from [argument] if dataset is None else dataset


def _expand_variants(steps: Mapping[str, Step], variants: Mapping[str, Sequence[str]]) -> dict[str, Step]:
    """Repeat each step for every value of its variants: `baseline` becomes `baseline_020` and so on.

    In the arguments, the name of a variant becomes its value, and the output of a step becomes that of the
    step of the same values.
    """
    for name, values in variants.items():
        if bad := [value for value in values if not re.fullmatch(r"\w+", value)]:
            raise UsageError(f"variant {name}: {bad[0]!r} must be letters, digits or _, as it names steps")
    expanded = {}
    for name, step in steps.items():
        if unknown := [x for x in step.variants if x not in variants]:
            known = ", ".join((SEEDS, *variants))
            raise UsageError(f"step {name}: for_each names {unknown[0]!r}; there are {known}")
        for values in product(*(variants[x] for x in step.variants)):
            own = dict(zip(step.variants, values, strict=True))
            args = [_with_values(argument, name, own, steps) for argument in step.args]
            expanded["_".join((name, *values))] = replace(step, args=args)
    return expanded


def _with_values(argument: str, name: str, own: Mapping[str, str], steps: Mapping[str, Step]) -> str:
    """Fill the values `own` of the variants of a step into one of its arguments."""

    def given(found: re.Match[str]) -> str:
        word, output = found.groups()
        if output is None:
            return own.get(word, found[0])
        needed = steps[word].variants if word in steps else []
        if missing := [x for x in needed if x not in own]:
            raise UsageError(f"step {name}: {word} runs for each {missing[0]}: give {name} the same for_each")
        return f"{{{'_'.join((word, *(own[x] for x in needed)))}.{output}}}"

    return WORD.sub(given, argument)


def _with_seed(name: str, step: Step, datasets: Iterable[str], seed: int | None) -> Iterator[str]:
    """Yield the arguments of a step with the seed in them; refuse words that stand for nothing."""
    for argument in step.args:
        for word, output in WORD.findall(argument):
            if not output and (word != SEED or seed is None):
                words = (*sorted(datasets), *step.variants, *([SEED] if step.seeded else []))
                known = ", ".join(f"{{{x}}}" for x in words)
                raise UsageError(f"step {name}: {{{word}}} in {argument!r} means nothing; there are {known}")
        yield argument.replace(f"{{{SEED}}}", str(seed))


def _needed(name: str, args: Sequence[str], steps: Mapping[str, Step]) -> list[str]:
    """List the steps whose outputs the arguments name."""
    found = [x for argument in args for x in WORD.findall(argument)]
    for other, output in found:
        if other in steps and output not in OUTPUTS[steps[other].recipe]:
            has = ", ".join(OUTPUTS[steps[other].recipe])
            raise UsageError(
                f"step {name}: {steps[other].recipe} gives no {output!r} of {other}; it gives {has}"
            )
    return list(dict.fromkeys(other for other, _ in found))
