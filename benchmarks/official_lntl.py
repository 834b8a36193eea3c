"""The training step of LNTL's authors on coloured MNIST, rewritten in plain torch in their arrangement.

Two passes, three colour predictors with an optimizer each, p * log(p), the whole network in the second pass
too (feidfoe/learning-not-to-learn, models.py and trainer.py, commit fad2ec8; facts, not code).
"""

from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from benchmarks.without_lightning import Batch, Step, sgd
from lightning_modules.lntl import LNTL


class Convnet(nn.Module):
    """Their `convnet`."""

    def __init__(self) -> None:
        super().__init__()
        self.bn0, self.conv1 = nn.BatchNorm2d(3), nn.Conv2d(3, 32, 5, padding=2)
        self.conv2 = nn.Conv2d(32, 32, 3, padding=1)
        self.conv3, self.conv4 = nn.Conv2d(32, 64, 3, stride=2, padding=1), nn.Conv2d(64, 64, 3, padding=1)
        self.fc = nn.Linear(64, 10)

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        """Return features (N, 32, 14, 14) and logits (N, 10) of preprocessed images (N, 3, 28, 28)."""
        x = functional.max_pool2d(self.conv1(self.bn0(image)).relu(), 3, 2, 1)
        features = self.conv2(x).relu()
        x = self.conv4(self.conv3(features).relu()).relu()
        return features, self.fc(functional.avg_pool2d(x, 7).flatten(1))


class Predictor(nn.Sequential):
    """Predicts one channel's colour from the features: logits (N, 8, 14, 14)."""

    def __init__(self) -> None:
        super().__init__(
            nn.Conv2d(32, 32, 3, padding=1), nn.BatchNorm2d(32), nn.ReLU(), nn.Conv2d(32, 8, 3, padding=1)
        )


class Official(nn.Module):
    """Their four networks, with the values of ours, which is not changed."""

    def __init__(self, module: LNTL) -> None:
        super().__init__()
        self.net, self.predictors = Convnet(), nn.ModuleList(Predictor() for _ in range(3))
        self.to(next(module.parameters()).dtype).load_state_dict(as_official(module))


def as_official(module: LNTL) -> dict[str, Tensor]:
    """Rename our parameters and buffers to those of `Official`; ours has one head for three channels."""
    state = {f"net.{name}": x for name, x in module.backbone.network.state_dict().items()}
    state |= {f"net.fc.{name}": x for name, x in module.head.output.state_dict().items()}
    head: Any = module.bias_heads["color_map"]
    for channel in range(3):
        for place, layer, size in ((0, head.dense, 32), (1, head.norm, 32), (3, head.output, 8)):
            part = slice(size * channel, size * (channel + 1))
            for name, x in layer.state_dict().items():
                state[f"predictors.{channel}.{place}.{name}"] = x[part] if x.ndim else x
    return state


class _Reverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, x: Tensor) -> Tensor:
        return x.view_as(x)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> Tensor:
        return -0.1 * gradients[0]


def official_step(official: Official, *, set_to_none: bool = False) -> Step:
    """Make a step on a batch of preprocessed images, `digit` (N,) and `color` (N, 3, 14, 14), 255 if ignored.

    Args:
        official: in training mode.
        set_to_none: of `zero_grad`; False was torch's default when their code was written.
    """
    net, predictors = official.net, official.predictors
    optimizers = [sgd(net.parameters()), *(sgd(predictor.parameters()) for predictor in predictors)]

    def clear() -> None:
        for optimizer in optimizers:
            optimizer.zero_grad(set_to_none=set_to_none)

    def step(batch: Batch) -> None:
        clear()
        features, logits = net(batch["image"])
        pseudo = [predictor(features).softmax(1) for predictor in predictors]
        confusion = sum((p * p.log()).sum(1).mean() for p in pseudo) / 3
        (functional.cross_entropy(logits, batch["digit"]) + 0.01 * confusion).backward()
        optimizers[0].step()
        clear()
        features, _ = net(batch["image"])
        features = _Reverse.apply(features)
        losses = [
            functional.cross_entropy(predictor(features), batch["color"][:, channel], ignore_index=255)
            for channel, predictor in enumerate(predictors)
        ]
        (losses[0] + losses[1] + losses[2]).backward()
        for optimizer in optimizers:
            optimizer.step()

    return step
