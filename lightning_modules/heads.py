"""The classifier that every attribute gets on top of a representation."""

from torch import Tensor, nn


class Head(nn.Module):
    """Dense, ReLU, linear: the classifier of the thesis (section 3.2), up to softmax or sigmoid.

    Args:
        num_features: length of the representation.
        outputs: logits.
        hidden: units of the dense layer.
    """

    def __init__(self, num_features: int, outputs: int, hidden: int = 1024) -> None:
        super().__init__()
        self.dense = nn.Linear(num_features, hidden)
        self.output = nn.Linear(hidden, outputs)

    def hidden(self, representation: Tensor) -> Tensor:
        """The dense layer's activations (N, hidden) of a representation (N, D)."""
        return self.dense(representation).relu()

    def forward(self, representation: Tensor) -> Tensor:
        """Logits (N, outputs) of a representation (N, D)."""
        return self.output(self.hidden(representation))
