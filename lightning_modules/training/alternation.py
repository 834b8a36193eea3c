"""Whose turn it is where two players learn one after the other."""

from typing import NamedTuple


class Alternation(NamedTuple):
    """Rounds of equal length: warm-up rounds of one player alone, then adversarial ones of both in turn."""

    rounds: int
    """Adversarial rounds."""
    steps_per_round: int
    """Batches of the second player in each."""
    classifier_steps: int
    """Batches of the first player in each, before those of the second."""
    warmup_rounds: int
    """Rounds before, which belong to the second player."""
    refresh_steps: int = 0
    """Batches of the first player after each of the second's."""

    @property
    def round_steps(self) -> int:
        """Batches of a round."""
        return self.classifier_steps + self.steps_per_round * (1 + self.refresh_steps)

    @property
    def total(self) -> int:
        """Batches of the whole training."""
        return (self.warmup_rounds + self.rounds) * self.round_steps

    def turn(self, step: int) -> tuple[int, int]:
        """The adversarial round (negative in the warm-up) and the place in it of a batch, all from 0."""
        done, place = divmod(step, self.round_steps)
        return done - self.warmup_rounds, place

    def firsts(self, step: int) -> bool:
        """Whether a batch is the first player's."""
        round_, place = self.turn(step)
        after = place - self.classifier_steps
        return round_ >= 0 and (after < 0 or after % (1 + self.refresh_steps) > 0)
