"""A folder's lock: one holder at a time, and whoever inherits it."""

import subprocess
import sys

import pytest

from recipes.command_line.usage_error import UsageError
from recipes.runs.folder_lock import folder_lock


def test_a_second_holder_is_refused_and_the_next_one_is_not(tmp_path) -> None:
    folder = tmp_path / "new" / "out"
    with (
        folder_lock(folder, "reproduction"),
        pytest.raises(UsageError) as error,
        folder_lock(folder, "reproduction"),
    ):
        pass
    assert str(error.value).startswith(f"another reproduction works in {folder}")
    assert "\n" not in str(error.value)
    with folder_lock(folder, "reproduction"):
        pass


def test_a_process_that_inherited_the_lock_holds_it(tmp_path) -> None:
    with folder_lock(tmp_path, "sweep") as lock:
        left = subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE, pass_fds=[lock])
    with pytest.raises(UsageError, match="a process that a killed one left"), folder_lock(tmp_path, "sweep"):
        pass
    left.communicate(b"\n")
    with folder_lock(tmp_path, "sweep"):
        pass
