import subprocess
import sys

import pytest

from recipes.command_line.config_lookup import CONFIGS
from recipes.command_line.errors import one_line
from tests.support import toy

UNION = """Parser key "{key}":
  Does not validate against any of the Union subtypes
  Subtypes: [<class 'int'>, <class 'NoneType'>]
  Errors:
    - Expected a <class 'int'>
    - Expected a <class 'NoneType'>
  Given value type: <class 'str'>
  Given value: abc"""


@pytest.mark.parametrize(
    ("message", "expected"),
    [
        (UNION.format(key="trainer.max_epochs"), "trainer.max_epochs: Expected a <class 'int'> (given: abc)"),
        ("Option 'tsk' is not accepted", "Option 'tsk' is not accepted"),
        (
            "Parser key \"model\":\n  Errors:\n    - Problem with given class_path 'a.B':\n"
            "        Option 'x' is not accepted\n    - Expected a <class 'NoneType'>",
            "a.B: Option 'x' is not accepted",
        ),
        (
            "Parser key \"data\":\n  Errors:\n    - Problem with given class_path 'a.C': no 'C' in a\n"
            "    - Expected a <class 'NoneType'>\n  Given value: Namespace(x=1)",
            "Problem with given class_path 'a.C': no 'C' in a",
        ),
        ("first line\n  second line", "first line second line"),
    ],
)
def test_a_message_of_many_lines_becomes_one(message, expected):
    assert one_line(message) == expected


@pytest.mark.slow
def test_nothing_asks_the_internet_for_anything(tmp_path, celeba_tree):
    """A fresh process, for some packages call home when they are imported; every host name is recorded."""
    spy = (
        "import socket, sys, runpy\n"
        "def refuse(host, *rest, **more):\n"
        "    if host not in (None, '', 'localhost', '127.0.0.1', '::1'):\n"
        "        print('asked for', host, file=open('asked.txt', 'a'))\n"
        "        raise socket.gaierror('refused by the test')\n"
        "    return real(host, *rest, **more)\n"
        "real, socket.getaddrinfo = socket.getaddrinfo, refuse\n"
        "sys.argv = sys.argv[1:]\n"
        "runpy.run_path(sys.argv[0], run_name='__main__')\n"
    )
    arguments = ["--config", "attractiveness.yaml", "--config", "data/celeba.yaml", *toy.BACKBONE]
    arguments += [f"--data.init_args.root={celeba_tree}", "--data.init_args.augment=true"]
    arguments += [
        "--trainer.accelerator=cpu",
        "--trainer.max_epochs=1",
        "--trainer.enable_progress_bar=false",
    ]
    train = str(CONFIGS.parent / "recipes" / "train.py")
    command = [sys.executable, "-c", spy, train, *arguments]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    said = done.stderr + done.stdout
    assert "wandb sync" in said
    noise = ("Tip:", "TPU", "anonymous", "FLOPs", "deprecated", "litlogger")
    assert [word for word in noise if word in said] == [], said
    assert not (tmp_path / "asked.txt").exists(), (tmp_path / "asked.txt").read_text()
