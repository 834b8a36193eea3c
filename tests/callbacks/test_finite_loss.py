import math
import re
from operator import attrgetter
from pathlib import Path

import pytest
import torch
from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from torch.utils.data import DataLoader

from callbacks.finite_loss import FiniteLoss, NonFiniteLossError
from lightning_modules import blind_eye, end, sensitivenets
from lightning_modules.attractiveness import Attractiveness
from lightning_modules.baseline import Baseline
from lightning_modules.dann import DANN
from lightning_modules.face_recognition import FaceRecognition
from lightning_modules.laftr import LAFTR
from lightning_modules.lntl import LNTL
from lightning_modules.lntl_joint import LNTLJoint
from lightning_modules.sensitivenets import SensitiveNets
from tests.support import toy
from tests.support.callback_dummies import ColumnData, OneWeight, samples
from tests.support.methods import TOY


class Breaks(OneWeight):
    """The loss of one batch has the given value."""

    def __init__(self, value, at=3, automatic=True):
        super().__init__()
        self.value, self.at, self.automatic_optimization, self.seen = value, at, automatic, []

    def training_step(self, batch, batch_idx):
        self.seen.append(batch_idx)
        loss = super().training_step(batch, batch_idx)
        loss = loss * self.value if batch_idx == self.at else loss
        return loss if self.automatic_optimization else {"loss": loss.detach()}


def fit(module, folder, *callbacks):
    Trainer(
        accelerator="cpu",
        devices=1,
        callbacks=[FiniteLoss(), *callbacks],
        default_root_dir=folder,
        logger=False,
        max_epochs=1,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=bool(callbacks),
    ).fit(module, datamodule=ColumnData(samples(), batch_size=2))


@pytest.mark.parametrize("automatic", [True, False])
@pytest.mark.parametrize("value", [math.nan, math.inf])  # 0 * inf is nan as well
def test_stops_at_the_batch_that_broke(tmp_path, value, automatic):
    module = Breaks(value, automatic=automatic)
    with pytest.raises(NonFiniteLossError) as error:
        fit(module, tmp_path)
    steps = 4 if automatic else 0  # a module that optimises manually counts its own steps
    assert f"nan in epoch 0, batch 3 (global step {steps})" in str(error.value)
    assert "lower learning rate" in str(error.value)
    assert "it is 32-true" in str(error.value)
    assert module.seen == [0, 1, 2, 3]


def test_infinite_is_named_so(tmp_path):
    module = Breaks(math.inf)
    with torch.no_grad():
        module.weight.fill_(1)
    with pytest.raises(NonFiniteLossError, match="loss is inf"):
        fit(module, tmp_path)


@pytest.mark.parametrize("save_last", [True, False])
def test_names_the_checkpoint_to_resume_from(tmp_path, save_last):
    checkpoint = ModelCheckpoint(tmp_path, filename="{step}", every_n_train_steps=2, save_last=save_last)
    with pytest.raises(NonFiniteLossError) as error:
        fit(Breaks(math.nan), tmp_path, checkpoint)
    name = "last.ckpt" if save_last else "step=2.ckpt"
    assert re.search(rf"Resume from {re.escape(str(tmp_path / name))}\.", str(error.value))


def test_a_sound_run_ends(tmp_path):
    module = Breaks(1.0)
    fit(module, tmp_path)
    assert module.seen == list(range(6))


class Skips(OneWeight):
    def training_step(self, batch, batch_idx):
        return None


def test_a_skipped_batch_is_no_error(tmp_path):
    fit(Skips(), tmp_path)


def test_a_manual_module_has_to_return_its_loss(tmp_path):
    module = Skips()
    module.automatic_optimization = False
    with pytest.raises(ValueError, match=r"needs Skips.training_step to return its loss"):
        fit(module, tmp_path)


def test_the_term_to_blame_is_named():
    outputs = {name: torch.tensor(value) for name, value in (("loss", math.nan), ("a", 1.0), ("b", math.inf))}
    trainer = Trainer(logger=False, enable_checkpointing=False, accelerator="cpu")
    with pytest.raises(NonFiniteLossError, match=r"loss is nan \(because of b\) in epoch 0"):
        FiniteLoss().on_train_batch_end(trainer, Breaks(1.0), outputs, None, 0)


