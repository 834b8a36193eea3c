import pytest
import torch
from pytorch_lightning.utilities.exceptions import MisconfigurationException
from torch.nn import functional

from lightning_modules.backbones.factory import build_backbone
from lightning_modules.baseline import Baseline

ATTRIBUTES = {"gender": ["female", "male"]}


def _baseline(**options) -> Baseline:
    options = {"backbone": "precomputed", "backbone_options": {"num_features": 5}} | options
    return Baseline(attributes=ATTRIBUTES, task="gender", hidden=7, **options)


def _batch() -> dict[str, torch.Tensor]:
    generator = torch.Generator().manual_seed(0)
    return {"embedding": torch.randn(8, 5, generator=generator), "gender": torch.arange(8) % 2}


def test_the_embedding_is_what_the_batch_holds() -> None:
    backbone = build_backbone("precomputed", options={"num_features": 5})
    embedding = _batch()["embedding"]
    assert torch.equal(backbone(embedding), embedding)
    assert list(backbone.parameters()) == []
    assert backbone.num_features == 5


def test_a_head_on_embeddings_trains_as_in_plain_torch() -> None:
    module, batch = _baseline(), _batch()
    logits = module.head(batch["embedding"])
    expected = functional.cross_entropy(logits, batch["gender"])
    assert module.training_step(batch, 0).item() == pytest.approx(expected.item())
    assert torch.equal(module.evaluate(batch, "val")["prediction"], logits.argmax(1))


def test_a_checkpoint_builds_the_module_again(tmp_path, fit) -> None:
    module = _baseline()
    trainer = fit(module, _batch(), steps=2)
    trainer.save_checkpoint(tmp_path / "a.ckpt")
    again = Baseline.load_from_checkpoint(tmp_path / "a.ckpt", weights_only=True)
    embedding = _batch()["embedding"]
    assert torch.equal(again(embedding), module(embedding))


@pytest.mark.parametrize(
    ("weights", "options", "message"),
    [
        ("pretrained", {"num_features": 5}, "has no weights"),
        (None, {}, "needs backbone_options"),
        (None, {"num_features": 0}, "needs backbone_options"),
        (None, {"num_features": 5, "scale": 2}, "needs backbone_options"),
    ],
)
def test_wrong_options_are_refused(weights, options, message) -> None:
    with pytest.raises(ValueError, match=message):
        build_backbone("precomputed", weights=weights, options=options)


def test_data_of_another_kind_or_length_are_refused(toy) -> None:
    with pytest.raises(MisconfigurationException, match="reads the batch's embedding, which the data do not"):
        _baseline().training_step({"image": torch.zeros(2, 3, 8, 8), "gender": torch.zeros(2).long()}, 0)
    with pytest.raises(MisconfigurationException, match="reads the batch's image, which the data do not"):
        Baseline(task="smiling", **toy).training_step(_batch() | {"smiling": torch.zeros(8).long()}, 0)
    with pytest.raises(MisconfigurationException, match="5 features, not 6.*num_features: 5"):
        _baseline(backbone_options={"num_features": 6}).training_step(_batch(), 0)
