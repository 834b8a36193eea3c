"""Tables of a checkpoint say which samples its run learned from, where that is recorded."""

import json

import numpy as np
import pytest

from callbacks.run_record import TRAINING_SAMPLES
from datamodules.tables.embedding_table import EmbeddingTable
from lightning_modules.baseline import Baseline
from recipes import embed
from recipes.auditing.training_record import subjects_learned_from
from recipes.embedding.training_samples import read_training_samples
from storage.json_file import DamagedFileError
from tests.support.checkpoints import TOY_BACKBONE, write_checkpoint
from tests.support.embed_command import NOISE, QUIET

SAMPLES = [f"train/{place:06d}" for place in range(37)]


def run(tmp_path, name, *more) -> EmbeddingTable:
    embed.main(
        [
            *QUIET,
            f"--ckpt={tmp_path / 'run' / 'checkpoints' / 'best.ckpt'}",
            f"--out={tmp_path / name}",
            *more,
        ]
    )
    return EmbeddingTable.load(tmp_path / name)


@pytest.fixture
def checkpoint(tmp_path):
    path = write_checkpoint(Baseline(**TOY_BACKBONE, task="smiling"), tmp_path / "run")
    (tmp_path / "run" / TRAINING_SAMPLES).write_text(json.dumps({"samples": SAMPLES}))
    return path


def test_the_table_holds_the_training_samples_of_the_run(checkpoint, tmp_path):
    table = run(tmp_path, "phi", *NOISE)
    assert table.learned_from.tolist() == SAMPLES
    assert table.provenance["network learned from"].startswith("37 training samples (sha256 ")
    # the identities of this dataset are numbered anew in each split, so that those of train are in test, too
    train = set(table.labels["identity"][table.split == 0].tolist())
    seen = [int(identity in train) for identity in table.labels["identity"].tolist()]
    assert subjects_learned_from(table, table).tolist() == seen
    (tmp_path / "run" / TRAINING_SAMPLES).unlink()
    table = run(tmp_path, "unknown", *NOISE)
    assert table.learned_from is None
    assert "network learned from" not in table.provenance
    assert subjects_learned_from(table, table) is None


def test_a_damaged_record_is_one_line(checkpoint, tmp_path):
    assert read_training_samples(checkpoint).tolist() == SAMPLES
    (tmp_path / "run" / TRAINING_SAMPLES).write_text("{")
    with pytest.raises(DamagedFileError, match="training_samples.json is damaged .*: remove it"):
        read_training_samples(checkpoint)


def test_a_record_of_one_network_of_two_is_incomplete(checkpoint, tmp_path):
    table = run(tmp_path, "phi", *NOISE)
    half = {"learned_from": np.array(["train/000000"])}
    for origin, others in (
        ({"source/model": "x"}, -1),
        ({"source/model": "x", "source/network learned from": ""}, 0),
    ):
        provenance = table.provenance | origin
        chained = EmbeddingTable(**{**vars(table), **half, "provenance": provenance})
        assert set(subjects_learned_from(chained, chained)) == {1, others}
