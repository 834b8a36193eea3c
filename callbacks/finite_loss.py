"""Stops a training run whose loss is no longer a number."""

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer


class NonFiniteLossError(RuntimeError):
    """The training loss became nan or infinite; the message says where and what to try."""


class FiniteLoss(Callback):
    """Raises `NonFiniteLossError` at the first training batch whose loss is nan or infinite.

    The loss is what `training_step` returns, a tensor or under the key `loss`; a module that optimises
    manually has to return it too. Terms that it returns beside the loss are named if they are to blame. Every
    batch is checked: that reads one number, which on an accelerator waits for the step to finish.
    """

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Look at the loss of the step that just ended."""
        loss = outputs.get("loss")
        if loss is None:
            if pl_module.automatic_optimization:
                return  # training_step returned None, so that no step was taken
            raise ValueError(
                f"FiniteLoss needs {type(pl_module).__name__}.training_step to return its loss, "
                "as a tensor or in a dict under 'loss'"
            )
        if torch.isfinite(loss).all():
            return
        checkpoint = getattr(trainer.checkpoint_callback, "last_model_path", "") or getattr(
            trainer.checkpoint_callback, "best_model_path", ""
        )
        resume = f"Resume from {checkpoint}." if checkpoint else "No checkpoint was saved before."
        terms = [
            name
            for name, value in outputs.items()
            if name != "loss" and isinstance(value, torch.Tensor) and not torch.isfinite(value).all()
        ]
        which = f" (because of {', '.join(terms)})" if terms else ""
        raise NonFiniteLossError(
            f"The training loss is {loss.mean().item()}{which} in epoch {trainer.current_epoch}, batch "
            f"{batch_idx} (global step {trainer.global_step}). {resume} Try a lower learning rate, gradient "
            f"clipping, or trainer.precision=32-true (it is {trainer.precision})."
        )
