"""What an attacker still reads from the representation after training, beside what it read before."""

import copy
from itertools import islice, product
from typing import Any

import numpy as np
import pandas as pd
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from pytorch_lightning.utilities.rank_zero import rank_zero_warn
from torch import Tensor, nn

from callbacks.leakage_report import print_leakage, verdicts, write_leakage
from evaluation.probe_families import FAMILIES, Family
from evaluation.probes import Samples, run_probes


class Leakage(Callback):
    """Probes the representation for attributes when a model is tested, before its training and after.

    The probes learn from the validation split, whole whatever `limit_val_batches`, and are measured on the
    test split; the model has trained on neither. A person in both is an error. "After" is the module's
    `embed`; "before" is its backbone as it was when `fit` began, so there is none where a checkpoint is only
    tested. The strongest of the families counts.

    Logged, in [0, 1] but for the last: `test/leakage/<attribute>` and `test/leakage/<attribute>/before`,
    balanced accuracies, and `test/leakage/<attribute>/removed`, percent of eq. 4.1 of the thesis. The whole
    table goes to `leakage.csv` in the log directory, and to W&B where it is used.

    Works with modules that have `backbone`, `inputs(batch)` and `embed(inputs)`. With several processes each
    embeds its share, and the first probes them all. In `fast_dev_run` embeddings are made but not probed.

    Args:
        attributes: what is probed for.
        families: kinds of probe: linear, mlp, rbf_svm and forest.
        max_samples: samples that rbf_svm and forest learn from; see `evaluation.probes.run_probes`.
        seed: of the probes.
    """

    def __init__(
        self,
        attributes: list[str],
        families: list[Family] | None = None,
        max_samples: int = 5000,
        seed: int = 0,
    ) -> None:
        if not attributes or len(set(attributes)) < len(attributes):
            raise ValueError(f"attributes must be different names, at least one, got {attributes}")
        if "identity" in attributes:
            raise ValueError(
                "identity cannot be probed across people; use callbacks.verification.Verification"
            )
        self.families = list(FAMILIES) if families is None else families
        if not self.families or not set(self.families) <= set(FAMILIES):
            raise ValueError(f"families must be some of {', '.join(FAMILIES)}; got {families}")
        if max_samples < 2:
            raise ValueError(f"max_samples must be at least 2, got {max_samples}")
        self.attributes, self.max_samples, self.seed = attributes, max_samples, seed
        self.original: nn.Module | None = None
        self.batches: dict[str, list[dict[str, Tensor]]] = {}
        self.table = pd.DataFrame()

    @property
    def required_attributes(self) -> set[str]:
        """The attributes that batches must have."""
        return set(self.attributes)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Keep the backbone that training starts from; raises ValueError where something is missing."""
        if stage not in ("fit", "test"):
            return
        module: Any = pl_module
        datamodule: Any = trainer.datamodule  # type: ignore[attr-defined]  # which Lightning sets at run time
        if datamodule is None:
            raise ValueError("Leakage needs a DataModule: the probes learn from its validation split")
        if missing := sorted(self.required_attributes - datamodule.attributes.keys()):
            known = sorted(datamodule.attributes)
            raise ValueError(f"Leakage: no attribute {missing}; the data have {known}")
        if not all(hasattr(module, name) for name in ("backbone", "inputs", "embed")):
            raise ValueError(f"Leakage needs a module with a backbone, not {type(module).__name__}")
        if stage == "fit":
            self.original = copy.deepcopy(module.backbone).requires_grad_(False).eval()

    def on_test_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Embed the validation split, which a test does not read."""
        self.batches = {"val": [], "test": []}
        if self.original is not None:
            self.original.to(pl_module.device)
        datamodule: Any = trainer.datamodule  # type: ignore[attr-defined]
        datamodule.setup("validate")
        loader = datamodule.val_dataloader()
        for batch in islice(loader, _rehearsal(trainer) or None):
            batch = trainer.precision_plugin.convert_input(batch)
            self._embed(trainer, pl_module, trainer.strategy.batch_to_device(batch, pl_module.device), "val")

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Any,
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        """Embed a test batch."""
        self._embed(trainer, pl_module, batch, "test")

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Probe, and log what the strongest probes read."""
        columns = {split: self._gather(trainer, pl_module, split) for split in ("val", "test")}
        self.batches = {}
        if self.original is not None:
            self.original.cpu()
        if _rehearsal(trainer):
            return
        table = self._probe(columns) if trainer.is_global_zero else pd.DataFrame()
        self.table = trainer.strategy.broadcast(table)
        values = {}
        for attribute, found in verdicts(self.table).items():
            name = f"test/leakage/{attribute}"
            values[name] = found.after["balanced_accuracy"]
            if found.before is not None:
                values |= {
                    f"{name}/before": found.before["balanced_accuracy"],
                    f"{name}/removed": found.removed,
                }
        # every rank holds the same value; the mean over ranks spares a warning that they may differ
        pl_module.log_dict(values, sync_dist=True, batch_size=1)

    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Report."""
        if _rehearsal(trainer):
            return
        write_leakage(trainer, self.table)
        if trainer.is_global_zero:
            print_leakage(self.table)

    def _embed(
        self, trainer: Trainer, pl_module: LightningModule, batch: dict[str, Tensor], split: str
    ) -> None:
        """Keep the embeddings of a batch and what is known of it; Lightning has set eval mode and no_grad."""
        module: Any = pl_module
        with trainer.precision_plugin.forward_context():
            inputs = module.inputs(batch)
            kept = {"after": module.embed(inputs)}
            if self.original is not None:
                kept["before"] = self.original(inputs).float()
        known = {name: batch[name] for name in (*self.attributes, "identity") if name in batch}
        self.batches[split].append(kept | known)

    def _gather(self, trainer: Trainer, pl_module: LightningModule, split: str) -> dict[str, Any]:
        """The columns of a split as arrays, in its order, from all ranks."""
        batches = self.batches[split]
        columns: Any = {name: torch.cat([batch[name] for batch in batches]) for name in batches[0]}
        if trainer.world_size > 1:
            # rank r holds samples r, r + W, ..., padded to equal shares: the rank second restores the order
            columns = pl_module.all_gather(columns)
            columns = {k: v.transpose(0, 1).flatten(0, 1) for k, v in columns.items()}
        return {name: column.cpu().numpy() for name, column in columns.items()}

    def _probe(self, columns: dict[str, dict[str, Any]]) -> pd.DataFrame:
        """One row for each attribute, representation and family."""
        if not all((c.get("identity", np.array([-1])) >= 0).any() for c in columns.values()):
            rank_zero_warn(
                "Leakage: the data do not say who is who, so people in both validation and test go unnoticed "
                "and the intervals are over images"
            )
        tables = []
        for attribute, of in product(self.attributes, ("before", "after")):
            if of not in columns["val"]:
                continue
            val, test = (Samples(c[of], c[attribute], c.get("identity")) for c in columns.values())
            try:
                table = run_probes(val, test, self.families, self.seed, self.max_samples)
            except ValueError as error:
                raise ValueError(f"Leakage of {attribute} (training is val): {error}") from error
            table.insert(0, "attribute", attribute)
            table.insert(1, "representation", of)
            tables.append(table)
        return pd.concat(tables, ignore_index=True)


def _rehearsal(trainer: Trainer) -> int:
    """Batches of each split in a `fast_dev_run`; 0 otherwise."""
    return int(trainer.fast_dev_run)  # type: ignore[attr-defined]  # which Lightning sets at run time
