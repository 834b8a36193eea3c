"""BlindEye: the confusion in closed form, both optimizers' steps against plain torch, what each moves."""

import copy
import math

import pytest
import torch

from lightning_modules.blind_eye import BlindEye, confusion_losses
from tests.support import sensitive_twin as plain


def test_confusion_is_the_cross_entropy_with_uniform():
    logits = torch.tensor([[5.0, 5.0, 5.0], [math.log(2), 0.0, 0.0]])
    expected = torch.tensor([math.log(3), -(math.log(0.5) + 2 * math.log(0.25)) / 3])
    torch.testing.assert_close(confusion_losses(logits), expected)


def test_confusion_of_a_certain_head_has_a_finite_gradient():
    logits = torch.tensor([[1e4, 0.0]], requires_grad=True)
    loss = confusion_losses(logits).sum()
    loss.backward()
    assert loss == 5000
    assert logits.grad.tolist() == [[0.5, -0.5]]


def test_both_steps_are_those_of_plain_torch(toy, batch, tmp_path):
    module = plain.make(BlindEye, toy, alpha=0.7, main_every=2)
    twin = copy.deepcopy(module)
    plain.train(module, batch, tmp_path, epochs=2)

    x = plain.embedding(twin, batch)
    known = batch["emotion"] >= 0
    p = twin.adversary(x[known]).softmax(1)
    loss = plain.cross_entropy(plain.head(twin, x), batch["smiling"]) - 0.7 * p.log().mean()
    plain.descend(loss, (twin.backbone, plain.LR), (twin.head, plain.LR))
    x = plain.embedding(twin, batch, keep_statistics=True).detach()
    plain.descend(
        plain.cross_entropy(twin.adversary(x), batch["emotion"]), (twin.adversary, plain.ADVERSARY_LR)
    )
    plain.assert_same_state(module, twin)


def test_the_task_moves_backbone_and_head(toy, batch, tmp_path):
    module = plain.make(BlindEye, toy, alpha=0.0)
    assert plain.moved(module, batch, tmp_path) == plain.names(module, "backbone", "statistics", "head")


def test_the_confusion_moves_the_backbone_alone(toy, batch, tmp_path):
    module = plain.no_task(plain.make(BlindEye, toy))
    assert plain.moved(module, batch, tmp_path) == plain.names(module, "backbone", "statistics")


def test_the_bias_heads_epochs_move_the_bias_head_alone(toy, batch, tmp_path):
    module = plain.make(BlindEye, toy)
    states = []
    module.on_train_epoch_start = lambda: states.append(copy.deepcopy(module.state_dict()))
    trainer = plain.train(module, batch, tmp_path, epochs=5, steps=2)
    states.append(module.state_dict())
    changed = [
        {name for name in after if not torch.equal(after[name], before[name])}
        for before, after in zip(states, states[1:], strict=False)
    ]
    encoder = plain.names(module, "backbone", "statistics", "head")
    bias = plain.names(module, "adversary")
    assert changed == [encoder, bias, bias, encoder, bias]
    assert trainer.global_step == 10, "one counted step a batch"
    assert all(p.requires_grad for p in module.adversary.parameters()), "their gradients are on again"
    assert len(plain.names(module, "statistics")) > 0


@pytest.mark.parametrize("epochs", [1, 2])
def test_faces_of_unknown_emotion_teach_nothing(epochs, toy, batch, tmp_path):
    module = plain.no_task(plain.make(BlindEye, toy))
    unknown = {**batch, "emotion": torch.full((12,), -1)}
    assert plain.moved(module, unknown, tmp_path, epochs=epochs) == plain.names(module, "statistics")


def test_confusion_unlearns_what_the_bias_head_reads(toy, tmp_path):
    """Against a bias head that reads brightness, training makes its predictions even."""
    labels = torch.arange(12) % 2
    image = 0.3 * torch.rand(12, 3, 32, 32) + 0.6 * labels[:, None, None, None]
    batch = {"image": image, "smiling": torch.full((12,), -1), "emotion": labels}
    module = plain.make(BlindEye, toy, trainable="all", main_every=2)
    module.adversary.weight.data *= 10
    module.train()
    before = confusion_losses(module.adversary(module.forward_batch(batch).embedding)).mean()
    plain.train(module, batch, tmp_path, steps=20)
    module.train()
    after = confusion_losses(module.adversary(module.forward_batch(batch).embedding)).mean()
    assert after < (before + math.log(3)) / 2


@pytest.mark.parametrize(
    ("options", "message"),
    [({"alpha": -1.0}, "alpha cannot be negative"), ({"main_every": 1}, "leave the bias head an epoch")],
)
def test_options_out_of_range_are_refused(options, message, toy):
    with pytest.raises(ValueError, match=message):
        plain.make(BlindEye, toy, **options)
