"""Face verification of a recogniser while it trains."""

from typing import Any

import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from torch import Tensor

from callbacks.evaluation_outputs import check_outputs
from evaluation.verification import verification


class Verification(Callback):
    """Logs `<stage>/verification_auc` and `<stage>/verification_eer` after each validation and test epoch.

    All pairs of the first `max_samples` samples of the split are compared by cosine, the same samples
    whatever the number of processes. `validation_step` and `test_step` have to return
    `{"embedding": (N, D), "identity": (N,)}`; see `evaluation.verification` for the conventions.

    Args:
        max_samples: samples that take part; the work grows with the square of it.
    """

    def __init__(self, max_samples: int = 5000) -> None:
        if max_samples < 2:
            raise ValueError(f"max_samples must be at least 2 to make a pair, got {max_samples}")
        self.max_samples = max_samples
        self.embedding: list[Tensor] = []
        self.identity: list[Tensor] = []

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Forget what an earlier epoch, or the sanity check, left."""
        self.embedding, self.identity = [], []

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
        room = -(-self.max_samples // trainer.world_size) - sum(map(len, self.identity))
        if room > 0:
            self.embedding.append(outputs["embedding"][:room].detach().float())
            self.identity.append(outputs["identity"][:room])

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Compare all pairs and log."""
        if trainer.sanity_checking or not self.identity:
            return
        embedding, identity = self._gather(trainer, pl_module)
        result = verification(embedding, identity)
        stage = "test" if trainer.testing else "val"
        # every rank holds the same value; the mean over ranks spares a warning that they may differ
        pl_module.log_dict(
            {f"{stage}/verification_auc": result.auc, f"{stage}/verification_eer": result.eer},
            sync_dist=True,
            batch_size=1,
        )

    on_test_epoch_start = on_validation_epoch_start
    on_test_batch_end = on_validation_batch_end
    on_test_epoch_end = on_validation_epoch_end

    def _gather(self, trainer: Trainer, pl_module: LightningModule) -> tuple[Tensor, Tensor]:
        """The first samples of the split, in order, from all ranks."""
        embedding, identity = torch.cat(self.embedding), torch.cat(self.identity)
        if trainer.world_size == 1:
            return embedding, identity
        sizes: Any = pl_module.all_gather(torch.tensor(len(identity), device=identity.device))
        if (sizes != len(identity)).any():
            raise RuntimeError(
                f"ranks hold {sizes.tolist()} samples of the split; use a sampler that pads to equal shares"
            )
        # rank r holds samples r, r + W, ...: putting the rank second restores the order of the split
        whole: Any = pl_module.all_gather({"embedding": embedding, "identity": identity})
        whole = {k: v.transpose(0, 1).flatten(0, 1)[: self.max_samples] for k, v in whole.items()}
        return whole["embedding"], whole["identity"]