def test_a_term_outside_of_the_loss_is_looked_at():
    outputs = {name: torch.tensor(value) for name, value in (("loss", 1.0), ("a", 1.0), ("bias", math.nan))}
    trainer = Trainer(logger=False, enable_checkpointing=False, accelerator="cpu")
    with pytest.raises(NonFiniteLossError, match="The training's bias is nan in epoch 0"):
        FiniteLoss().on_train_batch_end(trainer, Breaks(1.0), outputs, None, 0)


def test_a_checkpoint_whose_weights_are_spoilt_is_not_named(tmp_path):
    class Spoils(Breaks):
        def training_step(self, batch, batch_idx):
            if batch_idx == 2:
                with torch.no_grad():
                    self.weight.fill_(math.inf)  # finite until the next loss
            return super().training_step(batch, batch_idx) if batch_idx != 2 else 0 * self.other.sum()

    module = Spoils(1.0)
    module.other = torch.nn.Parameter(torch.zeros(1))
    keeps = [
        ModelCheckpoint(tmp_path, filename="{step}", every_n_train_steps=n, save_top_k=-1) for n in (2, 3)
    ]
    with pytest.raises(NonFiniteLossError, match=r"Resume from \S*step=2.ckpt\."):
        fit(module, tmp_path, *keeps)
    assert (tmp_path / "step=3.ckpt").exists()


HIDES = {"task": "gender", "sensitive": "emotion", "hidden": 8, "trainable": "last_stage"}
TURNS = {"sensitive": "emotion", "target": "sad", "width": 6, "hidden": 4, "steps_per_round": 1,
         "classifier_steps": 1, "warmup_rounds": 0, "rounds": 4}  # fmt: skip
ALVI = {**HIDES, "main_every": 2}
# method, options, the place (None: the module itself) and name of the function of the term, the term
TERMS = {
    "baseline": (Baseline, {"task": "gender"}, None, "losses", None),
    "attractiveness": (Attractiveness, {"task": "gender", "sensitive": "emotion"}, None, "losses", None),
    "face recognition": (FaceRecognition, {}, None, "margin_loss", None),
    "lntl: task": (LNTL, HIDES, None, "task_loss", "task"),
    "lntl: confidence": (LNTL, HIDES, "bias_heads", "confidence", "confidence"),
    "lntl: bias": (LNTL, HIDES, "bias_heads", "cross_entropy", "bias"),
    "joint: task": (LNTLJoint, HIDES, None, "task_loss", "task"),
    "joint: confidence": (LNTLJoint, HIDES, "bias_heads", "confidence", "confidence"),
    "joint: bias": (LNTLJoint, HIDES, "bias_heads", "cross_entropy", "bias"),
    "sensitivenets: triplet": (SensitiveNets, TURNS, sensitivenets, "triplet_loss", "triplet"),
    "sensitivenets: delta": (SensitiveNets, TURNS, sensitivenets, "mean_over_triplets", "delta"),
    "sensitivenets: classifier": (SensitiveNets, TURNS, sensitivenets, "masked_mean", None),
    "dann: task": (DANN, HIDES, None, "task_loss", "task"),
    "dann: bias": (DANN, HIDES, None, "sensitive_loss", "bias"),
    "blind eye: task": (blind_eye.BlindEye, ALVI, None, "task_loss", "task"),
    "blind eye: confusion": (blind_eye.BlindEye, ALVI, blind_eye, "confusion_losses", "confusion"),
    "blind eye: bias": (blind_eye.BlindEye, ALVI, None, "sensitive_loss", "bias"),
    "end: task": (end.EnD, HIDES, None, "task_loss", "task"),
    "end: orthogonal": (end.EnD, HIDES, end, "orthogonality", "orthogonal"),
    "end: parallel": (end.EnD, HIDES, end, "parallelism", "parallel"),
    "laftr: task": (LAFTR, HIDES, None, "task_loss", "task"),
    "laftr: bias": (LAFTR, HIDES, None, "adversary_loss", "bias"),
}


