"""Two datasets side by side: identities from one, a sensitive attribute from the other."""

import hashlib
from collections.abc import Sequence
from functools import cached_property
from typing import Any, Literal

import numpy as np
import torch
from pytorch_lightning.utilities import CombinedLoader
from torch import Tensor
from torch.utils.data import DataLoader

from datamodules.base import FaceDataModule
from datamodules.contract import Attributes, FaceBatch, FaceDataset, Split, Visit
from datamodules.loading.samplers import Position

Stream = Literal["identity", "sensitive"]

IDENTITY = "identity"
"""The attribute whose classes are never shared by two datasets."""


class StreamSamples(FaceDataset):
    """One split of a stream, with the attributes of both streams.

    Args:
        dataset: the split as the stream's own DataModule builds it.
        missing: attributes that it lacks; always -1.
        first_identity: index of the stream's first identity among those of both streams.
    """

    def __init__(self, dataset: FaceDataset, *, missing: list[str], first_identity: int) -> None:
        self.dataset, self.missing, self.first_identity = dataset, missing, first_identity

    def __len__(self) -> int:
        return len(self.dataset)

    def labels(self, index: Tensor) -> FaceBatch:
        """Return every attribute of both streams (N,) at `index` (N,)."""
        return self._completed(self.dataset.labels(index), index)

    def read(self, index: Tensor) -> FaceBatch:
        """Return the samples at `index` (N,)."""
        return self._completed(self.dataset.read(index), index)

    def read_visits(self, index: Tensor, visits: Sequence[Visit]) -> FaceBatch:
        """Return the samples at `index` (N,), each as one visit of the training sees it."""
        return self._completed(self.dataset.read_visits(index, visits), index)

    def _completed(self, batch: FaceBatch, index: Tensor) -> FaceBatch:
        batch = batch | {name: torch.full_like(index, -1) for name in self.missing}
        if IDENTITY in batch:
            identity = batch[IDENTITY]
            batch[IDENTITY] = torch.where(identity < 0, identity, identity + self.first_identity)
        return batch


