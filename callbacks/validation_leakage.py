"""Leakage of a representation after each validation, by new probes."""

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
    """Log `val/leakage/<attribute>` after each validation: the balanced accuracy of newly trained probes.

    The probes standardise the embeddings, are trained on half of the validation subjects and evaluated on the
    other half; the strongest family counts. Halves and seeds are the same every time, so that the values
    differ by the representation alone. They serve to follow a training and to select a checkpoint;
    `callbacks.leakage.Leakage` then measures the selected one on subjects without a part in the selection.
    All probes of all epochs go to `leakage_val.csv` in the log directory, and at the end of the training to
    W&B as the table `val/leakage`, if it is used.

    Works with modules that have `backbone`, `inputs(batch)` and `embed(inputs)`. With several processes, the
    first trains the probes. A sample of unknown identity counts as a subject of its own. In `fast_dev_run`
    nothing is measured.

    Args:
        attributes: attributes to predict.
        families: kinds of probe: linear, mlp, rbf_svm and forest; null means mlp, which finds non-linear
            leakage and takes a second or two for a thousand faces.
        max_samples: number of first samples of the split in use.
        seed: of the halves and the probes.
        every_n_epochs: measure after every n-th epoch; `AdmissibleLeakage` needs every epoch.
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
        self.required_attributes = set(attributes)  # that batches must have
        check_probe_options(attributes, self.families, max_samples)
        super().__init__(max_samples)
        self.attributes, self.seed, self.every_n_epochs = attributes, seed, every_n_epochs
        self.tables: list[pd.DataFrame] = []

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Clear results of other trainings; raises MisconfigurationException without a representation.

        It also raises if `AdmissibleLeakage` needs epochs that are not measured: it would use the value of an
        earlier one.
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
        """Return embeddings and labels."""
        if not is_due(trainer, self.every_n_epochs):
            return {}
        known = {name: batch[name] for name in (*self.attributes, "identity") if name in batch}
        return {"": embedding_now(trainer, pl_module, batch, outputs)} | known

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Train the probes, and log the leakage."""
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
        """Send the whole table to W&B, once."""
        if self.tables and trainer.is_global_zero:
            log_table(trainer, "val/leakage", pd.concat(self.tables))
        self.tables = []

    def _probe(self, columns: dict[str, Any], attribute: str) -> pd.DataFrame:
        """Compute the table of an attribute's probes, with a row per family."""
        label, identity = columns[attribute], columns.get("identity")
        learns = half_of_subjects(label, identity, self.seed)
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


def half_of_subjects(label: Ints, identity: Ints | None, seed: int) -> np.ndarray:
    """Return whether each sample belongs to the first half of the subjects, (N,) bool.

    The draw is stratified: both halves have, to within one, equally many subjects of each class. A subject's
    class is that of one of its samples, which is exact for attributes of the subject, such as gender.

    Args:
        label: (N,) classes of the attribute, -1 where unknown; probes ignore those samples in either half.
        identity: (N,) identities of the samples, -1 where unknown; None if all are unknown.
        seed: of the draw.
    """
    alone = -1 - np.arange(len(label))
    subjects = alone if identity is None else np.where(identity < 0, alone, identity)
    known = np.flatnonzero(label >= 0)
    unique, first = np.unique(subjects[known], return_index=True)
    order = np.random.default_rng(seed).permutation(len(unique))
    order = order[np.argsort(label[known][first][order], kind="stable")]
    return np.isin(subjects, unique[order[::2]])
