import csv
from pathlib import Path

import numpy as np
import pytest
import torch
from jsonargparse import ArgumentParser

from datamodules.base import FaceDataModule
from datamodules.errors import DatasetError
from datamodules.lfw import LFW
from datamodules.sampling.biased_sample import BiasedSample
from tests.support.lfw_tree import DEV_TEST, DEV_TRAIN, FOLDS, GENDER, NAMES, write_lfw

pytestmark = pytest.mark.filterwarnings("ignore:.*a subset of:UserWarning")


def _ready(root: Path, **kwargs) -> LFW:
    datamodule = LFW(str(root), **kwargs)
    for stage in ("fit", "test"):
        datamodule.setup(stage)
    return datamodule


def _people(datamodule: LFW) -> list[set[str]]:
    names = datamodule.attributes["identity"]
    every = [data.labels(torch.arange(len(data)))["identity"] for data in datamodule.datasets.values()]
    return [{names[i] for i in identity.tolist()} for identity in every]


def test_the_batch_contract(tmp_path: Path) -> None:
    write_lfw(tmp_path)
    datamodule = _ready(tmp_path, size=40, batch_size=5)
    batches = list(datamodule.test_dataloader())
    assert [len(batch["image"]) for batch in batches] == [5, 5, 2]
    for batch in batches:
        assert (
            set(batch)
            == {"image", "index", "identity", "gender"}
            == {"image", "index"} | {*datamodule.attributes}
        )
        assert batch["image"].shape[1:] == (3, 40, 40)
        assert batch["image"].dtype == torch.uint8
        assert all(v.dtype == torch.int64 and v.ndim == 1 for k, v in batch.items() if k != "image")
    whole = {key: torch.cat([batch[key] for batch in batches]) for key in batches[0]}
    assert whole["index"].tolist() == list(range(12))
    assert whole["identity"].tolist() == np.repeat(range(10, 16), 2).tolist()
    assert whole["gender"].tolist() == [0 if name in "LNP" else 1 for name in "KKLLMMNNOOPP"]


def test_attributes_are_the_people_and_the_genders(tmp_path: Path) -> None:
    write_lfw(tmp_path)
    assert LFW(str(tmp_path)).attributes == {"identity": tuple(NAMES), "gender": ("female", "male")}


def test_labels_belong_to_the_image_of_that_name(tmp_path: Path) -> None:
    write_lfw(tmp_path)
    table = LFW(str(tmp_path)).table
    for file, identity, gender in zip(
        table.file, table.labels["identity"], table.labels["gender"], strict=True
    ):
        name = file.split("/")[0]
        assert NAMES[identity] == name
        assert ("female", "male", "")[gender] == GENDER[name]
        assert (table.folder / file).exists()


def test_view_1_tests_the_people_of_its_test_file(tmp_path: Path) -> None:
    write_lfw(tmp_path)
    train, val, test = _people(_ready(tmp_path))
    assert test == set(DEV_TEST)
    assert val < set(DEV_TRAIN)
    assert len(val) == 2, "a fifth of ten"
    assert train == set(NAMES) - val - test
    assert (tmp_path / "pairs.txt").rename(tmp_path / "elsewhere.txt"), "View 1 needs no pairs.txt"
    assert _people(_ready(tmp_path, seed=3)) == [train, val, test], "the seed of the training does not matter"
    others = [_people(_ready(tmp_path, split_seed=seed))[1] for seed in range(5)]
    assert len(set(map(frozenset, others))) > 1
    assert len(_people(_ready(tmp_path, val_share=0.5))[1]) == 5


@pytest.mark.parametrize("fold", [1, 2, 3, 4])
def test_view_2_tests_one_fold_and_validates_on_the_next(tmp_path: Path, fold: int) -> None:
    write_lfw(tmp_path)
    for name in ("pairsDevTrain.txt", "pairsDevTest.txt"):
        (tmp_path / name).unlink()
    train, val, test = _people(_ready(tmp_path, view=2, fold=fold))
    assert test == set(FOLDS[fold - 1])
    assert val == set(FOLDS[fold % 4])
    assert train == set(NAMES) - val - test


