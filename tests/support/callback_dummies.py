"""A DataModule whose batches hold given columns, and modules that answer from them: every number is known."""

import torch
from pytorch_lightning import LightningModule

from datamodules.base import FaceDataModule
from datamodules.contract import FaceDataset

ATTRIBUTES = {"attractive": ["no", "yes"], "smiling": ["no", "yes"], "gender": ["female", "male"]}

# [smiling][attractive][guess], as in the hand-made cases of the rates: TPR 3/4 against 0, FPR 1/4 against 1/2
COUNTS = [[[3, 1], [1, 3]], [[1, 1], [2, 0]]]


def samples(counts=COUNTS):
    """Columns of samples with these counts, and one more with nothing known; gender alternates."""
    rows = [
        (smiling, attractive, guess)
        for smiling, by_target in enumerate(counts)
        for attractive, by_guess in enumerate(by_target)
        for guess, n in enumerate(by_guess)
        for _ in range(n)
    ]
    smiling, attractive, guess = torch.tensor([*rows, (-1, -1, 0)]).T
    gender = torch.arange(len(guess)) % 2
    return {"smiling": smiling, "attractive": attractive, "guess": guess, "gender": gender}


class Columns(FaceDataset):
    def __init__(self, columns):
        self.columns = columns

    def __len__(self):
        return len(next(iter(self.columns.values())))

    def labels(self, index):
        return {k: v[index] for k, v in self.columns.items()}

    def read(self, index):
        return {"image": torch.zeros(len(index), 1), **self.labels(index)}


class ColumnData(FaceDataModule):
    attributes = ATTRIBUTES
    fingerprint = "0"

    def __init__(self, columns, batch_size=4):
        super().__init__(batch_size=batch_size)
        self.columns = columns

    def make_dataset(self, split):
        return Columns(self.columns)


class OneWeight(LightningModule):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(1))

    def training_step(self, batch, batch_idx):
        return self.weight.square().sum()

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


class Classifier(OneWeight):
    attributes = ATTRIBUTES
    task = "attractive"

    def validation_step(self, batch, batch_idx):
        return {"prediction": batch["guess"].clamp(min=0), "target": batch["attractive"]}

    test_step = validation_step


class Recogniser(OneWeight):
    def validation_step(self, batch, batch_idx):
        return {"embedding": batch["point"], "identity": batch["identity"]}

    test_step = validation_step