class TwoStreams(FaceDataModule):
    """Training batches `{"identity_stream": FaceBatch, "sensitive_stream": FaceBatch}` of two datasets.

    For SensitiveNets with S_P (identities, such as DiveFace) and S_E (the sensitive attribute, such as CFEE).
    An epoch is as long as the longer stream; the shorter starts over, in the same order until the next epoch.
    Every batch reads both streams, whether or not the method uses both. Each stream is sharded over the
    processes by itself. The content of a batch depends only on the seed, the epoch and its place in the
    epoch, so training can resume from any checkpoint.

    Validation and test read one stream in the usual batches. The sensitive one is the default: only it has
    the labels that `Leakage` needs, and if it knows identities they can be verified too. With the identity
    stream, verification is on its identities, and leakage can be measured of the attributes that it has.

    Every batch has the attributes of both, -1 where its own dataset lacks one. The identities of the two are
    different
    people: `identity` numbers those of the sensitive stream after those of the identity stream. Any other
        attribute of
    both must have the same classes in both.

    Args:
        identity: source of the triplets; give it an order with several images of an identity in a batch.
        sensitive: source of the labels for the sensitive attribute's classifier.
        evaluate: the stream that validation and test read.
        seed: added to those of both streams.

    Raises:
        ValueError: the streams are one object; on reading `attributes`, classes that contradict each other.
    """

    def __init__(
        self,
        *,
        identity: FaceDataModule,
        sensitive: FaceDataModule,
        evaluate: Stream = "sensitive",
        seed: int = 0,
    ) -> None:
        if identity is sensitive:
            raise ValueError("two streams: identity and sensitive are the same DataModule, build it twice")
        super().__init__(seed=seed)
        self.streams: dict[Stream, FaceDataModule] = {"identity": identity, "sensitive": sensitive}
        self.evaluate = evaluate
        for stream in self.streams.values():
            stream.seed += seed

    @cached_property
    def attributes(self) -> Attributes:
        """Class names of the attributes of both streams; identities of the identity stream come first."""
        first, second = (dict(stream.attributes) for stream in self.streams.values())
        for name in sorted((first.keys() & second.keys()) - {IDENTITY}):
            if list(first[name]) != list(second[name]):
                raise ValueError(
                    f"two streams: {name} has the classes {', '.join(first[name])} in the identity stream, "
                    f"but {', '.join(second[name])} in the sensitive one; give both the same, in one order"
                )
        people = [f"{stream}/{name}" for stream in self.streams for name in self._identities(stream)]
        return first | second | ({IDENTITY: people} if people else {})

    def _identities(self, stream: Stream) -> list[str]:
        return list(self.streams[stream].attributes.get(IDENTITY, ()))

    @property
    def fingerprint(self) -> str:
        """sha256 of both streams' digests and of the name of the evaluated stream."""
        parts = [*(stream.fingerprint for stream in self.streams.values()), self.evaluate]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()

    def sample_ids(self, split: Split) -> np.ndarray:
        """Name the samples (n,) str of a split of the evaluated stream."""
        return self.streams[self.evaluate].sample_ids(split)

    def left_out(self) -> list[tuple[Split, str, str]]:
        """List split, file and reason of every unused image of the evaluated stream."""
        return self.streams[self.evaluate].left_out()

    def without_augmentation(self) -> None:
        """Build training splits without random changes from now on."""
        for stream in self.streams.values():
            stream.without_augmentation()

    def make_dataset(self, split: Split) -> FaceDataset:
        """Build a split of the evaluated stream; training uses the streams' own loaders."""
        dataset = self._stream_samples(self.evaluate, split)
        self.streams[self.evaluate].datasets[split] = dataset
        return dataset

    def _stream_samples(self, name: Stream, split: Split) -> StreamSamples:
        stream = self.streams[name]
        return StreamSamples(
            stream.make_dataset(split),
            missing=[attribute for attribute in self.attributes if attribute not in stream.attributes],
            first_identity=0 if name == "identity" else len(self._identities("identity")),
        )

    def prepare_data(self) -> None:
        """Prepare the data of both streams."""
        for stream in self.streams.values():
            stream.prepare_data()

    def setup(self, stage: str) -> None:
        """Build the splits of a stage: both streams' training, and the evaluated one's validation or test."""
        wanted: dict[str, tuple[Split, ...]] = {"fit": ("train", "val"), "validate": ("val",)}
        for split in wanted.get(stage, ("test",)):
            for name, stream in self.streams.items():
                if split not in stream.datasets and (split == "train" or name == self.evaluate):
                    stream.datasets[split] = self._stream_samples(name, split)
        for stream in self.streams.values():
            stream.trainer = self.trainer  # says when to mirror

    def train_dataloader(self) -> Any:
        """Load shuffled training batches of both streams, the shorter repeatedly."""
        loaders = {f"{name}_stream": stream.train_dataloader() for name, stream in self.streams.items()}
        for loader, stream in zip(loaders.values(), self.streams.values(), strict=True):
            _start_over(loader, stream.batch_size)
        return CombinedLoader(loaders, "max_size_cycle")

    def loader(self, split: Split, *, shuffle: bool = False) -> DataLoader[FaceBatch]:
        """Build the loader of a split of the evaluated stream."""
        return self.streams[self.evaluate].loader(split, shuffle=shuffle)

    def on_after_batch_transfer(self, batch: Any, dataloader_idx: int) -> Any:
        """Mirror the training images of the streams that ask for it."""
        if "identity_stream" not in batch:
            return batch
        return {
            f"{name}_stream": stream.on_after_batch_transfer(batch[f"{name}_stream"], dataloader_idx)
            for name, stream in self.streams.items()
        }


def _start_over(loader: Any, batch_size: int) -> None:
    """Let a loader start each pass of an epoch at its position in that pass, not in the epoch."""
    in_epoch, samples = loader.sampler.position, len(loader) * batch_size

    def in_pass() -> Position:
        epoch, done, _ = in_epoch()
        passes, rest = divmod(done, samples)
        return Position(epoch, rest, passes)

    loader.sampler.position = in_pass
