"""Learning Not to Learn in one pass: our algorithm, not the published one."""

from pytorch_lightning.core.optimizer import LightningOptimizer
from torch import Tensor

from lightning_modules.layers.gradient_reversal import reverse_gradient
from lightning_modules.lntl import zero_gradients
from lightning_modules.lntl_variant import LNTLVariant
from lightning_modules.training.base import Batch
from lightning_modules.training.feature_layer import extract_features


class LNTLJoint(LNTLVariant):
    """Train as `LNTLVariant`, by the sum of all losses: one pass, one step of each optimizer.

    Args:
        **common: the arguments of `LNTLVariant`. `set_to_none` has no effect.
    """

    def adversarial_step(
        self, batch: Batch, encoder: LightningOptimizer, adversary: LightningOptimizer, ramp: float = 1.0
    ) -> dict[str, Tensor]:
        """Train all parameters by both losses of one pass."""
        zero_gradients(encoder, adversary)
        embedding, features = extract_features(self.backbone, self.inputs(batch), self.feature_layer)
        task = self.task_loss(embedding, batch)
        confidence = ramp * self.lambda_ * self.confusion(features)
        bias = self.bias_heads.cross_entropy(reverse_gradient(features, ramp * self.reversal), batch)
        self.backward_and_step(task + confidence + bias, [adversary, encoder], last=True)
        return {"task": task, "confidence": confidence, "bias": bias}
