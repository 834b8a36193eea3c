"""Learning-rate schedules that wait for a metric, with automatic and manual optimisation."""

from pytorch_lightning import LightningModule
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch.optim.lr_scheduler import ReduceLROnPlateau

DEFAULT_MONITOR = "val/loss"
"""Metric of torch's own `ReduceLROnPlateau`; Lightning's class of that name has a `monitor`."""


def step_plateau_schedules(module: LightningModule) -> None:
    """Step every `ReduceLROnPlateau` by its metric. Call it at the end of a validation epoch.

    That is before the checkpoints of this validation are written, so that they hold the step. (Lightning
    itself steps after them, and not at all with manual optimisation.) The sanity check does not count.

    Raises:
        MisconfigurationException: the metric is not logged; the message lists those that are.
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
