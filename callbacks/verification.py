"""Face verification of a recogniser, in validation and test."""

from typing import Any

from pytorch_lightning import LightningModule, Trainer
from torch import Tensor, nn

from callbacks.support.evaluation_outputs import check_outputs
from callbacks.support.representation import check_representation, embedding_before, original_backbone
from callbacks.support.validation_samples import ValidationSamples
from callbacks.support.verification_report import write_verification
from evaluation.verification.all_pairs import verification


class Verification(ValidationSamples):
    """Log `<stage>/verification_auc` and `<stage>/verification_eer` after each validation and test epoch.

    All pairs of the first `max_samples` samples of the split are compared by cosine; the samples do not
    depend on the number of processes. `validation_step` and `test_step` must return
    `{"embedding": (N, D), "identity": (N,)}`; see `evaluation.verification.all_pairs` for the conventions.
    A test also writes a table and figures, see `verification_report.write_verification`.

    Args:
        max_samples: number of samples in use; the cost grows with its square.
        before: also log `<stage>/verification_auc/before`, that of the same samples by the initial backbone,
            at the start of `fit`, computed once; for modules with `backbone` and `inputs(batch)`.
    """

    def __init__(self, max_samples: int = 5000, before: bool = False) -> None:
        if max_samples < 2:
            raise ValueError(f"max_samples must be at least 2 to make a pair, got {max_samples}")
        super().__init__(max_samples)
        self.before = before
        self.original: nn.Module | None = None
        self.auc_before: dict[str, float] = {}

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Copy the initial backbone; raises MisconfigurationException without one."""
        if self.before and stage == "fit":
            check_representation(self, pl_module)
            self.original, self.auc_before = original_backbone(pl_module), {}

    def columns(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any
    ) -> dict[str, Tensor]:
        """Return embeddings and identities, and those of the initial backbone until they are compared."""
        columns = {"embedding": outputs["embedding"].float(), "identity": outputs["identity"]}
        if self.original is not None and _stage(trainer) not in self.auc_before:
            columns["before"] = embedding_before(trainer, pl_module, batch, self.original)
        return columns

    def on_validation_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, *where: Any, **named: Any
    ) -> None:
        """Keep the embeddings of a batch; raises MisconfigurationException without them."""
        check_outputs(self, pl_module, outputs, ("embedding", "identity"), "a recogniser")
        super().on_validation_batch_end(trainer, pl_module, outputs, *where, **named)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Compare all pairs, and log the results."""
        if trainer.sanity_checking or not self.collected.samples:
            return
        stage, columns = _stage(trainer), self.collected.gathered(trainer, pl_module)
        result = verification(columns["embedding"], columns["identity"])
        values = {f"{stage}/verification_auc": result.auc, f"{stage}/verification_eer": result.eer}
        if self.original is not None and "before" in columns:
            self.auc_before[stage] = verification(columns["before"], columns["identity"]).auc
            self.original.cpu()
        if stage == "test":
            found = {"before": columns.get("before"), "after": columns["embedding"]}
            write_verification(
                trainer, {name: x for name, x in found.items() if x is not None}, columns["identity"]
            )
        if stage in self.auc_before:
            values[f"{stage}/verification_auc/before"] = self.auc_before[stage]
        # every rank holds the same value; the mean over ranks spares a warning that they may differ
        pl_module.log_dict(values, sync_dist=True, batch_size=1)

    on_test_epoch_start = ValidationSamples.on_validation_epoch_start
    on_test_batch_end = on_validation_batch_end
    on_test_epoch_end = on_validation_epoch_end


def _stage(trainer: Trainer) -> str:
    return "test" if trainer.testing else "val"
