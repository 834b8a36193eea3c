"""Orders of training samples besides a plain shuffle: P identities x K images, balance, weighted mixes."""

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from torch import Tensor

from datamodules.errors import DatasetError
from datamodules.loading.samplers import ShardedSampler
from datamodules.sampling.mixed_sample import allot, check_mix

Labels = Mapping[str, Tensor]

Classes = Mapping[str, Sequence[str]]


class TrainOrder(ABC):
    """Decides which training samples an epoch reads and in what order, anew in every epoch, by the seed."""

    @abstractmethod
    def sampler(self, labels: Labels, attributes: Classes, batch_size: int, seed: int) -> ShardedSampler:
        """Make the sampler of this rank.

        Args:
            labels: (N,) int64 for each attribute of the split, -1 where unknown.
            attributes: class names.
            batch_size: samples in a batch of one rank.
            seed: of the order.

        Raises:
            DatasetError: the split cannot be read in this order; says why.
        """


def _column(labels: Labels, attribute: str) -> np.ndarray:
    if attribute not in labels:
        raise DatasetError(f"train_order: unknown attribute {attribute!r}; there are {', '.join(labels)}")
    return labels[attribute].numpy()


class IdentityBatches(TrainOrder):
    """Batches of P identities with K images each, for triplet losses; P is the batch size divided by K.

    An epoch goes through the identities in rounds: one with n images takes part in n // K of them (at least
    one), each time with other images. Identities with fewer than K images repeat some of them; those with a
    single image, which has no positive, are left out, and so is the incomplete last batch of a round.

    Args:
        images: K, images of an identity in a batch.
        attribute: images with the same label belong to the same identity.
    """

    def __init__(self, images: int = 4, attribute: str = "identity") -> None:
        if images < 2:
            raise ValueError(f"identity batches: images is {images}, a positive pair needs at least 2")
        self.images, self.attribute = images, attribute

    def sampler(self, labels: Labels, attributes: Classes, batch_size: int, seed: int) -> ShardedSampler:
        """See `TrainOrder.sampler`."""
        if batch_size % self.images:
            raise DatasetError(
                f"train_order: the batch size {batch_size} is not a multiple of {self.images} images a person"
            )
        column = _column(labels, self.attribute)
        return _IdentitySampler(column, images=self.images, identities=batch_size // self.images, seed=seed)


class _IdentitySampler(ShardedSampler):
    def __init__(self, column: np.ndarray, *, images: int, identities: int, seed: int) -> None:
        super().__init__(column, shuffle=True, seed=seed, drop_last=True, chunk=images)
        _, identity, count = np.unique(column, return_inverse=True, return_counts=True)
        self.usable = np.flatnonzero((column >= 0) & (count[identity] > 1))
        _, self.identity, self.count = np.unique(column[self.usable], return_inverse=True, return_counts=True)
        self.batch = identities * self.num_replicas  # of all ranks together, so that no two share one
        self.rounds = np.maximum(self.count // images, 1)
        taking_part = [int((self.rounds > r).sum()) for r in range(self.rounds.max(initial=0))]
        self.length = images * sum(n - n % self.batch for n in taking_part)
        if not self.length:
            raise DatasetError(
                f"train_order: a batch needs {self.batch} people with 2 images or more, there are "
                f"{len(self.count)}; take a smaller batch size or more images a person"
            )

    def epoch_order(self, generator: torch.Generator) -> Tensor:
        mixed = torch.randperm(len(self.usable), generator=generator).numpy()
        by_identity = self.usable[mixed[np.argsort(self.identity[mixed], kind="stable")]]
        first = np.cumsum(self.count) - self.count
        order = []
        for r in range(len(self.rounds) and self.rounds.max()):
            chosen = np.flatnonzero(self.rounds > r)
            chosen = chosen[torch.randperm(len(chosen), generator=generator).numpy()]
            chosen = chosen[: len(chosen) - len(chosen) % self.batch, None]
            place = (r * self.chunk + np.arange(self.chunk)) % self.count[chosen]
            order.append(by_identity[first[chosen] + place].ravel())
        return torch.from_numpy(np.concatenate(order))


class MixedOrder(TrainOrder):
    """Classes, or groups of several attributes, in given shares: balanced, or such as 60/30/10 by ethnicity.

    Every epoch is drawn anew. Within an epoch a group with more images than its share shows a part of them,
    and one with fewer shows all of them equally often, to within one time.

    Args:
        attributes: the groups are their combinations that occur; samples with an unknown one are left out.
        shares: of the classes of the one attribute, by name (a class that is not named is left out), scaled
            to a sum of 1; null balances all groups.
        n: samples in an epoch over all ranks; null takes as many as the split has.
    """

    def __init__(
        self, attributes: list[str], shares: dict[str, float] | None = None, n: int | None = None
    ) -> None:
        if not attributes or (shares is not None and len(attributes) > 1):
            raise ValueError(
                f"mixed order: shares are of one attribute, balance of one or more: {attributes}"
            )
        check_mix("mixed order", shares, n)
        self.attributes, self.shares, self.n = attributes, shares, n

    def sampler(self, labels: Labels, attributes: Classes, batch_size: int, seed: int) -> ShardedSampler:
        """See `TrainOrder.sampler`."""
        columns = np.stack([_column(labels, name) for name in self.attributes])
        known = np.flatnonzero((columns >= 0).all(axis=0))
        if self.shares is None:
            group = np.unique(columns[:, known], axis=1, return_inverse=True)[1]
            shares = {int(g): 1.0 for g in np.unique(group)}
        else:
            (name,) = self.attributes
            unknown = [c for c in self.shares if c not in attributes[name]]
            if unknown:
                raise DatasetError(
                    f"train_order: {name} has no class {unknown[0]!r}; it has {', '.join(attributes[name])}"
                )
            group = columns[0, known]
            shares = {list(attributes[name]).index(c): share for c, share in self.shares.items() if share}
        pools = [known[group == g] for g in shares]
        if not pools or min(map(len, pools)) == 0:
            raise DatasetError(f"train_order: no sample of some group of {', '.join(self.attributes)}")
        return _MixedSampler(pools, list(shares.values()), self.n or len(known), seed=seed)


class _MixedSampler(ShardedSampler):
    def __init__(self, pools: list[np.ndarray], shares: list[float], n: int, *, seed: int) -> None:
        super().__init__(range(n), shuffle=True, seed=seed, drop_last=True)
        self.pools, self.counts = pools, allot(n, shares)

    def epoch_order(self, generator: torch.Generator) -> Tensor:
        draws = []
        for pool, count in zip(self.pools, self.counts, strict=True):
            rounds = [torch.randperm(len(pool), generator=generator) for _ in range(-(-count // len(pool)))]
            draws.append(
                torch.from_numpy(pool)[torch.cat(rounds)[:count]] if rounds else torch.empty(0).long()
            )
        order = torch.cat(draws)
        return order[torch.randperm(len(order), generator=generator)]
