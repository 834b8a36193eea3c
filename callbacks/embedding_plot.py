"""Plots of the representation during training."""

from typing import Any

from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.utilities import rank_zero_warn
from torch import Tensor

from callbacks.support.report_files import log_figure, report_folder
from callbacks.support.representation import check_representation, embedding_now
from callbacks.support.validation_samples import ValidationSamples
from callbacks.support.validation_schedule import check_every, is_due
from evaluation.plots.embedding_plot import plot_embedding
from evaluation.probes.embedding_map import tsne_points


class EmbeddingPlot(ValidationSamples):
    """Plot the validation embeddings by t-SNE, coloured by attributes: points, never faces.

    There is one plot per attribute, `figures/embedding_<attribute>_<epoch>.svg` and `.png` in the run folder,
    and `val/embedding/<attribute>` in W&B if it is used. Without a logger, or in `fast_dev_run`, nothing is
    plotted. A representation that cannot be plotted, as it collapsed or is not finite, gives a warning.

    Works with modules that have `backbone`, `inputs(batch)` and `embed(inputs)`. With several processes, the
    first plots for all.

    Args:
        attributes: attributes that colour the points.
        every_n_epochs: plot after every n-th epoch.
        max_samples: number of first samples of the validation split to plot; a thousand take seconds.
        seed: of t-SNE.
    """

    def __init__(
        self, attributes: list[str], every_n_epochs: int = 5, max_samples: int = 1000, seed: int = 0
    ) -> None:
        if not attributes or len(set(attributes)) < len(attributes):
            raise ValueError(f"attributes must be different names, at least one, got {attributes}")
        if max_samples < 4:
            raise ValueError(f"max_samples must be at least 4, got {max_samples}")
        check_every(every_n_epochs)
        super().__init__(max_samples)
        self.attributes, self.every_n_epochs, self.seed = attributes, every_n_epochs, seed
        self.required_attributes = set(attributes)  # that batches must have

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        """Raise MisconfigurationException if the module has no representation."""
        check_representation(self, pl_module)

    def columns(
        self, trainer: Trainer, pl_module: LightningModule, outputs: Any, batch: Any
    ) -> dict[str, Tensor]:
        """Return the embeddings and the attributes."""
        if not trainer.loggers or not is_due(trainer, self.every_n_epochs):
            return {}
        known = {name: batch[name] for name in (*self.attributes, "index")}
        return {"": embedding_now(trainer, pl_module, batch, outputs)} | known

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        """Plot the embeddings."""
        if not self.collected.samples:
            return
        gathered = self.collected.gathered(trainer, pl_module)
        folder = report_folder(trainer)
        if folder is None:
            return
        real = gathered["index"] >= 0  # not padding
        columns = {name: column[real].cpu().numpy() for name, column in gathered.items()}
        epoch = trainer.current_epoch
        try:
            points = tsne_points(columns[""], self.seed)
        except ValueError as error:
            rank_zero_warn(f"no picture of the embeddings of epoch {epoch}: {error}")
            return
        classes: Any = trainer.datamodule.attributes  # type: ignore[attr-defined]  # set at run time
        for name in self.attributes:
            figure = plot_embedding({f"epoch {epoch}": points}, columns[name], classes[name])
            log_figure(trainer, f"val/embedding/{name}", figure, folder, f"embedding_{name}_{epoch:03d}")
