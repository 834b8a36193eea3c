"""A trainer on the processor that writes and prints nothing."""

from typing import Any

from pytorch_lightning import Trainer

_QUIET: dict[str, Any] = {
    "logger": False, "enable_checkpointing": False,
    "enable_progress_bar": False, "enable_model_summary": False,
}  # fmt: skip


def quiet_trainer(**options: Any) -> Trainer:
    return Trainer(accelerator="cpu", **_QUIET | options)
