"""The embedding table: what goes in comes out, damaged files are named, tables are joined by sample."""

import json
import struct
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import load_file, save_file

from datamodules.errors import DatasetError
from datamodules.tables.embedding_file import read_header
from datamodules.tables.embedding_table import EmbeddingTable
from tests.support.embedding_tree import join, make_table, write_embeddings


def same(a: EmbeddingTable, b: EmbeddingTable) -> bool:
    columns = (
        (a.embedding, b.embedding),
        (a.split, b.split),
        *((a.labels[name], b.labels[name]) for name in a.labels | b.labels),
    )
    return (
        all(torch.equal(x, y) and x.dtype == y.dtype for x, y in columns)
        and a.sample_id.tolist() == b.sample_id.tolist()
        and (a.attributes, a.provenance) == (b.attributes, b.provenance)
        and list(a.attributes) == list(b.attributes)
    )


@pytest.mark.parametrize("memory_map", [False, True])
@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_what_was_saved_is_loaded(tmp_path, memory_map, dtype):
    table = make_table()
    table = replace(table, embedding=table.embedding.to(dtype))
    table.save(tmp_path / "new" / "a.safetensors")
    loaded = EmbeddingTable.load(tmp_path / "new" / "a.safetensors", memory_map=memory_map)
    assert same(loaded, table)
    assert [p.name for p in (tmp_path / "new").iterdir()] == ["a.safetensors"]


IDS = st.lists(
    st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"), max_size=12), min_size=1
)


@settings(max_examples=40, deadline=None)
@given(ids=IDS)
def test_any_text_can_be_a_sample_id(ids, tmp_path_factory):
    path = tmp_path_factory.mktemp("ids") / "t"
    n = len(ids)
    table = EmbeddingTable(torch.zeros(n, 1), {}, {}, np.array(ids), torch.zeros(n, dtype=torch.int8), {})
    table.save(path)
    assert EmbeddingTable.load(path).sample_id.tolist() == ids


def test_the_file_is_plain_safetensors(tmp_path):
    table = write_embeddings(tmp_path / "a")
    tensors = load_file(tmp_path / "a")
    assert set(tensors) == {"embedding", "split", "sample_id", *(f"labels.{name}" for name in table.labels)}
    assert torch.equal(tensors["labels.emotion"], table.labels["emotion"])
    first = "".join(map(chr, tensors["sample_id"][0].tolist())).rstrip("\0")
    assert first == table.sample_id[0]


def test_equal_tables_give_equal_bytes(tmp_path):
    for name in "abcdefgh":  # safetensors mixes the order of its metadata anew each time, process or not
        write_embeddings(tmp_path / name)
    assert len({path.read_bytes() for path in tmp_path.iterdir()}) == 1


def test_one_column_may_have_two_names_and_tensors_may_be_views(tmp_path):
    table = make_table()
    column = torch.stack([table.labels["gender"], table.labels["smiling"]], dim=1)[:, 0]
    shared = {"gender": column, "male": column}
    table = replace(
        table,
        embedding=torch.randn(10, len(table)).T[:, 2:5],
        labels=shared,
        attributes=dict.fromkeys(shared, ("no", "yes")),
    )
    table.save(tmp_path / "a")
    assert same(EmbeddingTable.load(tmp_path / "a"), table)


def test_a_write_that_fails_leaves_the_old_file(tmp_path, monkeypatch):
    table = write_embeddings(tmp_path / "a")

    def fail(tensors, path, metadata):
        Path(path).write_bytes(b"half")
        raise OSError("no space left")

    monkeypatch.setattr("datamodules.tables.safetensors_file.save_file", fail)
    with pytest.raises(OSError, match="no space left"):
        make_table(dimension=9).save(tmp_path / "a")
    assert same(EmbeddingTable.load(tmp_path / "a"), table)
    assert [p.name for p in tmp_path.iterdir()] == ["a"]


