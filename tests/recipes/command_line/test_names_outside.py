"""A name that a user gives never leads out of the folder that it is meant for."""

from pathlib import Path

import pytest
import yaml

from recipes.command_line.usage_error import UsageError
from recipes.reproducing.reproduce_plan import plan_jobs
from recipes.reproducing.reproduce_study import Step
from recipes.submit import submit_training
from tests.support import toy
from tests.support.small_study import PUBLISHED, run

NAMES = ["../../x", "/abs", "a/../../x", "a\x1bb"]


@pytest.mark.parametrize("name", NAMES)
def test_an_experiment_outside_its_folder_is_refused(name, tmp_path, monkeypatch, capsys):
    inside = tmp_path / "a" / "b"
    inside.mkdir(parents=True)
    monkeypatch.chdir(inside)
    for start in (lambda x: toy.run(monkeypatch, *x), submit_training):
        with pytest.raises(SystemExit) as ended:
            start(["--config=baseline.yaml", *toy.QUIET, f"--experiment={name}"])
        assert ended.value.code == 2
        error = capsys.readouterr().err.strip()
        assert "is no name of a folder" in error
        assert "\n" not in error
    (inside / "named.yaml").write_text(yaml.safe_dump({"experiment": name}))
    with pytest.raises(SystemExit) as ended:
        toy.run(monkeypatch, "--config=baseline.yaml", "--config=named.yaml")
    assert ended.value.code == 2
    assert "is no name of a folder" in capsys.readouterr().err
    (inside / "named.yaml").unlink()
    assert [p for p in tmp_path.rglob("*") if not p.is_dir()] == []


def test_a_checkpoint_outside_its_folder_is_refused(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(SystemExit) as ended:
        toy.run(
            monkeypatch, "--config=baseline.yaml", *toy.DATA, *toy.BACKBONE, *toy.QUIET,
            "--checkpoint.filename=../../x",
        )  # fmt: skip
    assert ended.value.code == 2
    assert "checkpoint.filename: '../../x' is no name" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["../x", "/abs", "a/b"])
def test_a_study_outside_its_folder_is_refused(name, study, capsys):
    Path("published.yaml").write_text(yaml.safe_dump(PUBLISHED | {"name": name}))
    assert run() == 2
    assert "is no name of a f" in capsys.readouterr().err
    with pytest.raises(UsageError, match="is no name of a f"):
        plan_jobs({name: Step("embed", [])}, {}, [0], [name])
