"""SensitiveNets: who moves when, the plain-torch twin, resuming, and what it hides."""

import copy
import warnings
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from pytorch_lightning import Trainer
from pytorch_lightning.callbacks import ModelCheckpoint
from torch.nn import functional
from torch.utils.data import DataLoader

from datamodules.contract import SPLITS
from datamodules.embeddings import Embeddings
from datamodules.synthetic_faces import SyntheticFaces
from datamodules.tables.embedding_table import EmbeddingTable
from datamodules.train_orders import IdentityBatches
from evaluation.leakage.accuracies import strongest
from evaluation.leakage.held_out_leakage import held_out_leakage
from evaluation.leakage.reduction import leakage_reduction
from evaluation.samples.labelled_samples import Samples
from evaluation.verification.all_pairs import verification
from lightning_modules.layers.sensitive_losses import delta
from lightning_modules.sensitivenets import SensitiveNets
from lightning_modules.sensitivenets_variant import SensitiveNetsVariant
from lightning_modules.training.alternation import Alternation
from tests.support.marks import slow

SHORT = {"rounds": 2, "steps_per_round": 3, "classifier_steps": 2, "warmup_rounds": 1}
SMALL = {"sensitive": "emotion", "target": "neutral", "width": 7, "hidden": 6}
ATTRIBUTES = {"identity": [str(i) for i in range(8)], "emotion": ["happy", "neutral", "sad"]}


def make(method: type[SensitiveNets] = SensitiveNets, **options: Any) -> SensitiveNets:
    """On embeddings of five numbers."""
    torch.manual_seed(0)
    own = {"attributes": ATTRIBUTES, "backbone": "precomputed", "backbone_options": {"num_features": 5}}
    return method(**{**own, **SMALL, **SHORT, **options})


def table(count: int = 12, n: int = 24) -> list[dict[str, torch.Tensor]]:
    """Batches of noise; a label of each kind is unknown."""
    generator = torch.Generator().manual_seed(1)
    batches = []
    for _ in range(count):
        labels = {"identity": torch.arange(n) % 8, "emotion": torch.randint(3, (n,), generator=generator)}
        labels = {name: label.clone() for name, label in labels.items()}
        labels["identity"][3], labels["emotion"][4] = -1, -1
        batches.append({"embedding": torch.randn(n, 5, generator=generator), **labels})
    return batches


def train(module, batches, folder, *, epochs: int = 1, callbacks: Any = (), ckpt=None, **options) -> Trainer:
    trainer = Trainer(
        default_root_dir=folder, accelerator="cpu", max_epochs=epochs, logger=False,
        enable_progress_bar=False, enable_model_summary=False, callbacks=list(callbacks),
        enable_checkpointing=bool(callbacks), **options,
    )  # fmt: skip
    trainer.fit(module, DataLoader(batches, batch_size=None), ckpt_path=ckpt, weights_only=True)
    return trainer


def changes(module: SensitiveNets, batches, folder) -> list[set[str]]:
    """Return the parts of the module's state that each batch changed, by the first part of the name."""
    moved: list[set[str]] = []
    states = [copy.deepcopy(module.state_dict())]

    def after(*_: Any) -> None:
        states.append(copy.deepcopy(module.state_dict()))
        old, new = states[-2:]
        moved.append({n.split(".")[0] for n in new if not torch.equal(old[n], new[n])})

    module.on_train_batch_end = after
    train(module, batches, folder)
    return moved


def test_turns_follow_one_another():
    alternation = Alternation(**SHORT)
    turns = [alternation.turn(step) for step in range(alternation.total)]
    assert turns == [(r, p) for r in (-1, 0, 1) for p in range(5)]
    assert alternation.round_steps == 5
    assert [alternation.is_classifier_step(step) for step in range(10)] == [False] * 5 + [
        True,
        True,
        False,
        False,
        False,
    ]


