"""The command line of the recipes that train nothing."""

import sys

import pytest

from recipes.command_line.config_lookup import CONFIGS
from recipes.command_line.jobs import job_parser, parse_job, usage_errors
from recipes.command_line.usage_error import UsageError


def test_options_come_from_the_arguments_or_the_command_line(tmp_path, monkeypatch):
    (tmp_path / "more.yaml").write_text("rows: 3\n")
    parser = job_parser("Does a job.")
    parser.add_argument("--rows", type=int, default=1)
    monkeypatch.setattr(sys, "argv", ["job.py", "--rows=2"])
    assert parse_job(parser, None).rows == 2
    assert parse_job(parser, []).rows == 1
    assert parse_job(parser, ["--config", str(tmp_path / "more.yaml")]).rows == 3
    assert parse_job(parser, ["--config", str(tmp_path / "more.yaml"), "--rows=4"]).rows == 4


def test_a_bare_name_after_config_is_looked_up():
    parser = job_parser("Does a job.")
    parser.add_argument("--data", type=dict)
    config = parse_job(parser, ["--config=data/synthetic_faces"])
    assert [path.absolute for path in config.config] == [str(CONFIGS / "data" / "synthetic_faces.yaml")]
    with pytest.raises(UsageError, match="did you mean"):
        parse_job(parser, ["--config=data/synthetic_facez"])


def test_options_are_not_abbreviated_and_help_explains(capsys):
    parser = job_parser("Does a job.")
    parser.add_argument("--columns", type=int, default=1)
    for arguments, code in ((["--colum=2"], 2), (["--help"], 0)):
        with pytest.raises(SystemExit) as stopped:
            parse_job(parser, arguments)
        assert stopped.value.code == code
    assert "\nDoes a job.\n" in capsys.readouterr().out


def test_what_a_constructor_refuses_is_the_users_to_mend():
    with pytest.raises(UsageError, match="^size is 3$"), usage_errors():
        raise ValueError("size is 3")
    with pytest.raises(KeyError), usage_errors():
        raise KeyError("a mistake of the program")
