"""Manual optimisation: several optimizers, steps counted once a batch, losses logged cheaply."""

from collections.abc import Sequence
from typing import Any

import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.core.optimizer import LightningOptimizer
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch import Tensor
from torch.nn.parallel import DistributedDataParallel
from torch.optim import Optimizer
from torch.optim.lr_scheduler import ReduceLROnPlateau


class ManualOptimization(LightningModule):
    """Base of the methods with two optimizers.

    Lightning leaves clipping and schedules to a module that optimises manually, and counts every step of an
    optimizer that it wraps. Here exactly one step a batch goes through the wrapper, so that `max_steps`, the
    counters of checkpoints and the loggers' axis count batches; the others go to torch's own optimizer, or to
    the gradient scaler of 16-bit training.

    Args:
        gradient_clip_val: largest norm of each optimizer's gradients; null clips nothing. (Lightning refuses
            `trainer.gradient_clip_val` here.)
        **common: the arguments of the next base.

    Raises:
        ValueError: the backbone is to be compiled, or a norm that is not above 0, which would stop or
            reverse all learning.
    """

    def __init__(self, *, gradient_clip_val: float | None = None, **common: Any) -> None:
        if common.get("compile_backbone"):  # hooks and `cache_frozen_outputs` replace parts of it for a step
            raise ValueError(f"compile_backbone: {type(self).__name__} cannot; it trains by two optimizers")
        if gradient_clip_val is not None and not gradient_clip_val > 0:
            raise ValueError(f"gradient_clip_val: {gradient_clip_val} is to be above 0; null clips nothing")
        super().__init__(**common)
        self.automatic_optimization = False
        self.gradient_clip_val = gradient_clip_val
        self._sums: dict[str, tuple[Tensor, int]] = {}  # and the number of batches

    def on_train_epoch_start(self) -> None:
        """Refuse plain DDP, which waits for gradients of all parameters in every backward pass.

        Raises:
            MisconfigurationException: says which strategy to take.
        """
        model = self.trainer.model
        if isinstance(model, DistributedDataParallel) and not model.find_unused_parameters:
            raise MisconfigurationException(
                f"{type(self).__name__} trains by two optimizers, which plain DDP cannot: "
                "set --trainer.strategy ddp_find_unused_parameters_true"
            )

    def backward_and_step(
        self, loss: Tensor, optimizers: Sequence[LightningOptimizer], *, last: bool
    ) -> None:
        """Run the backward pass of a loss, then one step of each optimizer. Clear the gradients before.

        Args:
            loss: a scalar.
            optimizers: wrapped, as `self.optimizers()` returns them.
            last: these are the last steps of the batch, which the last optimizer's step counts.
        """
        self.manual_backward(loss)
        scaler = getattr(self.trainer.precision_plugin, "scaler", None)
        for wrapped in optimizers[:-1] if last else optimizers:
            optimizer = wrapped.optimizer
            if scaler is None:
                self._clip(optimizer)
                optimizer.step()
            else:
                scaler.unscale_(optimizer)
                self._clip(optimizer)
                scaler.step(optimizer)
        if last:
            optimizers[-1].step()
        elif scaler is not None:  # the wrapper does so too; all gradients of a backward share one scale
            scaler.update()

    def on_before_optimizer_step(self, optimizer: Optimizer) -> None:
        """Clip the gradients of the step that is counted; Lightning has unscaled them."""
        self._clip(optimizer)

    def _clip(self, optimizer: Optimizer) -> None:
        if self.gradient_clip_val is not None:
            parameters = [p for group in optimizer.param_groups for p in group["params"]]
            torch.nn.utils.clip_grad_norm_(parameters, self.gradient_clip_val)

    def log_running_means(self, **terms: Tensor) -> dict[str, Tensor]:
        """Add scalars to running means, which are logged every `log_every_n_steps` batches.

        Call it after the last step of a batch. After an epoch's last batch it also steps the learning-rate
        schedules, except those that wait for a metric. (Logging in every step costs more than a small step.)

        Returns:
            The scalars without their graph, for `training_step` to return; one must be called `loss`.
        """
        terms = {name: value.detach() for name, value in terms.items()}
        for name, value in terms.items():
            total, batches = self._sums.get(name, (torch.zeros_like(value), 0))
            self._sums[name] = (total + value, batches + 1)
        every: int = self.trainer.log_every_n_steps  # type: ignore[attr-defined]  # set at run time
        if self.trainer.global_step % every == 0:
            self._log_means()
        if self.trainer.is_last_batch:  # now, so that a checkpoint of this batch holds the step
            self._step_schedules()
        return terms

    def _log_means(self) -> None:
        means = {f"train/{name}": total / batches for name, (total, batches) in self._sums.items()}
        self._sums = {}
        for name, mean in means.items():
            self.log(name, mean, sync_dist=True, batch_size=1)

    def on_train_epoch_end(self) -> None:
        """Log the remaining means."""
        self._log_means()
        super().on_train_epoch_end()

    def _step_schedules(self) -> None:
        schedulers = self.lr_schedulers() or []
        for scheduler in schedulers if isinstance(schedulers, list) else [schedulers]:
            if not isinstance(scheduler, ReduceLROnPlateau):  # which the validation steps, see `plateau`
                scheduler.step()
