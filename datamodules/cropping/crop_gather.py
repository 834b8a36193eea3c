"""Gather batches of crops from one memory-mapped array into reused memory."""

import mmap
from collections import deque
from typing import Any

import numpy as np

POOL_SIZE = 4
"""Number of buffers kept: one at the model, two read ahead and one being filled."""


class _Loan:
    """Memory of one batch; it returns to the pool when the last array or tensor that views it is gone.

    Every view, slice and tensor made from `np.asarray(loan)` keeps it alive. (Reference counts of a buffer
    would tell the same, but Python versions count them differently.)
    """

    def __init__(self, buffer: np.ndarray, length: int, pool: deque[np.ndarray]) -> None:
        self.buffer, self.pool = buffer, pool
        self.__array_interface__ = buffer[:length].__array_interface__

    def __del__(self) -> None:
        self.pool.append(self.buffer)


class CropArray:
    """Images by their index in a split, from an array of crops that stays on disk.

    A batch is copied once, into memory whose previous content nobody holds any more; new memory costs as much
    again, because the system has to clear it. A batch that is kept never changes.

    Args:
        array: (n, S, S, 3) uint8 and contiguous, usually `np.load(path, mmap_mode="r")`. A loader process
            receives the path of a memory map of a whole file, but a copy of any other array.
        rows: (m,) int64 rows of `array`, one for each sample of the split.

    Raises:
        ValueError: another shape or type, or rows outside of `array`.
    """

    def __init__(self, array: np.ndarray, rows: np.ndarray) -> None:
        square = array.ndim == 4 and array.shape[1] == array.shape[2] and array.shape[3] == 3
        if array.dtype != np.uint8 or not square or not array.flags.c_contiguous:
            raise ValueError(f"crops are contiguous (n, S, S, 3) uint8, not {array.shape} {array.dtype}")
        if len(rows) and not (rows.min() >= 0 and rows.max() < len(array)):
            raise ValueError(f"rows {rows.min()} to {rows.max()} are not all among {len(array)} crops")
        self.array, self.rows = array, rows
        self._free: deque[np.ndarray] = deque(maxlen=POOL_SIZE)  # a full pool forgets its oldest buffer

    def __call__(self, index: np.ndarray) -> np.ndarray:
        """Return images (N, S, S, 3) uint8 at the indices `index` (N,) int64 of `rows`.

        Raises:
            IndexError: an index is negative or too large.
        """
        if len(index) and not (index.min() >= 0 and index.max() < len(self.rows)):
            raise IndexError(
                f"places {index.min()} to {index.max()} are not all among {len(self.rows)} crops"
            )
        images = np.asarray(_Loan(self._buffer(len(index)), len(index), self._free))
        # "clip" copies straight into `images`; "raise" would fill memory of its own first
        return np.take(self.array, self.rows[index], axis=0, out=images, mode="clip")

    def _buffer(self, length: int) -> np.ndarray:
        """Return a free buffer of `length` images or more."""
        try:
            buffer = self._free.pop()  # the one returned last: it may still be in the processor's cache
        except IndexError:
            buffer = None
        if buffer is None or len(buffer) < length:
            buffer = np.empty((length, *self.array.shape[1:]), dtype=np.uint8)
        return buffer

    def __getstate__(self) -> dict[str, Any]:
        """Pickle the path of a memory map instead of its crops."""
        array: Any = self.array
        if isinstance(array, np.memmap) and isinstance(array.base, mmap.mmap):
            array = {"filename": array.filename, "offset": array.offset, "shape": array.shape}
        return {"array": array, "rows": self.rows}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Open the memory map again."""
        array = state["array"]
        if isinstance(array, dict):
            array = np.memmap(**array, dtype=np.uint8, mode="r")
        self.__init__(array, state["rows"])  # type: ignore[misc]
