"""What new probes read from the representation after each validation."""

from typing import Any

import numpy as np
import pandas as pd
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch import Tensor

from callbacks.admissible_leakage import AdmissibleLeakage
from callbacks.support.probe_options import check_probe_options
from callbacks.support.report_files import log_table, report_folder, write_table
from callbacks.support.representation import check_representation, embedding_now
from callbacks.support.validation_samples import ValidationSamples
from callbacks.support.validation_schedule import check_every, is_due
from evaluation.leakage.accuracies import strongest
from evaluation.leakage.held_out_leakage import held_out_leakage
from evaluation.probes.attacker_table import Family
from evaluation.samples.arrays import Ints
from evaluation.samples.labelled_samples import Samples


class ValidationLeakage(ValidationSamples):
    """Logs `val/leakage/<attribute>` after each validation: the balanced accuracy of freshly trained probes.

    They standardise the embeddings, learn from half of the validation split's people and are measured on the
    other half; the strongest of the families counts. The halves and the seeds are the same every time, so
    that the figures differ by the representation alone. They are for following a training and for choosing
    among its checkpoints; what is left in the chosen one, `callbacks.leakage.Leakage` measures on people who
    had no part in the choice. All probes of all epochs go to `leakage_val.csv` in the log directory, and when
    the training ends to W&B as the table `val/leakage`, where it is used.

    Works with modules that have `backbone`, `inputs(batch)` and `embed(inputs)`. With several processes the
    first probes for all. A sample whose person is unknown counts as a person. In `fast_dev_run` nothing is
    probed.

    Args:
        attributes: what is probed for.
        families: kinds of probe: linear, mlp, rbf_svm and forest; null is mlp, which finds what is not linear
            and takes a second or two for a thousand faces.
        max_samples: first samples of the split that take part.
        seed: of the halves and the probes.
        every_n_epochs: probe after every n-th epoch. `AdmissibleLeakage` needs it after each.
    """

    def __init__(
        self,
        attributes: list[str],
        families: list[Family] | None = None,
        max_samples: int = 5000,
        seed: int = 0,
        every_n_epochs: int = 1,
    ) -> None:
        check_every(every_n_epochs)
        self.families: list[Family] = ["mlp"] if families is None else families
        check_probe_options(attributes, self.families, max_samples)
        super().__init__(max_samples)
        self.attributes, self.seed, self.every_n_epochs = attributes, seed, every_n_epochs
        self.tables: list[pd.DataFrame] = []

    @property
    def required_attributes(self) -> set[str]:
        """The attributes that batches must have."""
        return set(self.attributes)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Forget other trainings; MisconfigurationException where there is no representation.

        Also where figures are wanted of epochs that have none: those of an earlier epoch would pass for them.
        """
        check_representation(self, pl_module)
        others: Any = trainer.callbacks  # type: ignore[attr-defined]  # which Lightning sets at run time
        if self.every_n_epochs > 1 and any(isinstance(other, AdmissibleLeakage) for other in others):
            raise MisconfigurationException(
                "AdmissibleLeakage chooses among all epochs: leave every_n_epochs of ValidationLeakage at 1"
            )
        self.tables = []

    def columns(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any
    ) -> dict[str, Tensor]:
        """The embeddings, and what is known of the samples."""
        if not is_due(trainer, self.every_n_epochs):
            return {}
        known = {name: batch[name] for name in (*self.attributes, "identity") if name in batch}
        return {"": embedding_now(trainer, pl_module, batch, outputs)} | known

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Probe, and log."""
        if not self.collected.samples:
            return
        gathered = self.collected.gathered(trainer, pl_module)
        columns = {name: column.cpu().numpy() for name, column in gathered.items()}
        values: dict[str, float] = {}
        if trainer.is_global_zero:
            for attribute in self.attributes:
                table = self._probe(columns, attribute)
                values[f"val/leakage/{attribute}"] = float(strongest(table)["balanced_accuracy"])
                table.insert(0, "epoch", trainer.current_epoch)
                table.insert(1, "attribute", attribute)
                self.tables.append(table)
        values = trainer.strategy.broadcast(values)
        if (folder := report_folder(trainer)) is not None:
            write_table(folder, "leakage_val", pd.concat(self.tables))
        # every rank holds the same value; the mean over ranks spares a warning that they may differ
        pl_module.log_dict(values, sync_dist=True, batch_size=1)

    def teardown(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Send the whole table, once."""
        if self.tables and trainer.is_global_zero:
            log_table(trainer, "val/leakage", pd.concat(self.tables))
        self.tables = []

    def _probe(self, columns: dict[str, Any], attribute: str) -> pd.DataFrame:
        """What the probes of an attribute read, a row a family."""
        label, identity = columns[attribute], columns.get("identity")
        learns = half_of_people(label, identity, self.seed)
        learned, read = (
            Samples(columns[""][half], label[half], None if identity is None else identity[half])
            for half in (learns, ~learns)
        )
        try:
            return held_out_leakage(learned, read, self.families, self.seed, self.max_samples)
        except ValueError as error:
            raise MisconfigurationException(
                f"ValidationLeakage of {attribute} (training and test are halves of val): {error}"
            ) from error


def half_of_people(label: Ints, identity: Ints | None, seed: int) -> np.ndarray:
    """Whether each sample belongs to the first half of the people, (N,) bool.

    Drawn by the seed so that both halves have, to within one, as many people of each class (of one of the
    person's samples, which says it all of what belongs to the person, as gender does).

    Args:
        label: (N,) classes of the attribute, -1 where unknown: those samples belong to no half that matters.
        identity: (N,) whose the samples are, -1 where unknown; null where nobody is known.
        seed: of the draw.
    """
    alone = -1 - np.arange(len(label))
    people = alone if identity is None else np.where(identity < 0, alone, identity)
    known = np.flatnonzero(label >= 0)
    crowd, first = np.unique(people[known], return_index=True)
    order = np.random.default_rng(seed).permutation(len(crowd))
    order = order[np.argsort(label[known][first][order], kind="stable")]
    return np.isin(people, crowd[order[::2]])
