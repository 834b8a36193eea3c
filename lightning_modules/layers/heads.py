"""The classifier of an attribute on top of a representation."""

import torch
from torch import Tensor, nn


class Head(nn.Module):
    """Dense, ReLU, linear: the classifier of the thesis (section 3.2), without its softmax or sigmoid.

    Without a dense layer it is linear, as in the authors' network of "Learning Not to Learn".

    Args:
        num_features: length of the representation.
        outputs: number of logits.
        hidden: units of the dense layer; 0 leaves it out.
    """

    dense: nn.Linear  # the linear form has none

    def __init__(self, num_features: int, outputs: int, hidden: int = 1024) -> None:
        super().__init__()
        self.sizes = (num_features, outputs, hidden)
        self.linear = hidden == 0
        if not self.linear:
            self.dense = nn.Linear(num_features, hidden)
        self.output = nn.Linear(hidden or num_features, outputs)

    def redraw(self, seed: int) -> None:
        """Replace the weights by those of a new head, drawn by a seed; the global generator is not used."""
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            new = Head(*self.sizes)
        self.load_state_dict(new.state_dict())

    def hidden(self, representation: Tensor) -> Tensor:
        """Compute the input (N, hidden) of the last layer from a representation (N, D).

        In the linear form that is the representation itself.
        """
        return representation if self.linear else self.dense(representation).relu()

    def forward(self, representation: Tensor) -> Tensor:
        """Compute the logits (N, outputs) of a representation (N, D)."""
        return self.output(self.hidden(representation))
