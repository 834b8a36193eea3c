"""How certain a classifier is."""

from torch import Tensor


def negative_entropy(logits: Tensor) -> Tensor:
    """The mean of sum_c p log p, in nats: -log C where all C classes are as likely, 0 where one is certain.

    In log space: p * log(p) itself, as published code has it, is not a number once a p rounds to 0.

    Args:
        logits: (N, C, ...), finite; the mean is over samples and all further dimensions.
    """
    log_p = logits.log_softmax(1)
    return (log_p.exp() * log_p).sum(1).mean()
