"""One number to choose a checkpoint by: the least leakage among those that are still of use."""

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from callbacks.support.representation import is_rehearsal


def admissible_leakage(leakage: float, drop: float, max_drop: float) -> float:
    """The leakage where utility dropped by no more than `max_drop`; else more than 2, by the excess.

    So the smallest is the least leakage among the admissible, which all lie below every other one; where none
    is admissible it is the one that dropped the least. nan where the drop is, or the leakage that counts.

    Args:
        leakage: balanced accuracy of a probe, in [0, 1].
        drop: utility before less utility now.
        max_drop: largest drop that is admissible.
    """
    return leakage if drop <= max_drop else 2 + (drop - max_drop)


class AdmissibleLeakage(Callback):
    """Logs `val/admissible_leakage` after each validation, for a checkpoint to be chosen by (mode min).

    It is `val/leakage/<attribute>` where the utility has dropped by at most `max_drop`, and above 2 where it
    dropped by more; see `admissible_leakage`. Both are metrics that are logged before: by `ValidationLeakage`
    and `Verification` (with `before`), which have to come first, or by the module's steps.

    Choosing the best of many measurements on the same people flatters it: the figure of the chosen checkpoint
    is biased towards less leakage. What it is worth is measured on the people of the test split, who have no
    part in the choice; `test/admissible_leakage` is logged likewise, where `callbacks.leakage.Leakage` comes
    before this callback.

    Args:
        attribute: what is to be hidden.
        utility: name without its stage of the metric that is to be kept: `verification_auc`, or `accuracy` of
            a classifier.
        reference: the utility before; null reads the metric `<stage>/<utility>/before`. For a classifier's
            accuracy give that of `baseline.yaml` on the same data.
        max_drop: largest drop of the utility that is admissible, in its units.
    """

    def __init__(
        self,
        attribute: str,
        utility: str = "verification_auc",
        reference: float | None = None,
        max_drop: float = 0.02,
    ) -> None:
        if max_drop < 0:
            raise ValueError(f"max_drop is a drop of 0 or more, not {max_drop}")
        self.attribute, self.utility, self.reference, self.max_drop = attribute, utility, reference, max_drop

    @property
    def required_attributes(self) -> set[str]:
        """The attributes that batches must have."""
        return {self.attribute}

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log; raises MisconfigurationException where a metric that it reads was not logged."""
        if trainer.sanity_checking or is_rehearsal(trainer):
            return
        if missing := [name for name in self._reads("val") if name not in trainer.callback_metrics]:
            raise MisconfigurationException(
                f"AdmissibleLeakage reads {missing[0]}, which nothing has logged; callbacks that log it "
                "(ValidationLeakage, Verification with before: true) come before this one"
            )
        self._log(trainer, pl_module, "val")

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log, if what it reads was measured in the test too."""
        if all(name in trainer.callback_metrics for name in self._reads("test")):
            self._log(trainer, pl_module, "test")

    def _reads(self, stage: str) -> list[str]:
        names = [f"{stage}/leakage/{self.attribute}", f"{stage}/{self.utility}"]
        return names if self.reference is not None else [*names, f"{stage}/{self.utility}/before"]

    def _log(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        leakage, utility, *before = (float(trainer.callback_metrics[name]) for name in self._reads(stage))
        reference = before[0] if self.reference is None else self.reference
        value = admissible_leakage(leakage, reference - utility, self.max_drop)
        # every rank holds the same value; the mean over ranks spares a warning that they may differ
        pl_module.log(f"{stage}/admissible_leakage", value, sync_dist=True, batch_size=1)
