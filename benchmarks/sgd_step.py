"""A training step of a classifier in plain PyTorch."""

from collections.abc import Callable

import torch
from torch import Tensor, nn


def sgd_step(classifier: nn.Module, image: Tensor, label: Tensor) -> Callable[[], float]:
    """Make a step of plain SGD, which returns its loss."""
    optimizer = torch.optim.SGD(classifier.parameters(), lr=1e-3)

    def step() -> float:
        optimizer.zero_grad()
        loss = nn.functional.cross_entropy(classifier(image).float(), label)
        loss.backward()
        optimizer.step()
        return loss.item()

    return step
