"""LNTL from a baseline's checkpoint: the weights it takes, and what it refuses."""

from typing import Any

import pytest
import torch

from lightning_modules.baseline import Baseline
from lightning_modules.lntl import LNTL
from storage.checkpoints import WeightsError


def lntl(toy: dict[str, Any], **options: Any) -> LNTL:
    torch.manual_seed(9)
    return LNTL(**toy, task="smiling", sensitive="emotion", hidden=8, bias_hidden=8, **options)


@pytest.fixture
def start(toy, batch, fit, tmp_path) -> tuple[str, dict[str, torch.Tensor]]:
    """A baseline's checkpoint and its weights."""
    module = Baseline(**toy, task="smiling", hidden=8, trainable="last_stage")
    fit(module, batch).save_checkpoint(tmp_path / "a.ckpt")
    return str(tmp_path / "a.ckpt"), module.state_dict()


def test_it_starts_from_the_baseline_with_new_bias_heads(toy, start):
    path, weights = start
    module, fresh = lntl(toy, start_from=path), lntl(toy)
    assert any(not torch.equal(fresh.state_dict()[name], value) for name, value in weights.items())
    module.setup("test")
    assert all(torch.equal(v, fresh.state_dict()[n]) for n, v in module.state_dict().items()), "for fit alone"
    module.setup("fit")
    for name, value in module.state_dict().items():
        assert torch.equal(
            value, fresh.state_dict()[name] if name.startswith("bias_heads.") else weights[name]
        )


def test_its_own_checkpoint_does_not_ask_for_the_baselines(toy, batch, fit, start, tmp_path):
    module = lntl(toy, start_from=start[0])
    fit(module, batch).save_checkpoint(tmp_path / "b.ckpt")
    (tmp_path / "a.ckpt").unlink()
    again = LNTL.load_from_checkpoint(tmp_path / "b.ckpt", weights_only=True)
    assert again.start_from is None
    assert all(torch.equal(v, again.state_dict()[n]) for n, v in module.state_dict().items())
    both = lntl(toy, start_from=str(tmp_path / "b.ckpt"))
    both.setup("fit")
    assert all(torch.equal(v, both.state_dict()[n]) for n, v in module.state_dict().items()), "bias heads too"


def test_what_does_not_fit_is_refused_in_one_line(toy, start, tmp_path):
    path, _ = start
    damaged = tmp_path / "damaged.ckpt"
    damaged.write_bytes((tmp_path / "a.ckpt").read_bytes()[:2000])
    linear = LNTL(**toy, task="smiling", sensitive="emotion", hidden=0, bias_hidden=8, start_from=path)
    for module, message in (
        (lntl(toy, start_from=str(tmp_path / "none.ckpt")), "there is no checkpoint"),
        (lntl(toy, start_from=str(damaged)), "not a checkpoint that can be read safely"),
        (linear, "another model"),
    ):
        with pytest.raises(WeightsError, match=f"^start_from: .*{message}[^\n]*$"):
            module.setup("fit")
