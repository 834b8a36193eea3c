"""The recipe on a played SLURM, with fake trainings: what the local way gives, in jobs, and nothing twice."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from recipes.sweeping import sweep_queue
from recipes.sweeping.sweep_queue import sweep_status
from recipes.sweeping.sweep_run_folder import training_folder
from tests.support.sweep_folder import started, write_checkpoint
from tests.support.sweep_on_slurm import ON_SLURM, caller, prepare, runs_of, submitted, work

pytestmark = pytest.mark.slow  # jobs on a played SLURM


@pytest.fixture
def slurm(tmp_path, monkeypatch) -> Path:
    return prepare(tmp_path, monkeypatch)


@pytest.fixture
def call(slurm, monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    return caller(monkeypatch, capsys)


def test_a_submitted_sweep_equals_a_local_one(call, slurm):
    code, printed, _ = call(*ON_SLURM, "--slurm.partition=gpu", "--slurm.parallel=3")
    logs = Path("out/slurm").absolute()
    assert (code, printed.splitlines()) == (0, [
        "0 done, 0 queued or running, 0 failed, 4 new, of 4",
        f"submitted 4 as job 1234; logs: {logs}",
        "to look: squeue --jobs 1234; to end: scancel 1234",
    ])  # fmt: skip
    script = (logs / "1234_submission.sh").read_text()
    assert all(f"#SBATCH --{x}\n" in script for x in ("array=0-3%3", "partition=gpu", "job-name=sweep"))
    work(slurm, "1234_0", "1234_1")
    code, printed, _ = call(*ON_SLURM)
    assert (code, printed) == (0, "2 done, 2 queued or running, 0 failed, 0 new, of 4\n")
    assert submitted(slurm) == 1
    assert not Path("out/sweep.csv").exists()
    work(slurm, "1234_2", "1234_3")
    code, printed, _ = call(*ON_SLURM)
    assert code == 0
    assert "The test of lambda_=1, n = 2" in printed
    write_checkpoint(Path("here"))
    code, here, _ = call(out="here")
    assert code == 0
    for name in ("sweep.csv", "sweep.md", "chosen.csv", "chosen.json", "tradeoff.svg"):
        assert Path("out", name).read_bytes() == Path("here", name).read_bytes(), name
    assert printed.splitlines()[1:-1] == here.splitlines()[:-1]
    assert len(started(Path("out"))) == 4


def test_what_failed_is_named_and_it_alone_is_submitted_again(call, slurm):
    call(*ON_SLURM, fail=(2,))
    work(slurm, "1234_0", "1234_1", "1234_2", "1234_3")
    code, printed, _ = call(*ON_SLURM)
    failed = runs_of()[2]
    assert code == 0
    assert printed.splitlines()[:3] == [
        "failed: lambda_=1 seed_everything=0: job 1234_2: exit code 1: error: the loss is not finite; "
        f"all of it in {Path(failed.folder, 'log.txt').absolute()}; "
        f"its log: {Path('out/slurm/1234_2_0_log.out').absolute()}",
        "3 done, 0 queued or running, 1 failed, 0 new, of 4",
        f"submitted 1 as job 1235; logs: {Path('out/slurm').absolute()}",
    ]
    assert json.loads((failed.folder / "job.json").read_text())["job"] == "1235"
    work(slurm, "1235")
    code, printed, _ = call(*ON_SLURM)
    assert "4 done" in printed
    assert Path("out/sweep.csv").exists()
    assert len(started(Path("out"))) == 5


def test_a_job_that_vanished_has_failed(call, slurm):
    call(*ON_SLURM)
    (slurm / "queue" / "1234_1").unlink()
    _, printed, _ = call(*ON_SLURM)
    assert "lambda_=0 seed_everything=1: job 1234_1" in printed
    assert "0 done, 3 queued or running, 1 failed, 0 new, of 4" in printed
    assert "submitted 1 as job 1235" in printed


def test_a_dry_run_prints_the_array_and_leaves_nothing(call, slurm, monkeypatch, tmp_path):
    write_checkpoint(Path("here"))
    call(out="here")
    monkeypatch.setenv("PATH", str(tmp_path))  # wherever this runs, there is no srun
    code, printed, _ = call(*ON_SLURM, "--dry_run=true", out="there")
    assert code == 0
    assert "#SBATCH --array=0-3%4\n" in printed
    assert [line.rpartition(": ")[0] for line in printed.splitlines()[-4:]] == [
        f"task {2 * x + s}: lambda_={x} seed_everything={s}" for x in (0, 1) for s in (0, 1)
    ]
    assert not Path("there").exists()
    for i in (0, 3):
        runs_of("here")[i].folder.joinpath("done.json").unlink()
    _, printed, _ = call(*ON_SLURM, "--dry_run=true", out="here")
    assert "#SBATCH --array=0-1%2\n" in printed
    assert "2 done, 0 queued or running, 0 failed, 2 new, of 4\n" in printed
    assert "task 1: lambda_=1 seed_everything=1" in printed
    assert submitted(slurm) == 0


def test_both_ways_find_what_the_other_has_done(call, slurm, monkeypatch, tmp_path):
    call(fail=(1, 2))
    assert [training_folder(run) is not None for run in runs_of()] == [True, False, False, True]
    _, printed, _ = call(*ON_SLURM)
    assert "2 done, 0 queued or running, 0 failed, 2 new, of 4" in printed
    assert "submitted 2 as job 1234" in printed
    noted = [run.folder.joinpath("job.json").read_text() for run in runs_of()[1:3]]
    code, _, errors = call()
    assert (code, errors.splitlines()[-1]) == (2, (
        "error: 2 of these runs are queued or running on SLURM: go on with --cluster slurm, or end them by "
        "scancel 1234_0 1234_1"
    ))  # fmt: skip
    assert [run.folder.joinpath("job.json").read_text() for run in runs_of()[1:3]] == noted
    work(slurm, "1234_0")
    (slurm / "queue" / "1234_1").unlink()
    code, printed, _ = call()
    assert code == 0
    assert len(started(Path("out"))) == 6, "four the local way, one of them again in a job, one the local way"
    assert not runs_of()[2].folder.joinpath("job.json").exists(), "it is the local way's now"
    monkeypatch.setenv("PATH", str(tmp_path))
    assert call(*ON_SLURM)[0] == 0, "what is done is gathered without SLURM as well"


def test_the_users_filters_hide_no_job(call, slurm, monkeypatch):
    call(*ON_SLURM)
    monkeypatch.setenv("SQUEUE_STATES", "RUNNING")
    call(*ON_SLURM)
    assert (slurm / "squeue.txt").read_text() == "--all --array --noheader --format=%i\n"


def test_a_job_that_ends_while_it_is_asked_for_is_done(call, slurm, monkeypatch):
    call(*ON_SLURM)
    runs = runs_of()

    def ends(noted: Path) -> set[str]:
        (runs[0].folder / "lntl" / "now").mkdir(parents=True)
        (runs[0].folder / "lntl" / "now" / "metrics.csv").touch()
        (runs[0].folder / "done.json").write_text('{"training": "lntl/now"}')
        return {"1234_1", "1234_2", "1234_3"}

    monkeypatch.setattr(sweep_queue, "_queue", ends)
    status = sweep_status(runs)
    assert (status.done, status.failed, len(status.going)) == ([runs[0]], [], 3)


def test_a_task_of_a_run_that_is_done_trains_nothing(call, slurm):
    call(*ON_SLURM)
    run = runs_of()[0]
    (run.folder / "done.json").write_text('{"training": "lntl/now"}')
    work(slurm, "1234_0")
    assert started(Path("out")) == []
    assert not (run.folder / "log.txt").exists()
