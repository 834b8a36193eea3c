import pickle
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from jsonargparse import ArgumentParser
from PIL import Image

from datamodules.base import FaceDataModule
from datamodules.cfee import CFEE
from datamodules.errors import DatasetError
from datamodules.sampling.biased_sample import BiasedSample
from datamodules.sampling.mixed_sample import MixedSample
from tests.support.cfee_tree import NAMES, write_cfee
from tests.support.noise_images import write_named_noise
from tests.support.whole_splits import check_contract, files_of_splits, read_whole, set_up

pytestmark = pytest.mark.filterwarnings("ignore:.*a subset of:UserWarning")

SIX = ["neutral", "happy", "sad", "angry", "surprised", "disgusted"]


@pytest.fixture(scope="module")
def tree(tmp_path_factory) -> Path:
    root = tmp_path_factory.mktemp("cfee")
    write_cfee(root)
    return root


def _ready(root: Path, **kwargs) -> CFEE:
    return set_up(CFEE(str(root), **kwargs))


def _people(datamodule: CFEE) -> list[set[str]]:
    return [{file.split("_")[1] for file in files} for files in files_of_splits(datamodule)]


def test_the_batches_and_labels_agree_with_the_file_names(tree: Path) -> None:
    datamodule = _ready(tree, size=24, batch_size=7)
    assert list(datamodule.attributes["emotion"]) == SIX
    count = 0
    for place, split in enumerate(("train", "val", "test")):
        whole = read_whole(datamodule, split)
        check_contract(whole, datamodule)
        assert set(whole) == {"image", "index", "emotion", "identity", "gender"}
        assert whole["image"].shape[1:] == (3, 24, 24)
        assert (whole["gender"] == -1).all()
        files = datamodule.table.file[datamodule.table.split == place].tolist()
        count += len(files)
        for i, file in enumerate(files):
            emotion, subject, _ = file.rsplit("/", 1)[1].split("_")
            assert datamodule.attributes["emotion"][whole["emotion"][i]] == NAMES[int(emotion)].lower()
            assert datamodule.attributes["identity"][whole["identity"][i]] == subject
    assert count == 30 * 6


def test_pixels_match_pillow(tree: Path) -> None:
    datamodule = _ready(tree, size=20)
    file = datamodule.table.file[datamodule.table.split == 1][3]
    image = datamodule.datasets["val"][3]["image"].permute(1, 2, 0).numpy().astype(int)
    source = Image.open(tree / "CFEE_Database_230" / file)
    oracle = source.crop((10, 0, 50, 40)).resize((20, 20), Image.Resampling.BOX)
    assert np.abs(image - np.asarray(oracle)).max() <= 2


@pytest.mark.parametrize("asked", [["Disgusted", "HAPPY"], ["happily surprised", "neutral", "Awed"]])
def test_emotions_are_those_asked_for_in_that_order(tree: Path, asked: list[str]) -> None:
    datamodule = _ready(tree, emotions=asked)
    classes = datamodule.attributes["emotion"]
    assert list(classes) == [name.lower().replace(" ", "_") for name in asked]
    table = datamodule.table
    assert len(table) == 30 * len(asked)
    ids = {name.lower().replace(" ", "_"): i for i, name in NAMES.items()}
    for file, label in zip(table.file, table.labels["emotion"], strict=True):
        assert int(file.rsplit("/", 1)[1][:2]) == ids[classes[label]]


def test_null_asks_for_all_emotions_and_unnamed_ids_are_left_out(tmp_path: Path) -> None:
    folder = write_cfee(tmp_path, subjects=12)
    write_named_noise(folder / "21-26" / "Images6" / "23_101_1.jpg")
    write_named_noise(folder / "21-26" / "Images6" / "26_101_2.jpg")
    with pytest.warns(UserWarning, match=r"images of \[23, 26\] are left out"):
        datamodule = _ready(tmp_path, emotions=None)
    assert list(datamodule.attributes["emotion"]) == [n.lower().replace(" ", "_") for n in NAMES.values()]
    assert len(datamodule.table) == 12 * len(NAMES)
    assert datamodule.table.published == 5_954


def test_an_unknown_emotion_is_refused_with_the_known_names(tree: Path) -> None:
    with pytest.raises(DatasetError, match=r"no emotion 'joyful'; it has neutral, happy, .*awed$"):
        _ = CFEE(str(tree), emotions=["happy", "Joyful"]).attributes


shares = st.tuples(*[st.floats(0, 1)] * 3).filter(lambda x: sum(x) > 0.1)


@given(st.integers(0, 2**31), shares)
def test_no_two_splits_share_a_person(tree: Path, seed: int, shares) -> None:
    datamodule = CFEE(str(tree), split_seed=seed, shares=shares)
    people = _people(datamodule)
    assert not (people[0] & people[1] | people[0] & people[2] | people[1] & people[2])
    assert sum(map(len, people)) == 30
    wanted = np.array(shares) / sum(shares) * 30
    assert (np.abs([len(p) for p in people] - wanted) <= 1).all()


def test_a_choice_of_emotions_moves_nobody_between_the_splits(tree: Path) -> None:
    first = _people(CFEE(str(tree), seed=0))
    assert _people(CFEE(str(tree), seed=5)) == first
    assert _people(CFEE(str(tree), emotions=["fearful"])) == first
    assert _people(CFEE(str(tree), emotions=None)) == first
    assert _people(CFEE(str(tree), split_seed=1)) != first


