"""Manifests from the names of files and folders, through the real entry point."""

import csv
import os
import sys
from pathlib import Path

import pytest

from recipes import make_manifest
from recipes.command_line.errors import report_errors
from tests.support.manifest_trees import (
    NO_RACE,
    write_fer2013,
    write_manifest,
    write_utkface,
)
from tests.support.noise_images import write_named_noise

SHIPPED = Path(make_manifest.__file__).parents[1] / "configs" / "manifest"


def run(*arguments: object) -> None:
    make_manifest.main([str(a) for a in arguments])


def read(path: Path) -> list[tuple[str, ...]]:
    with open(path, newline="", encoding="utf-8") as file:
        return [tuple(row) for row in csv.reader(file)]


def fails(monkeypatch, capsys, *arguments: object) -> str:
    """Return the errors of a run that stops with exit code 2."""
    monkeypatch.setattr(sys, "argv", ["make_manifest.py", *map(str, arguments)])
    with pytest.raises(SystemExit) as caught:
        report_errors(make_manifest.main)
    assert caught.value.code == 2
    message = capsys.readouterr().err.strip()
    assert message.startswith("error: ")
    assert "\n" not in message
    return message


def test_utkface_names_are_read_and_odd_ones_listed(tmp_path, capsys):
    rows = write_utkface(tmp_path)
    write_named_noise(tmp_path / "20_2_1_20170116174525125.jpg")
    written = (tmp_path / "manifest.csv").read_bytes()
    out = tmp_path / "new" / "list.csv"
    run("--config", "manifest/utkface.yaml", "--root", tmp_path, "--out", out)
    assert read(out) == [("path", "age", "gender", "ethnicity"), *rows]
    assert out.read_bytes() == written, "written by hand"
    reasons = [(name, "the pattern does not match") for name in NO_RACE]
    reasons.insert(0, ("20_2_1_20170116174525125.jpg", "gender is '2', not one of 0, 1"))
    assert read(tmp_path / "new" / "list.csv.skipped.csv") == [("path", "reason"), *reasons]
    printed = capsys.readouterr().out
    assert "40 images with age, gender, ethnicity" in printed
    assert "left out 3 images, listed with the reasons in" in printed


def test_utkface_in_parts_is_read_too(tmp_path):
    rows = write_utkface(tmp_path / "UTKFace" / "part1")
    run("--config", "manifest/utkface.yaml", "--root", tmp_path, "--out", tmp_path / "m.csv")
    assert read(tmp_path / "m.csv")[1:] == [(f"UTKFace/part1/{path}", *rest) for path, *rest in rows]


def test_fer2013_names_give_the_splits_of_the_contest(tmp_path):
    rows = write_fer2013(tmp_path)
    run("--config", "manifest/fer2013.yaml", "--root", tmp_path, "--out", tmp_path / "m.csv")
    assert read(tmp_path / "m.csv") == [
        ("path", "emotion", "split"), *((path, emotion, split) for path, split, emotion in rows)
    ]  # fmt: skip
    assert not (tmp_path / "m.csv.skipped.csv").exists()


def test_folders_are_a_pattern_like_any_other(tmp_path):
    rows = write_manifest(tmp_path / "faces")
    for other in ("notes.txt", ".hidden.png", "._000.jpg"):
        (tmp_path / "faces" / "00" / other).write_text("x")
    (tmp_path / "faces" / ".cache").mkdir()
    (tmp_path / "faces" / ".cache" / "0.png").write_text("x")
    out = tmp_path / "faces" / "people.csv"
    run("--root", tmp_path / "faces", "--out", out, "--pattern", r"^(?P<identity>[^/]+)/(?P<first>0+\.)?")
    wanted = [(r["path"], r["path"][:2], "" if i else "000.") for i, r in enumerate(rows)]
    assert read(out) == [("path", "identity", "first"), *wanted], "a group that took no part is empty"


