"""Base of the methods whose embedding tells identities apart."""

from torch import Tensor

from lightning_modules.training.base import Batch, FaceModule


class IdentityModule(FaceModule):
    """Learn a representation that tells identities apart; it is evaluated on pairs of images."""

    def forward(self, image: Tensor) -> Tensor:
        """Compute the embedding (N, D) float32 of images (N, 3, H, W)."""
        return self.embed(image)

    def validation_step(self, batch: Batch, batch_idx: int) -> Batch:
        """Return `embedding` (N, D) and `identity` (N,) int64, which callbacks compare."""
        return {"embedding": self.embed(self.inputs(batch)), "identity": batch[self.task]}

    test_step = validation_step
