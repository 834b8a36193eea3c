from pathlib import Path

import pytest
import yaml

from recipes.command_line.config_lookup import CONFIGS, find_config, resolve_configs
from recipes.command_line.usage_error import UsageError


def test_a_bare_name_is_found_in_configs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert find_config("defaults.yaml") == str(CONFIGS / "defaults.yaml")
    assert find_config("data/celeba") == str(CONFIGS / "data" / "celeba.yaml")


def test_an_existing_path_wins_over_configs(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "baseline.yaml").write_text("{}")
    assert find_config("baseline.yaml") == "baseline.yaml"


def test_an_unknown_name_suggests_the_nearest():
    with pytest.raises(UsageError, match=r"did you mean .*attractiveness\.yaml"):
        find_config("atractivness.yaml")


def test_a_name_near_nothing_lists_what_there_is():
    with pytest.raises(UsageError, match=r"there are: .*baseline\.yaml"):
        find_config("zzzzzzzz")


def test_every_form_of_the_option_is_resolved_and_nothing_else():
    path = str(CONFIGS / "baseline.yaml")
    argv = [
        "--config",
        "baseline.yaml",
        "-c",
        "baseline",
        "--config=baseline.yaml",
        "--experiment",
        "baseline",
    ]
    resolved = ["--config", path, "-c", path, f"--config={path}", "--experiment", "baseline"]
    assert resolve_configs(argv) == resolved


def test_an_older_versions_configuration_is_read_as_todays(tmp_path):
    model = {
        "class_path": "lightning_modules.lntl.LNTL",
        "init_args": {"scheme": "joint", "stage": None, "task": "gender", "refresh_steps": 2},
    }
    old = tmp_path / "config.yaml"
    old.write_text(yaml.safe_dump({"model": model, "experiment": "x"}))
    found = yaml.safe_load(Path(find_config(str(old))).read_text())
    assert found["experiment"] == "x"
    assert found["model"] == {
        "class_path": "lightning_modules.lntl_joint.LNTLJoint",
        "init_args": {"feature_layer": None, "task": "gender", "refresh_steps": 2},
    }
    assert yaml.safe_load(old.read_text())["model"] == model, "the file itself is left as it is"
    found["model"]["init_args"]["task"] = "emotion"
    old.write_text(yaml.safe_dump(found))
    assert find_config(str(old)) == str(old), "one of today is read where it lies"
