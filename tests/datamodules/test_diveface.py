import pickle
from collections import Counter
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from jsonargparse import ArgumentParser
from PIL import Image

from datamodules.base import FaceDataModule
from datamodules.diveface import DiveFace, first_of_each
from datamodules.errors import DatasetError
from datamodules.sampling.biased_sample import BiasedSample
from datamodules.sampling.mixed_sample import MixedSample
from tests.support.diveface_tree import LISTS, write_diveface, write_diveface_folders, write_lists
from tests.support.whole_splits import check_contract, files_of_splits, read_whole, set_up

pytestmark = pytest.mark.filterwarnings("ignore:.*a subset of:UserWarning")

ETHNICITY = {"1": "east_asian", "2": "sub_saharan_south_indian", "3": "caucasian"}


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("diveface")
    write_diveface(root)
    return root


@pytest.fixture(scope="module")
def folders(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("diveface_folders")
    write_diveface_folders(root, people=6)
    return root


def _ready(root: Path, **kwargs) -> DiveFace:
    return set_up(DiveFace(str(root), **kwargs))


def test_the_batch_contract_and_labels_that_the_lists_confirm(tree: Path) -> None:
    datamodule = _ready(tree, size=24, batch_size=7)
    lists = {line: name for name in LISTS for line in (tree / "files" / f"{name}.txt").read_text().split()}
    seen = []
    for split in ("train", "val", "test"):
        whole = read_whole(datamodule, split)
        check_contract(whole, datamodule)
        assert set(whole) == {"image", "index", "identity", "uploader", "gender", "ethnicity"}
        assert whole["image"].shape[1:] == (3, 24, 24)
        place = ("train", "val", "test").index(split)
        files = datamodule.table.file[datamodule.table.split == place].tolist()
        seen += files
        classes = datamodule.attributes
        for i, file in enumerate(files):
            decoded = {name: classes[name][int(whole[name][i])] for name in classes}
            assert decoded == {
                "identity": file.split("/")[0],
                "uploader": file[: file.index("_identity")],
                "gender": lists[file].split("_")[1].lower(),
                "ethnicity": ETHNICITY[lists[file][5]],
            }
    assert sorted(seen) == sorted(lists)  # every image is in one split


def test_pixels_match_pillow(tree: Path) -> None:
    datamodule = _ready(tree, size=20)
    file = datamodule.table.file[datamodule.table.split == 1][3]
    image = datamodule.datasets["val"][3]["image"].permute(1, 2, 0).numpy().astype(int)
    oracle = Image.open(tree / file).crop((4, 0, 44, 40)).resize((20, 20), Image.Resampling.BOX)
    assert np.abs(image - np.asarray(oracle)).max() <= 2


def test_the_folders_give_the_same_without_uploaders(folders: Path) -> None:
    with pytest.warns(UserWarning, match="the uploaders of 36 people are unknown"):
        datamodule = _ready(folders, size=24)
    whole = read_whole(datamodule, "train")
    assert set(whole) == {"image", "index", *datamodule.attributes}
    assert "uploader" not in whole
    files = datamodule.table.file[datamodule.table.split == 0]
    classes = datamodule.attributes
    for i, file in enumerate(files.tolist()):
        assert classes["gender"][whole["gender"][i]] == {"H": "male", "M": "female"}[file[0]]
        place = {"A": "1", "N": "2", "B": "3"}[file[1]]
        assert classes["ethnicity"][whole["ethnicity"][i]] == ETHNICITY[place]
        assert classes["identity"][whole["identity"][i]] == file.rsplit("/", 1)[0]


def test_folders_named_by_uploader_are_split_by_uploader(tmp_path: Path) -> None:
    write_diveface_folders(tmp_path, people=8, named=True)
    datamodule = DiveFace(str(tmp_path))
    uploaders = [
        {file.split("/")[1].split("_")[0] for file in files} for files in files_of_splits(datamodule)
    ]
    assert sorted(datamodule.attributes["uploader"]) == sorted(set.union(*uploaders))
    assert sum(map(len, uploaders)) == 4


shares = st.tuples(*[st.floats(0, 1)] * 3).filter(lambda x: sum(x) > 0.1)


@pytest.mark.slow
@given(st.integers(0, 2**31), shares, st.sampled_from([None, 1, 3]))
def test_no_two_splits_share_a_person_or_an_uploader(tree: Path, seed: int, shares, kept) -> None:
    datamodule = DiveFace(str(tree), split_seed=seed, shares=shares, max_images_per_identity=kept)
    splits = files_of_splits(datamodule)
    for part in ("_identity", "/"):  # all before it: the uploader, the person
        keys = [{file[: file.index(part)] for file in files} for files in splits]
        assert not (keys[0] & keys[1] | keys[0] & keys[2] | keys[1] & keys[2])
    everything = sum(map(len, splits))
    assert everything == {None: 270, 1: 60, 3: 180}[kept]
    wanted = np.array(shares) / sum(shares) * everything
    assert (np.abs([len(s) for s in splits] - wanted) <= 20).all()  # an uploader has up to 18 images


def test_an_uploader_of_women_and_men_stays_in_one_split(tmp_path: Path) -> None:
    lines = {name: [f"{i // 2}{name[5]}@N00_identity_{i}/{i}_0.jpg" for i in range(12)] for name in LISTS}
    for name in LISTS[1::2]:
        lines[name] = [line.replace("_identity_", "_identity_9") for line in lines[name]]
    write_lists(tmp_path, lines)
    for seed in range(8):
        splits = files_of_splits(DiveFace(str(tmp_path), split_seed=seed))
        found = Counter(uploader for files in splits for uploader in {file.split("_")[0] for file in files})
        assert set(found.values()) == {1}
        assert len(found) == 18


def test_the_split_has_a_seed_of_its_own(tree: Path) -> None:
    first = DiveFace(str(tree), seed=0).table.split
    assert (DiveFace(str(tree), seed=5).table.split == first).all()
    assert (DiveFace(str(tree), split_seed=1).table.split != first).any()


def test_three_images_a_person_are_the_first_three_listed(tree: Path) -> None:
    whole, three = (files_of_splits(DiveFace(str(tree), max_images_per_identity=n)) for n in (None, 3))
    taken: Counter[str] = Counter()
    expected = set()
    for name in LISTS:  # as create_diveface.py goes through them with -b
        for line in (tree / "files" / f"{name}.txt").read_text().split():
            person = line.split("/")[0]
            if taken[person] < 3:
                expected.add(line)
            taken[person] += 1
    assert set.union(*three) == expected
    assert len(expected) == 180
    assert all(few < many for few, many in zip(three, whole, strict=True))


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=40), st.integers(1, 5))
def test_the_first_of_each_key_are_those_that_a_loop_takes(keys: list[str], count: int) -> None:
    taken, expected = Counter(), []
    for key in keys:
        expected.append(taken[key] < count)
        taken[key] += 1
    assert first_of_each(np.array(keys), count).tolist() == expected
    assert first_of_each(np.array(keys), None).all()


