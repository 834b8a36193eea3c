"""A checkpoint alone gives the module back, without pickled code and without the first weights file."""

import warnings
from pathlib import Path
from typing import Any

import pytest
import torch
from pytorch_lightning import LightningDataModule, LightningModule, Trainer
from pytorch_lightning.cli import LightningCLI
from torch.utils.data import DataLoader

from lightning_modules.backbones.factory import WeightsError, build_backbone, save_backbone
from lightning_modules.baseline import Baseline
from lightning_modules.training.base import FaceModule
from tests.support.marks import slow_but
from tests.support.methods import METHODS
from tests.support.tiny_onnx import write_onnx


def same_outputs(
    method: type[FaceModule], path: Path, module: FaceModule, image: Any, own: Any = ()
) -> FaceModule:
    """The module of a checkpoint, after comparing it, with its `own` hyper-parameters."""
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message=".*random values")
        again = method.load_from_checkpoint(path, weights_only=True, map_location="cpu")
    assert type(again) is method
    assert torch.equal(again.eval()(image), module.eval()(image))
    assert torch.equal(again.embed(image), module.embed(image))
    assert all(again.hparams[name] == module.hparams[name] for name in own)
    for name, value in module.state_dict().items():
        assert torch.equal(again.state_dict()[name], value), name
    return again


@pytest.mark.parametrize("name", slow_but("lntl", METHODS))
def test_a_checkpoint_replaces_the_weights_file(name, toy, batch, fit, tmp_path):
    weights = tmp_path / "mine.safetensors"
    backbone = build_backbone(toy["backbone"], trainable="all", options=toy["backbone_options"])
    save_backbone(backbone, weights, made_by="", figures={})
    kind, own = METHODS[name].kind, METHODS[name].options | METHODS[name].unusual
    attributes = {n: tuple(c) for n, c in toy["attributes"].items()}
    module = kind(**own, attributes=attributes, backbone=str(weights), trainable=METHODS[name].trainable)
    trainer = fit(module, batch)
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    weights.unlink()
    again = same_outputs(kind, tmp_path / "a.ckpt", module, batch["image"], own)
    trains, trained = ([p.requires_grad for p in m.backbone.parameters()] for m in (again, module))
    assert trains == trained
    used = {again.task, "emotion"} if "sensitive" in own else {again.task}
    assert again.attributes == {name: toy["attributes"][name] for name in used}, "nobody else's names"


class ToyData(LightningDataModule):
    """The batch fixture as a DataModule, for the command line."""

    batch: Any = None
    attributes: Any = None

    def train_dataloader(self) -> DataLoader:
        return DataLoader([self.batch], batch_size=None)


class ToyCLI(LightningCLI):
    """Subclass mode with linked attributes."""

    def add_arguments_to_parser(self, parser: Any) -> None:
        parser.link_arguments("data.attributes", "model.init_args.attributes", apply_on="instantiate")


@pytest.mark.slow
@pytest.mark.parametrize("name", slow_but(("baseline", "lntl_variant"), METHODS))
def test_a_checkpoint_of_the_command_line_loads_too(name, toy, batch, tmp_path, monkeypatch):
    kind, options = METHODS[name].kind, METHODS[name].options | METHODS[name].unusual
    monkeypatch.setattr(ToyData, "batch", batch)
    monkeypatch.setattr(ToyData, "attributes", {n: tuple(c) for n, c in toy["attributes"].items()})
    config = {
        "model": {
            "class_path": f"{kind.__module__}.{kind.__name__}",
            "init_args": {**{k: v for k, v in toy.items() if k != "attributes"}, **options},
        },
        "data": {"class_path": f"{__name__}.ToyData"},
        "trainer": {
            "max_epochs": 1,
            "accelerator": "cpu",
            "default_root_dir": str(tmp_path),
            "logger": False,
            "enable_progress_bar": False,
            "enable_model_summary": False,
        },
    }
    config["model"]["init_args"]["optimizer"] = {"class_path": "torch.optim.SGD", "init_args": {"lr": 0.5}}
    cli = ToyCLI(
        LightningModule,
        LightningDataModule,
        subclass_mode_model=True,
        subclass_mode_data=True,
        run=False,
        args=config,
        save_config_callback=None,
        auto_configure_optimizers=False,
        parser_kwargs={"parser_mode": "omegaconf"},
    )
    cli.trainer.fit(cli.model, cli.datamodule)
    assert type(cli.trainer.optimizers[0]) is torch.optim.SGD
    cli.trainer.save_checkpoint(tmp_path / "a.ckpt")
    same_outputs(kind, tmp_path / "a.ckpt", cli.model, batch["image"], options)


def test_the_default_optimizer_is_shown_and_can_be_changed(toy, monkeypatch, capsys):
    monkeypatch.setattr(ToyData, "attributes", toy["attributes"])
    arguments = ["--model=lightning_modules.attractiveness.Attractiveness", "--model.optimizer.lr=0.5"]
    with pytest.raises(SystemExit):
        ToyCLI(
            LightningModule,
            LightningDataModule,
            subclass_mode_model=True,
            subclass_mode_data=True,
            run=False,
            args=[*arguments, f"--data={__name__}.ToyData", "--print_config"],
        )
    shown = capsys.readouterr().out
    assert "class_path: torch.optim.Adam\n      init_args:\n        lr: 0.5" in shown


def test_training_goes_on_from_a_checkpoint_as_if_uninterrupted(toy, batch, tmp_path):
    def train(path: Path | None, epochs: int) -> tuple[FaceModule, Trainer]:
        torch.manual_seed(0)
        module = Baseline(**toy, task="emotion", trainable="all", hidden=8)
        quiet: Any = {"logger": False, "enable_progress_bar": False, "enable_model_summary": False}
        trainer = Trainer(
            default_root_dir=tmp_path,
            accelerator="cpu",
            max_epochs=epochs,
            enable_checkpointing=False,
            **quiet,
        )
        trainer.fit(module, DataLoader([batch], batch_size=None), ckpt_path=path, weights_only=True)
        return module, trainer

    whole, _ = train(None, 4)
    train(None, 2)[1].save_checkpoint(tmp_path / "half.ckpt")
    resumed, _ = train(tmp_path / "half.ckpt", 4)
    for name, tensor in whole.state_dict().items():
        assert torch.equal(tensor, resumed.state_dict()[name]), name


def test_a_checkpoint_on_an_onnx_graph_needs_the_file(toy, batch, fit, tmp_path):
    path = write_onnx(tmp_path / "tiny.onnx")
    module = Baseline(
        attributes=toy["attributes"], task="emotion", backbone="onnx", weights=path, trainable="last_stage"
    )
    fit(module, batch).save_checkpoint(tmp_path / "a.ckpt")
    same_outputs(Baseline, tmp_path / "a.ckpt", module, batch["image"])
    moved = Path(path).rename(tmp_path / "elsewhere.onnx")
    with pytest.raises(WeightsError, match="tiny.onnx: there is no such weights file"):
        Baseline.load_from_checkpoint(tmp_path / "a.ckpt", weights_only=True)
    again = Baseline.load_from_checkpoint(tmp_path / "a.ckpt", weights_only=True, weights=str(moved))
    assert torch.equal(again.eval()(batch["image"]), module.eval()(batch["image"]))
