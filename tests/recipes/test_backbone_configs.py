"""The configurations of backbones train and embed by the real entry points."""

import pytest

from datamodules.tables.embedding_table import EmbeddingTable
from recipes import embed
from recipes.command_line.config_lookup import CONFIGS
from tests.support import toy
from tests.support.facenet import write_facenet

pytestmark = pytest.mark.slow

CASES = sorted(f"backbone/{p.name}" for p in CONFIGS.glob("backbone/*.yaml"))


@pytest.mark.parametrize("name", [name for name in CASES if "embed_" not in name])
def test_every_backbone_config_trains(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    weights = write_facenet(tmp_path / "facenet.safetensors")
    toy.run(
        monkeypatch, "--config", "baseline.yaml", "--config", name, *toy.DATA, *toy.QUIET,
        "--trainer.fast_dev_run=true", f"--model.init_args.weights={weights}",
        "--data.init_args.batch_size=4", "--model.init_args.trainable=last_stage",
    )  # fmt: skip


@pytest.mark.parametrize("name", [name for name in CASES if "embed_" in name])
def test_every_backbone_config_embeds(name, tmp_path):
    weights, out = write_facenet(tmp_path / "facenet.safetensors"), tmp_path / "x.safetensors"
    data = [option for option in toy.DATA if "batch_size" not in option]
    quiet = [option for option in toy.QUIET if "logger" not in option]
    arguments = ["--config", "embed.yaml", "--config", name, f"--model.weights={weights}", f"--out={out}"]
    embed.main([*arguments, "--config", "data/synthetic_faces.yaml", *data, *quiet, "--splits=[test]"])
    table = EmbeddingTable.load(out)
    assert table.embedding.shape == (72, 1792)
    assert table.provenance["features"] == "pooled"
    assert table.provenance["normalisation"] == "per_image"
