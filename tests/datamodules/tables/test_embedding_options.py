"""Options of embedding tables: samples of splits, crossed attributes, splits dealt anew."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from datamodules.contract import SPLITS
from datamodules.embeddings import Embeddings
from datamodules.errors import DatasetError
from datamodules.sampling.biased_sample import BiasedSample
from datamodules.sampling.mixed_sample import MixedSample
from tests.support.embedding_tree import write_embeddings

BIASED = BiasedSample(n=24, share=0.75)


@pytest.fixture
def path(tmp_path):
    write_embeddings(tmp_path / "table.safetensors", per_split=96)
    return tmp_path / "table.safetensors"


def everything(data: Embeddings, split) -> dict[str, torch.Tensor]:
    dataset = data.make_dataset(split)
    return dataset.read(torch.arange(len(dataset)))


def test_a_biased_sample_is_drawn_of_one_split_alone(path) -> None:
    data = Embeddings(str(path), train_sample=BIASED)
    train, val = everything(data, "train"), everything(data, "val")
    cells = np.zeros((2, 2, 2), dtype=int)
    np.add.at(cells, tuple(train[name].numpy() for name in ("attractive", "gender", "smiling")), 1)
    assert len(train["gender"]) == 24
    # four blocks of 6, and of 6 * 0.75 = 4.5 five are drawn with the trend
    assert cells.tolist() == [[[5, 1], [5, 1]], [[1, 5], [1, 5]]]
    assert len(val["gender"]) == 96


def test_labels_embeddings_and_names_of_a_sample_belong_together(path) -> None:
    data = Embeddings(str(path), train_sample=BIASED)
    train, rows = everything(data, "train"), data.rows("train")
    assert (data.table.split[rows] == 0).all()
    assert torch.equal(train["embedding"], data.table.embedding[rows])
    assert torch.equal(train["identity"], data.table.labels["identity"][rows])


def test_another_seed_draws_a_sample_with_another_fingerprint(path) -> None:
    def built(seed: int) -> Embeddings:
        data = Embeddings(str(path), train_sample=BIASED, seed=seed)
        data.make_dataset("train")
        return data

    first, again, other = built(0), built(0), built(1)
    assert torch.equal(first.rows("train"), again.rows("train"))
    assert not torch.equal(first.rows("train"), other.rows("train"))
    assert first.fingerprint == again.fingerprint
    assert len({first.fingerprint, other.fingerprint, Embeddings(str(path)).fingerprint}) == 3


@pytest.mark.parametrize(
    ("sample", "message"),
    [
        (BiasedSample(n=400), "test_sample: biased sample of 400: too few images"),
        (MixedSample({"group_a": 1}), "test_sample: mixed sample: unknown attribute 'ethnicity'"),
        (MixedSample({"angry": 1}, attribute="emotion"), "test_sample: mixed sample: emotion has no class"),
    ],
)
def test_a_sample_that_cannot_be_drawn_is_named(path, sample, message) -> None:
    with pytest.raises(DatasetError, match=message):
        Embeddings(str(path), test_sample=sample).make_dataset("test")


def test_crossed_attributes_name_every_combination(path) -> None:
    data = Embeddings(str(path), crossed={"group": ["gender", "emotion"]})
    names = data.attributes["group"]
    assert names[:2] == ("female, neutral", "female, happy")
    assert len(names) == 6
    batch = everything(data, "test")
    parts = (data.attributes[name] for name in ("gender", "emotion"))
    genders, emotions = (np.array(classes) for classes in parts)
    expected = [
        f"{g}, {e}" for g, e in zip(genders[batch["gender"]], emotions[batch["emotion"]], strict=True)
    ]
    assert np.array(names)[batch["group"]].tolist() == expected


def test_a_combination_with_an_unknown_part_is_unknown(path) -> None:
    table = write_embeddings(path)
    gender = table.labels["gender"].clone()
    gender[:30] = -1
    replace(table, labels={**table.labels, "gender": gender}).save(path)
    group = Embeddings(str(path), crossed={"group": ["emotion", "gender"]}).table.labels["group"]
    assert torch.equal(group == -1, gender == -1)


@pytest.mark.parametrize(
    "crossed", [{"group": ["gender", "age"]}, {"gender": ["gender", "smiling"]}, {"group": []}]
)
def test_what_cannot_be_crossed_is_named(path, crossed) -> None:
    with pytest.raises(DatasetError, match="crossed: .*; the table has identity, gender"):
        _ = Embeddings(str(path), crossed=crossed).attributes


def test_images_dealt_one_by_one_come_with_a_warning(path) -> None:
    data = Embeddings(str(path), image_shares=(0.5, 0.25, 0.25))
    with pytest.warns(UserWarning, match="a person may be in training and test"):
        sizes = [len(data.make_dataset(split)) for split in SPLITS]
    assert sizes == pytest.approx([144, 72, 72], abs=1)
    assert len(torch.cat([data.rows(split) for split in SPLITS]).unique()) == 288
    people = [set(everything(data, split)["identity"].tolist()) for split in SPLITS]
    assert people[0] & people[2], "which is why a warning is due"
    with pytest.raises(ValueError, match="three numbers of 0 or more"):
        Embeddings(str(path), image_shares=(-1.0, 1.0, 1.0))
