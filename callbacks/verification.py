"""Face verification of a recogniser while it trains."""

from typing import Any

from pytorch_lightning import Callback, LightningModule, Trainer
from torch import nn

from callbacks.evaluation_outputs import check_outputs
from callbacks.gather import Collected
from callbacks.representation import check_representation, embedding_before, original_backbone
from evaluation.verification import verification


class Verification(Callback):
    """Logs `<stage>/verification_auc` and `<stage>/verification_eer` after each validation and test epoch.

    All pairs of the first `max_samples` samples of the split are compared by cosine, the same samples
    whatever the number of processes. `validation_step` and `test_step` have to return
    `{"embedding": (N, D), "identity": (N,)}`; see `evaluation.verification` for the conventions.

    Args:
        max_samples: samples that take part; the work grows with the square of it.
        before: also log `<stage>/verification_auc/before`, that of the same samples by the backbone as it was
            when `fit` began, computed once; for modules with `backbone` and `inputs(batch)`.
    """

    def __init__(self, max_samples: int = 5000, before: bool = False) -> None:
        if max_samples < 2:
            raise ValueError(f"max_samples must be at least 2 to make a pair, got {max_samples}")
        self.max_samples, self.before = max_samples, before
        self.collected = Collected(max_samples)
        self.original: nn.Module | None = None
        self.auc_before: dict[str, float] = {}

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Keep the backbone that training starts from; raises ValueError where there is none."""
        if self.before and stage == "fit":
            check_representation(self, pl_module)
            self.original, self.auc_before = original_backbone(pl_module), {}

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forget what an earlier epoch, or the sanity check, left."""
        self.collected = Collected(self.max_samples)

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Keep the embeddings of a batch while there is room."""
        check_outputs(self, pl_module, outputs, ("embedding", "identity"), "a recogniser")
        if self.collected.full(trainer):
            return
        columns = {"embedding": outputs["embedding"].float(), "identity": outputs["identity"]}
        if self.original is not None and _stage(trainer) not in self.auc_before:
            columns["before"] = embedding_before(trainer, pl_module, batch, self.original)
        self.collected.add(trainer, columns)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Compare all pairs and log."""
        if trainer.sanity_checking or not self.collected.samples:
            return
        stage, columns = _stage(trainer), self.collected.gathered(trainer, pl_module)
        result = verification(columns["embedding"], columns["identity"])
        values = {f"{stage}/verification_auc": result.auc, f"{stage}/verification_eer": result.eer}
        if self.original is not None and "before" in columns:
            self.auc_before[stage] = verification(columns["before"], columns["identity"]).auc
            self.original.cpu()
        if stage in self.auc_before:
            values[f"{stage}/verification_auc/before"] = self.auc_before[stage]
        # every rank holds the same value; the mean over ranks spares a warning that they may differ
        pl_module.log_dict(values, sync_dist=True, batch_size=1)

    on_test_epoch_start = on_validation_epoch_start
    on_test_batch_end = on_validation_batch_end
    on_test_epoch_end = on_validation_epoch_end


def _stage(trainer: Trainer) -> str:
    return "test" if trainer.testing else "val"
