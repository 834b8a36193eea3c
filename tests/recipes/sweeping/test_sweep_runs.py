"""Trainings of a sweep on one machine: what is done stays done, what fails is named, nothing is left."""

import json
import multiprocessing
import os
import signal
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from recipes.command_line.usage_error import UsageError
from recipes.sweeping.sweep_run_folder import training_folder
from recipes.sweeping.sweep_runs import run_all
from storage.json_file import DamagedFileError
from tests.support.sweep_folder import fake_runs, faked, started
from tests.support.waiting import wait_until


def _started_processes(out: Path) -> list[int]:
    """The processes whose command names the folder."""
    found = []
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            found += [int(file.parent.name)] if f"{out}/run".encode() in file.read_bytes() else []
        except OSError:
            continue
    return found


@pytest.mark.slow
@pytest.mark.parametrize("processes", [1, 3])
def test_what_is_done_is_not_done_again(processes, tmp_path):
    runs = fake_runs(tmp_path)
    ended = [(run.folder.name, problem) for run, problem in run_all(runs[:2], tmp_path, processes)]
    assert sorted(ended) == [("run0", None), ("run1", None)]
    assert [run.folder.name for run, _ in run_all(runs, tmp_path, 1)] == ["run2", "run3"]
    assert sorted(started(tmp_path)) == ["run0", "run1", "run2", "run3"]
    assert list(run_all(runs, tmp_path, processes)) == []


def test_a_finished_run_records_its_training(tmp_path):
    (run, *_) = fake_runs(tmp_path)
    assert training_folder(run) is None
    list(run_all([run], tmp_path, 1))
    assert training_folder(run) == run.folder / "lntl" / "now"
    note = json.loads((run.folder / "done.json").read_text())
    assert (note["parameters"], note["command"]) == (run.parameters, run.command)
    assert note["seconds"] > 0
    assert (run.folder / "log.txt").read_text() == "training\n"


@pytest.mark.parametrize("content", ["", "{", "[]", "{}", '{"training": "lntl/gone"}', "\xff"])
def test_a_damaged_note_of_the_end_is_one_line_and_costs_nothing(content, tmp_path):
    (run, *_) = fake_runs(tmp_path)
    list(run_all([run], tmp_path, 1))
    (run.folder / "done.json").write_bytes(content.encode("latin1"))
    with pytest.raises(
        DamagedFileError, match=r"done\.json (is damaged|names the training) .*delete this file"
    ):
        list(run_all([run], tmp_path, 1))
    assert (run.folder / "lntl" / "now" / "metrics.csv").is_file()


@pytest.mark.slow
def test_no_more_at_a_time_than_asked_for(tmp_path):
    runs = [faked(run, "0.5") for run in fake_runs(tmp_path, seeds=(0, 1, 2))]
    most = 0
    for _ in run_all(runs, tmp_path, 2):
        most = max(most, len(started(tmp_path)) - len([run for run in runs if training_folder(run)]))
    assert most <= 2
    assert all(training_folder(run) for run in runs)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("how", "problem"),
    [("fail", "exit code 1: error: the loss is not finite; all of it in "), ("cut", "was not tested")],
)
def test_a_failing_run_is_named_and_retried_and_others_go_on(how, problem, tmp_path):
    runs = fake_runs(tmp_path)
    broken = [runs[0], faked(runs[1], how), *runs[2:]]
    ended = {run.folder.name: found for run, found in run_all(broken, tmp_path, 1)}
    assert problem in ended.pop("run1")
    assert ended == {"run0": None, "run2": None, "run3": None}
    assert training_folder(broken[1]) is None
    (runs[1].folder / "half.ckpt").touch()
    assert [(run.folder.name, found) for run, found in run_all(runs, tmp_path, 1)] == [("run1", None)]
    assert not (runs[1].folder / "half.ckpt").exists(), "what the failed training left is gone"


def test_ending_early_ends_the_trainings(tmp_path):
    runs = [fake_runs(tmp_path)[0], *(faked(run, "600") for run in fake_runs(tmp_path)[1:])]
    ended = run_all(runs, tmp_path, 2)
    assert next(ended)[0] is runs[0]
    wait_until(lambda: _started_processes(tmp_path))
    ended.close()
    assert _started_processes(tmp_path) == []
    assert [training_folder(run) is not None for run in runs] == [True, False, False, False]
    assert len(started(tmp_path)) <= 3, "no other was started"


def test_threads_are_shared_out_unless_told_otherwise(tmp_path, monkeypatch):
    (run, *_) = fake_runs(tmp_path)
    show = replace(run, command=[sys.executable, "-c", "import os; print(os.environ['OMP_NUM_THREADS'])"])
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: range(8))
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    list(run_all([show], tmp_path, 4))
    assert (run.folder / "log.txt").read_text() == "2\n"
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    list(run_all([show], tmp_path, 4))
    assert (run.folder / "log.txt").read_text() == "7\n"


def _has_ended(process: int) -> bool:
    """Whether a process has closed its files, as a zombie has; its command line is gone before that."""
    try:
        return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] in "ZX"
    except OSError:
        return True


def _sweep(out: Path) -> None:
    list(run_all([faked(run, "600") for run in fake_runs(out)], out, 1))


@pytest.mark.slow
def test_a_killed_sweep_goes_on_once_its_last_training_is_gone(tmp_path):
    killed = multiprocessing.get_context("fork").Process(target=_sweep, args=(tmp_path,))
    killed.start()
    wait_until(lambda: _started_processes(tmp_path))
    runs = fake_runs(tmp_path)
    with pytest.raises(UsageError, match="another sweep"):
        list(run_all(runs, tmp_path, 1))
    killed.kill()
    killed.join()
    with pytest.raises(UsageError, match="a process that a killed one left"):
        list(run_all(runs, tmp_path, 1))
    left = _started_processes(tmp_path)
    for process in left:
        os.kill(process, signal.SIGKILL)
    wait_until(lambda: all(_has_ended(process) for process in left))
    assert [found for _, found in run_all(runs, tmp_path, 1)] == [None] * 4
