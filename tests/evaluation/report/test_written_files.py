"""Files of a report replace those of the report before, and nobody else's."""

import json

import pytest

from evaluation.report.written_files import LIST, replaced_files


def write(folder, **files):
    with replaced_files(folder) as part:
        for name, text in files.items():
            path = part / name.replace("__", "/")
            path.parent.mkdir(exist_ok=True)
            path.write_text(text)


def held(folder):
    paths = (path for path in folder.rglob("*") if path.is_file() and path.name != LIST)
    return {path.relative_to(folder).as_posix(): path.read_text() for path in paths}


def test_only_files_of_the_earlier_report_go(tmp_path):
    write(tmp_path, page="1", figures__mlp="1", figures__linear="1", figures__edited="1")
    (tmp_path / "figures" / "mine").write_text("mine")
    (tmp_path / "figures" / "edited").write_text("by hand")
    write(tmp_path, page="2", figures__linear="2")
    others = {"figures/mine": "mine", "figures/edited": "by hand"}
    assert held(tmp_path) == {"page": "2", "figures/linear": "2", **others}
    with pytest.warns(UserWarning, match="mine is not of an earlier report; it is kept as mine.kept"):
        write(tmp_path, page="3", figures__mine="3")
    assert held(tmp_path) == {
        "page": "3",
        "figures/mine": "3",
        "figures/mine.kept": "mine",
        "figures/edited": "by hand",
    }


def test_an_error_leaves_the_earlier_report_whole(tmp_path):
    write(tmp_path, page="1", figure="1")
    before = held(tmp_path)
    with pytest.raises(FileNotFoundError), replaced_files(tmp_path) as part:
        (part / "page").rename(part / "missing" / "page")
    assert held(tmp_path) == before


def test_a_list_reaches_nothing_outside_the_folder(tmp_path):
    stranger = tmp_path / "stranger"
    stranger.write_text("1")
    out = tmp_path / "out"
    write(out, page="1")
    ((_, digest),) = json.loads((out / LIST).read_text())
    (out / LIST).write_text(json.dumps([["../stranger", digest], [str(stranger), digest]]))
    with pytest.warns(UserWarning, match="kept"):
        write(out, page="2")
    assert stranger.exists()


def test_a_damaged_list_deletes_nothing(tmp_path):
    write(tmp_path, page="1", figure="1")
    (tmp_path / LIST).write_text("{")
    with pytest.warns(UserWarning, match="is damaged"):
        write(tmp_path, page="2")
    assert held(tmp_path) == {"page": "2", "figure": "1"}
