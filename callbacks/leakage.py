"""Leakage of a representation in the test, before and after training."""

from itertools import islice, product
from typing import Any

import numpy as np
import pandas as pd
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from pytorch_lightning.utilities.rank_zero import rank_zero_warn
from torch import Tensor, nn

from callbacks.support.gather import Collected
from callbacks.support.leakage_report import print_leakage, verdicts, write_leakage
from callbacks.support.probe_options import check_probe_options
from callbacks.support.representation import (
    check_representation,
    embedding_before,
    embedding_now,
    is_rehearsal,
    original_backbone,
)
from evaluation.leakage.held_out_leakage import held_out_leakage
from evaluation.probes.attacker_table import FAMILIES, Family
from evaluation.samples.labelled_samples import Samples


class Leakage(Callback):
    """Measure the leakage of attributes when a model is tested, of its embedding before and after training.

    The probes are trained on the whole validation split, whatever `limit_val_batches`, and evaluated on the
    test split; the model has trained on neither. A subject in both is an error. "After" is the module's
    `embed`; "before" is the initial backbone, at the start of `fit`, so there is none if a checkpoint is only
    tested. The leakage is that of the strongest family.

    Logged, in [0, 1] except for the last: `test/leakage/<attribute>` and `test/leakage/<attribute>/before`,
    balanced accuracies, and `test/leakage/<attribute>/removed`, percent (see
    `evaluation.leakage.reduction`), but not for the module's `task`, which is to be preserved. The whole
    table goes to `leakage.csv` in the log directory, and to W&B if it is used.

    Works with modules that have `backbone`, `inputs(batch)` and `embed(inputs)`. With several processes, each
    embeds its share, and the first trains the probes. In `fast_dev_run` embeddings are computed but not
    probed.

    Args:
        attributes: attributes to predict.
        families: kinds of probe: linear, mlp, rbf_svm and forest.
        max_samples: training samples of rbf_svm and forest; see `evaluation.leakage.held_out_leakage`.
        seed: of the probes.
    """

    def __init__(
        self,
        attributes: list[str],
        families: list[Family] | None = None,
        max_samples: int = 5000,
        seed: int = 0,
    ) -> None:
        self.families = list(FAMILIES) if families is None else families
        self.required_attributes = set(attributes)  # that batches must have
        check_probe_options(attributes, self.families, max_samples)
        self.attributes, self.max_samples, self.seed = attributes, max_samples, seed
        self.original: nn.Module | None = None
        self.splits: dict[str, Collected] = {}
        self.table = pd.DataFrame()

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Copy the initial backbone; raises MisconfigurationException if leakage cannot be measured."""
        if stage not in ("fit", "test"):
            return
        datamodule: Any = trainer.datamodule  # type: ignore[attr-defined]  # which Lightning sets at run time
        if datamodule is None:
            raise MisconfigurationException(
                "Leakage needs a DataModule: the probes learn from its validation split"
            )
        if missing := sorted(self.required_attributes - datamodule.attributes.keys()):
            known = sorted(datamodule.attributes)
            raise MisconfigurationException(f"Leakage: no attribute {missing}; the data have {known}")
        check_representation(self, pl_module)
        if stage == "fit":
            self.original = original_backbone(pl_module)

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Embed the validation split, which is no part of a test."""
        self.splits = {"val": Collected(), "test": Collected()}
        datamodule: Any = trainer.datamodule  # type: ignore[attr-defined]
        datamodule.setup("validate")
        rehearsed: int = trainer.fast_dev_run  # type: ignore[attr-defined]  # batches of each split
        for batch in islice(datamodule.val_dataloader(), rehearsed or None):
            batch = trainer.precision_plugin.convert_input(batch)
            self._embed(trainer, pl_module, trainer.strategy.batch_to_device(batch, pl_module.device), "val")

    def on_test_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, *where: Any, **_: Any
    ) -> None:
        """Embed a test batch."""
        self._embed(trainer, pl_module, batch, "test")

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Train the probes, and log the leakage."""
        columns = {
            split: {name: column.cpu().numpy() for name, column in kept.gathered(trainer, pl_module).items()}
            for split, kept in self.splits.items()
        }
        self.splits = {}
        if self.original is not None:
            self.original.cpu()
        if is_rehearsal(trainer):
            return
        table = self._probe(columns) if trainer.is_global_zero else pd.DataFrame()
        self.table = trainer.strategy.broadcast(table)
        values = {}
        for attribute, found in verdicts(self.table, _task(pl_module)).items():
            name = f"test/leakage/{attribute}"
            values[name] = found.after["balanced_accuracy"]
            if found.before is not None:
                values[f"{name}/before"] = found.before["balanced_accuracy"]
                if attribute != _task(pl_module):
                    values[f"{name}/removed"] = found.removed
        # every rank holds the same value; the mean over ranks spares a warning that they may differ
        pl_module.log_dict(values, sync_dist=True, batch_size=1)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Write and print the results."""
        if is_rehearsal(trainer):
            return
        write_leakage(trainer, self.table)
        if trainer.is_global_zero:
            print_leakage(self.table, _task(pl_module))

    def _embed(
        self, trainer: Trainer, pl_module: LightningModule, batch: dict[str, Tensor], split: str
    ) -> None:
        """Keep embeddings and labels of a batch; Lightning has set eval mode and no_grad."""
        kept = {"after": embedding_now(trainer, pl_module, batch)}
        if self.original is not None:
            kept["before"] = embedding_before(trainer, pl_module, batch, self.original)
        known = {name: batch[name] for name in (*self.attributes, "identity") if name in batch}
        self.splits[split].add(trainer, kept | known)

    def _probe(self, columns: dict[str, dict[str, Any]]) -> pd.DataFrame:
        """Compute a table with a row for each attribute, representation and family."""
        if not all((c.get("identity", np.array([-1])) >= 0).any() for c in columns.values()):
            rank_zero_warn(
                "Leakage: the data have no identities, so subjects in both validation and test go unnoticed "
                "and the intervals are over images"
            )
        tables = []
        for attribute, of in product(self.attributes, ("before", "after")):
            if of not in columns["val"]:
                continue
            val, test = (Samples(c[of], c[attribute], c.get("identity")) for c in columns.values())
            try:
                table = held_out_leakage(val, test, self.families, self.seed, self.max_samples)
            except ValueError as error:
                raise MisconfigurationException(
                    f"Leakage of {attribute} (training is val): {error}"
                ) from error
            table.insert(0, "attribute", attribute)
            table.insert(1, "representation", of)
            tables.append(table)
        return pd.concat(tables, ignore_index=True)


def _task(pl_module: LightningModule) -> str | None:
    """Return the attribute that the module classifies; None without one."""
    task = getattr(pl_module, "task", None)
    return task if isinstance(task, str) else None
