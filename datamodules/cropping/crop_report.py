"""Summarise the preparation of a dataset in a few lines."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pandas as pd

from datamodules.cropping.crop_chunk import NO_CROP, NO_FACE, OK, UNREADABLE
from datamodules.errors import visible

QUARANTINE = "quarantine.csv"

_SHOWN = 5


@dataclass(frozen=True)
class Prepared:
    """A finished store, or a finished shard.

    Attributes:
        out: folder of the store.
        counts: images by kind of status: "ok", "no face", "no crop", "unreadable".
        left_out: `sample_id` and `reason` of every image without a crop.
        before: number of images that an earlier run had processed.
        finished: whether an earlier run had finished the store.
        after: of a shard, what is to be done next.
    """

    out: Path
    counts: Counter[str]
    left_out: pd.DataFrame
    before: int
    finished: bool
    after: str = ""

    @property
    def failures(self) -> int:
        """Number of images that could not be read; an image without a face is no failure."""
        return self.counts[UNREADABLE]

    def why_none(self) -> str:
        """Return the most frequent reason, if no image was cropped."""
        total, reasons = self.counts.total(), Counter(self.left_out["reason"])
        reason, count = reasons.most_common(1)[0] if reasons else ("there are no images", 0)
        return f"{self.out}: 0 crops of {total:,} images; most often ({count:,}): {visible(reason)}"

    def lines(self) -> Iterator[str]:
        """Yield the lines of the summary."""
        total = self.counts.total()
        if self.finished:
            yield f"{self.out}: was finished before, nothing to do"
        yield f"{self.out}: {self.counts[OK]:,} crops of {total:,} images"
        yield f"  no face found {self.counts[NO_FACE]:,}, face not cropped {self.counts[NO_CROP]:,}"
        yield f"  quarantined {self.failures:,}"
        bad = self.left_out[self.left_out["reason"].str.startswith(UNREADABLE)]
        for sample, reason in bad.head(_SHOWN).itertuples(index=False):
            yield f"    {visible(sample)}: {visible(reason)}"
        if self.after:
            yield f"{self.out}: {self.after}"
        elif len(self.left_out):
            yield f"  all that were left out: {self.out / QUARANTINE}"
