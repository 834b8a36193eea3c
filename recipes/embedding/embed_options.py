"""The command line of `recipes/embed.py`."""

import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from jsonargparse.typing import PositiveInt
from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import RichProgressBar

from datamodules.base import FaceDataModule
from datamodules.contract import SPLITS, Split
from recipes.command_line import ddp_strategy  # noqa: F401  # registers the strategy of hardware/ddp.yaml
from recipes.command_line.errors import RecipeParser
from recipes.command_line.jobs import job_parser
from recipes.command_line.quiet import silence_noise

silence_noise()
# A run that was killed after its last embedding has only the table left to write.
warnings.filterwarnings("ignore", "Total length of .* across ranks is zero")


def make_parser() -> RecipeParser:
    """Build the command line."""
    parser = job_parser(
        "Write the embedding table of a dataset, from a checkpoint of any method or from a bare backbone. "
        "The same command resumes an interrupted run."
    )
    parser.add_argument("--data", type=FaceDataModule, required=True, help="The dataset.")
    parser.add_argument("--out", type=Path, required=True, help="The .safetensors file to write.")
    add_embedder_arguments(parser)
    parser.add_argument("--splits", type=list[Split], default=list(SPLITS), help="Some of train, val, test.")
    parser.add_argument("--mirror", type=bool, default=False, help="Add the mirrored image's embedding.")
    parser.add_argument("--shard_size", type=PositiveInt, default=1024, help="Samples that a kill may cost.")
    parser.add_argument(
        "--shard", type=str | None, help="i/n: do every n-th part of the work, from part i on."
    )
    parser.add_argument("--overwrite", type=bool, default=False, help="Replace a file of other content.")
    parser.add_argument("--trainer.accelerator", type=str, default="auto", help="cpu, gpu, ...")
    parser.add_argument(
        "--trainer.devices", type=list[int] | int | str, default=1, help="Number of devices, or which."
    )
    parser.add_argument("--trainer.strategy", type=str, default="auto", help="How devices work together.")
    parser.add_argument("--trainer.precision", type=str | int, default="32-true", help="e.g. bf16-mixed.")
    parser.add_argument("--trainer.enable_progress_bar", type=bool, default=True)
    return parser


@dataclass(kw_only=True)
class ModelOptions:
    """The network.

    Args:
        backbone: A bare backbone instead of a checkpoint.
        weights: Weights of the backbone: a file, a published name or random; its .onnx file for a checkpoint.
        hub: Allow a checkpoint to fetch a network of the Hugging Face hub.
        options: Further options of the backbone.
    """

    backbone: str | None = None
    weights: str | None = None
    hub: bool = False
    options: dict[str, Any] | None = None


def add_embedder_arguments(parser: RecipeParser) -> None:
    """Add the options of `embedder.load_embedder`."""
    parser.add_argument(
        "--ckpt", type=Path | None, help="Checkpoint of any method; or give --model.backbone."
    )
    parser.add_class_arguments(ModelOptions, "model")


def make_trainer(options: dict[str, Any]) -> Trainer:
    """Build a trainer that predicts and writes nothing itself."""
    return Trainer(
        **options,
        callbacks=[RichProgressBar()] if options["enable_progress_bar"] else None,
        logger=False,
        enable_checkpointing=False,
        enable_model_summary=False,
    )
