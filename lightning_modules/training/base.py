"""What the methods share: the representation of a face, and how an attribute classifier is measured."""

from collections.abc import Collection, Mapping
from typing import Any, ClassVar, Literal

import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.cli import OptimizerCallable
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch import Tensor, nn

from lightning_modules.backbones.factory import Backbone, Trainable, build_backbone
from lightning_modules.backbones.precomputed import NAME as PRECOMPUTED
from lightning_modules.layers.numerics import at_least_float32
from lightning_modules.training.block_checkpointing import checkpoint_blocks
from lightning_modules.training.class_names import check_classes

Batch = dict[str, Tensor]
"""`image` (N, 3, H, W) RGB, uint8 or floating in [0, 1], or `embedding` (N, D) float32; and an int64 (N,)
tensor for each attribute, -1 where it is unknown."""


RANDOM_BACKBONE = "random_backbone"
"""In a checkpoint: the frozen part of its backbone holds random values, which nobody trained."""


class FaceModule(LightningModule):
    """A backbone in a LightningModule: its embedding, its optimizer, and checkpoints that stand alone.

    Args:
        attributes: class names of each attribute of the data; the command line fills it in.
        task: the attribute that is learned.
        backbone: name of the backbone, see `backbones.build_backbone`.
        weights: what the backbone starts from; null only if all of it trains or it brings its own.
        trainable: the part of the backbone that trains: none, last_stage or all.
        backbone_options: further options of the backbone.
        optimizer: from parameters to an optimizer; the default is that of the thesis' annex (section IV).
        grad_checkpointing: less memory for more time, see `block_checkpointing.checkpoint_blocks`.
        compile_backbone: what compiles the backbone's network by `torch.compile`: inductor, or aot_eager for
            a trial without its code; null leaves it. (Images are laid out as `torch.channels_last` always.)

    Raises:
        ValueError: `task` is not an attribute of the data, or a switch does not go with the backbone.
    """

    learns: ClassVar[tuple[str, ...]] = ("task", "sensitive")
    """The arguments that name attributes of which weights are learned."""

    def __init__(
        self,
        *,
        attributes: dict[str, list[str]],
        task: str,
        backbone: str = "vggface2_resnet50",
        weights: str | None = None,
        trainable: Trainable = "none",
        backbone_options: dict[str, Any] | None = None,
        optimizer: OptimizerCallable = lambda p: torch.optim.Adam(p, lr=1e-3),
        grad_checkpointing: bool = False,
        compile_backbone: Literal["inductor", "aot_eager"] | None = None,
    ) -> None:
        super().__init__()
        # Callables cannot be read back with weights_only=True, and a checkpoint holds the optimizer's state.
        # What the logger gets is the command line's to say: `attributes` can name thousands of identities.
        self.save_hyperparameters(logger=False)
        for name in [name for name in self.hparams if name.endswith(("optimizer", "scheduler"))]:
            del self.hparams[name]
        self.attributes, self.task, self.optimizer = attributes, task, optimizer
        self.used_attributes: set[str] = set()
        self.classes = self.classes_of("task", task)
        self.backbone = build_backbone(
            backbone, weights=weights, trainable=trainable, options=backbone_options
        )
        if grad_checkpointing:
            checkpoint_blocks(self.backbone)
        if compile_backbone:
            self._compile(compile_backbone, grad_checkpointing)

    def _compile(self, backend: str, grad_checkpointing: bool) -> None:
        if grad_checkpointing:
            raise ValueError("compile_backbone and grad_checkpointing do not go together: choose one")
        if self.backbone.reads != "image":
            raise ValueError("compile_backbone: the data are embeddings, there is no network to compile")
        self.backbone.network.compile(backend=backend)  # in place: the names of weights stay

    def classes_of(self, argument: str, attribute: str) -> list[str]:
        """Class names of the attribute that a constructor's argument names.

        Raises:
            ValueError: the data do not have it.
        """
        if attribute not in self.attributes:
            known = ", ".join(self.attributes)
            raise ValueError(f"{argument}: the data have no attribute {attribute!r}; they have {known}")
        self.used_attributes.add(attribute)
        return list(self.attributes[attribute])

    def inputs(self, batch: Batch) -> Tensor:
        """What the backbone reads of a batch: images, or embeddings that were computed before.

        Raises:
            MisconfigurationException: the data do not give it.
        """
        if (reads := self.backbone.reads) not in batch:
            raise MisconfigurationException(
                f"the backbone {self.backbone.recipe['name']} reads the batch's {reads}, which the data do "
                f"not give; backbone `{PRECOMPUTED}` reads embedding, all others image"
            )
        return batch[reads]

    def embed(self, image: Tensor) -> Tensor:
        """The representation (N, D) float32 of images (N, 3, H, W); float64 in 64-bit training."""
        return at_least_float32(self.backbone(image))

    def embedding_network(self) -> Backbone:
        """Return the network that `embed` runs, without heads: what an export holds."""
        return self.backbone

    def trainable_parameters(self) -> list[nn.Parameter]:
        """What the optimizer gets: everything that is not frozen."""
        return [parameter for parameter in self.parameters() if parameter.requires_grad]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store hyper-parameters that build this module where the backbone's weights file no longer is.

        `load_from_checkpoint(path, weights_only=True)` then needs nothing but the checkpoint; only a backbone
        of kind `onnx` needs its file, for the graph (give another place as `weights=`).
        """
        recipe = self.backbone.recipe
        checkpoint[self.CHECKPOINT_HYPER_PARAMS_KEY] |= {
            # those of its own alone: identities can be many, and account names of people
            "attributes": {name: list(self.attributes[name]) for name in sorted(self.used_attributes)},
            "backbone": recipe["name"],
            "weights": recipe["weights"],
            "backbone_options": recipe.get("options"),
            # how it was trained, not what it is
            "grad_checkpointing": False,
            "compile_backbone": None,
        }
        if self.backbone.random:
            checkpoint[RANDOM_BACKBONE] = True

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Refuse a checkpoint that was trained on other classes than the data's, see `check_classes`."""
        self.check_classes(checkpoint, "the checkpoint", roles=self.learns)

    def check_classes(
        self, checkpoint: Mapping[str, Any], what: str, roles: Collection[str] = ("task",)
    ) -> None:
        """Raise `WeightsError` unless a checkpoint is of the same attributes and classes, in their order.

        Args:
            checkpoint: what Lightning stored.
            what: names it in the message.
            roles: hyper-parameters that name attributes, to be the same in both.
        """
        own = {role: getattr(self, role) for role in roles if hasattr(self, role)}
        check_classes(checkpoint, self.attributes, self.used_attributes, own, what)
