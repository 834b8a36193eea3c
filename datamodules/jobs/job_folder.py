"""The folder of the parts of a job: for one process alone, or for several with a shard each."""

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
from storage.locks import file_lock

UNFINISHED, LOCK = "job.json", "lock"

_FIRST = "first"  # held briefly while one of several processes writes the facts that all must share


@dataclass(frozen=True)
class JobFolder:
    """Keeps processes apart, on several machines too if their file system supports locks.

    Attributes:
        folder: of the parts.
        out: the result.
    """

    folder: Path
    out: Path

    @property
    def facts(self) -> Path:
        """The file that records what the parts depend on."""
        return self.folder / UNFINISHED

    def _busy(self, holder: str) -> DatasetError:
        return DatasetError(f"{self.out}: another process is preparing it")

    @contextmanager
    def entered(self, shard: Shard | None, facts: dict[str, Any]) -> Iterator[None]:
        """Work in the folder: on a shard beside others, or alone.

        Args:
            shard: None for all that is left.
            facts: everything that the parts depend on.

        Raises:
            DatasetError: another process is working that may not, or the parts depend on other `facts`.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with ExitStack() as locks:
            locks.enter_context(file_lock(self.folder / LOCK, shared=shard is not None, busy=self._busy))
            with file_lock(self.folder / _FIRST, wait=True):
                if self.facts.exists():
                    compare(self.facts, facts, self.out)
                else:
                    write_bytes(self.facts, describe(facts))
            if shard is not None:
                refusal = DatasetError(f"{self.out}: another process is at shard {shard}")
                own = self.folder / f"shard_{shard.index}_of_{shard.count}"
                locks.enter_context(file_lock(own, busy=lambda holder: refusal))
            yield

    @contextmanager
    def alone(self) -> Iterator[None]:
        """Work in the folder alone, whatever the existing parts depend on.

        Raises:
            DatasetError: another process is working in it.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with file_lock(self.folder / LOCK, busy=self._busy):
            try:
                yield
            finally:
                if self.folder.is_dir() and [path.name for path in self.folder.iterdir()] == [LOCK]:
                    shutil.rmtree(self.folder)  # nothing was done

    def unfinished(self, todo: Collection[int]) -> str:
        """Name the shards, of as many as were begun, that have a part in `todo`; empty if none has."""
        counts = {int(path.name.rpartition("_")[2]) for path in self.folder.glob("shard_*_of_*")}
        shards = [shard for count in sorted(counts) for shard in shards_with(todo, count)]
        return f"not finished: shards {listed(shards)}; doing the rest of them here" if shards else ""

    def after(self, shard: Shard, todo: Collection[int]) -> str:
        """Say what to do after a shard is done, when the parts `todo` of all shards are not."""
        if todo:
            return f"shard {shard} is done, not yet {listed(shards_with(todo, shard.count))}"
        return f"shard {shard} is done, and all others; the same command without --shard puts them together"
