"""Reading a sweep file: the grid, and one clear line about what is wrong."""

import pytest
import yaml

from recipes.command_line.config_lookup import CONFIGS
from recipes.command_line.usage_error import UsageError
from recipes.sweeping.sweep_file import Metric, read_sweep
from recipes.sweeping.sweep_run_folder import short_names
from tests.support.sweep_folder import SWEEP

SWEEPS = sorted(f"sweeps/{path.name}" for path in CONFIGS.glob("sweeps/*.yaml"))


@pytest.fixture
def changed(tmp_path, monkeypatch):
    """Writes the sweep with other values (None: without) and reads it."""

    def read(**values):
        content = yaml.safe_load(SWEEP) | values
        file = tmp_path / "sweep.yaml"
        file.write_text(yaml.safe_dump({key: value for key, value in content.items() if value is not None}))
        return read_sweep(str(file))

    return read


def test_the_grid_is_complete_and_the_last_name_varies_fastest(changed):
    points = list(
        changed(
            parameters={"b": {"values": [None, True]}, "a": {"values": [1, 2]}, "c": {"value": 7}}
        ).points()
    )
    assert points == [{"a": a, "b": b, "c": 7} for a in (1, 2) for b in (None, True)]
    assert [list(point) for point in points] == [["a", "b", "c"]] * 4


def test_a_cap_keeps_the_first(changed):
    assert list(changed(run_cap=2).points()) == list(changed().points())[:2]


def test_what_varies_beside_the_seed_is_compared(changed):
    parameters = {"x": {"values": [1, 2]}, "y": {"values": [1]}, "seed_everything": {"values": [0, 1]}}
    assert changed(parameters=parameters).compared == ["x"]


def test_a_metric_is_minimised_unless_said_otherwise(changed):
    assert changed(metric={"name": "val/x"}).metric == Metric("val/x", "minimize")


@pytest.mark.parametrize("name", SWEEPS)
def test_every_shipped_sweep_compares_something_over_three_seeds(name):
    sweep = read_sweep(name)
    assert sweep.compared
    assert sweep.parameters["seed_everything"] == [0, 1, 2]
    assert "${args_json_file}" in sweep.command, "null and booleans stay what they are"


def test_short_names_stay_distinct():
    assert short_names(["model.lr", "other.lr", "x.seed"]) == {
        "model.lr": "model.lr", "other.lr": "other.lr", "x.seed": "seed",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"method": "bayes"}, "method is bayes, and only grid runs without a server; use wandb agent"),
        ({"method": "random"}, "use wandb agent"),
        ({"program": "other.py"}, r"other\.py, and only recipes/train\.py"),
        ({"command": ["python", "x.py"]}, r"\$\{program\}"),
        ({"command": "python ${program}"}, "a list"),
        ({"run_cap": 0}, "1 or more, not 0"),
        ({"run_cap": True}, "1 or more, not True"),
        ({"parameters": None}, "names no option"),
        ({"parameters": {"x": {"min": 0, "max": 1}}}, "parameter x: expected 'value"),
        ({"parameters": {"x": {"values": []}}}, "parameter x"),
        ({"parameters": {"x": {"values": 3}}}, "parameter x"),
        ({"parameters": {"x": 3}}, "parameter x"),
        ({"parameters": {"x": {"parameters": {"y": {"value": 1}}}}}, "parameter x"),
        ({"metric": None}, "metric is missing"),
        ({"metric": {"name": "val/x", "goal": "max"}}, "minimize or maximize, not max"),
        ({"metric": {"name": "test/x"}}, "chosen by validation"),
        ({"metod": "grid"}, "did you mean method"),
        ({"early_terminate": {"type": "hyperband", "min_iter": 1}}, "'early_terminate'; only wandb agent"),
    ],
)
def test_what_is_wrong_is_one_line_that_names_the_file(values, message, changed):
    with pytest.raises(UsageError, match=message) as error:
        changed(**values)
    assert "sweep.yaml: " in str(error.value)
    assert "\n" not in str(error.value)


def test_a_file_that_is_no_yaml_or_not_there(tmp_path):
    (tmp_path / "broken.yaml").write_text("a: [")
    with pytest.raises(UsageError, match="not valid YAML"):
        read_sweep(str(tmp_path / "broken.yaml"))
    with pytest.raises(UsageError, match=r"did you mean sweeps/lntl_lambda\.yaml"):
        read_sweep("sweeps/lntl_lamda.yaml")