def test_a_lasting_classifier_learns_after_each_suppressor_batch():
    alternation = Alternation(**SHORT, refresh_steps=2)
    assert alternation.round_steps == 2 + 3 * 3
    assert not any(alternation.is_classifier_step(step) for step in range(11)), (
        "the warm-up is the suppressor's"
    )
    assert [alternation.is_classifier_step(step) for step in range(11, 22)] == [
        True,
        True,
        *[False, True, True] * 3,
    ]


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_each_phase_moves_one_player_until_the_rounds_end(toy, batch, tmp_path):
    torch.manual_seed(0)
    module = SensitiveNets(**toy, **SMALL, **SHORT)
    moved = changes(module, [batch] * 20, tmp_path)
    classifier, suppressor = {"classifier", "steps"}, {"suppressor", "steps"}
    assert moved == [suppressor] * 5 + ([classifier] * 2 + [suppressor] * 3) * 2
    assert module.trainer.global_step == 15, "each batch is counted once"


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_the_frozen_recogniser_stays_in_eval_mode(toy, batch, fit):
    module = SensitiveNets(**toy, **SMALL, **SHORT)
    fit(module, batch, steps=5)
    assert module.suppressor.training
    assert module.classifier.training
    assert not any(m.training for m in module.backbone.network.modules())
    with pytest.raises(ValueError, match="frozen"):
        SensitiveNets(**toy, **SMALL, trainable="all")


def test_every_term_of_the_loss_reaches_the_suppressor_alone():
    module, (batch,) = make(), table(1)
    module.classifier.requires_grad_(False)
    terms = module.suppressor_terms(batch, 0, adversarial=True)
    for name in ("triplet", "delta"):
        grads = torch.autograd.grad(terms[name], list(module.suppressor.parameters()), retain_graph=True)
        assert any(g.abs().sum() > 0 for g in grads), name
    torch.testing.assert_close(terms["loss"], terms["triplet"] + terms["delta"])
    doubled = make(delta_weight=2.0).suppressor_terms(batch, 0, adversarial=True)
    torch.testing.assert_close(doubled["loss"], terms["triplet"] + 2 * terms["delta"])
    assert make().suppressor_terms(batch, 0, adversarial=False).keys() == {"loss", "triplet"}


def test_the_optimizers_are_disjoint_and_complete():
    module = make()
    groups = [{id(p) for g in o.param_groups for p in g["params"]} for o in module.configure_optimizers()]
    assert not groups[0] & groups[1]
    assert groups[0] | groups[1] == {id(p) for p in module.parameters()}
    assert groups[0] == {id(p) for p in module.suppressor.parameters()}