def test_pairs_join_with_the_images_by_sample_id(tmp_path: Path) -> None:
    write_lfw(tmp_path)
    datamodule = _ready(tmp_path)
    pairs = datamodule.pairs("pairsDevTest")
    row = {file: i for i, file in enumerate(datamodule.table.file)}
    person = datamodule.table.labels["identity"]
    first, second = ([person[row[i]] for i in ids] for ids in (pairs.first, pairs.second))
    assert [a == b for a, b in zip(first, second, strict=True)] == pairs.same.tolist()
    (tmp_path / "lfw-deepfunneled" / DEV_TEST[0] / f"{DEV_TEST[0]}_0002.jpg").unlink()
    smaller = _ready(tmp_path)  # training goes on without an image
    assert len(smaller.datasets["test"]) == 11
    with pytest.raises(DatasetError, match=f"2 of 12 pairs .*'{DEV_TEST[0]}/{DEV_TEST[0]}_0002.jpg'"):
        smaller.pairs("pairsDevTest")


def test_pair_files_that_share_people_are_refused(tmp_path: Path) -> None:
    write_lfw(tmp_path)
    path = tmp_path / "pairsDevTest.txt"
    path.write_text(path.read_text().replace(DEV_TEST[0], DEV_TRAIN[4]))
    with pytest.raises(DatasetError, match="pairsDevTest.txt share 1 of their people, first 'Person_E'"):
        _ready(tmp_path)
    path = tmp_path / "pairs.txt"
    path.write_text(path.read_text().replace(FOLDS[2][1], FOLDS[0][3]))
    with pytest.raises(DatasetError, match="pairs.txt: 'Person_D' is in the folds 1 and 3"):
        _ready(tmp_path, view=2)


def test_a_fold_that_is_not_there_is_refused(tmp_path: Path) -> None:
    write_lfw(tmp_path)
    with pytest.raises(DatasetError, match="no fold 5 to test; it has 4"):
        _ready(tmp_path, view=2, fold=5)
    (tmp_path / "pairs.txt").write_text((tmp_path / "pairsDevTest.txt").read_text())
    with pytest.raises(DatasetError, match="no fold 1 to test; it has 1"):
        _ready(tmp_path, view=2)


def test_options_are_checked_before_any_data_is_read() -> None:
    for share in (0, 1, -0.1, 1.5):
        with pytest.raises(ValueError, match="val_share is .*, it must lie between 0 and 1"):
            LFW("nowhere", val_share=share)
    with pytest.raises(ValueError, match="fold is 0, folds are counted from 1"):
        LFW("nowhere", view=2, fold=0)
    with pytest.raises(ValueError, match="attribute 'smiling' is unknown; binary are gender"):
        LFW("nowhere", train_sample=BiasedSample(target="gender", balance="smiling", bias="identity"))


def test_genders_come_from_a_file_of_ones_own_or_are_unknown(tmp_path: Path) -> None:
    write_lfw(tmp_path / "lfw")
    known = LFW(str(tmp_path / "lfw")).table.labels["gender"]
    own = (tmp_path / "lfw" / "gender.csv").rename(tmp_path / "own.csv")
    assert (LFW(str(tmp_path / "lfw")).table.labels["gender"] == -1).all()
    np.testing.assert_array_equal(
        LFW(str(tmp_path / "lfw"), gender_csv=str(own)).table.labels["gender"], known
    )
    own.rename(tmp_path / "lfw" / "list.csv")
    np.testing.assert_array_equal(
        LFW(str(tmp_path / "lfw"), gender_csv="list.csv").table.labels["gender"], known
    )
    with pytest.raises(
        DatasetError, match="there is no absent.csv; it is a CSV with the columns name and gender"
    ):
        _ready(tmp_path / "lfw", gender_csv="absent.csv")


