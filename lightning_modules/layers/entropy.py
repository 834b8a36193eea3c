"""The entropy of predictions."""

from torch import Tensor


def negative_entropy(logits: Tensor) -> Tensor:
    """Compute the mean of sum_c p log p, in nats.

    It is -log C for a uniform prediction of C classes, and 0 for a certain one. It is computed in log space:
    p * log(p) itself, as in published code, is nan once a p rounds to 0.

    Args:
        logits: (N, C, ...), finite; the mean is over samples and all further dimensions.
    """
    log_p = logits.log_softmax(1)
    return (log_p.exp() * log_p).sum(1).mean()
