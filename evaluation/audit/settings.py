"""Settings of an audit; the report lists all of them."""

from dataclasses import dataclass, field
from typing import Literal

from evaluation.probes.attacker_table import ATTACKERS
from evaluation.probes.standardise import SCALINGS, Scaling
from evaluation.probes.user_estimator import check_attackers

Split = Literal["train", "val", "test"]
SPLITS: tuple[Split, ...] = ("train", "val", "test")

_DRAWN = ("subjects", "per_subject", "per_group")
_MINIMUMS = {
    **{"folds": 2, "repeats": 1, "max_samples": 2, "max_classes": 2, "downstream_draws": 2},
    **{"permutations": 0, "suppression_draws": 0, "tsne": 0, "compared": 0, "seed": 0},
}


@dataclass(frozen=True)
class AuditSettings:
    """Settings of an audit.

    Args:
        sensitive: attributes that should be hidden; null takes all of 2 to `max_classes` classes.
        max_classes: most classes of an attribute that is taken without being named.
        splits: splits whose samples are attacked, of subjects that the representation was not trained on.
            null takes validation and test, or all samples of a table that has neither.
        subjects: number of subjects to test, drawn at random; null takes all.
        per_subject: number of samples of each subject, drawn at random; subjects with fewer are left out.
            null takes all.
        per_group: instead, number of samples of each combination of the sensitive attributes' classes;
            another map is coloured by these groups. null takes all samples.
        extra: also let every attacker learn from the training subjects, if these are not attacked themselves,
            and report the better of both trainings.
        attackers: classifiers that try to predict an attribute: names of `attacker_table.ATTACKERS`, or class
            paths of scikit-learn classifiers. The two of the permutation test are added.
        scalings: how the embeddings are scaled before each attack, see `scale_rows`; the strongest counts,
            and a warning says where the choice matters.
        folds: number of groups of subjects; each is attacked by classifiers trained on the others.
        repeats: number of random divisions into folds.
        tune: choose each attacker's settings by cross-validation over its training subjects.
        max_samples: training samples, drawn at random, of the slow attackers; kernel ridge regression
            (kernel_rbf) learns from twice as many.
        permutations: most shuffles of a permutation test, which stops earlier once the outcome is clear; null
            takes as many as the correction for all tests of the audit needs, 0 omits the tests.
        subgroups: also test within the classes of the other sensitive attributes.
        learning_curve: measure the leakage by attackers with ever more samples, and extrapolate it.
        access: also attack with pairs of both representations, with several images of a subject, and knowing
            the eraser where it is given.
        information: measure usable information and description length, in bits.
        suppression_draws: random orders in which features are removed; 0 omits the curve.
        compared: number of images, two of one subject and the others of other subjects, whose cosines are
            shown pair by pair; 0 omits them.
        group: attribute whose groups' verification errors are compared; null omits the comparison.
        fmr_target: false match rate at the threshold that all those groups share.
        target: two-class attribute for a downstream classifier that is trained on biased samples; the groups
            are those of each sensitive attribute of two classes. null omits it.
        balance: attribute over which all samples of that classifier are balanced as well, gender in the
            thesis; its own groups are not compared. null balances the target alone.
        bias: share of the positive training samples in one group, and of the negative ones in the other, for
            the group table; the thesis takes 0.7.
        biases: the same shares for the bias sweep, which shows how the gaps grow.
        downstream_draws: training sets drawn for each bias; one says nothing of how much classifiers differ
            by their training set, so two at least.
        leakage_at_most: with a target and several representations, also select the most accurate one that
            leaks no more than this (balanced accuracy in [0, 1] of one fast attacker). null omits that rule;
            the others need no limit.
        tsne: most samples, drawn at random, in the maps of the embeddings; 0 omits the maps.
        seed: seed of every random choice.
        allow_missing: largest share of the tested samples that a representation may lack.
        allow_seen: also test subjects that a representation learned from, by its record; the verdict says so.

    Raises:
        ValueError: a number out of range, or options that exclude one another.
    """

    sensitive: list[str] | None = None
    max_classes: int = 20
    splits: list[Split] | None = None
    subjects: int | None = None
    per_subject: int | None = None
    per_group: int | None = None
    extra: bool = True
    attackers: list[str] = field(default_factory=lambda: list(ATTACKERS))
    scalings: list[Scaling] = field(default_factory=lambda: list(SCALINGS))
    folds: int = 5
    repeats: int = 1
    tune: bool = True
    max_samples: int = 5000
    permutations: int | None = None
    subgroups: bool = True
    learning_curve: bool = False
    access: bool = False
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
    allow_missing: float = 0.05
    allow_seen: bool = False

    def __post_init__(self) -> None:
        for name in ("attackers", "scalings"):
            if not getattr(self, name):
                raise ValueError(f"{name} is empty; name one at least")
        check_attackers(self.attackers)
        for name, least in _MINIMUMS.items():
            if (value := getattr(self, name)) is not None and value < least:
                raise ValueError(f"{name} is {value}, it must be {least} or more")
        for name in _DRAWN:
            if (value := getattr(self, name)) is not None and value < 1:
                raise ValueError(f"{name} is {value}, it must be 1 or more, or null")
        if self.per_group is not None and (self.subjects, self.per_subject) != (None, None):
            raise ValueError("per_group draws samples, subjects and per_subject draw subjects; choose one")
        if not 0 <= self.allow_missing < 1:
            raise ValueError(f"allow_missing is {self.allow_missing}, it must be 0 or more, below 1")
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