def test_a_part_of_the_images_is_announced(tmp_path: Path) -> None:
    write_lfw(tmp_path)
    with pytest.warns(UserWarning, match="a subset of 48 of 13,233 images is used"):
        LFW(str(tmp_path)).setup("test")


def test_the_fingerprint_changes_with_what_changes_the_data(tmp_path: Path) -> None:
    write_lfw(tmp_path)

    def fingerprint(**kwargs) -> str:
        return _ready(tmp_path, **kwargs).fingerprint

    seen = [
        fingerprint(),
        fingerprint(size=64),
        fingerprint(view=2),
        fingerprint(view=2, fold=2),
        fingerprint(val_share=0.5),
    ]
    assert fingerprint(seed=1) == fingerprint(batch_size=3) == seen[0]
    gender = tmp_path / "gender.csv"
    gender.write_text(gender.read_text().replace("Person_A,male", "Person_A,female"))
    seen.append(fingerprint())
    pairs = tmp_path / "pairsDevTrain.txt"
    pairs.write_text(pairs.read_text().replace("Person_A\t1\t2", "Person_A\t2\t1"))
    seen.append(fingerprint())
    (tmp_path / "lfw-deepfunneled" / NAMES[20] / f"{NAMES[20]}_0002.jpg").unlink()
    seen.append(fingerprint())
    assert len(set(seen)) == len(seen)


def test_a_config_builds_it_and_wrong_values_are_refused(tmp_path: Path) -> None:
    parser = ArgumentParser(exit_on_error=False, parser_mode="omegaconf")
    parser.add_subclass_arguments(FaceDataModule, "data")

    def parse(**args):
        return parser.parse_object({"data": {"class_path": "datamodules.lfw.LFW", "init_args": args}})

    built = parser.instantiate(parse(root=str(tmp_path), view=2, fold=3, bad_images="skip")).data
    assert (built.view, built.fold, built.bad_images) == (2, 3, "skip")
    for wrong in ({"view": 3}, {"fold": "first"}, {"folds": 1}):
        with pytest.raises(Exception, match=next(iter(wrong))):
            parse(root=str(tmp_path), **wrong)


def test_the_real_subset_loads_whole_and_its_people_are_disjoint(face_data_root: Path) -> None:
    root = face_data_root / "lfw"
    with open(root / "gender.csv", newline="") as file:
        gender = {row["name"]: row["gender"] for row in csv.DictReader(file)}
    datamodule = _ready(root, batch_size=256)
    names = datamodule.attributes["identity"]
    assert len(names) == 2470
    assert len(datamodule.table) == sum(len(data) for data in datamodule.datasets.values()) == 6045
    for data, split in zip(datamodule.datasets.values(), ("train", "val", "test"), strict=True):
        batches = list(datamodule.loader(split))
        assert all(batch["image"].shape[1:] == (3, 112, 112) for batch in batches)
        labels = {
            key: torch.cat([batch[key] for batch in batches]).tolist() for key in ("identity", "gender")
        }
        assert len(labels["identity"]) == len(data)
        words = [("female", "male")[g] for g in labels["gender"]]
        assert words == [gender[names[i]] for i in labels["identity"]]
    train, val, test = _people(datamodule)
    assert not (train & val | train & test | val & test)
    for name, counts in {"pairsDevTrain": [1000], "pairsDevTest": [600], "pairs": [200] * 10}.items():
        pairs = datamodule.pairs(name)
        assert np.bincount(pairs.fold).tolist() == counts
        assert pairs.same.mean() == 0.5
    wanted = {name.split("/")[0] for name in datamodule.pairs("pairsDevTest").first}
    assert wanted <= test
    assert len(_people(_ready(root, view=2, fold=10))[0]) > 1800
