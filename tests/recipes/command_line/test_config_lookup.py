import pytest

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
