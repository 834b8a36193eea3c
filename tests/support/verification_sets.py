"""Small sets of embeddings with identities, pairs over them, and their scores by scipy."""

import numpy as np
import torch
from scipy.spatial.distance import pdist, squareform

from evaluation.verification.lfw_protocol import PairRows


def faces(n=60, people=12, d=8, noise=1.0, seed=0):
    generator = torch.Generator().manual_seed(seed)
    identity = torch.randint(people, (n,), generator=generator)
    centre = torch.randn(people, d, generator=generator)
    return centre[identity] + noise * torch.randn(n, d, generator=generator), identity


METRICS = ("cosine", "euclidean")


def all_scores(embedding, identity, metric):
    """Genuine and impostor scores, by scipy."""
    i, j = np.triu_indices(len(identity), 1)
    distance = squareform(pdist(np.asarray(embedding, np.float64), metric))[i, j]
    same = np.asarray(identity)[i] == np.asarray(identity)[j]
    score = 1 - distance if metric == "cosine" else -distance
    return score[same], score[~same]


def at_angles(*degrees):
    angle = torch.deg2rad(torch.tensor(degrees, dtype=torch.float64))
    return torch.stack([angle.cos(), angle.sin()], 1)


def rows(pairs, same, fold=None):
    first, second = np.array(pairs).T
    return PairRows(first, second, np.array(same, bool), np.array(fold or [0] * len(same)))


def folded(seed=0, noise=1.2, n=400):
    """Embeddings, and pairs in 10 folds, half of them genuine."""
    embedding, identity = faces(n, n // 2, d=16, noise=noise, seed=seed)
    rng, who = np.random.default_rng(seed), identity.numpy()
    i, j = np.triu_indices(n, 1)
    genuine = rng.permutation(np.flatnonzero(who[i] == who[j]))[:150]
    impostor = rng.permutation(np.flatnonzero(who[i] != who[j]))[: len(genuine)]
    chosen = np.concatenate([genuine, impostor])
    same = who[i[chosen]] == who[j[chosen]]
    return embedding, PairRows(i[chosen], j[chosen], same, np.arange(len(chosen)) % 10)
