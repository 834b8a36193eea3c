"""The command line of the recipes that train: LightningCLI with our defaults, run folder and links."""

import secrets
import shutil
import sys
import warnings
from argparse import ArgumentTypeError
from pathlib import Path
from typing import Any, Literal

import yaml
from jsonargparse import Namespace
from pytorch_lightning import LightningModule, Trainer
from pytorch_lightning.accelerators import CUDAAccelerator, MPSAccelerator
from pytorch_lightning.callbacks import Callback, ProgressBar
from pytorch_lightning.cli import LightningArgumentParser, LightningCLI
from pytorch_lightning.loggers import Logger
from pytorch_lightning.plugins.io import CheckpointIO
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from callbacks.best_checkpoint import BestCheckpoint
from callbacks.finite_loss import FiniteLoss
from callbacks.progress import EpochLines, NetworkLine, TrainingBar
from callbacks.random_state import RandomState
from callbacks.run_record import RunRecord
from callbacks.save_on_termination import SaveOnTermination
from datamodules.base import FaceDataModule
from lightning_modules.training.base import FaceModule
from recipes.command_line import ddp_strategy  # noqa: F401  # registers the strategy of hardware/ddp.yaml
from recipes.command_line.config_lookup import CONFIGS, known_configs
from recipes.command_line.errors import RecipeParser, one_line
from recipes.command_line.output_path import check_output
from recipes.command_line.quiet import silence_noise
from recipes.command_line.suggestions import nearest
from recipes.command_line.trainable import (
    check_checkpoint,
    check_optimizers,
    check_seed,
    check_start,
    check_trainer,
)
from recipes.command_line.usage_error import UsageError
from recipes.runs.checkpoint_io import SafeCheckpointIO
from recipes.runs.data_check import current_fingerprint
from recipes.runs.resume import PreviousRun, find_previous_run, note_run, run_key
from recipes.runs.run_folder import is_first_process, make_loggers, new_run_folder
from storage.checkpoints import read_checkpoint
from storage.path_names import folder_name

DESCRIPTION = """Train a method on a dataset, then test its best checkpoint. Name a method, then what differs
from the defaults: --config attractiveness.yaml --config data/celeba.yaml --trainer.max_epochs 3."""

silence_noise()
# A frozen backbone stays in eval mode on purpose.
warnings.filterwarnings("ignore", "Found .* module.s. in eval mode at the start of training")
# The run folder is new; before the first metric it holds the configuration and W&B's files.
warnings.filterwarnings("ignore", "Experiment logs directory .* exists and is not empty")
# Losses are logged once an epoch, so a short epoch hides nothing.
warnings.filterwarnings("ignore", "The number of training batches .* is smaller than the logging interval")
# Lightning cannot know that our DataModules skip the batches that an interrupted epoch has done.
warnings.filterwarnings("ignore", "You're resuming from a checkpoint that ended before the epoch ended")
# A checkpoint holds the weights after all steps of a batch, as in automatic optimisation.
warnings.filterwarnings("ignore", "Using ModelCheckpoint with manual optimization")


class _BadName(ArgumentTypeError, ValueError):
    """A bad name: argparse shows messages of the first base class, jsonargparse catches the second."""


def _experiment(name: str) -> str:
    try:
        return folder_name(name)
    except ValueError as error:
        raise _BadName(str(error)) from error


