"""Mistakes with a sweep on SLURM: one line, and nothing is lost or started twice."""

from collections.abc import Callable
from pathlib import Path

import pytest

from recipes.runs.folder_lock import folder_lock
from tests.support.sweep_folder import started
from tests.support.sweep_on_slurm import ON_SLURM, TRAINER, caller, prepare, runs_of, submitted

pytestmark = pytest.mark.slow  # jobs on a played SLURM


@pytest.fixture
def slurm(tmp_path, monkeypatch) -> Path:
    return prepare(tmp_path, monkeypatch)


@pytest.fixture
def call(slurm, monkeypatch, capsys) -> Callable[..., tuple[int, str, str]]:
    return caller(monkeypatch, capsys)


@pytest.mark.parametrize(
    ("options", "config", "message"),
    [
        (["--processes=2"], {}, "--processes is for this machine"),
        (["--slurm.hours=0.02"], {}, "slurm.notice: 120 seconds are more than"),
        (["--slurm.hors=3"], {}, "'hors' is not accepted"),
        ([], {3: {"seed_everything": True}}, "seed_everything: give a number"),
        ([], {1: {"ckpt_path": "mine.ckpt"}}, "leave ckpt_path out"),
        ([], {1: {"trainer": TRAINER | {"devices": "auto"}}}, "trainer.devices is auto"),
        (
            [],
            {2: {"trainer": TRAINER | {"devices": 2, "accelerator": "gpu"}}},
            "lambda_=0 seed_everything=0 wants 1 x 1 processors, lambda_=1 seed_everything=0 wants 1 x 2 G",
        ),
    ],
)
def test_what_no_array_could_run_is_one_line(options, config, message, call, slurm):
    code, _, errors = call(*ON_SLURM, *options, config=config)
    assert (code, errors.count("\n")) == (2, 1)
    assert message in errors
    assert submitted(slurm) == 0
    assert not list(Path("out").glob("*/"))


@pytest.mark.parametrize("option", ["--config=hardware/slurm.yaml", "--slurm.partition=gpu"])
def test_options_of_slurm_alone_start_nothing_on_this_machine(option, call):
    code, _, errors = call(option)
    assert (code, errors.count("\n")) == (2, 1)
    assert "add --cluster slurm" in errors
    assert started(Path("out")) == []


def test_where_there_is_no_slurm_nothing_is_written(call, monkeypatch, tmp_path):
    monkeypatch.setenv("PATH", str(tmp_path))
    code, _, errors = call(*ON_SLURM)
    assert (code, errors.count("\n")) == (2, 1)
    assert "there is no SLURM here (no srun)" in errors
    assert [file.name for file in Path("out").iterdir()] == ["best.ckpt"], "what the fake trainings copy"


def test_what_sbatch_refuses_can_be_submitted_later(call, slurm):
    (slurm / "refuse").touch()
    code, _, errors = call(*ON_SLURM)
    assert code == 2
    assert errors.splitlines()[-1].startswith("error: sbatch refused: "), "the line before is sbatch's own"
    assert not list(Path("out").glob("*/job.json"))
    (slurm / "refuse").unlink()
    _, printed, _ = call(*ON_SLURM)
    assert "submitted 4 as job 1234" in printed


@pytest.mark.parametrize("ruin", ["{", "[]", '{"job": "1234_0"}', ""])
def test_a_damaged_note_is_one_line_and_nothing_is_lost(ruin, call, slurm):
    call(*ON_SLURM)
    note = runs_of()[0].folder / "job.json"
    note.write_text(ruin)
    for options in (ON_SLURM, []):
        code, _, errors = call(*options)
        assert code == 2
        assert f"{note.name} is damaged" in errors.splitlines()[-1]
    assert (note.read_text(), submitted(slurm), started(Path("out"))) == (ruin, 1, [])


def test_where_squeue_does_not_answer_no_job_counts_as_vanished(call, slurm, monkeypatch, tmp_path):
    call(*ON_SLURM)
    (slurm / "unreachable").touch()
    code, _, errors = call(*ON_SLURM)
    assert (code, errors.count("\n")) == (2, 1)
    assert "Unable to contact slurm controller" in errors
    monkeypatch.setenv("PATH", str(tmp_path))
    code, _, errors = call()
    assert code == 2
    assert "no squeue" in errors.splitlines()[-1]
    assert (submitted(slurm), started(Path("out"))) == (1, [])


def test_two_cannot_submit_at_a_time(call, slurm):
    with folder_lock(Path("out"), "sweep"):
        code, _, errors = call(*ON_SLURM)
    assert (code, errors.count("\n")) == (2, 1)
    assert "another sweep works in" in errors
    assert submitted(slurm) == 0
