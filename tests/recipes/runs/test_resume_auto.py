"""`--resume auto`: the same command typed again goes on with the killed run, and with no other."""

import os
import signal
from pathlib import Path
from typing import Any

import pytest
import torch

from callbacks.random_state import RandomState
from recipes.command_line.usage_error import UsageError
from recipes.runs.data_check import refuse_changed_data
from recipes.runs.resume import find_previous_run, note_results, note_run, run_key
from tests.support import toy
from tests.support.manifest_trees import write_manifest
from tests.support.methods import METHODS
from tests.support.small_trainings import SMALL, content, differences

pytestmark = pytest.mark.filterwarnings("ignore::UserWarning")  # of toy lengths

OPTIONS = [
    *METHODS["baseline"].command,
    *SMALL,
    "--checkpoint.mode=min",
]  # of the epochs the first is the best


@pytest.fixture
def train(tmp_path, monkeypatch):
    """Runs the command line, and kills it after so many steps if asked to; returns its newest run folder."""
    monkeypatch.chdir(tmp_path)

    def run(experiment: str, *options: str, kill_at: int | None = None, how: str = "at once") -> Path:
        given = [*OPTIONS, f"--experiment={experiment}", *options]
        if kill_at is None:
            toy.run(monkeypatch, *given)
        else:
            with monkeypatch.context() as patch:
                patch.setattr(RandomState, "on_train_batch_end", _killer(kill_at, how), raising=False)
                with pytest.raises(SystemExit) as ended:
                    toy.run(patch, *given)
            assert ended.value.code == {"at once": 137, "politely": 143}[how]
        return max(Path("runs", experiment).iterdir(), key=lambda folder: folder.stat().st_ctime_ns)

    return run


def _killer(step: int, how: str) -> Any:
    def hook(self: Any, trainer: Any, *_: Any) -> None:
        if trainer.global_step == step:
            if how == "at once":
                raise SystemExit(137)
            os.kill(os.getpid(), signal.SIGTERM)

    return hook


@pytest.fixture
def whole(train) -> Path:
    return train("whole")


@pytest.mark.slow
@pytest.mark.parametrize(("how", "start"), [("at once", 6), ("politely", 9)])
def test_a_killed_run_ends_as_one_that_was_not(train, whole, how, start, capsys):
    killed = train("cut", "--resume=auto", kill_at=9, how=how)
    assert content(killed)["global_step"] == start
    assert not (killed / "results.json").exists()
    rest = train("cut", "--resume=auto")
    assert rest != killed
    for name in ("last", "best"):
        assert not differences(content(whole, name), content(rest, name))
    assert content(rest, "best")["epoch"] == 0, "the best of the killed part is still the best"
    assert (rest / "results.json").read_text() == (whole / "results.json").read_text()
    capsys.readouterr()
    assert train("cut", "--resume=auto") == rest
    assert f"finished before: runs/cut/{rest.name}" in capsys.readouterr().out


@pytest.mark.slow
def test_a_damaged_best_gives_way_to_the_last(train):
    killed = train("cut", "--resume=auto")
    (killed / "results.json").unlink()  # killed in its test
    (killed / "checkpoints" / "best.ckpt").write_bytes(b"PK")
    with pytest.warns(UserWarning, match=r"best\.ckpt holds the last weights"):
        rest = train("cut", "--resume=auto")
    assert (rest / "results.json").is_file()
    assert content(rest, "best")["global_step"] == 18


@pytest.mark.slow
def test_a_run_with_another_weight_is_not_gone_on_with(train):
    killed = train("cut", "--resume=auto", kill_at=9)
    other = train("cut", "--resume=auto", "--model.init_args.hidden=7")
    assert content(other)["global_step"] == 18
    weights = content(other)["state_dict"]
    assert weights["head.dense.weight"].shape[0] == 7
    assert other != killed


