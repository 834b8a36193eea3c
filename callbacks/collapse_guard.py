"""Detect a collapsed representation, which would look blind."""

from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor, nn

from callbacks.support.representation import (
    check_representation,
    embedding_before,
    embedding_now,
    original_backbone,
)
from callbacks.support.validation_samples import ValidationSamples
from evaluation.leakage.embedding_health import collapsed, effective_rank, scale


class CollapseGuard(ValidationSamples):
    """Log `val/embedding_scale` and `val/effective_rank` after each validation, and warn of a collapse.

    A nearly constant representation looks blind to a probe without standardisation, and one on a line keeps
    no identity. The scale is compared to that of the initial backbone (at the start of `fit`) on the same
    samples; a validation without a `fit` logs both figures and warns of nothing. See
    `evaluation.leakage.embedding_health` for both figures.

    Works with modules that have `backbone`, `inputs(batch)` and `embed(inputs)`.

    Args:
        min_relative_scale: smallest scale, in units of the initial backbone's.
        min_effective_rank: smallest effective rank.
        stop: stop the training when the representation has collapsed.
        max_samples: number of first samples of the validation split in use; the cost grows with its square.
    """

    def __init__(
        self,
        min_relative_scale: float = 1e-3,
        min_effective_rank: float = 2.0,
        stop: bool = False,
        max_samples: int = 2000,
    ) -> None:
        if min(min_relative_scale, min_effective_rank) < 0 or max_samples < 2:
            raise ValueError("the limits of a collapse are 0 or more, max_samples at least 2")
        self.limits = {"min_relative_scale": min_relative_scale, "min_effective_rank": min_effective_rank}
        super().__init__(max_samples)
        self.stop = stop
        self.original: nn.Module | None = None
        self.source_scale: float | None = None

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Copy the initial backbone; raises MisconfigurationException without one."""
        check_representation(self, pl_module)
        if stage == "fit":
            self.original, self.source_scale = original_backbone(pl_module), None

    def columns(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any
    ) -> dict[str, Tensor]:
        """Return the embeddings, and those of the initial backbone until their scale is measured."""
        if trainer.sanity_checking:
            return {}
        columns = {"now": embedding_now(trainer, pl_module, batch, outputs), "index": batch["index"]}
        if self.original is not None:
            columns["before"] = embedding_before(trainer, pl_module, batch, self.original)
        return columns

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log both figures and check them; all ranks see the same samples and decide alike."""
        if trainer.sanity_checking or not self.collected.samples:
            return
        columns = self.collected.gathered(trainer, pl_module)
        real = columns.pop("index") >= 0  # not padding
        now = columns["now"][real]
        if "before" in columns:
            self.source_scale, self.original = scale(columns["before"][real]), None
        figures = {"val/embedding_scale": scale(now), "val/effective_rank": effective_rank(now)}
        # every rank holds the same value; the mean over ranks spares a warning that they may differ
        pl_module.log_dict(figures, sync_dist=True, batch_size=1)
        if self.source_scale is None or not collapsed(now, self.source_scale, **self.limits):
            return
        rank_zero_warn(
            f"the embedding has collapsed: {figures}, the original scale is {self.source_scale:.3g}; lower "
            "the weight of what hides the attribute, or the learning rate"
        )
        trainer.should_stop = trainer.should_stop or self.stop
