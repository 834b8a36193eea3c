"""What an audit does; every choice is here, and every choice is in its report."""

from dataclasses import dataclass, field
from typing import Literal

from evaluation.probes.attacker_grids import ATTACKERS, Attacker

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")

_DRAWN = ("people", "per_person", "per_group")
_LEAST = {
    **{"folds": 2, "repeats": 1, "max_samples": 2, "max_classes": 2, "downstream_draws": 1},
    **{"permutations": 0, "suppression_draws": 0, "tsne": 0, "compared": 0, "seed": 0},
}


@dataclass(frozen=True)
class AuditSettings:
    """What an audit does.

    Args:
        sensitive: attributes that are meant to be hidden; null takes all of 2 to `max_classes` classes.
        max_classes: the most classes of an attribute that is taken without being named.
        splits: whose samples are attacked: people whom the representation has not seen in its training. null
            takes validation and test, or all samples of a table that has neither.
        people: so many people are tested, drawn at random; null: all.
        per_person: so many samples of each of them, drawn at random, and nobody who has fewer; null: all.
        per_group: instead, so many samples of each combination of the sensitive attributes' classes; a map
            is coloured by these groups as well. null: all samples.
        extra: let every attacker learn from the training people as well, if these are not attacked
            themselves, and keep what reads more, this or what the unseen people alone teach.
        attackers: the classifiers that try to read an attribute.
        raw: attack the embeddings as they are as well as standardised; the difference is a diagnosis.
        folds: groups of people; each is attacked by what was learned from the others.
        repeats: how often the people are dealt into folds anew.
        tune: choose each attacker's settings by cross-validation among its training people.
        max_samples: training samples, drawn at random, that the slow attackers learn from.
        permutations: shuffles of the test whether anything is read above chance; 0 leaves it out.
        information: measure usable information in bits, and the description length.
        suppression_draws: draws of features that are taken away, for each share; 0 leaves it out.
        compared: images, two of one person and the others of other people, whose cosines are shown pair by
            pair; 0 leaves it out.
        group: attribute whose groups' verification errors are compared; null leaves it out.
        fmr_target: false match rate of the threshold that all those groups share.
        target: two-class attribute that a downstream classifier predicts, a biased training set at hand; the
            groups are those of each sensitive attribute of two classes. null leaves it out.
        balance: attribute over which all samples of that classifier are balanced as well, gender in the
            thesis; its own groups are not compared. null balances nothing but the target.
        bias: share of the positive training samples that are in one group, and of the others that are in the
            other, for the group table; the thesis takes 0.7.
        biases: the same for the dose-response, to see how the gaps grow.
        downstream_draws: training sets drawn for each bias.
        leakage_at_most: with a target and several representations, show also which is the most accurate of
            those that give away no more (balanced accuracy in [0, 1] of one fast attacker). null leaves that
            rule out; the others need no limit.
        tsne: most samples, drawn at random, in the maps of the embeddings; 0 leaves them out.
        seed: of every draw.

    Raises:
        ValueError: a number out of range, or a choice that excludes another.
    """

    sensitive: list[str] | None = None
    max_classes: int = 20
    splits: list[Split] | None = None
    people: int | None = None
    per_person: int | None = None
    per_group: int | None = None
    extra: bool = True
    attackers: list[Attacker] = field(default_factory=lambda: list(ATTACKERS))
    raw: bool = True
    folds: int = 5
    repeats: int = 1
    tune: bool = True
    max_samples: int = 5000
    permutations: int = 199
    information: bool = True
    suppression_draws: int = 5
    compared: int = 0
    group: str | None = None
    fmr_target: float = 1e-3
    target: str | None = None
    balance: str | None = None
    bias: float = 0.7
    biases: list[float] = field(default_factory=lambda: [0.5, 0.6, 0.7, 0.8, 0.9, 0.95])
    downstream_draws: int = 5
    leakage_at_most: float | None = None
    tsne: int = 2000
    seed: int = 0

    def __post_init__(self) -> None:
        if not self.attackers:
            raise ValueError("attackers is empty; name one at least")
        for name, least in _LEAST.items():
            if (value := getattr(self, name)) < least:
                raise ValueError(f"{name} is {value}, it must be {least} or more")
        for name in _DRAWN:
            if (value := getattr(self, name)) is not None and value < 1:
                raise ValueError(f"{name} is {value}, it must be 1 or more, or null")
        if self.per_group is not None and (self.people, self.per_person) != (None, None):
            raise ValueError("per_group draws samples, people and per_person draw people; choose one")
        if not 0 < self.fmr_target < 1:
            raise ValueError(f"fmr_target is {self.fmr_target}, it must be between 0 and 1")
        if not all(0.5 <= bias < 1 for bias in (self.bias, *self.biases)):
            raise ValueError(
                f"bias is {self.bias}, biases are {self.biases}; each must be 0.5 or more, below 1"
            )
        for name in ("balance", "leakage_at_most"):
            if getattr(self, name) is not None and self.target is None:
                raise ValueError(f"{name} is about the classifiers of a target; name the target")
        if self.target is not None and self.balance == self.target:
            raise ValueError(f"balance is {self.balance}, the target, which is balanced in any case")
        if self.leakage_at_most is not None and not 0 <= self.leakage_at_most <= 1:
            raise ValueError(f"leakage_at_most is {self.leakage_at_most}, it must be between 0 and 1")
