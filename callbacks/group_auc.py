"""Area under the ROC curve of an attribute classifier, by group."""

from math import nan
from typing import Any

import numpy as np
import torch
from pytorch_lightning import Callback, LightningModule, Trainer
from sklearn.metrics import roc_auc_score

from callbacks.support.evaluation_outputs import check_outputs
from callbacks.support.gather import Collected
from evaluation.samples.groupings import cross, make_grouping, metric_word, positive_class


def auc(positive: np.ndarray, score: np.ndarray) -> float:
    """Compute the area under the ROC curve of (n,) bool and (n,) float; nan without both classes."""
    return float(roc_auc_score(positive, score)) if len(set(positive.tolist())) == 2 else nan


class GroupAUC(Callback):
    """Log `test/auc` of all samples and `test/auc/<group>` of each group, such as `test/auc/smiling=yes`.

    One class of the task is compared to all others. A task of three classes or more without `positive` has
    `test/auc/<class>` for each of them, and the plain names hold the mean over the classes.

    A sample counts if its target is known, and in a group if its attribute is known too; a group without
    samples of both classes is nan. Works with modules that have `task` and whose `test_step` returns
    `{"target": (N,), "score": (N,) or (N, C)}`.

    Args:
        groups: attributes whose classes are the groups.
        positive: class index of the task; null means the second of two classes, or each of more in turn.
    """

    def __init__(self, groups: list[str], positive: int | None = None) -> None:
        self.groups, self.positive = groups, positive
        self.required_attributes = set(groups)  # that batches must have
        self.collected = Collected()

    def on_test_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Clear the samples of an earlier test."""
        self.collected = Collected()

    def on_test_batch_end(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any, *where: Any, **_: Any
    ) -> None:
        """Keep scores and labels of a batch; raises MisconfigurationException without them."""
        check_outputs(self, pl_module, outputs, ("target", "score"), "a classifier of an attribute")
        score = outputs["score"]
        columns = {
            "target": outputs["target"],
            "score": torch.stack([1 - score, score], dim=1) if score.ndim == 1 else score,
        }
        self.collected.add(trainer, columns | {name: batch[name] for name in self.groups})

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Log the areas."""
        columns = self.collected.gathered(trainer, pl_module)
        score, target = columns["score"].float().cpu().numpy(), columns["target"].cpu().numpy()
        known = target >= 0
        classes = trainer.datamodule.attributes  # type: ignore[attr-defined]  # which Lightning sets
        names = list(classes[pl_module.task])
        positive = positive_class(self.positive, len(names))
        asked = range(len(names)) if positive is None else [positive]

        def areas(members: np.ndarray) -> list[float]:
            return [auc(target[members] == c, score[members, c]) for c in asked]

        values = {"test/auc": float(np.mean(areas(known)))}
        if positive is None:
            by_class = zip(names, areas(known), strict=True)
            values |= {f"test/auc/{metric_word(name)}": area for name, area in by_class}
        for name in self.groups:
            grouping = make_grouping([name], classes)
            group = cross([columns[name]], grouping.sizes).cpu().numpy()
            for place, key in enumerate(grouping.keys):
                members = known & (group == place)
                values[f"test/auc/{key}"] = float(np.mean(areas(members)))
        # every rank holds the same value; the mean over ranks spares a warning that they may differ
        pl_module.log_dict(values, sync_dist=True, batch_size=1)