def test_a_mapped_table_does_not_change_the_file(tmp_path):
    table = write_embeddings(tmp_path / "a")
    before = (tmp_path / "a").read_bytes()
    mapped = EmbeddingTable.load(tmp_path / "a", memory_map=True)
    make_table(dimension=9).save(tmp_path / "a")
    assert same(mapped, table)
    table.save(tmp_path / "a")
    mapped = EmbeddingTable.load(tmp_path / "a", memory_map=True)
    mapped.embedding.zero_()
    assert (tmp_path / "a").read_bytes() == before


def test_the_header_is_read_without_the_numbers(tmp_path):
    table = write_embeddings(tmp_path / "a")
    header = read_header(tmp_path / "a")
    assert (header.attributes, header.provenance) == (table.attributes, table.provenance)
    data = bytearray((tmp_path / "a").read_bytes())
    start = 8 + struct.unpack("<Q", data[:8])[0]
    data[start:] = b"\xff" * (len(data) - start)
    (tmp_path / "a").write_bytes(data)
    assert read_header(tmp_path / "a") == header
    with pytest.raises(DatasetError):
        EmbeddingTable.load(tmp_path / "a")


def _rows(n: int) -> dict:
    return {"embedding": torch.zeros(n, 2)}


WRONG = {
    "one axis": ({"embedding": torch.zeros(144)}, r"embedding is \(144,\)"),
    "no rows": ({"embedding": torch.zeros(0, 4)}, r"embedding is \(0, 4\)"),
    "float64": ({"embedding": torch.zeros(144, 2, dtype=torch.float64)}, "must be float32 or float16"),
    "another length": (_rows(143), "sample_id must be 143 strings"),
    "bytes": ({"sample_id": np.full(144, b"x")}, "sample_id must be 144 strings"),
    "split of int64": ({"split": torch.zeros(144, dtype=torch.int64)}, "split must be 144 of torch.int8"),
    "a fourth split": ({"split": torch.full((144,), 3, dtype=torch.int8)}, "split: from 3 to 3"),
    "no class names": ({"attributes": {}}, "but class names of"),
    "no text": ({"provenance": {"seed": 3}}, "must be text"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_table_that_contradicts_itself_is_refused(case):
    changes, message = WRONG[case]
    with pytest.raises(ValueError, match=message):
        replace(make_table(), **changes)


@pytest.mark.parametrize(("label", "low", "high"), [(3, 0, 3), (-2, -2, 2)])
def test_a_label_without_a_class_is_refused(label, low, high):
    table = make_table()
    labels = table.labels | {"emotion": table.labels["emotion"].clone()}
    labels["emotion"][7] = -1
    replace(table, labels=labels)
    labels["emotion"][7] = label
    low = min(low, label)
    with pytest.raises(ValueError, match=f"labels of emotion: from {low} to {high}, but there are 3 classes"):
        replace(table, labels=labels)


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
def test_embeddings_that_are_not_finite_are_counted(dtype):
    table = make_table()
    embedding = table.embedding.to(dtype)
    embedding[3, 4:7], embedding[9, 0], embedding[11, 2] = float("nan"), float("inf"), -float("inf")
    with pytest.raises(ValueError, match="3 of 144 embeddings are not finite"):
        replace(table, embedding=embedding)
    replace(table, embedding=torch.full((144, 50), torch.finfo(dtype).max, dtype=dtype))


def _reheaded(path: Path, change) -> None:
    """Rewrite the file with a changed header of the table."""
    tensors = load_file(path)
    with open(path, "rb") as file:
        text = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))["__metadata__"]["embedding_table"]
    header = json.loads(text)
    change(header)
    save_file(tensors, path, metadata={"embedding_table": json.dumps(header)})


def _rewritten(path: Path, change) -> None:
    """Rewrite the file with changed tensors."""
    with open(path, "rb") as file:
        metadata = json.loads(file.read(struct.unpack("<Q", file.read(8))[0]))["__metadata__"]
    tensors = load_file(path)
    change(tensors)
    header = json.loads(metadata["embedding_table"])
    del header["sha256"]  # what a file without checksums contradicts itself in is found all the same
    save_file(tensors, path, metadata={"embedding_table": json.dumps(header)})


