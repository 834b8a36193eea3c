"""The folder of a job's parts: one process is at work in it, or several on a shard each; never both."""

import shutil
from collections.abc import Collection, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from datamodules.errors import DatasetError
from datamodules.jobs.job_facts import compare, describe
from datamodules.jobs.job_shard import Shard, listed, shards_with
from storage.atomic import write_bytes
from storage.locks import LockedError, file_lock

UNFINISHED, LOCK = "job.json", "lock"

_FIRST = "first"  # held for the moment in which one of several processes writes what all have to agree on


@dataclass(frozen=True)
class JobFolder:
    """Keeps processes apart, on several machines too if their file system has locks.

    Attributes:
        folder: of the parts.
        out: what is made of them.
    """

    folder: Path
    out: Path

    @property
    def facts(self) -> Path:
        """The file that says what the parts depend on."""
        return self.folder / UNFINISHED

    @property
    def _busy(self) -> str:
        return f"{self.out}: another process is preparing it"

    @contextmanager
    def entered(self, shard: Shard | None, facts: dict[str, Any]) -> Iterator[None]:
        """Work in the folder: on a shard beside others, or alone.

        Args:
            shard: None for all that is left.
            facts: all that the parts depend on.

        Raises:
            DatasetError: another process is at work that may not be, or the parts are of other `facts`.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as locks:
            locks.enter_context(_held(self.folder / LOCK, self._busy, shared=shard is not None))
            with file_lock(self.folder / _FIRST, wait=True):
                if self.facts.exists():
                    compare(self.facts, facts, self.out)
                else:
                    write_bytes(self.facts, describe(facts))
            if shard is not None:
                refusal = f"{self.out}: another process is at shard {shard}"
                own = self.folder / f"shard_{shard.index}_of_{shard.count}"
                locks.enter_context(_held(own, refusal))
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Work in the folder alone, whatever the parts that are there depend on.

        Raises:
            DatasetError: another process is at work in it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with _held(self.folder / LOCK, self._busy):
            try:
                yield
            finally:
                if self.folder.is_dir() and [path.name for path in self.folder.iterdir()] == [LOCK]:
                    shutil.rmtree(self.folder)  # nothing was done

    def unfinished(self, todo: Collection[int]) -> str:
        """Which shards have a part in `todo`, of as many as were begun; empty if none has."""
        counts = {int(path.name.rpartition("_")[2]) for path in self.folder.glob("shard_*_of_*")}
        shards = [shard for count in sorted(counts) for shard in shards_with(todo, count)]
        return f"not finished: shards {listed(shards)}; doing the rest of them here" if shards else ""

    def after(self, shard: Shard, todo: Collection[int]) -> str:
        """What to do when a shard is done and the parts `todo` of all are not."""
        if todo:
            return f"shard {shard} is done, not yet {listed(shards_with(todo, shard.count))}"
        return f"shard {shard} is done, and all others; the same command without --shard puts them together"


@contextmanager
def _held(lock: Path, refusal: str, *, shared: bool = False) -> Iterator[None]:
    """Hold a lock; raise `DatasetError` with the `refusal` if another process holds it."""
    with ExitStack() as stack:
        try:
            stack.enter_context(file_lock(lock, shared=shared))
        except LockedError:
            raise DatasetError(refusal) from None
        yield
