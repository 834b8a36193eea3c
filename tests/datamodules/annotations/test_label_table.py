import os
import threading
from pathlib import Path

import pytest

from datamodules.annotations.label_table import check_folder, read_bytes
from datamodules.errors import DatasetError, first_names


def test_the_bytes_of_a_file_are_read_as_they_are(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"\xff\r\n\n")
    assert read_bytes(tmp_path / "a") == read_bytes(tmp_path / "a", "get {path}") == b"\xff\r\n\n"


@pytest.mark.parametrize("how_to_get", [None, "there is no {path}\nget it"])
def test_an_unreadable_file_is_named_and_a_missing_one_explained(tmp_path, how_to_get) -> None:
    with pytest.raises(DatasetError) as caught:
        read_bytes(tmp_path, how_to_get)
    assert str(caught.value) == f"{tmp_path}: cannot be read (Is a directory)"
    missing = tmp_path / "a"
    with pytest.raises(DatasetError) as caught:
        read_bytes(missing, how_to_get)
    unread = f"{missing}: cannot be read (No such file or directory)"
    assert str(caught.value) == (f"there is no {missing}\nget it" if how_to_get else unread)


def test_a_pipe_in_place_of_a_file_is_refused_and_does_not_block(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pairs.txt")
    # a reader that opens the pipe gets an empty content, and does not hang the tests
    threading.Thread(target=lambda: open(tmp_path / "pairs.txt", "wb").close(), daemon=True).start()
    with pytest.raises(DatasetError, match="pairs.txt: cannot be read .it is a pipe or a device"):
        read_bytes(tmp_path / "pairs.txt", "there is no {path}")


def test_a_root_may_be_a_folder_or_missing_but_not_a_file(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    check_folder(tmp_path, "CFEE")
    check_folder(tmp_path / "missing", "CFEE")
    with pytest.raises(DatasetError, match=r"file: not a folder; set .*root to the folder of CFEE's files$"):
        check_folder(tmp_path / "file", "CFEE")


def test_a_message_names_the_first_few() -> None:
    assert first_names([]) == ""
    assert first_names(list("abcde")) == "a, b, c, d, e"
    assert first_names(list("abcdef")) == "a, b, c, d, e, ..."
    assert first_names(["a", "b"], 1) == "a, ..."
