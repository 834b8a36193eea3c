"""The base of all methods: a backbone, its optimizer, and checkpoints that need no other file."""

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
"""Key of a checkpoint whose backbone's frozen part holds untrained random values."""


class FaceModule(LightningModule):
    """A backbone in a LightningModule: its embedding, its optimizer, and self-contained checkpoints.

    Args:
        attributes: class names of each attribute of the data; the command line fills it in.
        task: the attribute that is learned.
        backbone: name of the backbone, see `backbones.build_backbone`.
        weights: what the backbone starts from; null only if all of it trains or it brings its own.
        trainable: the part of the backbone that trains: none, last_stage or all.
        backbone_options: further options of the backbone.
        optimizer: builds an optimizer from parameters; the default is that of the thesis' annex (section IV).
        grad_checkpointing: less memory for more time, see `block_checkpointing.checkpoint_blocks`.
        compile_backbone: backend of `torch.compile` for the backbone's network: inductor, or aot_eager for a
            trial without code generation; null does not compile. (Images are always `torch.channels_last`.)

    Raises:
        ValueError: `task` is not an attribute of the data, or an option does not suit the backbone.
    """

    learns: ClassVar[tuple[str, ...]] = ("task", "sensitive")
    """The constructor arguments that name the attributes whose labels training uses."""

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
        # The command line decides what the logger gets: `attributes` can name thousands of identities.
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
        """Return the class names of the attribute that a constructor argument names.

        Raises:
            ValueError: the data do not have it.
        """
        if attribute not in self.attributes:
            known = ", ".join(self.attributes)
            raise ValueError(f"{argument}: the data have no attribute {attribute!r}; they have {known}")
        self.used_attributes.add(attribute)
        return list(self.attributes[attribute])

    def inputs(self, batch: Batch) -> Tensor:
        """Return the backbone's input of a batch: images, or precomputed embeddings.

        Raises:
            MisconfigurationException: the batch has none.
        """
        if (reads := self.backbone.reads) not in batch:
            raise MisconfigurationException(
                f"the backbone {self.backbone.recipe['name']} reads the batch's {reads}, which the data do "
                f"not give; backbone `{PRECOMPUTED}` reads embedding, all others image"
            )
        return batch[reads]

    def embed(self, image: Tensor) -> Tensor:
        """Compute the representation (N, D) float32 of images (N, 3, H, W); float64 in 64-bit training."""
        return at_least_float32(self.backbone(image))

    def embedding_network(self) -> Backbone:
        """Return the network that `embed` runs, without heads: what an export holds."""
        return self.backbone

    def trainable_parameters(self) -> list[nn.Parameter]:
        """Return the parameters that are not frozen."""
        return [parameter for parameter in self.parameters() if parameter.requires_grad]

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Store hyper-parameters that build this module without the backbone's weights file.

        `load_from_checkpoint(path, weights_only=True)` then needs only the checkpoint; a backbone of kind
        `onnx` needs its file too, for the graph (`weights=` names another path).
        """
        recipe = self.backbone.recipe
        checkpoint[self.CHECKPOINT_HYPER_PARAMS_KEY] |= {
            # only those in use: identities can be many, and can be account names
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
        """Refuse a checkpoint that was trained on classes other than the data's, see `check_classes`."""
        self.check_classes(checkpoint, "the checkpoint", roles=self.learns)

    def check_classes(
        self, checkpoint: Mapping[str, Any], what: str, roles: Collection[str] = ("task",)
    ) -> None:
        """Raise `WeightsError` unless a checkpoint is of the same attributes and classes, in their order.

        Args:
            checkpoint: what Lightning stored.
            what: its name in the message.
            roles: hyper-parameters that name attributes and must be equal in both.
        """
        own = {role: getattr(self, role) for role in roles if hasattr(self, role)}
        check_classes(checkpoint, self.attributes, self.used_attributes, own, what)