def plain_torch(module: SensitiveNets, batches, target: str) -> None:
    """The algorithm again, with loops over all semi-hard triplets."""
    of_suppressor = torch.optim.Adam(module.suppressor.parameters(), lr=1e-3)
    for step, batch in enumerate(batches):
        x, identity, emotion = batch["embedding"].double(), batch["identity"], batch["emotion"]
        place = step - 5
        if place >= 0 and place % 5 == 0:
            torch.manual_seed(int(module.seed) + place // 5)
            module.classifier = type(module.classifier)(7, 3, 6)
            module.classifier.double()
            of_classifier = torch.optim.Adam(module.classifier.parameters(), lr=1e-3)
        phi = module.suppressor(x)
        log_p = module.classifier(phi).log_softmax(1)
        if place >= 0 and place % 5 < 2:
            of_classifier.zero_grad()
            known = emotion >= 0
            log_p = module.classifier(phi.detach()).log_softmax(1)
            functional.nll_loss(log_p[known], emotion[known]).backward()
            of_classifier.step()
            continue
        unit = phi / phi.norm(dim=1, keepdim=True)
        losses, hidden = [], []
        hide = (0.9 - log_p[:, 1].exp()).abs().log1p() if target == "neutral" else -log_p.mean(1)
        for a in range(len(x)):
            for p in range(len(x)):
                for n in range(len(x)):
                    if a == p or min(identity[[a, p, n]]) < 0 or identity[a] != identity[p]:
                        continue
                    if identity[n] == identity[a]:
                        continue
                    gap = (unit[a] - unit[n]).square().sum() - (unit[a] - unit[p]).square().sum()
                    if 0 < gap <= 1.0:
                        losses.append(1.0 - gap)
                        hidden.append(hide[a] + hide[p] + hide[n])
        loss = torch.stack(losses).mean() + (0.7 * torch.stack(hidden).mean() if place >= 0 else 0)
        of_suppressor.zero_grad()
        loss.backward()
        of_suppressor.step()


@pytest.mark.parametrize(
    ("method", "target"),
    [
        (SensitiveNets, "neutral"),
        slow(SensitiveNetsVariant, "neutral"),
        slow(SensitiveNetsVariant, "uniform"),
    ],
)
def test_two_rounds_are_those_of_plain_torch(method, target, tmp_path):
    module = make(method, target=target, delta_weight=0.7, margin=1.0)
    twin = copy.deepcopy(module).double()
    batches = table(15, n=12)
    train(module, batches, tmp_path, precision="64-true")
    assert module.suppressor[0].weight.dtype == torch.float64
    torch.set_default_dtype(torch.float64)  # as Lightning does, in which new classifiers are drawn
    try:
        plain_torch(twin, batches, target)
    finally:
        torch.set_default_dtype(torch.float32)
    for (name, ours), theirs in zip(module.named_parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(ours, theirs, msg=name, rtol=1e-7, atol=1e-9)


def test_two_rounds_of_our_variant_are_those_of_plain_torch(tmp_path):
    ours = {"init": "identity", "keep": "similarities", "target": "uniform", "refresh_steps": 1}
    module = make(SensitiveNetsVariant, **ours, delta_weight=0.7, warmup_rounds=0)
    twin = copy.deepcopy(module).double()
    batches = table(16, n=12)
    train(module, batches, tmp_path, precision="64-true")
    of_suppressor = torch.optim.Adam(twin.suppressor.parameters(), lr=1e-3)
    torch.set_default_dtype(torch.float64)
    try:
        for step, batch in enumerate(batches):
            x, emotion = batch["embedding"].double(), batch["emotion"]
            if step % 8 == 0:
                torch.manual_seed(int(twin.seed) + step // 8)
                twin.classifier = type(twin.classifier)(7, 3, 6)
                of_classifier = torch.optim.Adam(twin.classifier.parameters(), lr=1e-3)
            phi = twin.suppressor(x)
            if step % 8 in (0, 1, 3, 5, 7):
                of_classifier.zero_grad()
                log_p = twin.classifier(phi.detach()).log_softmax(1)
                functional.nll_loss(log_p[emotion >= 0], emotion[emotion >= 0]).backward()
                of_classifier.step()
                continue
            pairs = [(i, j) for i in range(12) for j in range(12) if i != j]
            change = [
                torch.cosine_similarity(phi[[i]], phi[[j]]) - torch.cosine_similarity(x[[i]], x[[j]])
                for i, j in pairs
            ]
            hide = -twin.classifier(phi).log_softmax(1).mean(1)
            of_suppressor.zero_grad()
            (torch.stack(change).square().mean() + 0.7 * 3 * hide.mean()).backward()
            of_suppressor.step()
    finally:
        torch.set_default_dtype(torch.float32)
    for (name, mine), theirs in zip(module.named_parameters(), twin.parameters(), strict=True):
        torch.testing.assert_close(mine, theirs, msg=name, rtol=1e-7, atol=1e-9)


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_precomputed_embeddings_train_as_their_images_do(toy, batch, tmp_path):
    def build(**options: Any) -> SensitiveNets:
        torch.manual_seed(0)
        return SensitiveNets(**{**toy, **SMALL, **SHORT, **options})

    images = build()
    source = images.backbone(batch["image"]).detach()
    vectors = build(backbone="precomputed", weights=None, backbone_options={"num_features": source.shape[1]})
    vectors.suppressor.load_state_dict(images.suppressor.state_dict())
    vectors.seed.copy_(images.seed)
    train(images, [batch] * 15, tmp_path)
    labels = {name: value for name, value in batch.items() if name != "image"}
    train(vectors, [{"embedding": source, **labels}] * 15, tmp_path)
    for part in ("suppressor", "classifier"):
        ours, theirs = getattr(images, part).state_dict(), getattr(vectors, part).state_dict()
        torch.testing.assert_close(ours, theirs)
    torch.testing.assert_close(images.embed(batch["image"]), vectors.embed(source))


def write_table(faces: SyntheticFaces, backbone: torch.nn.Module, path: Path) -> Embeddings:
    """Embed the faces by a recogniser, as data in their order."""
    faces.setup("fit")
    parts = [(split, batch) for split in ("train", "val") for batch in faces.loader(split)]
    labels = {name: torch.cat([batch[name] for _, batch in parts]) for name in faces.attributes}
    split = [torch.full_like(batch["index"], SPLITS.index(split)) for split, batch in parts]
    with torch.no_grad():
        embedding = torch.cat([backbone(batch["image"]) for _, batch in parts])
    EmbeddingTable(
        embedding=embedding, labels=labels, attributes=dict(faces.attributes), provenance={},
        sample_id=np.array([str(i) for i in range(len(embedding))]), split=torch.cat(split).to(torch.int8),
    ).save(path)  # fmt: skip
    return Embeddings(
        table=str(path), batch_size=faces.batch_size, seed=faces.seed, train_order=faces.train_order
    )


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_table_of_the_recogniser_gives_the_same_suppressor(toy, tmp_path):
    faces = SyntheticFaces(
        size=32, train_identities=24, val_identities=12, images_per_identity=6, batch_size=16, seed=3,
        train_order=IdentityBatches(2),
    )  # fmt: skip
    toy["attributes"] = faces.attributes

    def build(**options: Any) -> SensitiveNets:
        torch.manual_seed(0)
        return SensitiveNets(**{**toy, **SMALL, **SHORT, **options}, mining="random", margin=1.0)

    images = build()
    start = copy.deepcopy(images.suppressor.state_dict())
    rows = write_table(faces, images.backbone, tmp_path / "table.safetensors")
    vectors = build(
        backbone="precomputed", weights=None, backbone_options={"num_features": rows.table.embedding.shape[1]}
    )
    vectors.suppressor.load_state_dict(start)
    vectors.seed.copy_(images.seed)
    for module, data in ((images, faces), (vectors, rows)):
        Trainer(
            default_root_dir=tmp_path, accelerator="cpu", max_epochs=3, limit_train_batches=5, logger=False,
            limit_val_batches=0, enable_checkpointing=False, enable_progress_bar=False,
            enable_model_summary=False,
        ).fit(module, datamodule=data)  # fmt: skip
        assert module.steps == 15
    for name, value in images.suppressor.state_dict().items():
        torch.testing.assert_close(vectors.suppressor.state_dict()[name], value, rtol=0, atol=1e-5)
        assert (value - start[name]).abs().max() > 1e-3, "it has learned"


@pytest.mark.slow
@pytest.mark.parametrize("mining", ["semihard", "random"])
def test_resuming_amid_a_round_equals_no_interruption(mining, tmp_path):
    for stop in (1, 2, 3):  # after 4, 8 and 12 batches: in the warm-up and amid either player's turn
        whole = make(mining=mining)
        batches = table(4)
        train(whole, batches, tmp_path, epochs=4)
        first = make(mining=mining)
        keep = ModelCheckpoint(tmp_path / f"{mining}{stop}")
        train(first, batches, tmp_path, epochs=stop, callbacks=[keep])
        torch.manual_seed(99)
        again = SensitiveNets.load_from_checkpoint(keep.best_model_path, weights_only=True)
        train(again, batches, tmp_path, epochs=4, ckpt=keep.best_model_path)
        for name, value in whole.state_dict().items():
            assert torch.equal(again.state_dict()[name], value), name


def test_every_round_has_a_new_classifier_that_the_seed_decides():
    module = make()
    _, optimizer = module.configure_optimizers()
    drawn = []
    for round_ in (0, 1, 0):
        module.classifier(torch.randn(4, 7)).sum().backward()
        optimizer.step()
        assert optimizer.state
        state = torch.random.get_rng_state()
        module.renew_classifier(round_, optimizer)
        assert torch.equal(torch.random.get_rng_state(), state)
        assert not optimizer.state
        drawn.append(copy.deepcopy(module.classifier.state_dict()))
    assert all(not torch.equal(drawn[0][n], drawn[1][n]) for n in drawn[0])
    assert all(torch.equal(drawn[0][n], drawn[2][n]) for n in drawn[0])


def test_two_streams_serve_one_part_each(tmp_path):
    identities, sensitive = table(15), table(30)[15:]
    for batch in identities:
        batch["emotion"] = torch.full_like(batch["emotion"], -1)
    for batch in sensitive:
        batch["identity"] = torch.full_like(batch["identity"], -1)
    both = make()
    pairs = zip(identities, sensitive, strict=True)
    train(both, [{"identity_stream": i, "sensitive_stream": s} for i, s in pairs], tmp_path)
    one = make()
    merged = [
        s if k >= 5 and k % 5 < 2 else i for k, (i, s) in enumerate(zip(identities, sensitive, strict=True))
    ]
    train(one, merged, tmp_path)
    for name, value in both.state_dict().items():
        assert torch.equal(one.state_dict()[name], value), name


def test_unknown_labels_take_no_part():
    module, (batch,) = make(), table(1)
    known = batch["emotion"] >= 0
    part = module.classifier_terms({name: value[known] for name, value in batch.items()})
    torch.testing.assert_close(module.classifier_terms(batch), part)
    changed = {**batch, "embedding": batch["embedding"].clone()}
    changed["embedding"][3] += 9  # of an unknown person
    ours, theirs = (module.suppressor_terms(b, 0, adversarial=True) for b in (batch, changed))
    torch.testing.assert_close(ours, theirs)
    nobody = {**batch, **{name: torch.full((24,), -1) for name in ATTRIBUTES}}
    assert module.classifier_terms(nobody)["loss"] == module.suppressor_terms(nobody, 0, True)["triplet"] == 0


def test_a_finished_training_is_not_gone_on_with(tmp_path):
    module = make()
    train(module, table(15), tmp_path)
    before = copy.deepcopy(module.state_dict())
    trainer = train(module, table(15), tmp_path)
    assert trainer.global_step == 0
    assert all(torch.equal(value, before[name]) for name, value in module.state_dict().items())


@pytest.mark.parametrize(("batches", "warned"), [(5, False), (10, False), (4, True), (7, True)])
def test_validation_amid_a_round_is_warned_about(batches, warned, tmp_path, recwarn):
    train(make(), table(batches), tmp_path)
    assert any("amid rounds" in str(w.message) for w in recwarn) == warned


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"target": "joy"}, "no class 'joy'; it has happy, neutral, sad"),
        ({"target": "uniform"}, "no class 'uniform'"),
        ({"method": SensitiveNetsVariant, "target": "joy"}, "no class 'joy'"),
        ({"sensitive": "mood"}, "no attribute 'mood'"),
        ({"rounds": 0}, "1 or more"),
        ({"delta_weight": -1.0}, "0 or more"),
        ({"warmup_rounds": -1}, "0 or more"),
        ({"method": SensitiveNetsVariant, "refresh_steps": -1}, "0 or more"),
        ({"hidden": 0}, "1 or more"),
        ({"method": SensitiveNetsVariant, "width": 4, "init": "identity"}, "must be 5 or more"),
    ],
)
def test_bad_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        make(**options)


