"""Methods with one sensitive attribute: refusals, optimizers, checkpoints, frozen statistics."""

import copy
import warnings

import pytest
import torch
from torch import nn

from lightning_modules.blind_eye import BlindEye
from lightning_modules.dann import DANN
from lightning_modules.end import EnD
from lightning_modules.laftr import LAFTR
from lightning_modules.layers.batchnorm import freeze_batchnorm_stats
from lightning_modules.lntl import LNTL
from tests.support import sensitive_twin as plain

METHODS = pytest.mark.parametrize("method", [BlindEye, DANN, EnD, LAFTR])


@METHODS
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"sensitive": "age"}, "sensitive: the data have no attribute 'age'"),
        ({"sensitive": "smiling"}, "sensitive: name another attribute than the task"),
        ({"trainable": "none"}, "nothing of the backbone trains"),
    ],
)
def test_what_cannot_be_unlearned_is_refused(method, options, message, toy):
    with pytest.raises(ValueError, match=message):
        plain.make(method, toy, **options)


@pytest.mark.parametrize("method", [BlindEye, LAFTR])
@pytest.mark.parametrize("trainable", ["last_stage", "all"])
def test_the_optimizers_are_disjoint_and_cover_everything(method, trainable, toy):
    module = plain.make(
        method, toy, trainable=trainable, scheduler=lambda o: torch.optim.lr_scheduler.StepLR(o, 1)
    )
    (encoder, adversary), schedules = module.configure_optimizers()
    parameters = [{id(p) for g in o.param_groups for p in g["params"]} for o in (encoder, adversary)]
    assert parameters[1] == {id(p) for p in module.adversary.parameters()}
    assert not parameters[0] & parameters[1]
    assert parameters[0] | parameters[1] == {id(p) for p in module.trainable_parameters()}
    assert [s.optimizer for s in schedules] == [encoder, adversary]


@METHODS
def test_a_checkpoint_stands_alone(method, toy, batch, tmp_path):
    module = plain.make(method, toy).float()
    plain.train(module, batch, tmp_path).save_checkpoint(tmp_path / "a.ckpt")
    again = method.load_from_checkpoint(tmp_path / "a.ckpt", weights_only=True, map_location="cpu").eval()
    assert again.sensitive == "emotion"
    assert torch.equal(again.embed(batch["image"]), module.eval().embed(batch["image"]))


@pytest.mark.parametrize("method", [BlindEye, DANN, EnD, LAFTR, LNTL])
@pytest.mark.parametrize("unknown", ["emotion", "smiling", None])
def test_an_epoch_without_a_known_label_is_warned_about_once(method, unknown, toy, batch, tmp_path):
    module = plain.make(method, toy)
    if unknown:
        batch = {**batch, unknown: torch.full((12,), -1)}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        plain.train(module, batch, tmp_path, epochs=3)
    said = [str(w.message) for w in caught if "had no image with a known" in str(w.message)]
    assert len(said) == (unknown is not None)
    assert all(text.startswith(f"epoch 0 had no image with a known {unknown}") for text in said)


def test_frozen_statistics_normalise_by_the_batch_unmoved():
    network = nn.Sequential(
        nn.BatchNorm1d(3), nn.BatchNorm1d(3), nn.BatchNorm1d(3, track_running_stats=False)
    )
    network[1].eval()
    x = torch.randn(8, 3) * 5 + 2
    expected = copy.deepcopy(network)(x)
    before = copy.deepcopy(network.state_dict())
    with freeze_batchnorm_stats(network):
        torch.testing.assert_close(network(x), expected)
    assert all(torch.equal(tensor, before[name]) for name, tensor in network.state_dict().items())
    assert [layer.track_running_stats for layer in network] == [True, True, False]
    network(x)
    assert network[0].num_batches_tracked == 1, "later they move again"
