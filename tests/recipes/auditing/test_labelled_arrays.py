"""Arrays and labels of other programs through the real audit command, from every kind of file."""

import json
import pickle
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from safetensors.torch import save_file

from datamodules.tables.embedding_table import EmbeddingTable
from recipes import audit
from recipes.auditing.array_files import read_array
from recipes.auditing.labelled_arrays import load_arrays
from recipes.auditing.representation_tables import load_representations
from recipes.command_line.errors import report_errors
from tests.support.small_audits import FAST, make_table

QUICK = [*FAST, "--permutations=0"]


@pytest.fixture
def table() -> EmbeddingTable:
    return make_table(6.0, people=30)


@pytest.fixture
def folder(tmp_path, table, blank_figures) -> Path:
    """The table as arrays, and its labels as a file."""
    x = table.embedding.numpy()
    np.save(tmp_path / "x.npy", x)
    labels = pd.DataFrame(
        {
            "sample_id": table.sample_id,
            "subject": table.labels["identity"].numpy(),
            "split": np.array(["train", "val", "test"])[table.split],
            "block": np.arange(len(table)) // 3,
            "smiling": np.array(["no", "yes"])[table.labels["smiling"]],
            "age": np.linspace(18, 80, len(table)),
            "planet": "earth",
        }
    )
    labels.to_csv(tmp_path / "labels.csv", index=False)
    return tmp_path


def run(folder: Path, *more: str, before: str = "x.npy", labels: str | None = "labels.csv") -> int:
    given = [f"--before={folder / before}", f"--out={folder / 'out'}", *QUICK]
    given += [] if labels is None else [f"--labels={folder / labels}"]
    try:
        report_errors(lambda: audit.main([*given, *more]))
    except SystemExit as stopped:
        return stopped.code
    return 0


@pytest.mark.slow
def test_arrays_give_the_figures_of_the_table(folder, table):
    table.save(folder / "x.safetensors")
    assert run(folder) == 0
    numbers = json.loads((folder / "out" / "numbers.json").read_text())
    assert numbers["attributes"] == ["smiling"]
    assert "age has 180 different numbers that are not whole" in numbers["facts"]["columns left out"]
    assert numbers["facts"]["labels: file"].startswith("labels.csv, sha256 ")
    as_arrays = numbers["sections"]["leakage"]
    assert run(folder, "--sensitive=smiling", before="x.safetensors", labels=None) == 0
    as_table = json.loads((folder / "out" / "numbers.json").read_text())["sections"]["leakage"]
    assert as_arrays["balanced_accuracy"] == as_table["balanced_accuracy"]
    assert as_arrays["n"] == as_table["n"] == [120]


def _written(folder: Path, kind: str, x: np.ndarray, ids: np.ndarray | None) -> Path:
    path = folder / f"z.{kind}"
    named = {} if ids is None else {"sample_id": ids}
    if kind == "npy":
        np.save(path, x)
    elif kind == "npz":
        np.savez(path, embedding=x, other=x[:, :2], **named)
    elif kind == "safetensors":
        save_file({"features": torch.from_numpy(x), "steps": torch.arange(3)}, path)
    else:
        frame = pd.DataFrame({**named, **{f"f{place}": column for place, column in enumerate(x.T)}})
        frame.to_csv(path, index=False) if kind == "csv" else frame.to_parquet(path)
    return path


@pytest.mark.parametrize("kind", ["npy", "npz", "csv", "parquet", "safetensors"])
def test_every_kind_of_file_is_read(folder, table, kind):
    x = table.embedding.double().numpy()
    found = read_array(_written(folder, kind, x, None))
    np.testing.assert_allclose(found.embedding, x)
    assert found.sample_id is None
    if kind not in ("npy", "safetensors"):
        ids = np.array([f"{place:03d}" for place in range(len(x))])
        assert read_array(_written(folder, kind, x, ids)).sample_id.tolist() == ids.tolist()


def test_tables_of_ours_are_read_with_their_ids(folder, table):
    table.save(folder / "z.safetensors")
    found = read_array(folder / "z.safetensors")
    assert found.sample_id.tolist() == table.sample_id.tolist()
    np.testing.assert_array_equal(found.embedding, table.embedding)


def test_rows_are_matched_by_their_ids(folder, table):
    x, order = table.embedding.numpy(), np.random.default_rng(0).permutation(len(table))
    np.savez(folder / "x.npz", embedding=x[order], sample_id=table.sample_id[order])
    np.savez(folder / "z.npz", embedding=-x[5:], sample_id=table.sample_id[5:])
    paths = str(folder / "x.npz"), [str(folder / "z.npz")]
    found, _ = load_arrays(*paths, folder / "labels.csv", None, ())
    assert found.sample_id.tolist() == table.sample_id[order].tolist()
    assert found.identity.tolist() != table.labels["identity"].tolist()
    twins = pd.factorize(table.labels["identity"].numpy()[order])[0]
    assert found.identity.tolist() == twins.tolist()
    assert found.labels["smiling"].tolist() == table.labels["smiling"].numpy()[order].tolist()
    assert found.split.tolist() == table.split.numpy()[order].tolist()
    assert found.present("z").tolist() == (order >= 5).tolist()
    np.testing.assert_array_equal(found.embeddings["z"][order >= 5], -x[order[order >= 5]])


