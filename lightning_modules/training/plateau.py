"""Learning-rate schedules that wait for a metric, for automatic and manual optimization alike."""

from pytorch_lightning import LightningModule
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch.optim.lr_scheduler import ReduceLROnPlateau

DEFAULT_MONITOR = "val/loss"
"""What torch's own `ReduceLROnPlateau` follows; Lightning's of that name says its `monitor`."""


def step_plateau_schedules(module: LightningModule) -> None:
    """Step every `ReduceLROnPlateau` by its metric; to be called at the end of a validation epoch.

    Before the checkpoints of this validation are written, so that they hold the step. (Lightning itself steps
    after them, and not at all where optimization is manual.) The sanity check does not count.

    Raises:
        MisconfigurationException: nothing logs the metric; says what there is.
    """
    trainer = module.trainer
    if trainer.sanity_checking or trainer.state.fn != TrainerFn.FITTING:
        return
    for config in trainer.lr_scheduler_configs:
        scheduler = config.scheduler
        if not isinstance(scheduler, ReduceLROnPlateau):
            continue
        monitor, metrics = getattr(scheduler, "monitor", DEFAULT_MONITOR), trainer.callback_metrics
        if monitor not in metrics:
            known = ", ".join(sorted(metrics))
            raise MisconfigurationException(
                f"scheduler: ReduceLROnPlateau monitors {monitor!r}, which is not logged; there are {known}"
            )
        scheduler.step(float(metrics[monitor]))