def test_a_second_run_changes_nothing_and_keeps_the_manifest(tmp_path, monkeypatch, capsys):
    write_manifest(tmp_path)
    arguments = ["--root", tmp_path, "--out", tmp_path / "m.csv"]
    by_folder, by_name = ["--pattern", "(?P<identity>[^/]+)/"], ["--pattern", r"(?P<number>\d+)\.png"]
    run(*arguments, *by_folder)
    before = (tmp_path / "m.csv").read_bytes()
    run(*arguments, *by_folder)
    assert (tmp_path / "m.csv").read_bytes() == before
    capsys.readouterr()
    assert "--overwrite true" in fails(monkeypatch, capsys, *arguments, *by_name)
    assert (tmp_path / "m.csv").read_bytes() == before
    run(*arguments, *by_name, "--overwrite", "true")
    assert read(tmp_path / "m.csv")[0] == ("path", "number")
    assert sorted(p.name for p in tmp_path.iterdir() if p.is_file()) == ["m.csv", "manifest.csv"]


def test_names_that_a_manifest_cannot_hold_are_listed(tmp_path):
    for name in (b"a\\b.png", b"a\nb.png", b"\xff.png", b"fine.png", "ñandú.png".encode()):
        (tmp_path / os.fsdecode(name)).write_bytes(b"x")
    run("--root", tmp_path, "--out", tmp_path / "m.csv", "--pattern", r"(?P<name>\w+)\.png$")
    assert [row[1] for row in read(tmp_path / "m.csv")[1:]] == ["fine", "ñandú"]
    skipped = read(tmp_path / "m.csv.skipped.csv")[1:]
    assert {reason for _, reason in skipped} == {"the name has a backslash or unprintable characters"}
    assert len(skipped) == 3


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--pattern", "(?P<a>"], "not a regular expression"),
        (["--pattern", r"\d+"], "needs groups such as"),
        (["--pattern", r"(?P<path>\d+)"], "none named path"),
        (["--pattern", r"(?P<a>\d+)", "--classes", '{"b": {"0": "no"}}'], "no group 'b'; it has a"),
        (["--pattern", r"(?P<a>\d+)\.gif"], "none of 72 images fits, first 00/000.png: the pattern does not"),
        (["--pattern", r"(?P<a>x)", "--root", "nowhere"], "there is no folder nowhere"),
        (
            ["--pattern", r"(?P<a>\d+)", "--out", "manifest.csv/m.csv"],
            "manifest.csv/m.csv: manifest.csv is no folder; give another path",
        ),
        ([], "pattern"),
    ],
)
def test_a_mistake_is_one_line(tmp_path, monkeypatch, capsys, arguments, message):
    write_manifest(tmp_path)
    monkeypatch.chdir(tmp_path)
    assert message in fails(monkeypatch, capsys, "--root", ".", "--out", "m.csv", *arguments)
    assert not list(tmp_path.glob("*m.csv*"))


def test_a_folder_without_images_is_named(tmp_path, monkeypatch, capsys):
    message = fails(monkeypatch, capsys, "--root", tmp_path, "--out", "m.csv", "--pattern", "(?P<a>x)")
    assert "no images" in message
    assert all(suffix in message for suffix in (".jpg", ".png", ".ppm"))


@pytest.mark.parametrize("name", sorted(p.name for p in SHIPPED.glob("*.yaml")))
def test_every_shipped_pattern_is_accepted(name, tmp_path, monkeypatch, capsys):
    write_named_noise(tmp_path / "x.png")
    message = fails(
        monkeypatch, capsys, "--config", f"manifest/{name}", "--root", tmp_path, "--out", tmp_path / "m.csv"
    )
    assert "none of 1 images fits" in message


def test_the_real_fer2013_gives_its_own_manifest(face_data_root, tmp_path):
    root = face_data_root / "fer2013"
    run("--config", "manifest/fer2013.yaml", "--root", root, "--out", tmp_path / "m.csv")
    found = {path: (split, emotion) for path, emotion, split in read(tmp_path / "m.csv")}
    assert found == {path: (split, emotion) for path, split, emotion in read(root / "manifest.csv")}
