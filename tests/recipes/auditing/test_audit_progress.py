"""The time left of an audit whose steps cost unequally, by a clock that the tests set."""

import pytest
from rich.console import Console

from evaluation.audit.plan import Step
from evaluation.audit.step_costs import expected_seconds
from recipes.auditing.audit_progress import TimeLeft, audit_progress, duration


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def step(section: str) -> Step:
    return Step(section, "x", "emotion", {}, dict)


def test_the_time_left_follows_the_costs_and_this_machine():
    clock = Clock()
    time_left = TimeLeft(clock)
    time_left.start_step(0, 1000)
    assert time_left.left() == 1000, "nothing is known but the costs"
    clock.now = 300
    assert time_left.left() == 700
    clock.now = 400
    time_left.start_step(200, 1000)  # half as fast as the reference machine
    assert time_left.left() == pytest.approx(2 * 800, rel=0.02)
    assert time_left.share() == 0.2
    clock.now = 5000
    assert time_left.left() == 0


def test_what_is_cached_costs_nothing():
    time_left = TimeLeft(Clock())
    time_left.start_step(0, 0)
    assert (time_left.left(), time_left.share()) == (0, 1)


def test_without_a_terminal_a_line_is_printed_now_and_then(capsys):
    clock = Clock()
    with audit_progress(Console(width=200), clock) as on_step:
        for now, done in ((0, 0), (30, 30), (90, 90), (100, 100), (600, 150)):
            clock.now = now
            on_step(step(f"[b]part {done}"), done, 300)
    assert capsys.readouterr().out.splitlines() == [
        "30 % after 2 min, about 4 min left; next: [b]part 90 of emotion in x",
        "50 % after 10 min, about 10 min left; next: [b]part 150 of emotion in x",
    ]


def test_a_terminal_shows_percent_elapsed_and_left(capsys):
    clock = Clock()
    console = Console(force_terminal=True, width=120)
    with audit_progress(console, clock) as on_step:
        clock.now = 60
        on_step(step("forest"), 60, 240)
    shown = capsys.readouterr().out
    assert "forest of emotion in x" in shown
    assert "25 %" in shown
    assert "about 3 min left" in shown


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(10, "less than a minute"), (50, "1 min"), (480, "8 min"), (3900, "1 h 05 min")],
)
def test_durations_are_read_at_a_glance(seconds, text):
    assert duration(seconds) == text


def test_more_samples_take_longer():
    for section in ("RBF-SVM: leakage", "verification", "one that nobody timed"):
        assert 0 < expected_seconds(section, 1000) < expected_seconds(section, 8000)