def test_a_short_array_needs_ids_and_is_counted(folder, table, capsys):
    x = table.embedding.numpy()
    np.save(folder / "z.npy", x[5:])
    assert run(folder, f"--after={folder / 'z.npy'}") == 2
    assert "z.npy has 175 rows, " in capsys.readouterr().err
    np.savez(folder / "z.npz", embedding=x[: len(x) // 2], sample_id=table.sample_id[: len(x) // 2])
    assert run(folder, f"--after={folder / 'z.npz'}") == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "z lacks 90 of the 120 tested samples (75.0 %), first '0090'" in error


def test_another_column_may_hold_the_blocks(folder):
    found, _ = load_arrays(str(folder / "x.npy"), [], folder / "labels.csv", None, ())
    assert found.block.tolist() == (np.arange(180) // 3).tolist()
    named, _ = load_arrays(str(folder / "x.npy"), [], folder / "labels.csv", "planet", ())
    assert set(named.block.tolist()) == {0}


def test_a_pickle_is_never_loaded(folder, capsys):
    np.save(folder / "evil.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    (folder / "evil.npz").write_bytes(pickle.dumps([1.0]))
    for name in ("evil.npy", "evil.npz"):
        assert run(folder, before=name) == 2
        error = capsys.readouterr().err
        assert error.count("\n") == 1
        assert name in error


def _edited(folder: Path, change) -> None:
    frame = pd.read_csv(folder / "labels.csv")
    change(frame).to_csv(folder / "labels.csv", index=False)


MISTAKES = {
    "no labels": ({"labels": None}, [], None, "x.npy holds embeddings without labels; give their file by"),
    "no file": ({"labels": "none.csv"}, [], None, "none.csv: there is no such file"),
    "no array": ({"before": "none.npy"}, [], None, "none.npy: there is no such file"),
    "labels of arrays": ({"labels": "x.npy"}, [], None, "x.npy: labels are read from .csv or .parquet"),
    "another kind": ({"before": "labels.txt"}, [], None, "'.txt' is no kind of file that is read; these"),
    "fewer labels": ({}, [], lambda f: f[:9], "labels.csv has 9 rows, "),
    "two subjects": ({}, [], lambda f: f.assign(identity=1), "has columns identity and subject; keep one"),
    "odd split": ({}, [], lambda f: f.assign(split="dev"), "splits holds 'dev'; splits are train, val, test"),
    "measured": ({}, ["--sensitive=age"], None, "age has 180 different numbers that are not whole"),
    "no such": ({}, ["--sensitive=gender"], None, "there is no attribute 'gender'; there are smiling"),
    "no block": ({}, ["--block=take"], None, "--block: no column 'take' in"),
    "nothing": ({}, [], lambda f: f[["sample_id", "age"]], "has no attribute of two classes; age has 180"),
}  # fmt: skip


@pytest.mark.parametrize("mistake", MISTAKES)
def test_mistakes_are_one_line(folder, mistake, capsys):
    options, more, change, message = MISTAKES[mistake]
    (folder / "labels.txt").write_text("a")
    if change is not None:
        _edited(folder, change)
    assert run(folder, *more, **options) == 2
    error = capsys.readouterr().err
    assert message in error
    assert error.count("\n") == 1


@pytest.mark.parametrize("damage", [lambda x: x[:-9], lambda x: b"", lambda x: b"\x00" * 99])
@pytest.mark.parametrize("kind", ["npy", "npz", "parquet", "safetensors"])
def test_damaged_files_are_named_in_one_line(folder, table, kind, damage, capsys):
    path = _written(folder, kind, table.embedding.numpy(), None)
    path.write_bytes(damage(path.read_bytes()))
    assert run(folder, before=path.name) == 2
    error = capsys.readouterr().err
    assert path.name in error
    assert error.count("\n") == 1


def test_ids_that_occur_twice_or_have_no_labels_are_refused(folder, table, capsys):
    twice, others = np.array(["0001"] * 180), np.arange(180).astype(str)
    for ids, message in ((twice, "179 sample id(s) more than once"), (others, "no labels of 180 samples")):
        np.savez(folder / "x.npz", embedding=table.embedding.numpy(), sample_id=ids)
        assert run(folder, before="x.npz") == 2
        assert message in capsys.readouterr().err


def test_tables_are_still_read_without_labels(folder, table):
    table.save(folder / "t.safetensors")
    assert load_representations(str(folder / "t.safetensors"), [])[0].labels.keys() >= {"smiling", "gender"}
