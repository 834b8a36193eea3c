"""The classifier that every attribute gets on top of a representation."""

from torch import Tensor, nn


class Head(nn.Module):
    """Dense, ReLU, linear: the classifier of the thesis (section 3.2), up to softmax or sigmoid.

    Without a dense layer it is linear, as in the authors' network of "Learning Not to Learn".

    Args:
        num_features: length of the representation.
        outputs: logits.
        hidden: units of the dense layer; 0 leaves it out.
    """

    dense: nn.Linear  # the linear form has none

    def __init__(self, num_features: int, outputs: int, hidden: int = 1024) -> None:
        super().__init__()
        self.linear = hidden == 0
        if not self.linear:
            self.dense = nn.Linear(num_features, hidden)
        self.output = nn.Linear(hidden or num_features, outputs)

    def hidden(self, representation: Tensor) -> Tensor:
        """What the last layer reads of a representation (N, D).

        The dense layer's activations (N, hidden), in the linear form the representation itself.
        """
        return representation if self.linear else self.dense(representation).relu()

    def forward(self, representation: Tensor) -> Tensor:
        """Logits (N, outputs) of a representation (N, D)."""
        return self.output(self.hidden(representation))
