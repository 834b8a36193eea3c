"""Rounds in which a new classifier learns, and then an encoder against it."""

import math
from typing import Any, NamedTuple

import torch
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor

from lightning_modules.training.manual_optimization import ManualOptimization


class Alternation(NamedTuple):
    """Rounds of equal length: warm-up rounds of the encoder alone, then adversarial ones of both in turn."""

    rounds: int
    """Adversarial rounds."""
    steps_per_round: int
    """Batches of the encoder in each."""
    classifier_steps: int
    """Batches of the classifier in each, before those of the encoder."""
    warmup_rounds: int
    """Rounds before, which belong to the encoder."""
    refresh_steps: int = 0
    """Batches of the classifier after each of the encoder's."""

    @property
    def round_steps(self) -> int:
        """Batches of a round."""
        return self.classifier_steps + self.steps_per_round * (1 + self.refresh_steps)

    @property
    def total(self) -> int:
        """Batches of the whole training."""
        return (self.warmup_rounds + self.rounds) * self.round_steps

    def turn(self, step: int) -> tuple[int, int]:
        """Return the adversarial round (negative in the warm-up) and the place in it of a batch, from 0."""
        done, place = divmod(step, self.round_steps)
        return done - self.warmup_rounds, place

    def is_classifier_step(self, step: int) -> bool:
        """Tell whether a batch is the classifier's."""
        round_, place = self.turn(step)
        after = place - self.classifier_steps
        return round_ >= 0 and (after < 0 or after % (1 + self.refresh_steps) > 0)


class AlternatingTraining(ManualOptimization):
    """Mixin that trains in rounds and stops after the last; list it first.

    Args:
        rounds: adversarial rounds.
        steps_per_round: batches of the encoder in a round.
        classifier_steps: batches of the new classifier in a round before the encoder's.
        warmup_rounds: rounds before, as long, all of the encoder without the classifier.
        **common: the other arguments of `ManualOptimization` and of the module.

    Raises:
        ValueError: a number out of range.
    """

    steps: Tensor

    def __init__(
        self,
        *,
        rounds: int = 10,
        steps_per_round: int = 100,
        classifier_steps: int = 100,
        warmup_rounds: int = 1,
        **common: Any,
    ) -> None:
        super().__init__(**common)
        if min(rounds, steps_per_round, classifier_steps) < 1:
            raise ValueError("rounds and steps are 1 or more")
        if warmup_rounds < 0:
            raise ValueError("warmup_rounds is 0 or more")
        self.alternation = Alternation(rounds, steps_per_round, classifier_steps, warmup_rounds)
        self.register_buffer("steps", torch.tensor(0))

    def on_train_start(self) -> None:
        """Warn if validations fall amid rounds or rounds will be missing; stop if all rounds are done."""
        batches, round_ = self.trainer.val_check_batch, self.alternation.round_steps
        total, planned = self.alternation.total, self.trainer.estimated_stepping_batches
        if batches and batches % round_ and not self.trainer.fast_dev_run:  # type: ignore[attr-defined]
            rank_zero_warn(
                f"a round has {round_} batches and validation comes after {batches}, amid rounds; set "
                f"trainer.limit_train_batches to {round_}"
            )
        if 0 < planned < total and not self.trainer.fast_dev_run:  # type: ignore[attr-defined]
            epochs = math.ceil(total / self.trainer.num_training_batches)
            rank_zero_warn(
                f"the rounds have {total} batches, and the training ends after {planned}; set "
                f"trainer.max_epochs to {epochs}"
            )
        self.stop_after_the_last_round()

    def stop_after_the_last_round(self) -> None:
        """End the training if `steps` batches are all that the rounds have."""
        if int(self.steps) >= self.alternation.total:
            self.trainer.should_stop = True