def test_attributes_need_no_image(tmp_path: Path) -> None:
    write_lists(tmp_path, {name: [f"1@N00_identity_{i}/1_0.jpg"] for i, name in enumerate(LISTS)})
    attributes = DiveFace(str(tmp_path)).attributes
    assert attributes["identity"] == tuple(f"1@N00_identity_{i}" for i in range(6))
    assert attributes["uploader"] == ("1@N00",)
    assert attributes["gender"] == ("female", "male")


def test_options_are_checked_before_any_data_is_read() -> None:
    with pytest.raises(ValueError, match="max_images_per_identity is 0"):
        DiveFace("nowhere", max_images_per_identity=0)
    with pytest.raises(ValueError, match="shares of train, val and test"):
        DiveFace("nowhere", shares=(0.8, -0.1, 0.3))
    with pytest.raises(ValueError, match="attribute 'attractive' is unknown"):
        DiveFace("nowhere", train_sample=BiasedSample())
    with pytest.raises(ValueError, match="ethnicity has no class 'martian'"):
        DiveFace("nowhere", val_sample=MixedSample({"martian": 1}))


def test_a_part_of_the_images_is_announced(tree: Path) -> None:
    with pytest.warns(UserWarning, match="a subset of 270 of 139,677 images is used"):
        DiveFace(str(tree)).setup("test")


