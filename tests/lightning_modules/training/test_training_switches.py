"""Switches that save memory or time change no weight and no running value, or are refused."""

import copy
from pathlib import Path

import pytest
import torch
from torch._dynamo.utils import counters

from lightning_modules.baseline import Baseline
from lightning_modules.lntl import LNTL
from lightning_modules.sensitivenets import SensitiveNets
from tests.support import toy as recipe
from tests.support.marks import slow_but
from tests.support.methods import METHODS

SGD = {"optimizer": lambda p: torch.optim.SGD(p, lr=0.1, momentum=0.9)}
HIDES = {"task": "smiling", "sensitive": "emotion", "hidden": 8, **SGD}
ALL = {"trainable": "all"}
# "lntl" and the baseline train all of the backbone, the others the part that the table says
VARIANTS = {name: (name, {}) for name, method in METHODS.items() if method.trainable != "none"} | {
    "baseline": ("baseline", ALL),
    "lntl": ("lntl", ALL),
    "lntl of a layer": ("lntl", {**ALL, "feature_layer": "layer3"}),
}


def trained(name, toy, batch, fit, **switch):
    """The weights and running values after three steps from the same start, in 64 bits."""
    torch.manual_seed(0)
    base, added = VARIANTS[name]
    method = METHODS[base]
    options = {"trainable": method.trainable, **SGD, **method.options, **added, **switch}
    module = method.kind(**toy, **options).double()
    fit(module, batch, steps=3)
    return module.state_dict()


def assert_alike(ours, theirs):
    assert ours.keys() == theirs.keys()
    for name, value in theirs.items():
        torch.testing.assert_close(ours[name], value, rtol=1e-9, atol=1e-11, msg=name)


@pytest.mark.parametrize("name", slow_but("lntl", VARIANTS))
def test_checkpointing_changes_no_step(name, toy, batch, fit):
    plain = trained(name, toy, batch, fit)
    assert_alike(trained(name, toy, batch, fit, grad_checkpointing=True), plain)


def saved(module, batch):
    """Count the numbers that autograd keeps of a pass through the backbone, weights left out."""
    kept = []

    def keep(x):
        kept.append(0 if isinstance(x, torch.nn.Parameter) else x.numel())
        return x

    with torch.autograd.graph.saved_tensors_hooks(keep, lambda x: x):
        module.embed(batch["image"]).square().sum().backward()
    return sum(kept)


@pytest.mark.parametrize("trainable", ["all", "last_stage"])
def test_checkpointing_keeps_less_and_counts_a_batch_once(trainable, toy, batch):
    plain = Baseline(**toy, task="smiling", trainable=trainable)
    torch.manual_seed(0)
    ours = Baseline(**toy, task="smiling", trainable=trainable, grad_checkpointing=True)
    timms = copy.deepcopy(plain)
    timms.backbone.network.set_grad_checkpointing()
    kept = {name: saved(module, batch) for name, module in (("plain", plain), ("ours", ours))}
    assert kept["ours"] < 0.85 * kept["plain"], "the stem is no block, and large in this one"
    saved(timms, batch)
    counted = [x.backbone.network.layer4[0].bn1.num_batches_tracked for x in (plain, ours, timms)]
    assert counted == [1, 1, 2], "timm's own switch is the control"


def test_a_checkpointed_copy_computes_with_its_own_weights(toy, batch):
    module = Baseline(**toy, task="smiling", trainable="all", grad_checkpointing=True)
    other = copy.deepcopy(module.backbone)
    with torch.no_grad():
        for parameter in module.backbone.parameters():
            parameter.zero_()
    assert (module.eval().embed(batch["image"]) == 0).all()
    assert (other.eval()(batch["image"]) != 0).any()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["baseline", "dann"])
def test_compiling_changes_no_step(name, toy, batch, fit):
    plain = trained(name, toy, batch, fit)
    counters.clear()
    torch._dynamo.reset()
    compiled = trained(name, toy, batch, fit, compile_backbone="aot_eager")
    assert counters["stats"]["unique_graphs"] >= 1
    assert_alike(compiled, plain)


WRONG = {
    "nothing trains": (
        Baseline, {"task": "smiling", "grad_checkpointing": True}, "nothing of the backbone trains",
    ),
    "frozen by the method": (
        SensitiveNets, {"sensitive": "emotion", "target": "sad", "grad_checkpointing": True},
        "nothing of the backbone trains",
    ),
    "no blocks": (
        Baseline, {"task": "smiling", "backbone": "lntl_convnet", "backbone_options": None, **ALL,
                   "grad_checkpointing": True},
        "lntl_convnet has no blocks in a sequence",
    ),
    "two optimizers": (
        LNTL, {**HIDES, "compile_backbone": "aot_eager"}, "LNTL cannot; it trains by two optimizers",
    ),
    "both": (
        Baseline, {"task": "smiling", **ALL, "grad_checkpointing": True, "compile_backbone": "aot_eager"},
        "choose one",
    ),
    "no network": (
        Baseline, {"task": "smiling", "backbone": "precomputed", "weights": None,
                   "backbone_options": {"num_features": 4},
                   "compile_backbone": "aot_eager"},
        "the data are embeddings",
    ),
}  # fmt: skip


@pytest.mark.parametrize("case", WRONG)
def test_what_a_switch_cannot_serve_is_refused_in_a_line(case, toy):
    method, options, reason = WRONG[case]
    with pytest.raises(ValueError, match=reason) as caught:
        method(**{**toy, **options})
    assert "\n" not in str(caught.value)


@pytest.mark.slow
@pytest.mark.parametrize("switch", ["grad_checkpointing=true", "compile_backbone=aot_eager"])
def test_a_checkpoint_knows_nothing_of_the_switches_that_made_it(switch, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    recipe.run(
        monkeypatch, "--config=baseline.yaml", *recipe.BACKBONE, *recipe.DATA, *recipe.QUIET,
        "--model.init_args.trainable=all", f"--model.init_args.{switch}", "--trainer.max_epochs=1",
        "--trainer.limit_train_batches=1", "--trainer.callbacks=null",
    )  # fmt: skip
    best = recipe.only_run(Path("runs")) / "checkpoints" / "best.ckpt"
    loaded = Baseline.load_from_checkpoint(best, weights_only=True)
    assert (loaded.hparams.grad_checkpointing, loaded.hparams.compile_backbone) == (False, None)
    assert all("forward" not in vars(module) for module in loaded.modules())
