"""The DataModule: repeatable, balanced, correlated as asked, its splits disjoint, its labels readable."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonargparse import ArgumentParser
from sklearn.decomposition import PCA
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from datamodules.base import FaceDataModule
from datamodules.synthetic.label_joint import CLASSES, HAPPY, Correlation
from datamodules.synthetic_faces import SyntheticFaces

SMALL = {
    "size": 32,
    "train_identities": 24,
    "val_identities": 12,
    "test_identities": 18,
    "images_per_identity": 6,
}
TIED = Correlation("gender", "smiling", 1, 1, 1)
SPLITS = ("train", "val", "test")


def labels(datamodule: SyntheticFaces, split: str = "train") -> dict[str, torch.Tensor]:
    dataset = datamodule.make_dataset(split)
    return dataset.labels(torch.arange(len(dataset)))


def test_a_sample_is_the_same_in_any_batch_and_instance():
    one, other = (SyntheticFaces(**SMALL).make_dataset("val") for _ in range(2))
    whole = one.read(torch.arange(len(one)))
    order = torch.randperm(len(one), generator=torch.Generator().manual_seed(0))
    shuffled = other.read(order)
    for name, column in whole.items():
        assert torch.equal(column[order], shuffled[name])
        assert torch.equal(column[17], other[17][name])


def test_another_seed_gives_other_faces_of_other_people():
    one, other = (SyntheticFaces(**SMALL, seed=s).make_dataset("train") for s in (0, 1))
    assert (one.z != other.z).float().mean() > 0.99
    index = torch.arange(30)
    assert not torch.equal(one.labels(index)["emotion"], other.labels(index)["emotion"])


def test_the_loader_keeps_the_batch_contract():
    datamodule = SyntheticFaces(**SMALL, batch_size=10)
    datamodule.setup("fit")
    batch = next(iter(datamodule.train_dataloader()))
    assert set(batch) == {"image", "index", *datamodule.attributes}
    assert batch["image"].shape == (10, 3, 32, 32)
    assert batch["image"].dtype == torch.uint8
    for name, classes in datamodule.attributes.items():
        assert batch[name].dtype == torch.int64
        assert ((batch[name] >= 0) & (batch[name] < len(classes))).all()
    padded = datamodule.datasets["val"].__getitems__([3, -1])
    assert all(padded[name][1] == -1 for name in datamodule.attributes)


def test_splits_share_no_person_and_together_hold_all():
    datamodule = SyntheticFaces(**SMALL)
    people = [set(labels(datamodule, s)["identity"].tolist()) for s in SPLITS]
    assert [len(p) for p in people] == [24, 12, 18]
    assert sorted(set().union(*people)) == list(range(24 + 12 + 18))
    assert people[0] == set(range(24)), "training first"
    assert len(datamodule.attributes["identity"]) == 54


def test_seen_identities_are_new_images_of_the_training_people():
    datamodule = SyntheticFaces(**SMALL, seen_identities=True)
    train, val, test = (datamodule.make_dataset(s) for s in SPLITS)
    assert len(train) == len(val) == len(test)
    assert torch.equal(train.z, test.z)
    index = torch.arange(len(train))
    a, b, c = (d.read(index) for d in (train, val, test))
    for name in ("identity", "gender", "ethnicity", "attractive"):
        assert torch.equal(a[name], b[name])
        assert torch.equal(a[name], c[name])
    for x, y in ((a, b), (a, c), (b, c)):
        assert ((x["image"] == y["image"]).flatten(1).float().mean(1) < 0.5).all()
    assert len(datamodule.attributes["identity"]) == 24


def test_a_person_keeps_traits_and_labels_over_all_images():
    dataset = SyntheticFaces(**SMALL).make_dataset("train")
    index = torch.arange(len(dataset))
    batch, factors = dataset.labels(index), dataset.factors(index)
    for name in ("gender", "ethnicity", "attractive"):
        assert (batch[name].view(24, 6) == batch[name].view(24, 6)[:, :1]).all()
    for name in ("head_width", "eye_gap", "nose_width", "skin_colour", "hair_colour"):
        values = factors[name].reshape(24, 6, -1)
        assert torch.equal(values, values[:, :1].expand_as(values))
        assert len(values[:, 0].unique(dim=0)) > 20, "and differs between people"


def test_labels_are_balanced_and_smiling_is_happy():
    datamodule = SyntheticFaces()
    for split, count in zip(SPLITS, (400, 100, 200), strict=True):
        batch = labels(datamodule, split)
        assert len(batch["identity"]) == 20 * count
        for name in ("gender", "ethnicity", "attractive"):
            people = batch[name][::20].bincount()
            assert (people - count / len(CLASSES[name])).abs().max() <= 3, (split, name, people)
        pairs = (batch["gender"] * 2 + batch["attractive"])[::20].bincount()
        assert (pairs - count / 4).abs().max() <= 4
        shares = batch["emotion"].bincount() / len(batch["emotion"])
        assert (shares - 1 / 6).abs().max() < 0.01
        assert torch.equal(batch["smiling"] == 1, batch["emotion"] == HAPPY)


@settings(max_examples=25, deadline=None)
@given(seed=st.integers(0, 2**62), smiles=st.booleans())
def test_even_the_smallest_splits_see_every_class(seed, smiles):
    rule = [Correlation("gender", "smiling", 0.8, 0.5, 0.5)] if smiles else None
    least = {"train_identities": 12, "val_identities": 12, "test_identities": 12, "images_per_identity": 6}
    datamodule = SyntheticFaces(**least, correlations=rule, seed=seed)
    for split in SPLITS:
        batch = labels(datamodule, split)
        for name, classes in CLASSES.items():
            assert set(batch[name].tolist()) == set(range(len(classes))), (split, name)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("attractive", "smiling"),  # the first a person's, the second an image's
        ("smiling", "attractive"),  # and the other way round
        ("gender", "attractive"),
        ("gender", "emotion"),
        ("emotion", "gender"),
        ("emotion", "ethnicity"),
        ("smiling", "ethnicity"),
        ("ethnicity", "emotion"),
    ],
)
def test_a_correlation_is_drawn_as_asked_in_every_split(first, second):
    shares = {"train": 0.8, "val": 0.3, "test": 0.5}
    datamodule = SyntheticFaces(
        train_identities=600,
        val_identities=600,
        test_identities=600,
        correlations=[Correlation(first, second, **shares)],
    )
    for split, share in shares.items():
        batch = labels(datamodule, split)
        follows = batch[second] == batch[first] % len(CLASSES[second])
        # people are the independent draws at worst, so their number bounds the spread
        assert follows.float().mean() == pytest.approx(share, abs=4 * (share * (1 - share) / 600) ** 0.5)
        for name in {"gender", "ethnicity", "attractive"} - {first, second}:
            people = batch[name][::20].bincount() / 600
            assert (people - 1 / len(people)).abs().max() < 0.01
        assert torch.equal(batch["smiling"] == 1, batch["emotion"] == HAPPY)


def test_a_habit_shows_in_training_alone_and_labels_stay_even():
    datamodule = SyntheticFaces(train_identities=600, habit=0.8)
    train, val = (labels(datamodule, s)["emotion"].view(-1, 20) for s in ("train", "val"))
    most = torch.nn.functional.one_hot(train).sum(1).amax(1) / 20
    assert most.mean() == pytest.approx(0.8 + 0.2 / 6, abs=0.02)
    assert torch.nn.functional.one_hot(val).sum(1).max() <= 5, "20 images over six emotions"
    assert (train.flatten().bincount() / train.numel() - 1 / 6).abs().max() < 0.05


def test_a_habit_keeps_a_correlation():
    rule = Correlation("gender", "smiling", 0.8, 0.5, 0.5)
    batch = labels(SyntheticFaces(train_identities=900, habit=0.9, correlations=[rule]))
    share = (batch["gender"] == batch["smiling"]).float().mean()
    assert share == pytest.approx(0.8, abs=4 * (0.8 * 0.2 / 900) ** 0.5)


def test_correlated_people_keep_labels_but_not_smiles():
    rule = Correlation("attractive", "smiling", 0.9, 0.5, 0.1)
    datamodule = SyntheticFaces(seen_identities=True, correlations=[rule])
    for split, share in (("train", 0.9), ("val", 0.5), ("test", 0.1)):
        batch = labels(datamodule, split)
        assert (batch["smiling"] == batch["attractive"]).float().mean() == pytest.approx(share, abs=0.02)


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"size": 300}, "32 to 224"),
        ({"train_identities": 11}, "12 identities or more"),
        ({"habit": 1.5}, "habit is a share"),
        ({"images_per_identity": 5}, "6 images or more"),
        ({"correlations": [TIED, Correlation("gender", "emotion", 1, 1, 1)]}, "smiling is the emotion happy"),
        (
            {"seen_identities": True, "correlations": [Correlation("gender", "attractive", 0.9, 0.5, 0.5)]},
            "equal in all splits",
        ),
    ],
)  # fmt: skip
def test_what_cannot_be_drawn_is_refused_at_construction(wrong, message):
    with pytest.raises(ValueError, match=message):
        SyntheticFaces(**wrong)


def test_the_fingerprint_follows_every_setting_of_the_data():
    base = SyntheticFaces(**SMALL).fingerprint
    assert base == SyntheticFaces(**SMALL, batch_size=7, num_workers=1).fingerprint
    assert len(base) == 64
    rule = [Correlation("gender", "smiling", 0.8, 0.5, 0.5)]
    changes = [
        {"seed": 1},
        {"seen_identities": True},
        {"habit": 0.5},
        {"correlations": rule},
        *({k: v + 1} for k, v in SMALL.items()),
    ]
    assert len({base, *(SyntheticFaces(**(SMALL | c)).fingerprint for c in changes)}) == len(changes) + 1


def test_a_configuration_names_correlations_in_plain_words(tmp_path):
    path = tmp_path / "data.yaml"
    path.write_text(
        "data:\n  class_path: datamodules.synthetic_faces.SyntheticFaces\n  init_args:\n    size: 48\n"
        "    correlations: [{first: attractive, second: smiling, train: 0.7, val: 0.7, test: 0.5}]\n"
    )
    parser = ArgumentParser(parser_mode="omegaconf", exit_on_error=False)
    parser.add_argument("--config", action="config")
    parser.add_subclass_arguments(FaceDataModule, "data")
    datamodule = parser.instantiate(parser.parse_args([f"--config={path}"])).data
    assert datamodule.correlations == [Correlation("attractive", "smiling", 0.7, 0.7, 0.5)]
    assert datamodule.size == 48


@pytest.mark.slow
@pytest.mark.parametrize(("name", "least"), [("emotion", 0.42), ("gender", 0.72), ("ethnicity", 0.55)])
def test_a_linear_probe_of_pixels_beats_chance_on_unseen_people(name, least, pixels):
    (x, y), (x_test, y_test) = pixels
    reader = make_pipeline(StandardScaler(), PCA(60), LogisticRegression(max_iter=1000, C=0.1))
    assert reader.fit(x, y[name]).score(x_test, y_test[name]) > least


@pytest.fixture(scope="module")
def pixels():
    datamodule = SyntheticFaces(**(SMALL | {"train_identities": 150, "test_identities": 60}))
    batches = [d.read(torch.arange(len(d))) for d in map(datamodule.make_dataset, ("train", "test"))]
    return [(b["image"].flatten(1).numpy() / 255, {k: v.numpy() for k, v in b.items()}) for b in batches]