def people_with_emotions(first: int, people: int) -> dict[str, torch.Tensor]:
    """Six dimensions of identity, two of emotion beside them, a little noise in all."""
    generator = torch.Generator().manual_seed(first)
    identity = torch.arange(people).repeat_interleave(12)
    emotion = torch.arange(12 * people) % 3
    of_person = torch.randn(people, 6, generator=generator)[identity]
    angle = emotion * 2.0944
    of_emotion = torch.stack([angle.cos(), angle.sin()], 1)
    x = torch.cat([of_person, of_emotion], 1) + 0.1 * torch.randn(len(identity), 8, generator=generator)
    return {"embedding": x, "identity": identity, "emotion": emotion}


@pytest.mark.slow
def test_the_fixed_classifier_is_fooled_by_delta_alone(tmp_path):
    """The fixed classifier is fooled; a full-rank linear map hides little from a fresh probe by itself."""
    fitted, tested = people_with_emotions(1, 20), people_with_emotions(3, 20)
    accuracy, auc = {}, {}
    for delta_weight in (0.0, 1.0):
        module = make(
            backbone_options={"num_features": 8}, width=16, hidden=32, delta_weight=delta_weight,
            attributes={**ATTRIBUTES, "identity": [str(i) for i in range(20)]},
            rounds=1, steps_per_round=40, classifier_steps=40, warmup_rounds=0, mining="hard",
            optimizer=lambda p: torch.optim.Adam(p, lr=2e-3),
            classifier_optimizer=lambda p: torch.optim.Adam(p, lr=1e-2),
        )  # fmt: skip
        train(module, [fitted] * 80, tmp_path)
        with torch.no_grad():
            phi = module.embed(tested["embedding"])
            right = module.classifier(phi).argmax(1) == tested["emotion"]
        accuracy[delta_weight] = right.float().mean().item()
        auc[delta_weight] = verification(phi, tested["identity"]).auc
    assert accuracy[0.0] > 0.8
    assert accuracy[1.0] < 0.75
    assert auc[1.0] > verification(tested["embedding"], tested["identity"]).auc - 0.02


