"""Time embeddings: batches of triplets from a table, and the table from its file.

    python -m benchmarks.embedding_batches

One batch is 128 triplets of 2048 numbers, as SensitiveNets trains on. It is compared with the same rows
fetched one by one through a Dataset and torch's collate function, and with one training step in plain torch
(three linear layers of 1024, a frozen emotion head, Adam). Loading is compared with torch.load and with
parquet, each followed by a sum, which would find a NaN; the table's own check has read every number too.
Processor time of one thread; the sides take turns and a ratio is the median of those of the rounds. The last
line is JSON. Files are in the page cache.
"""

import json
import tempfile
from collections.abc import Callable
from itertools import product
from pathlib import Path

import numpy as np
import pandas as pd
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset, default_collate

from benchmarks.options import make_parser
from benchmarks.timing import Times, faster, per_item, take_turns, use_up
from datamodules.embeddings import EmbeddingRows
from datamodules.tables.embedding_table import EmbeddingTable

TRIPLETS, DIMENSION, WIDTH, IMAGES = 128, 2048, 1024, 10
PER_ROUND = 50  # batches of a round; a single one is too short for the clock


def make_table(rows: int) -> EmbeddingTable:
    """Make random embeddings of identities with ten images each, all in training."""
    index = torch.arange(rows)
    labels = {"identity": index // IMAGES, "gender": index // IMAGES % 2, "emotion": index % 6}
    return EmbeddingTable(
        embedding=torch.randn(rows, DIMENSION, generator=torch.Generator().manual_seed(0)),
        labels=labels,
        attributes={name: tuple(map(str, range(int(x.max()) + 1))) for name, x in labels.items()},
        sample_id=np.array([f"{i:06d}.jpg" for i in range(rows)]),
        split=torch.zeros(rows, dtype=torch.int8),
        provenance={},
    )


class OneByOne(Dataset[dict[str, Tensor]]):
    """The straightforward way: a sample is an indexed row with its labels."""

    def __init__(self, table: EmbeddingTable) -> None:
        self.table = table

    def __getitem__(self, index: int) -> dict[str, Tensor]:
        labels = {name: column[index] for name, column in self.table.labels.items()}
        return {"embedding": self.table.embedding[index], "index": torch.tensor(index), **labels}


def draw_triplets(rows: int, generator: np.random.Generator) -> list[int]:
    """Draw the rows (384,) of anchors, positives and negatives."""
    anchor = generator.integers(rows, size=TRIPLETS)
    positive = anchor // IMAGES * IMAGES + (anchor + generator.integers(1, IMAGES, TRIPLETS)) % IMAGES
    negative = (anchor + generator.integers(IMAGES, rows - IMAGES, TRIPLETS)) % rows
    return np.concatenate([anchor, positive, negative]).tolist()


def make_step() -> Callable[[Tensor], None]:
    """Make a SensitiveNets step on embeddings (384, 2048): triplet loss, and P(neutral) driven to 0.9."""
    projection = nn.Sequential(nn.Linear(DIMENSION, WIDTH), nn.Linear(WIDTH, WIDTH), nn.Linear(WIDTH, WIDTH))
    head = nn.Sequential(nn.Linear(WIDTH, WIDTH), nn.ReLU(), nn.Linear(WIDTH, 6)).requires_grad_(False)
    optimizer = torch.optim.Adam(projection.parameters(), lr=1e-3)

    def step(embedding: Tensor) -> None:
        projected = projection(embedding)
        anchor, positive, negative = projected.split(TRIPLETS)
        near, far = ((anchor - other).square().sum(1) for other in (positive, negative))
        neutral = head(projected).softmax(1)[:, 0]
        loss = (near - far + 0.2).relu().mean() + (0.9 - neutral).abs().log1p().mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    return step


def batches(table: EmbeddingTable, rounds: int) -> Times:
    """Measure milliseconds of a batch from the table, of one fetched row by row, and of a training step."""
    ours, theirs = EmbeddingRows(table, torch.arange(len(table))), OneByOne(table)
    generator = np.random.default_rng(0)
    indices = [draw_triplets(len(table), generator) for _ in range(PER_ROUND)]
    step, batch = make_step(), ours.__getitems__(indices[0])["embedding"]
    times = take_turns(
        {
            "table": lambda: use_up(ours.__getitems__(index) for index in indices),
            "one by one": lambda: use_up(default_collate([theirs[i] for i in index]) for index in indices),
            "step": lambda: use_up(step(batch) for _ in range(2)),
        },
        rounds,
    )
    steps = {"step": times.pop("step")}
    return per_item(times, PER_ROUND) | per_item(steps, 2)


def loads(table: EmbeddingTable, rounds: int, folder: Path) -> Times:
    """Measure milliseconds to read and check the embeddings and labels."""
    path, torch_path, parquet = folder / "a.safetensors", folder / "a.pt", folder / "a.parquet"
    table.save(path)
    torch.save({"embedding": table.embedding, **table.labels}, torch_path)
    frame = pd.DataFrame(table.embedding.numpy(), columns=[f"x{i}" for i in range(DIMENSION)])
    frame.assign(**{name: x.numpy() for name, x in table.labels.items()}).to_parquet(parquet)
    return take_turns(
        {
            "mapped": lambda: EmbeddingTable.load(path, memory_map=True),
            "memory": lambda: EmbeddingTable.load(path),
            "torch.load": lambda: torch.load(torch_path, weights_only=True)["embedding"].sum(),
            "parquet": lambda: pd.read_parquet(parquet).to_numpy(dtype=np.float32).sum(),
        },
        rounds,
    )


def main() -> None:
    """Measure and print."""
    parser = make_parser(__doc__, rounds=7)
    parser.add_argument("--rows", type=int, default=20_000, help="samples of the table (default: 20000)")
    options = parser.parse_args()
    torch.set_num_threads(1)
    table = make_table(options.rows)
    batch = batches(table, options.rounds)
    with tempfile.TemporaryDirectory() as folder:
        load = loads(table, options.rounds, Path(folder))
    print(f"torch {torch.__version__}, {options.rows:,} rows, {options.rounds} rounds: median (range)")
    found = {f"batch, {other}": faster(batch, other, "table") for other in ("one by one", "step")}
    for ours, theirs in product(("mapped", "memory"), ("torch.load", "parquet")):
        found[f"load, {theirs} / {ours}"] = faster(load, theirs, ours)
    print(json.dumps(found))


if __name__ == "__main__":
    main()
