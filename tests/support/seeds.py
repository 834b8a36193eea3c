"""A seed of its own for every test and for every fixture that several tests share."""

import random
from collections.abc import Iterator
from contextlib import contextmanager
from zlib import crc32

import numpy as np
import torch


def seed_of(name: str) -> int:
    """32 bits that depend on nothing but the name."""
    return crc32(name.encode(errors="surrogatepass"))


def seed_all(name: str) -> None:
    """Seed every global generator that code under test may draw from."""
    seed = seed_of(name)
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002, the global one is meant
    torch.manual_seed(seed)


@contextmanager
def seeded_apart(name: str) -> Iterator[None]:
    """Seed by `name` within, and leave the generators as they were."""
    before = random.getstate(), np.random.get_state(), torch.random.get_rng_state()  # noqa: NPY002
    seed_all(name)
    yield
    random.setstate(before[0])
    np.random.set_state(before[1])  # noqa: NPY002
    torch.random.set_rng_state(before[2])
