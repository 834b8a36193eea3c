"""Embeddings as a dataset: the contract, the splits of the table, memory or disk."""

import pickle
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from jsonargparse import ArgumentParser

from datamodules import embeddings
from datamodules.base import FaceDataModule
from datamodules.contract import SPLITS
from datamodules.embeddings import Embeddings
from datamodules.errors import DatasetError
from datamodules.tables.embedding_table import EmbeddingTable
from tests.support.embedding_tree import write_embeddings


@pytest.fixture
def path(tmp_path) -> Path:
    return tmp_path / "table.safetensors"


@pytest.mark.parametrize("dtype", [torch.float32, torch.float16])
@pytest.mark.parametrize("share", [0.0, 0.5])
def test_the_loaders_give_the_rows_of_their_split(path, dtype, share):
    table = write_embeddings(path)
    replace(table, embedding=table.embedding.to(dtype)).save(path)
    datamodule = Embeddings(str(path), max_memory_share=share, batch_size=11)
    datamodule.setup("fit")
    datamodule.setup("test")
    loaders = (datamodule.train_dataloader(), datamodule.val_dataloader(), datamodule.test_dataloader())
    for place, loader in enumerate(loaders):
        rows = (table.split == place).nonzero()[:, 0]
        batches = list(loader)
        assert len(batches) == (4 if place == 0 else 5), "training drops an incomplete batch"
        for batch in batches:
            assert set(batch) == {"embedding", "index", *table.labels}
            assert batch["embedding"].dtype == torch.float32
            chosen = rows[batch["index"]]
            assert torch.equal(batch["embedding"], table.embedding[chosen].to(dtype).float())
            for name, column in table.labels.items():
                assert torch.equal(batch[name], column[chosen])
                assert batch[name].dtype == torch.int64


def test_padding_is_unknown_but_has_an_embedding(path):
    write_embeddings(path)
    data = Embeddings(str(path)).make_dataset("val")
    batch = data.__getitems__([4, -1])
    assert all(column[1] == -1 for name, column in batch.items() if name != "embedding")
    assert torch.equal(batch["embedding"], torch.stack([data[4]["embedding"], data[0]["embedding"]]))


def test_the_table_is_read_to_memory_only_if_it_fits(path, monkeypatch):
    write_embeddings(path)
    asked = []
    load = EmbeddingTable.load
    monkeypatch.setattr(
        EmbeddingTable,
        "load",
        lambda p, *, memory_map: asked.append(memory_map) or load(p, memory_map=memory_map),
    )
    size = path.stat().st_size
    for memory in (2 * size, 2 * size - 1):
        monkeypatch.setattr(embeddings, "memory_bytes", lambda memory=memory: memory)
        datamodule = Embeddings(str(path))
        for split in SPLITS:
            datamodule.make_dataset(split)
    assert asked == [False, True], "once for all splits"


def test_attributes_are_known_from_the_header_alone(path, monkeypatch):
    table = write_embeddings(path)
    monkeypatch.setattr(EmbeddingTable, "load", None)
    assert Embeddings(str(path)).attributes == table.attributes


def test_a_split_that_the_table_lacks_is_named_with_what_it_has(path):
    table = write_embeddings(path)
    table.take((table.split != 1).nonzero()[:, 0]).save(path)
    datamodule = Embeddings(str(path))
    assert len(datamodule.make_dataset("test")) == 48
    with pytest.raises(
        DatasetError, match="no sample in the val split; the table has 48 in train, 0 in val, 48"
    ):
        datamodule.setup("fit")


def test_samples_of_no_split_are_in_none(path):
    table = write_embeddings(path)
    split = table.split.clone()
    split[:9] = -1
    replace(table, split=split).save(path)
    datamodule = Embeddings(str(path))
    assert sum(len(datamodule.make_dataset(s)) for s in SPLITS) == 144 - 9


def test_two_loader_processes_give_the_same_batches(path):
    write_embeddings(path)
    one, two = (Embeddings(str(path), batch_size=8, num_workers=n, max_memory_share=0.0) for n in (0, 2))
    for datamodule in (one, two):
        datamodule.setup("fit")
    for alone, together in zip(one.train_dataloader(), two.train_dataloader(), strict=True):
        assert all(torch.equal(alone[key], together[key]) for key in alone)


def test_a_dataset_can_be_sent_to_a_spawned_process(path):
    write_embeddings(path)
    data = Embeddings(str(path)).make_dataset("val")
    assert torch.equal(pickle.loads(pickle.dumps(data))[3]["embedding"], data[3]["embedding"])


def test_the_fingerprint_is_that_of_the_file(path, tmp_path):
    table = write_embeddings(path)
    first = Embeddings(str(path)).fingerprint
    table.save(tmp_path / "copy")
    assert Embeddings(str(tmp_path / "copy"), batch_size=3, seed=4).fingerprint == first
    assert len(first) == 64
    embedding = table.embedding.clone()
    embedding[-1, -1] += 1e-6
    replace(table, embedding=embedding).save(path)
    assert Embeddings(str(path)).fingerprint != first


def test_what_is_wrong_is_said_in_one_line(path):
    with pytest.raises(DatasetError, match="no such embedding table"):
        _ = Embeddings(str(path)).attributes
    with pytest.raises(ValueError, match="max_memory_share is -1"):
        Embeddings(str(path), max_memory_share=-1.0)
    with pytest.raises(ValueError, match="cannot be mirrored"):
        Embeddings(str(path), flip=True)


def test_a_config_builds_it(path):
    parser = ArgumentParser(exit_on_error=False, parser_mode="omegaconf")
    parser.add_argument("--config", action="config")
    parser.add_subclass_arguments(FaceDataModule, "data")
    config = Path(__file__).parents[2] / "configs" / "data" / "embeddings.yaml"
    given = parser.parse_args([f"--config={config}", f"--data.init_args.table={path}"])
    assert parser.instantiate(given).data.path == path
