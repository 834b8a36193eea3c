"""Stop a training run whose loss is not finite."""

from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from torch import Tensor

from storage.checkpoints import WeightsError, read_checkpoint


class NonFiniteLossError(RuntimeError):
    """The training loss is nan or infinite; the message says where, and what to try."""


class FiniteLoss(Callback):
    """Raise `NonFiniteLossError` at the first training batch with a loss that is nan or infinite.

    The loss is what `training_step` returns, a tensor or under the key `loss`; a module with manual
    optimisation must return it too. Other terms that it returns are checked as well, since an adversary's
    loss is no part of it, and named in the message. Every batch is checked, which on an accelerator waits
    for the step to finish.
    """

    def on_train_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, batch_idx: int
    ) -> None:
        """Check the losses of the step."""
        loss = outputs.get("loss")
        if loss is None:
            if pl_module.automatic_optimization:
                return  # training_step returned None, so that no step was taken
            raise ValueError(
                f"FiniteLoss needs {type(pl_module).__name__}.training_step to return its loss, "
                "as a tensor or in a dict under 'loss'"
            )
        losses = {name: value for name, value in outputs.items() if isinstance(value, Tensor)}
        if torch.stack([torch.isfinite(value).all() for value in losses.values()]).all():
            return
        bad = [name for name, value in losses.items() if not torch.isfinite(value).all()]
        terms = ", ".join(name for name in bad if name != "loss")
        what, which = ("training loss", f" (because of {terms})" if terms else "")
        if "loss" not in bad:  # an adversary's loss, which is no part of it
            what, loss, which = f"training's {bad[0]}", losses[bad[0]], ""
        checkpoint = newest_finite_checkpoint(trainer)
        resume = f"Resume from {checkpoint}." if checkpoint else "No checkpoint was saved before."
        raise NonFiniteLossError(
            f"The {what} is {loss.mean().item()}{which} in epoch {trainer.current_epoch}, batch "
            f"{batch_idx} (global step {trainer.global_step}). {resume} Try a lower learning rate, gradient "
            f"clipping, or trainer.precision=32-true (it is {trainer.precision})."
        )


def newest_finite_checkpoint(trainer: Trainer) -> Path | None:
    """Return the trainer's newest checkpoint whose weights are all finite; None without one.

    The step before the one with a bad loss may have damaged the weights already.
    """
    kept: set[str] = set()
    for callback in trainer.checkpoint_callbacks:
        if isinstance(callback, ModelCheckpoint):
            kept |= {callback.last_model_path, callback.best_model_path, *callback.best_k_models}
    files = [path for path in map(Path, kept - {""}) if path.is_file()]
    for path in sorted(files, key=lambda file: file.stat().st_mtime_ns, reverse=True):
        try:
            state = read_checkpoint(path)["state_dict"]
        except WeightsError:  # damaged: try an older one
            continue
        if all(torch.isfinite(value).all() for value in state.values()):
            return path
    return None
