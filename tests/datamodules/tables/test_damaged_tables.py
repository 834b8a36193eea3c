"""Tables and parts whose bytes are not those that were written, or that contradict themselves."""

from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from datamodules.errors import DatasetError, visible
from datamodules.tables.embedding_file import TableHeader
from datamodules.tables.embedding_table import EmbeddingTable
from recipes.auditing.representation_tables import load_representations
from recipes.embedding.embedding_chunks import ChunkFolder


def _table(ids: list[str]) -> EmbeddingTable:
    return EmbeddingTable(
        embedding=torch.ones(len(ids), 3),
        labels={"emotion": torch.zeros(len(ids), dtype=torch.int64)},
        attributes={"emotion": ("sad", "happy")},
        sample_id=np.array(ids),
        split=torch.zeros(len(ids), dtype=torch.int8),
        provenance={},
    )


def _flip_a_bit(path: Path, found: bytes) -> None:
    data = bytearray(path.read_bytes())
    data[data.index(found)] ^= 1
    path.write_bytes(data)


def test_a_flipped_bit_of_a_table_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    _table(["a", "b"]).save(path)
    assert len(EmbeddingTable.load(path)) == 2
    _flip_a_bit(path, torch.ones(3).numpy().tobytes())
    with pytest.raises(DatasetError, match="embedding is damaged: its checksum"):
        EmbeddingTable.load(path)


def test_a_flipped_bit_of_a_part_makes_it_be_written_again(tmp_path: Path) -> None:
    folder = ChunkFolder(tmp_path, {"a": "b"}, {"train": 4}, batch_size=2, chunk_size=2)
    first, second = folder.chunks
    folder.write(first, torch.ones(2, 3))
    folder.write(second, torch.ones(2, 3))
    assert folder.missing() == []
    _flip_a_bit(folder._path(first), torch.ones(3).numpy().tobytes())
    assert folder.missing() == [0]
    save_file({"embedding": torch.ones(2, 3)}, folder._path(first), {"key": folder.key})
    assert folder.missing() == []  # of an earlier version, without a checksum


def test_classes_are_a_list_of_different_names() -> None:
    with pytest.raises(ValueError, match="must be a list of names, not 'abc'"):
        TableHeader({"emotion": "abc"}, {})
    with pytest.raises(ValueError, match="emotion has two classes of one name"):
        TableHeader({"emotion": ("sad", "sad")}, {})


def test_one_table_alone_may_not_have_a_sample_twice(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    _table(["a", "b", "a"]).save(path)
    with pytest.raises(DatasetError, match="1 sample id.s. more than once, first 'a'"):
        load_representations(str(path), [])


def test_control_characters_are_escaped() -> None:
    assert visible("a\x1b[2Jé\nb\udcff") == "a\\x1b[2Jé\nb\\udcff"
