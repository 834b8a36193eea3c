"""Time what `recipes/embed.py` adds to the embedding itself: Trainer, chunks and their files.

    python -m benchmarks.embed_speed

Synthetic faces drawn beforehand, the shipped recogniser, batches of 64, one thread, compared with a raw loop.
The sides take turns; a ratio is the median of those of the rounds, above 1 if ours costs more. Both have to
give the same numbers. The last line is JSON.
"""

import json
import logging
import tempfile
from pathlib import Path
from typing import Any

import torch
from pytorch_lightning import Trainer
from torch import Tensor

from benchmarks.options import make_parser
from benchmarks.timing import faster, take_turns
from datamodules.contract import FaceBatch, FaceDataset
from datamodules.synthetic_faces import SyntheticFaces
from lightning_modules.training.base import FaceModule
from recipes.embedding.embedder import load_embedder
from recipes.embedding.embedding_chunks import ChunkFolder
from recipes.embedding.embedding_job import EmbeddingJob

BATCH = 64


class Drawn(FaceDataset):
    """The first faces of the synthetic test split, in memory."""

    def __init__(self, count: int) -> None:
        dataset = SyntheticFaces().make_dataset("test")
        self.image = dataset.read(torch.arange(count))["image"]

    def __len__(self) -> int:
        return len(self.image)

    def labels(self, index: Tensor) -> FaceBatch:
        """Return no labels."""
        return {}

    def read(self, index: Tensor) -> FaceBatch:
        """Return the `image` (N, 3, 64, 64) at `index` (N,)."""
        return {"image": self.image[index]}


def raw_loop(embedder: FaceModule, data: Drawn) -> Tensor:
    """Embed all images, (n, D)."""
    with torch.inference_mode():
        return torch.cat([embedder.embed(image) for image in data.image.split(BATCH)])


def our_way(embedder: FaceModule, data: Drawn) -> Tensor:
    """Embed the same by way of chunk files."""
    with tempfile.TemporaryDirectory() as root:
        folder = ChunkFolder(Path(root, "parts"), {}, {"test": len(data)}, BATCH, 1024)
        quiet: dict[str, Any] = {
            "logger": False,
            "enable_checkpointing": False,
            "enable_model_summary": False,
        }
        trainer = Trainer(accelerator="cpu", enable_progress_bar=False, **quiet)
        trainer.predict(EmbeddingJob(embedder, {"test": data}, folder), return_predictions=False)
        return folder.merge()


def compare(count: int, rounds: int) -> dict[str, Any]:
    """Return the ratio, after a check that both results are equal."""
    data, embedder = Drawn(count), load_embedder(backbone="synthetic_recogniser")
    assert torch.equal(our_way(embedder, data), raw_loop(embedder, data)), "the embeddings differ"
    sides = {"ours": lambda: our_way(embedder, data), "raw": lambda: raw_loop(embedder, data)}
    return faster(take_turns(sides, rounds), "ours", "raw")


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__, rounds=5)
    parser.add_argument("--count", type=int, default=2048, help="faces (default: 2048)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    logging.getLogger("pytorch_lightning.utilities.rank_zero").setLevel(logging.ERROR)
    print(f"torch {torch.__version__}, {options.count:,} faces, {options.rounds} rounds: median (range)")
    print(json.dumps(compare(options.count, options.rounds)))


if __name__ == "__main__":
    main()
