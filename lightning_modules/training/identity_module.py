"""Tell people apart by their embeddings."""

from torch import Tensor

from lightning_modules.training.base import Batch, FaceModule


class IdentityModule(FaceModule):
    """A representation that is learned to tell people apart, and judged by comparing pairs."""

    def forward(self, image: Tensor) -> Tensor:
        """The embedding (N, D) float32 of images (N, 3, H, W)."""
        return self.embed(image)

    def validation_step(self, batch: Batch, batch_idx: int) -> Batch:
        """`embedding` (N, D) and `identity` (N,) int64, for the callbacks to compare."""
        return {"embedding": self.embed(self.inputs(batch)), "identity": batch[self.task]}

    def test_step(self, batch: Batch, batch_idx: int) -> Batch:
        """As in validation."""
        return self.validation_step(batch, batch_idx)
