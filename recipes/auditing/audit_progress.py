"""Show the progress of an audit and the time left: a bar in a terminal, otherwise a line now and then."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, ProgressColumn, Task, TextColumn, TimeElapsedColumn
from rich.text import Text

from evaluation.audit.plan import Step

_LINE_EVERY = 60.0  # seconds between two lines without a terminal
_TRUST = 5.0  # seconds: the weight of the reference machine's speed beside what was timed here

OnStep = Callable[[Step, float, float], None]


class TimeLeft:
    """Estimate the time left from the costs of the steps, and the time that those before took.

    Args:
        clock: returns the time in seconds.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.clock = clock
        self.start = self.step_start = clock()
        self.done = self.total = 0.0

    def start_step(self, done: float, total: float) -> None:
        """Note the expected cost of the steps before this one and of all, in seconds of another machine."""
        self.done, self.total, self.step_start = done, total, self.clock()

    def elapsed(self) -> float:
        """Return the seconds since the start."""
        return self.clock() - self.start

    def left(self) -> float:
        """Return the seconds left; 0 if this step takes longer than all were expected to."""
        pace = (self.step_start - self.start + _TRUST) / (self.done + _TRUST)
        return max(pace * (self.total - self.done) - (self.clock() - self.step_start), 0.0)

    def share(self) -> float:
        """Return the share of the expected cost that is done, in [0, 1]."""
        return self.done / self.total if self.total else 1.0


@contextmanager
def audit_progress(console: Console, clock: Callable[[], float] = time.monotonic) -> Iterator[OnStep]:
    """Yield the function to call before each step, see `run_audit`."""
    time_left = TimeLeft(clock)
    if not console.is_terminal:
        yield _line_writer(console, time_left)
        return
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.percentage:.0f} %"))
    with Progress(
        *columns, TimeElapsedColumn(), _LeftColumn(time_left), console=console, transient=True
    ) as bar:
        task = bar.add_task("", total=None)

        def on_step(step: Step, done: float, total: float) -> None:
            time_left.start_step(done, total)
            bar.update(task, description=escape(step.title), completed=time_left.share(), total=1)

        yield on_step


def duration(seconds: float) -> str:
    """Format a duration to the minute: `less than a minute`, `8 min`, `1 h 05 min`."""
    minutes = round(seconds / 60)
    if not minutes:
        return "less than a minute"
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60:02d} min"


class _LeftColumn(ProgressColumn):
    max_refresh = 1.0

    def __init__(self, time_left: TimeLeft) -> None:
        super().__init__()
        self.time_left = time_left

    def render(self, task: Task) -> Text:
        return Text(f"about {duration(self.time_left.left())} left")


def _line_writer(console: Console, time_left: TimeLeft) -> OnStep:
    last = time_left.start

    def on_step(step: Step, done: float, total: float) -> None:
        nonlocal last
        time_left.start_step(done, total)
        if time_left.step_start - last >= _LINE_EVERY:
            last = time_left.step_start
            line = (
                f"{100 * time_left.share():.0f} % after {duration(time_left.elapsed())}, "
                f"about {duration(time_left.left())} left; next: {step.title}"
            )
            console.print(Text(line), soft_wrap=True)

    return on_step