def test_a_mix_of_ethnicities_has_its_shares(tree: Path) -> None:
    mix = MixedSample({"caucasian": 0.6, "east_asian": 0.3, "sub_saharan_south_indian": 0.1}, n=50)
    label = read_whole(_ready(tree, size=8, train_sample=mix), "train")["ethnicity"]
    assert torch.bincount(label).tolist() == [15, 5, 30]


def test_listed_images_that_are_not_there_are_named_or_skipped(tmp_path: Path) -> None:
    write_diveface(tmp_path)
    train = sorted(files_of_splits(DiveFace(str(tmp_path)))[0])
    for file in train[:3]:
        (tmp_path / file).unlink()
    with pytest.raises(DatasetError, match=f"^3 of {len(train)} image files cannot be used: .*missing"):
        DiveFace(str(tmp_path)).setup("fit")
    with pytest.warns(UserWarning, match=f"3 of {len(train)} image files are left out"):
        datamodule = _ready(tmp_path, bad_images="skip")
    assert len(datamodule.datasets["train"]) == len(train) - 3


def test_the_fingerprint_tells_data_and_settings_apart(tree: Path, tmp_path: Path) -> None:
    lines = write_diveface(tmp_path)
    write_lists(tmp_path / "files", {LISTS[0]: lines[LISTS[0]][:-1]})
    seen = [
        _ready(root, **kwargs).fingerprint
        for root, kwargs in (
            (tree, {}),
            (tmp_path, {}),
            (tree, {"size": 64}),
            (tree, {"split_seed": 1}),
            (tree, {"shares": (0.6, 0.2, 0.2)}),
            (tree, {"max_images_per_identity": 3}),
        )
    ]
    assert len(set(seen)) == len(seen)
    assert _ready(tree, seed=1, batch_size=3).fingerprint == seen[0]


def test_two_loader_processes_give_the_same_batches(tree: Path) -> None:
    one, two = (list(_ready(tree, size=16, batch_size=32, num_workers=n).train_dataloader()) for n in (0, 2))
    for alone, together in zip(one, two, strict=True):
        assert all(torch.equal(alone[key], together[key]) for key in alone)


def test_a_dataset_can_be_sent_to_a_spawned_process(tree: Path) -> None:
    data = _ready(tree).datasets["val"]
    assert torch.equal(pickle.loads(pickle.dumps(data))[3]["image"], data[3]["image"])


def test_a_config_builds_it_and_unknown_keys_are_refused(tree: Path) -> None:
    parser = ArgumentParser(exit_on_error=False, parser_mode="omegaconf")
    parser.add_subclass_arguments(FaceDataModule, "data")
    args = {
        "root": str(tree),
        "max_images_per_identity": 3,
        "shares": [0.5, 0.25, 0.25],
        "bad_images": "skip",
    }
    data = {"class_path": "datamodules.diveface.DiveFace", "init_args": args}
    built = parser.instantiate(parser.parse_object({"data": data})).data
    assert built.shares == (0.5, 0.25, 0.25)
    assert (built.max_images_per_identity, built.bad_images) == (3, "skip")
    for wrong in (
        {"max_images_per_identity": "few"},
        {"shares": [1, 2]},
        {"bad_images": "keep"},
        {"crop": "a"},
    ):
        with pytest.raises(Exception, match=next(iter(wrong))):
            parser.parse_object({"data": data | {"init_args": args | wrong}})