def faces():
    n = torch.arange(12)
    image = torch.randint(256, (12, 3, 32, 32), generator=torch.Generator().manual_seed(1), dtype=torch.uint8)
    return {"image": image, "emotion": n % 3, "gender": n % 2, "identity": n % 4}


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("case", TERMS)
def test_every_term_of_every_method_stops_the_run_and_is_named(case, monkeypatch, tmp_path):
    method, options, place, function, term = TERMS[case]
    attributes = {"emotion": ["happy", "neutral", "sad"], "gender": ["f", "m"], "identity": list("abcd")}
    module = method(**TOY, attributes=attributes, **options)
    owner = attrgetter(place)(module) if isinstance(place, str) else place or module
    right = getattr(owner, function)

    def wrong(*args, **kwargs):  # from the fourth batch on
        return right(*args, **kwargs) * (math.nan if module.global_step >= 3 else 1)

    monkeypatch.setattr(owner, function, wrong)
    checkpoint = ModelCheckpoint(tmp_path, filename="{step}", every_n_train_steps=3, save_top_k=-1)
    trainer = Trainer(
        accelerator="cpu", max_epochs=3, callbacks=[FiniteLoss(), checkpoint], default_root_dir=tmp_path,
        logger=False, enable_progress_bar=False, enable_model_summary=False,
    )  # fmt: skip
    with pytest.raises(NonFiniteLossError) as error:
        trainer.fit(module, DataLoader([faces()] * 3, batch_size=None))
    message = str(error.value)
    assert re.search(r"is nan .*in epoch [12], batch \d \(global step [4-7]\)", message), message
    assert f"Resume from {tmp_path / 'step=3.ckpt'}." in message or "step=6.ckpt" in message
    if term:
        assert f"(because of {term}" in message or f"training's {term} is nan" in message


CLI = {
    "lntl.yaml": ["--trainer.limit_train_batches=4"],
    "sensitivenets.yaml": ["--model.init_args.steps_per_round=2", "--model.init_args.classifier_steps=2"],
}


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize(
    ("config", "method", "function"),
    [
        ("lntl.yaml", LNTL, "task_loss"),
        ("sensitivenets.yaml", SensitiveNets, "suppressor_terms"),
    ],
)
def test_the_command_line_names_a_checkpoint_to_resume_from(
    config, method, function, tmp_path, monkeypatch, capsys
):
    monkeypatch.chdir(tmp_path)
    options = [
        f"--config={config}", *toy.BACKBONE, *toy.DATA, *toy.QUIET, *CLI[config], "--trainer.callbacks=null",
        "--checkpoint.monitor=epoch", "--trainer.max_epochs=2", "--trainer.enable_model_summary=false",
    ]  # fmt: skip
    right = getattr(method, function)

    def wrong(self, *args, **kwargs):
        result, factor = right(self, *args, **kwargs), math.nan if self.current_epoch == 1 else 1
        return {k: v * factor for k, v in result.items()} if isinstance(result, dict) else result * factor

    monkeypatch.setattr(method, function, wrong)
    with pytest.raises(SystemExit) as stop:
        toy.run(monkeypatch, *options)
    monkeypatch.setattr(method, function, right)
    assert stop.value.code == 1
    error = capsys.readouterr().err
    message = error[error.index("error: ") :]
    assert message.count("\n") == 1
    assert "Traceback" not in error
    path = re.search(r"in epoch 1, batch \d .*Resume from (\S+\.ckpt)\.", message)[1]
    assert Path(path).name == "last.ckpt"
    again = method.load_from_checkpoint(path, weights_only=True)
    assert all(torch.isfinite(parameter).all() for parameter in again.parameters())
    toy.run(monkeypatch, *options, f"--ckpt_path={path}", "--experiment=rest")
    checkpoint = torch.load(next(Path("runs/rest").glob("*/checkpoints/last.ckpt")), weights_only=True)
    assert checkpoint["epoch"] == 1
