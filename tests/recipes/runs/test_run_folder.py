import os

import pytest
from pytorch_lightning.loggers import CSVLogger, WandbLogger

from recipes.runs import run_folder
from tests.support.wandb_offline import history


def test_two_runs_of_one_second_get_two_folders(tmp_path):
    folders = {run_folder.new_run_folder(tmp_path, "x") for _ in range(5)}
    assert len(folders) == 5
    assert all(f.is_dir() and f.parent == tmp_path / "x" for f in folders)


def test_only_the_first_process_makes_the_folder(tmp_path, monkeypatch):
    monkeypatch.setattr(run_folder.rank_zero_only, "rank", 1)
    assert not run_folder.new_run_folder(tmp_path, "x").exists()


def test_a_second_machine_makes_no_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("NODE_RANK", "1")
    assert not run_folder.new_run_folder(tmp_path, "x").exists()
    monkeypatch.setenv("NODE_RANK", "0")
    assert run_folder.new_run_folder(tmp_path, "x").exists()


def test_csv_is_always_written_and_wandb_can_be_turned_off(tmp_path):
    loggers = run_folder.make_loggers(tmp_path, "x", logger=False)
    assert [type(x) for x in loggers] == [CSVLogger]
    own = CSVLogger(str(tmp_path / "own"))
    assert run_folder.make_loggers(tmp_path, "x", logger=own)[1] is own
    assert run_folder.make_loggers(tmp_path, "x", logger=[own])[1] is own


@pytest.mark.parametrize(("key", "mode"), [(False, "offline"), (True, "online")])
def test_wandb_is_online_only_with_a_key(tmp_path, monkeypatch, caplog, key, mode):
    monkeypatch.setattr(run_folder, "has_wandb_key", lambda: key)
    with caplog.at_level("INFO"):
        loggers = run_folder.make_loggers(tmp_path, "x", logger=True)
    assert isinstance(loggers[1], WandbLogger)
    assert loggers[1]._wandb_init["mode"] == mode
    assert ("wandb sync" in caplog.text) is not key


def test_no_key_is_found_where_none_is_configured(tmp_path, monkeypatch):
    monkeypatch.delenv("WANDB_API_KEY", raising=False)
    monkeypatch.setenv("NETRC", str(tmp_path / "netrc"))
    monkeypatch.setenv("WANDB_MODE", "online")
    assert run_folder.has_wandb_key() is False
    monkeypatch.setenv("WANDB_MODE", "offline")
    monkeypatch.setenv("WANDB_API_KEY", "k" * 40)
    assert run_folder.has_wandb_key() is False


@pytest.mark.slow
def test_an_offline_run_holds_the_metrics(tmp_path, monkeypatch):
    """Reads the file back that `wandb sync` would upload."""
    monkeypatch.setenv("WANDB_MODE", "offline")
    logger = run_folder.make_loggers(tmp_path, "x", logger=True)[1]
    logger.log_metrics({"val/tpr/smiling=1": 0.25}, step=3)
    logger.experiment.finish()
    values = history(tmp_path)
    assert values["val/tpr/smiling=1"] == 0.25
    assert values["trainer/global_step"] == 3
    assert os.environ["WANDB_ERROR_REPORTING"] == "false"