@pytest.mark.slow
def test_our_variant_hides_from_fresh_probes_and_its_control_not(tmp_path):
    fitted, learned, tested = (people_with_emotions(seed, 40) for seed in (1, 2, 3))
    read, auc = {}, {}
    for delta_weight in (0.0, 3.0):
        module = make(
            SensitiveNetsVariant,
            backbone_options={"num_features": 8}, width=8, hidden=32, delta_weight=delta_weight,
            attributes={**ATTRIBUTES, "identity": [str(i) for i in range(40)]}, target="uniform",
            init="identity", keep="similarities", refresh_steps=2,
            rounds=4, steps_per_round=50, classifier_steps=50, warmup_rounds=0,
            classifier_optimizer=lambda p: torch.optim.Adam(p, lr=1e-2),
            optimizer=lambda p: torch.optim.Adam(p, lr=1e-2),
        )  # fmt: skip
        train(module, [fitted] * 800, tmp_path)
        with torch.no_grad():
            phi = [module.embed(people["embedding"]) for people in (learned, tested)]
        samples = [
            Samples(x.numpy(), people["emotion"].numpy(), people["identity"].numpy() + 100 * place)
            for place, (x, people) in enumerate(zip(phi, (learned, tested), strict=True))
        ]
        read[delta_weight] = strongest(held_out_leakage(*samples))["balanced_accuracy"]
        auc[delta_weight] = verification(phi[1], tested["identity"]).auc
    assert read[0.0] > 0.9
    assert leakage_reduction(read[0.0], read[3.0], 1 / 3) > 60  # percent
    assert auc[3.0] > auc[0.0] - 0.02