def _set_nan(tensors):
    tensors["embedding"][5, 1] = float("nan")


def _drop_an_id(tensors):
    tensors["sample_id"] = tensors["sample_id"][1:].clone()


def _halve(tensors):
    tensors["embedding"] = tensors["embedding"].bfloat16()


DAMAGE = {
    "missing": (lambda p: p.unlink(), "no such embedding table; write one with recipes/embed.py"),
    "a folder": (lambda p: (p.unlink(), p.mkdir()), "no such embedding table"),
    "empty": (lambda p: p.write_bytes(b""), "header too small"),
    "cut short": (lambda p: p.write_bytes(p.read_bytes()[:-1]), "incomplete metadata"),
    "text": (lambda p: p.write_text("embedding,label\n" * 99), "damaged or no embedding table"),
    "a huge header": (lambda p: p.write_bytes(b"\xff" * 7 + b"\x7f{}"), "header too large"),
    "another safetensors": (lambda p: save_file({"w": torch.ones(3)}, p), "not an embedding table"),
    "another version": (lambda p: _reheaded(p, lambda h: h.update(version=2)), "not of version 1"),
    "no class names": (lambda p: _reheaded(p, lambda h: h.pop("attributes")), "lacks 'attributes'"),
    "odd class names": (lambda p: _reheaded(p, lambda h: h["attributes"].update(emotion=[1, 2, 3])), "text"),
    "no list": (lambda p: _reheaded(p, lambda h: h["attributes"].update(emotion=3)), "a list of names"),
    "odd provenance": (lambda p: _reheaded(p, lambda h: h.update(provenance=[])), "JSON objects"),
    "no embedding": (lambda p: _rewritten(p, lambda t: t.pop("embedding")), "embedding"),
    "fewer ids": (lambda p: _rewritten(p, _drop_an_id), "144 strings"),
    "no ids": (lambda p: _rewritten(p, lambda t: t.update(sample_id=torch.zeros(144))), "sample_id is"),
    "odd ids": (lambda p: _rewritten(p, lambda t: t["sample_id"].fill_(1 << 30)), "no characters"),
    "bfloat16": (lambda p: _rewritten(p, _halve), "BFloat16"),
    "not finite": (lambda p: _rewritten(p, _set_nan), "1 of 144 embeddings are not finite"),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_file_is_named_in_one_line(case, tmp_path):
    path = tmp_path / "table.safetensors"
    write_embeddings(path)
    damage, message = DAMAGE[case]
    damage(path)
    with pytest.raises(DatasetError, match=message) as caught:
        EmbeddingTable.load(path)
    assert str(path) in str(caught.value)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("seed", range(3))
def test_joined_tables_hold_the_same_samples_in_the_same_order(seed):
    table = make_table()
    draw = torch.Generator().manual_seed(seed)
    mine, other = (torch.randperm(len(table), generator=draw)[:100] for _ in range(2))
    first = table.take(mine)
    second = replace(table, embedding=-table.embedding).take(other)
    common = [i for i in mine.tolist() if i in set(other.tolist())]
    left, right = join(first, second)
    assert left.sample_id.tolist() == right.sample_id.tolist() == table.sample_id[common].tolist()
    assert same(left, table.take(torch.tensor(common)))
    assert torch.equal(left.embedding, -right.embedding)


def test_whole_tables_join_without_a_word(recwarn):
    table = make_table()
    left, right = join(table, table.take(torch.arange(len(table)).flip(0)))
    assert same(left, table)
    assert same(right, table)
    assert not recwarn


def test_tables_that_cannot_be_joined_are_refused():
    table = make_table()
    twice = table.take(torch.tensor([0, 1, 1, 2, 2]))
    with pytest.raises(
        DatasetError, match=r"the first table has 2 sample id\(s\) more than once, first '1/face"
    ):
        join(twice, table)
    with pytest.raises(DatasetError, match="the second table has 2"):
        join(table, twice)
    other = replace(table, sample_id=np.array([f"x{i}" for i in range(len(table))]))
    with pytest.raises(
        DatasetError, match="in common, of 144 and 144; their first are '0/face_0000.jpg' and 'x0'"
    ):
        join(table, other)


def _of(table: EmbeddingTable, **provenance: str) -> EmbeddingTable:
    return replace(table, provenance=provenance)


def test_the_same_names_of_other_data_are_not_joined():
    table = make_table()
    half, rest = table.take(torch.arange(0, 100)), table.take(torch.arange(40, 144))
    message = (
        r"other samples: 60 sample ids match, of 100 and 104, but the fingerprints of the data differ "
        r"\(a+\.\.\. and b+\.\.\.\); embed the same data"
    )
    with pytest.raises(DatasetError, match=message):
        join(_of(half, dataset="a" * 64), _of(rest, dataset="b" * 64))
    assert (
        len(join(_of(half, dataset="a" * 64, model="x"), _of(rest, dataset="a" * 64, model="phi"))[0]) == 60
    )


@pytest.mark.parametrize("origin", [{}, {"dataset": "b", "splits": "test"}])
def test_an_unrelated_fingerprint_refuses_nothing(origin, recwarn):
    table = make_table()
    left, right = join(_of(table, dataset="a", splits="train,test"), _of(table, **origin))
    assert len(left) == len(right) == 144
    assert not recwarn


def test_samples_with_other_labels_are_not_joined():
    table = make_table()
    gender = table.labels["gender"].clone()
    gender[[3, 9]] = 1 - gender[[3, 9]]
    gender[[4, 5]] = -1
    other = replace(table, labels=table.labels | {"gender": gender})
    message = "144 sample ids match, of 144 and 144, but gender differs in 2 of them"
    with pytest.raises(DatasetError, match=message):
        join(table, other)
    with pytest.raises(DatasetError, match=message):
        join(other, table)


def test_labels_are_compared_by_the_names_of_their_classes():
    table = make_table()
    turned = replace(
        table,
        labels=table.labels | {"gender": 1 - table.labels["gender"]},
        attributes=table.attributes | {"gender": ("male", "female")},
    )
    join(table, turned)
    with pytest.raises(DatasetError, match="gender differs in 144"):
        join(table, replace(turned, attributes=table.attributes))


def test_attributes_of_one_table_alone_do_not_matter():
    table = make_table()
    fewer = {"emotion": table.labels["emotion"]}
    left, right = join(
        table, replace(table, labels=fewer, attributes={"emotion": ("neutral", "happy", "sad")})
    )
    assert len(left.labels) == 5
    assert list(right.labels) == ["emotion"]


@pytest.mark.parametrize(("split", "name"), [(0, "train"), (-1, "no split")])
def test_splits_that_contradict_each_other_are_refused(split, name):
    table = make_table()
    moved = table.split.clone()
    moved[[2, 5]] = split
    message = (
        "the splits contradict each other in 2 of 144 samples: '2/face_0002.jpg' is in test by "
        f"the first table, in {name} by the second table; embed the same splits"
    )
    with pytest.raises(DatasetError, match=message):
        join(table, replace(table, split=moved))
    kept = torch.tensor([0, 1, 3, 4])
    join(table, replace(table, split=moved).take(kept))


@pytest.mark.parametrize("memory_map", [False, True])
def test_whom_a_table_learned_from_is_kept(tmp_path, memory_map):
    table = replace(make_table(), learned_from=np.array(["0/face_0000.jpg", "elsewhere"]))
    table.save(tmp_path / "a")
    found = EmbeddingTable.load(tmp_path / "a", memory_map=memory_map)
    assert found.learned_from.tolist() == ["0/face_0000.jpg", "elsewhere"]
    assert found.take(torch.tensor([3])).learned_from.tolist() == ["0/face_0000.jpg", "elsewhere"]
    write_embeddings(tmp_path / "b")
    assert EmbeddingTable.load(tmp_path / "b").learned_from is None
    with pytest.raises(ValueError, match="learned_from must be strings"):
        replace(table, learned_from=np.arange(3))
