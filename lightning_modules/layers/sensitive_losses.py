"""The losses of SensitiveNets: triplets keep the identity, a regulariser hides an attribute."""

import math
from typing import Literal

import torch
from pytorch_metric_learning.distances import LpDistance
from pytorch_metric_learning.losses import TripletMarginLoss
from pytorch_metric_learning.miners import BatchHardMiner, TripletMarginMiner
from pytorch_metric_learning.reducers import MeanReducer
from pytorch_metric_learning.utils.loss_and_miner_utils import get_random_triplet_indices
from torch import Tensor
from torch.nn.functional import log_softmax, normalize

Mining = Literal["semihard", "hard", "random"]
Triplets = tuple[Tensor, Tensor, Tensor]
"""Indices (T,) int64 of anchors, positives (same identity) and negatives (another one) in a batch."""


def delta(logits: Tensor, target: int) -> Tensor:
    """Compute log(1 + |0.9 - P(target)|) (N,) of logits (N, C): thesis, equation 3.5.

    It is 0 at P = 0.9, 0.642 at P = 0 and 0.095 at P = 1. Its slope in P is between 1 / 1.9 and 1, but its
    gradient in the logits vanishes where P is 0 or 1.
    """
    return (0.9 - log_softmax(logits, 1)[:, target].exp()).abs().log1p()


def uniform_delta(logits: Tensor) -> Tensor:
    """Compute the divergence KL(uniform | P) (N,) in nats of the predictions of logits (N, C).

    Our variant, not published. It is 0 for a uniform prediction. Its gradient in the logits is P - 1/C, which
    does not vanish for a confident classifier.
    """
    return -log_softmax(logits, 1).mean(1) - math.log(logits.shape[1])


def mine_triplets(
    embedding: Tensor,
    identity: Tensor,
    mining: Mining,
    *,
    margin: float,
    normalize: bool,
    seed: int,
) -> Triplets:
    """Find triplets of a batch; none if it lacks a positive or a negative.

    Args:
        embedding: (N, D) float.
        identity: (N,) int64; samples of unknown identity (-1) are ignored.
        mining: `random`: as many for each anchor as it has images; `hard`: each anchor's farthest positive
            and nearest negative; `semihard`: all whose negative is farther than the positive, by less than
            the margin (FaceNet), or random ones if there are none, so that the regulariser still acts.
        margin: of the loss, in squared distance.
        normalize: compute distances between embeddings of unit length.
        seed: of random triplets; the global generator is not used.
    """
    known = (identity >= 0).nonzero()[:, 0]
    features, labels = embedding.detach()[known], identity[known]
    found: Triplets | None = None
    distance = LpDistance(normalize_embeddings=normalize, power=2)
    if mining == "hard" and len(known):
        found = BatchHardMiner(distance=distance)(features, labels)
    elif mining == "semihard" and len(known):
        miner = TripletMarginMiner(margin=margin, type_of_triplets="semihard", distance=distance)
        found = miner(features, labels)
    if found is None or not len(found[0]):
        with torch.random.fork_rng(devices=[]):
            torch.default_generator.manual_seed(seed)
            found = get_random_triplet_indices(labels)
    anchor, positive, negative = (known[place] for place in found)
    return anchor, positive, negative


def triplet_loss(embedding: Tensor, triplets: Triplets, *, margin: float, normalize: bool) -> Tensor:
    """Compute the mean of [|a - p|^2 - |a - n|^2 + margin]_+ (thesis, equation 3.4, with FaceNet's hinge).

    The thesis prints no hinge, without which a linear map has no minimum; nor does it give the margin.

    Args:
        embedding: (N, D) float.
        triplets: of the batch; without any the loss is 0, with a gradient.
        margin: in squared distance.
        normalize: take embeddings of unit length (FaceNet; the thesis does not say).
    """
    distance = LpDistance(normalize_embeddings=normalize, power=2)
    loss = TripletMarginLoss(margin=margin, distance=distance, reducer=MeanReducer())
    return loss(embedding, indices_tuple=triplets)


def similarity_loss(embedding: Tensor, source: Tensor) -> Tensor:
    """Compute the mean squared change of the cosine between two samples, over all pairs of a batch.

    Our variant in place of triplets: it needs no identity and so cannot over-fit the training identities, but
    keeps everything that the source's cosines encode. After Tung and Mori, "Similarity-Preserving Knowledge
    Distillation", ICCV 2019.

    Args:
        embedding: (N, D) float.
        source: (N, E) float, the input of the embedding; no gradient reaches it.
    """
    now, before = (normalize(x) @ normalize(x).T for x in (embedding, source.detach()))
    pairs = len(embedding) * (len(embedding) - 1)
    return (now - before).square().sum() / max(pairs, 1)


def mean_over_triplets(values: Tensor, triplets: Triplets) -> Tensor:
    """Average values (N,) at anchor + positive + negative over triplets (equation 3.3); 0 without any."""
    return values[torch.cat(triplets)].sum() / max(len(triplets[0]), 1)