@pytest.mark.parametrize(("epochs", "warned"), [(1, True), (2, True), (3, False)])
def test_rounds_that_the_training_has_no_time_for_are_warned_of(epochs, warned, tmp_path, recwarn):
    total = make().alternation.total  # 15 batches
    train(make(), table(5), tmp_path, epochs=epochs)
    said = [str(w.message) for w in recwarn if "the rounds have" in str(w.message)]
    ends = f"the rounds have {total} batches, and the training ends after {5 * epochs}"
    assert said == ([f"{ends}; set trainer.max_epochs to 3"] if warned else [])


def test_without_a_positive_pair_the_attribute_is_still_hidden(tmp_path):
    names = {**ATTRIBUTES, "identity": [str(i) for i in range(24)]}
    batches = [{**batch, "identity": torch.arange(24)} for batch in table()]
    module = make(attributes=names, warmup_rounds=0)
    terms = module.suppressor_terms(batches[0], 0, True)
    logits = module.classifier(module.embed(batches[0]["embedding"]))
    assert terms["triplet"] == 0
    assert torch.allclose(terms["delta"], 3 * delta(logits, 1).mean())
    assert terms["delta"] > 0
    with pytest.warns(UserWarning, match="a round found no triplet .semihard..*IdentityBatches") as caught:
        assert {"suppressor", "steps"} in changes(module, batches, tmp_path)
    assert sum("no triplet" in str(w.message) for w in caught) == 1


def test_a_round_without_known_labels_is_warned_about(tmp_path):
    batches = [{**batch, "emotion": torch.full((24,), -1)} for batch in table()]
    with pytest.warns(UserWarning, match="no image with a known emotion"):
        train(make(mining="random"), batches, tmp_path)
    with warnings.catch_warnings():
        warnings.filterwarnings("error", message="SensitiveNets: a round")
        train(make(mining="random"), table(), tmp_path)
