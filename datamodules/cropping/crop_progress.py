"""The progress bar of a long cropping job."""

from collections import Counter
from collections.abc import Iterable

from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    Task,
    TextColumn,
    TimeRemainingColumn,
)
from rich.text import Text

from datamodules.cropping.crop_chunk import OK


class _FacesPerSecond(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.fields['faces'] / task.elapsed:,.0f} faces/s" if task.elapsed else "")


def track_faces(done: Iterable[Counter[str]], total: int) -> Counter[str]:
    """Sum up counts of images by kind of status, while showing faces per second and the time left.

    Args:
        done: counts of each finished piece of the work.
        total: number of images to process in this run.
    """
    columns = (
        BarColumn(),
        MofNCompleteColumn(),
        _FacesPerSecond(),
        TextColumn("left"),
        TimeRemainingColumn(),
    )
    counts: Counter[str] = Counter()
    with Progress(TextColumn("Cropping faces"), *columns, speed_estimate_period=120) as progress:
        bar = progress.add_task("", total=total, faces=0)
        for piece in done:
            counts += piece
            progress.update(bar, completed=counts.total(), faces=counts[OK])
    return counts
