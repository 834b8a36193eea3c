"""Model selection by leakage under a constraint on utility."""

from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from callbacks.support.representation import is_rehearsal


def admissible_leakage(leakage: float, drop: float, max_drop: float) -> float:
    """Return the leakage if utility dropped by at most `max_drop`, else 2 plus the excess.

    So the minimum is the least leakage among the admissible values, which are all below the others; if none
    is admissible, it is the one with the least drop. It is nan if the drop or the leakage in use is nan.

    Args:
        leakage: balanced accuracy of a probe, in [0, 1].
        drop: utility before minus utility now.
        max_drop: largest admissible drop.
    """
    return leakage if drop <= max_drop else 2 + (drop - max_drop)


class AdmissibleLeakage(Callback):
    """Log `val/admissible_leakage` after each validation, to select a checkpoint by (mode min).

    It is `val/leakage/<attribute>` if the utility has dropped by at most `max_drop`, and above 2 otherwise;
    see `admissible_leakage`. Leakage and utility are metrics logged earlier: by `ValidationLeakage` and
    `Verification` (with `before`), which must be listed first, or by the module's steps.

    Selecting the best of many measurements on the same subjects is biased: the value of the selected
    checkpoint underestimates leakage. The test split, which has no part in the selection, gives an unbiased
    one: `test/admissible_leakage` is logged likewise, if `callbacks.leakage.Leakage` is listed before this
    callback.

    Args:
        attribute: the attribute to hide.
        utility: name, without its stage, of the metric to preserve: `verification_auc`, or `accuracy` of a
            classifier.
        reference: the utility before; null reads the metric `<stage>/<utility>/before`. For a classifier's
            accuracy give that of `baseline.yaml` on the same data.
        max_drop: largest admissible drop of the utility, in its units.
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
        self.required_attributes = {attribute}  # that batches must have

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the value; raises MisconfigurationException if a metric that it needs was not logged."""
        if trainer.sanity_checking or is_rehearsal(trainer):
            return
        if missing := [name for name in self._reads("val") if name not in trainer.callback_metrics]:
            raise MisconfigurationException(
                f"AdmissibleLeakage reads {missing[0]}, which nothing has logged; callbacks that log it "
                "(ValidationLeakage, Verification with before: true) come before this one"
            )
        self._log(trainer, pl_module, "val")

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the value, if the test measures the metrics that it needs."""
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