@pytest.mark.slow
def test_a_run_on_mended_labels_is_trained_anew(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    write_manifest(tmp_path / "faces")
    options = [
        "--config=baseline.yaml", *toy.BACKBONE, *toy.QUIET, "--trainer.max_epochs=1", "--resume=auto",
        "--data=datamodules.manifest.Manifest", "--data.init_args.root=faces", "--data.init_args.size=32",
        "--trainer.callbacks=null", "--model.init_args.task=gender",
    ]  # fmt: skip
    toy.run(monkeypatch, *options)
    (first,) = Path("runs").glob("*/2*")
    refuse_changed_data([first], "the sweep")
    file = tmp_path / "faces" / "manifest.csv"
    file.write_text(file.read_text().replace("male", "other", 3).replace("other", "male", 2))
    fingerprints = f"{first} was trained on other data: their fingerprint was [0-9a-f]{{12}}, now it is"
    with pytest.warns(UserWarning, match=f"not gone on with: {fingerprints}"):
        toy.run(monkeypatch, *options)
    assert len(list(Path("runs").glob("*/2*/results.json"))) == 2
    with pytest.raises(UsageError, match=f"{fingerprints} [0-9a-f]{{12}}; give the sweep another --out"):
        refuse_changed_data([first], "the sweep")
    capsys.readouterr()
    toy.run(monkeypatch, *options)
    assert "finished before" in capsys.readouterr().out


def test_what_changes_no_number_is_no_other_run():
    config = {"seed": 1, "trainer": {"max_epochs": 3, "logger": True}, "resume": None, "ckpt_path": None}
    same = {"seed": 1, "trainer": {"max_epochs": 3, "logger": False}, "resume": "auto", "ckpt_path": None}
    assert run_key(config) == run_key(same)
    assert run_key(config) != run_key(config | {"seed": 2})
    assert run_key(config) != run_key(config | {"trainer": {"max_epochs": 4}})


def folder_with(root: Path, name: str, key: str, **checkpoints: int) -> Path:
    folder = root / name
    (folder / "checkpoints").mkdir(parents=True)
    note_run(folder, key, f"wandb_{name}")
    for stem, step in checkpoints.items():
        found = {"state_dict": {}, "epoch": 0, "global_step": step}
        torch.save(found, folder / "checkpoints" / f"{stem}.ckpt")
    return folder


def test_the_furthest_checkpoint_counts_wherever_it_is(tmp_path):
    folder_with(tmp_path, "1", "key", last=40, best=30)
    folder_with(tmp_path, "2", "key", last=10)
    folder_with(tmp_path, "3", "other", last=90)
    (tmp_path / "4").mkdir()
    earlier = find_previous_run(tmp_path, "key", str)
    assert earlier.checkpoint == tmp_path / "1" / "checkpoints" / "last.ckpt"
    assert earlier.wandb_id == "wandb_1"
    assert find_previous_run(tmp_path, "nobody's", str) == (None, None, None)


def test_a_half_written_checkpoint_is_skipped_and_named(tmp_path):
    folder = folder_with(tmp_path, "1", "key", last=40, best=30)
    last = folder / "checkpoints" / "last.ckpt"
    last.write_bytes(last.read_bytes()[:100])
    with pytest.warns(UserWarning, match=r"skipped: .*last\.ckpt is not a checkpoint"):
        assert find_previous_run(tmp_path, "key", str).checkpoint == folder / "checkpoints" / "best.ckpt"


@pytest.mark.parametrize("content", ["{", "", "[]", '{"test/accuracy": "high"}', "\xff"])
def test_damaged_results_are_not_the_end_of_a_run(content, tmp_path):
    folder = folder_with(tmp_path, "1", "key", last=40)
    (folder / "results.json").write_bytes(content.encode("latin1"))
    with pytest.warns(UserWarning, match=r"results\.json is damaged .*tested again"):
        earlier = find_previous_run(tmp_path, "key", str)
    assert earlier == (folder / "checkpoints" / "last.ckpt", None, "wandb_1")


def test_a_run_whose_test_measures_nothing_is_finished(tmp_path):
    folder = folder_with(tmp_path, "1", "key", last=40)
    note_results(folder, {})
    assert find_previous_run(tmp_path, "key", str).finished == folder


@pytest.mark.parametrize("content", ["{", "", "[]", '{"key": "key"}'])
def test_a_damaged_note_of_a_run_is_no_run(content, tmp_path):
    folder = folder_with(tmp_path, "1", "key", last=40)
    (folder / "run.json").write_text(content)
    assert find_previous_run(tmp_path, "key", str) == (None, None, None)


def test_a_checkpoint_of_ones_own_and_resume_exclude_each_other(train, capsys):
    with pytest.raises(SystemExit):
        train("cut", "--resume=auto", "--ckpt_path=mine.ckpt")
    assert "give it or --ckpt_path, not both" in capsys.readouterr().err
