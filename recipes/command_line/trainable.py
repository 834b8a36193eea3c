"""Refuse options that no training can have, before its run folder is made."""

from collections.abc import Mapping
from typing import Any

import torch
from pytorch_lightning import LightningModule
from torch import nn

from lightning_modules.backbones.factory import CHECKPOINT
from recipes.command_line.usage_error import UsageError

_NOT_ZERO = (
    "max_epochs",
    "max_steps",
    "limit_train_batches",
    "limit_test_batches",
    "accumulate_grad_batches",
)
_HALF = ("16-true", "bf16-true")


def check_trainer(trainer: Mapping[str, Any], save_top_k: int) -> None:
    """Refuse options of the trainer with which nothing would be trained or tested.

    Raises:
        UsageError: names the option and says what to give.
    """
    for name in _NOT_ZERO:
        if trainer.get(name) is not None and trainer[name] == 0:
            raise UsageError(f"trainer.{name}: with 0 nothing is trained and tested; give another number")
    interval, clip = trainer.get("val_check_interval"), trainer.get("gradient_clip_val")
    if isinstance(interval, int | float) and interval <= 0:
        raise UsageError(f"trainer.val_check_interval: {interval} is to be above 0; give another number")
    if clip is not None and clip < 0:
        raise UsageError(f"trainer.gradient_clip_val: {clip:g} cannot be negative; null clips nothing")
    if save_top_k == 0:
        raise UsageError("checkpoint.save_top_k: with 0 no checkpoint is kept to be tested; give 1 or more")
    if (precision := trainer.get("precision")) in _HALF:
        raise UsageError(
            f"trainer.precision: {precision} keeps the weights of heads in 16 bits, and they train in 32; "
            f"use {precision.partition('-')[0]}-mixed or 32-true"
        )


def check_seed(seed: object) -> None:
    """Refuse a seed that numpy's generator cannot take.

    Raises:
        UsageError: says which seeds it can take.
    """
    largest = 2**32 - 1
    if isinstance(seed, int) and not 0 <= seed <= largest:
        raise UsageError(f"seed_everything: {seed} is not a whole number from 0 to {largest}")


def check_optimizers(model: LightningModule) -> None:
    """Build the optimizers and schedulers of a method once, for a parameter of their own.

    Raises:
        UsageError: one refuses its options, such as a negative learning rate.
    """
    made = torch.optim.SGD([nn.Parameter(torch.zeros(1))], lr=1.0)
    for name, build in sorted(vars(model).items()):  # "optimizer" comes before "scheduler"
        if not callable(build) or not name.endswith(("optimizer", "scheduler")):
            continue
        try:
            if name.endswith("optimizer"):
                build([nn.Parameter(torch.zeros(1))])
            else:
                build(made)
        except (TypeError, ValueError) as error:
            raise UsageError(f"model.init_args.{name}: {error}") from error


def check_start(model: Mapping[str, Any], goes_on: bool) -> None:
    """Refuse `weights: checkpoint` where no checkpoint is read: the weights would be random.

    Args:
        model: the options of the model.
        goes_on: whether the training resumes from a checkpoint.

    Raises:
        UsageError: no checkpoint is read.
    """
    if model.get("weights") == CHECKPOINT and not goes_on and not model.get("start_from"):
        raise UsageError(
            "model.init_args.weights: checkpoint takes them from --ckpt_path, which is not given; "
            "name the backbone's weights, or say random"
        )


def check_checkpoint(checkpoint: Mapping[str, Any], path: object) -> None:
    """Refuse a checkpoint that holds only weights, as no training can resume from it.

    Raises:
        UsageError: it holds no state of the optimizers.
    """
    if "optimizer_states" not in checkpoint or "loops" not in checkpoint:
        raise UsageError(
            f"{path} holds weights alone, without the optimizers' state: training cannot go on from it; "
            "give a last.ckpt, or start a new training from its weights (model.init_args.start_from of LNTL)"
        )
