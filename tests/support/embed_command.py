"""`recipes/embed.py` in this process, on images of noise."""

from pathlib import Path

import torch

from datamodules.contract import SPLITS
from datamodules.tables.embedding_table import EmbeddingTable
from lightning_modules.backbones.factory import build_backbone
from recipes import embed
from tests.support.embed_faces import Noise
from tests.support.exit_codes import exit_code

NOISE = ["--data=tests.support.embed_faces.Noise"]
QUIET = ["--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false", "--shard_size=7"]


def run(out: Path, *more: str) -> EmbeddingTable:
    """The table that the command writes."""
    embed.main([*NOISE, *QUIET, f"--out={out}", *more])
    return EmbeddingTable.load(out)


def exit_code_of(arguments: list[str]) -> int:
    """The exit code of the command."""
    return exit_code(lambda: embed.main(arguments))


def looped(network: Path, mirror: bool = False) -> torch.Tensor:
    """The embeddings, by a loop over batches of four."""
    backbone, parts = build_backbone(str(network)).eval(), []
    for split in SPLITS:
        data = Noise().make_dataset(split)
        for start in range(0, len(data), 4):
            image = data.read(torch.arange(start, min(start + 4, len(data))))["image"]
            with torch.inference_mode():
                parts.append(backbone(image) + backbone(image.flip(3)) if mirror else backbone(image))
    return torch.cat(parts)


class Killed(Exception):
    pass
