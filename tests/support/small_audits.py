"""Options of a fast audit, and a table whose leaks are known."""

import numpy as np
import torch

from datamodules.tables.embedding_table import EmbeddingTable

FAST = [
    "--attackers=[linear]",
    "--scalings=[standardised]",
    "--folds=3",
    "--tune=false",
    "--information=false",
    "--suppression_draws=0",
    "--tsne=0",
    "--max_classes=10",
    "--seed=1",
]


def make_table(leak: float, people: int = 60, images: int = 6, seed: int = 0) -> EmbeddingTable:
    """A third of the people in training; one feature shows who smiles, eight who it is, three nothing."""
    rng = np.random.default_rng(seed)
    identity = np.repeat(np.arange(people), images)
    smiling = np.tile(np.arange(images), people) % 2
    faces = 3 * rng.normal(size=(people, 8))[identity] + 0.5 * rng.normal(size=(len(identity), 8))
    shown = leak * smiling[:, None] + rng.normal(size=(len(identity), 1))
    x = np.hstack([shown, faces, rng.normal(size=(len(identity), 3))])
    labels = {"identity": identity, "smiling": smiling, "gender": identity % 2, "uploader": identity // 2}
    classes = {"identity": people, "smiling": 2, "gender": 2, "uploader": people // 2}
    return EmbeddingTable(
        embedding=torch.from_numpy(x).float(),
        labels={name: torch.from_numpy(label) for name, label in labels.items()},
        attributes={name: tuple(f"{name}_{i}" for i in range(count)) for name, count in classes.items()},
        sample_id=np.array([f"{i:04d}" for i in range(len(identity))]),
        split=torch.from_numpy(np.where(identity < people // 3, 0, 2)).to(torch.int8),
        provenance={"model": "drawn <b>"},
    )