class RecipeCLI(LightningCLI):
    """LightningCLI in subclass mode: a method, a dataset and a trainer, each from the configuration."""

    def __init__(self) -> None:
        self.previous = PreviousRun()
        super().__init__(
            LightningModule,
            FaceDataModule,
            subclass_mode_model=True,
            subclass_mode_data=True,
            run=False,
            parser_class=RecipeParser,
            parser_kwargs={
                "description": f"{DESCRIPTION} Known configurations: {', '.join(known_configs())}.",
                "parser_mode": "omegaconf",
                "allow_abbrev": False,  # --trainer.max_epoch must not pass for max_epochs
                "default_config_files": [str(CONFIGS / "defaults.yaml")],
            },
            seed_everything_default=0,
            save_config_callback=RunRecord,
            auto_configure_optimizers=False,  # each method names its own optimizers
        )

    def add_arguments_to_parser(self, parser: LightningArgumentParser) -> None:
        """Add the options besides model, data and trainer, and the links between options."""
        parser.add_argument(
            "--experiment",
            type=_experiment,
            default="default",
            help="Folder of the run below runs/, such as a or a/b.",
        )
        parser.add_argument("--ckpt_path", type=str | None, help="Resume training from this checkpoint.")
        parser.add_argument(
            "--resume",
            type=Literal["auto"] | None,
            help="auto: resume the interrupted run of the same configuration and data in runs/, if any.",
        )
        parser.add_lightning_class_args(BestCheckpoint, "checkpoint")
        parser.link_arguments("data.attributes", "model.init_args.attributes", apply_on="instantiate")
        # One seed for the draw of the data, its order and the initial weights.
        parser.link_arguments("seed_everything", "data.init_args.seed", compute_fn=int)

    def parse_arguments(self, parser: LightningArgumentParser, args: Any) -> None:
        """Parse, and check the seed before all generators are seeded with it."""
        super().parse_arguments(parser, args)
        check_seed(self.config.seed_everything)

    def instantiate_classes(self) -> None:
        """Build everything; an error that a constructor raises becomes a `UsageError`."""
        try:
            super().instantiate_classes()
        except (ValueError, MisconfigurationException) as error:
            raise UsageError(one_line(str(error))) from error

    def instantiate_trainer(self, **kwargs: Any) -> Trainer:
        """Give the trainer its run folder, its loggers and the callbacks of every run."""
        config = self.config_init.trainer
        if self.config.checkpoint.monitor is None:
            raise UsageError("checkpoint.monitor: name a metric, or epoch to keep the last one, not null")
        try:
            folder_name(self.config.checkpoint.filename or "default")
        except ValueError as error:
            raise UsageError(f"checkpoint.filename: {error}") from error
        if not config.fast_dev_run:  # fast_dev_run sets these options itself
            check_trainer(config, self.config.checkpoint.save_top_k)
        check_optimizers(self.model)
        check_start(self.config.model.init_args, bool(self.config.ckpt_path))
        if self.config.ckpt_path and not self.config.resume:  # both are refused below
            self._check_checkpoint(self.config.ckpt_path)
        for callback in config.callbacks or []:
            self._check_attributes(callback)
        _check_accelerator(config.accelerator)
        folder = Path(config.default_root_dir or "runs")
        if not config.fast_dev_run:
            folder, kwargs["logger"] = self._start_run(folder, config.logger)
        # ModelCheckpoint(save_last=True) writes only when the best changes; resuming needs every epoch.
        last = BestCheckpoint(filename="last", save_top_k=1, enable_version_counter=False)
        self.termination = SaveOnTermination(last)
        self.trainer_defaults["callbacks"] = [FiniteLoss(), RandomState(), self.termination, last]
        kwargs |= self._show_progress(config)
        kwargs["plugins"] = _with_checkpoint_io(config.plugins)
        try:
            return super().instantiate_trainer(default_root_dir=str(folder), **kwargs)
        except (ValueError, MisconfigurationException):  # a run that cannot start leaves no folder
            if not config.fast_dev_run and not self.previous.finished and is_first_process():
                shutil.rmtree(folder, ignore_errors=True)
            raise

    def _show_progress(self, config: Namespace) -> dict[str, bool]:
        """Add the progress callbacks; return the options of the trainer that switch off its own."""
        added: list[Callback] = self.trainer_defaults["callbacks"]
        monitor, left = self.config.checkpoint.monitor, {}
        if config.enable_model_summary is not False:
            added.append(NetworkLine())
            left["enable_model_summary"] = False
        theirs = any(isinstance(callback, ProgressBar) for callback in config.callbacks or [])
        if config.enable_progress_bar is not False and not theirs:
            if sys.stdout.isatty():
                added.append(TrainingBar(monitor))
            else:
                added.append(EpochLines(monitor))
                left["enable_progress_bar"] = False
        return left

    def _start_run(self, root: Path, logger: object) -> tuple[Path, list[Logger]]:
        """Make the folder and the loggers of the run, and set `previous` to the run that it resumes."""
        name = self.config_init.experiment
        key = run_key(yaml.safe_load(self.parser.dump(self.config, skip_unset=False)))
        if self.config.resume:
            if self.config.ckpt_path:
                raise UsageError("resume finds the checkpoint itself; give it or --ckpt_path, not both")
            self.previous = find_previous_run(root / name, key, lambda: current_fingerprint(self.datamodule))
        if self.previous.finished:
            return self.previous.finished, []
        check_output(root / name, folder=True)
        folder = new_run_folder(root, name)
        wandb_id = self.previous.wandb_id or secrets.token_hex(4)
        if is_first_process():
            note_run(folder, key, wandb_id)
        return folder, make_loggers(folder, name, logger, wandb_id)

    def _check_checkpoint(self, path: str) -> None:
        """Refuse a checkpoint that cannot be resumed, before data are read and a folder is made."""
        checkpoint = read_checkpoint(path)
        check_checkpoint(checkpoint, path)
        if isinstance(self.model, FaceModule):
            self.model.check_classes(checkpoint, path, roles=self.model.learns)

    def _check_attributes(self, callback: object) -> None:
        """Refuse a callback that needs an attribute which the dataset lacks, before data are read."""
        known = self.datamodule.attributes
        for name in sorted(getattr(callback, "required_attributes", set()) - set(known)):
            near = nearest(name, known)
            hint = f"did you mean {near!r}?" if near else f"it has {', '.join(sorted(known))}"
            raise UsageError(
                f"{type(callback).__name__} needs the attribute {name!r}, "
                f"which {type(self.datamodule).__name__} lacks; {hint}"
            )


def _with_checkpoint_io(plugins: Any) -> list[Any]:
    """Return the configured plugins, with our checkpoint writer unless they include one."""
    given = list(plugins) if isinstance(plugins, (list, tuple)) else [plugins] if plugins else []
    own = any(isinstance(plugin, CheckpointIO) for plugin in given)
    return given if own else [*given, SafeCheckpointIO()]


def _check_accelerator(accelerator: object) -> None:
    """Refuse a GPU that does not exist, before a folder is made.

    Raises:
        UsageError: says what to do.
    """
    if accelerator not in ("gpu", "cuda") or CUDAAccelerator.is_available():
        return
    if accelerator == "cuda" or not MPSAccelerator.is_available():
        raise UsageError(
            f"trainer.accelerator is {accelerator}, and this machine has no GPU that PyTorch can use: "
            "add --config hardware/cpu.yaml after the other configurations, or leave out hardware/*.yaml"
        )