def test_a_random_split_warns_of_people_in_training_and_test(tree: Path) -> None:
    shares = (0.64, 0.16, 0.2)
    with pytest.warns(UserWarning, match="training too") as caught:
        datamodule = _ready(tree, split="random", shares=shares)
    assert [len(files) for files in files_of_splits(datamodule)] == [115, 29, 36]
    train, _, test = _people(datamodule)
    (message,) = (str(w.message) for w in caught if "training too" in str(w.message))
    assert f"{len(train & test)} of the {len(test)} people in test" in message
    assert "not those of new people; use splits by person" in message
    again, other = (
        CFEE(str(tree), split="random", shares=shares, **seed) for seed in ({"seed": 4}, {"split_seed": 1})
    )
    with pytest.warns(UserWarning, match="training too"):
        assert files_of_splits(again) == files_of_splits(datamodule)
    with pytest.warns(UserWarning, match="training too"):
        assert files_of_splits(other) != files_of_splits(datamodule)


def test_genders_come_from_a_file_and_are_unknown_without(tree: Path, tmp_path: Path) -> None:
    people = sorted(set.union(*_people(CFEE(str(tree)))))
    words = {person: ("male", "female")[i % 2] for i, person in enumerate(people[3:])}
    path = tmp_path / "gender.csv"
    path.write_text("\n".join(["subject,gender", *(",".join(row) for row in words.items()), "999,male"]))
    with pytest.warns(UserWarning, match="3 of 30 people have no gender in it"):
        table = CFEE(str(tree), gender_csv=str(path)).table
    for file, label in zip(table.file, table.labels["gender"], strict=True):
        assert ("unknown", "female", "male")[label + 1] == words.get(file.split("_")[1], "unknown")
    path.write_text("subject,gender\n" + "\n".join(f"{person},male" for person in people))
    assert (CFEE(str(tree), gender_csv=str(path)).table.labels["gender"] == 1).all()


def test_options_are_checked_before_any_data_is_read() -> None:
    for emotions in ([], ["Sad", "sad"]):
        with pytest.raises(ValueError, match="emotions must be different names"):
            CFEE("nowhere", emotions=emotions)
    with pytest.raises(ValueError, match="shares of train, val and test"):
        CFEE("nowhere", shares=(0, 0, 0))
    with pytest.raises(ValueError, match="attribute 'attractive' is unknown"):
        CFEE("nowhere", train_sample=BiasedSample())
    with pytest.raises(ValueError, match="emotion has no class 'fearful'"):
        CFEE("nowhere", train_sample=MixedSample({"fearful": 1}, attribute="emotion"))


def test_a_part_of_the_images_is_announced(tree: Path) -> None:
    with pytest.warns(UserWarning, match="a subset of 180 of 1,380 images is used"):
        CFEE(str(tree)).setup("test")


def test_a_mix_of_emotions_has_its_shares(tree: Path) -> None:
    mix = MixedSample({"happy": 0.75, "sad": 0.25}, attribute="emotion", n=20)
    label = read_whole(_ready(tree, size=8, train_sample=mix), "train")["emotion"]
    assert torch.bincount(label).tolist() == [0, 15, 5]


def test_damaged_images_are_named_or_skipped(tmp_path: Path) -> None:
    folder = write_cfee(tmp_path)
    train = sorted(files_of_splits(CFEE(str(tmp_path)))[0])
    for file in train[:3]:
        (folder / file).write_bytes(b"")
    with pytest.raises(DatasetError, match=f"^3 of {len(train)} image files cannot be used: .*empty"):
        CFEE(str(tmp_path)).setup("fit")
    with pytest.warns(UserWarning, match=f"3 of {len(train)} image files are left out"):
        datamodule = _ready(tmp_path, bad_images="skip")
    assert len(datamodule.datasets["train"]) == len(train) - 3


@pytest.mark.filterwarnings("ignore:.*training too:UserWarning")
def test_the_fingerprint_tells_data_and_settings_apart(tree: Path, tmp_path: Path) -> None:
    write_cfee(tmp_path, subjects=29)
    genders = tmp_path / "gender.csv"
    genders.write_text("subject,gender\n" + "\n".join(f"{101 + 7 * i},male" for i in range(30)))
    seen = [
        _ready(root, **kwargs).fingerprint
        for root, kwargs in (
            (tree, {}),
            (tmp_path, {}),
            (tree, {"size": 64}),
            (tree, {"split_seed": 1}),
            (tree, {"shares": (0.6, 0.2, 0.2)}),
            (tree, {"split": "random"}),
            (tree, {"emotions": SIX[:5]}),
            (tree, {"emotions": SIX[::-1]}),
            (tree, {"gender_csv": str(genders)}),
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
    args = {"root": str(tree), "emotions": ["Happy", "Sad"], "split": "random", "flip": True}
    data = {"class_path": "datamodules.cfee.CFEE", "init_args": args}
    built = parser.instantiate(parser.parse_object({"data": data})).data
    assert (built.emotions, built.split, built.flip) == (("happy", "sad"), "random", True)
    for wrong in ({"emotions": 3}, {"split": "image"}, {"shares": [1, 2]}, {"crop": "a"}):
        with pytest.raises(Exception, match=next(iter(wrong))):
            parser.parse_object({"data": data | {"init_args": args | wrong}})
