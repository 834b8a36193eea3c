import pickle
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from jsonargparse import ArgumentParser
from PIL import Image

from datamodules.base import FaceDataModule
from datamodules.celeba import MEAN_LANDMARKS, CelebA
from datamodules.contract import TrainIndex, Visit
from datamodules.errors import DatasetError
from datamodules.loading.face_alignment import TEMPLATE, rescale_points, similarity
from datamodules.sampling.biased_sample import BiasedSample
from tests.support.celeba_tree import NAMES, celeba_people, write_celeba

pytestmark = pytest.mark.filterwarnings("ignore:.*a subset of:UserWarning")


def _ready(root: Path, **kwargs) -> CelebA:
    datamodule = CelebA(str(root), **kwargs)
    for stage in ("fit", "test"):
        datamodule.setup(stage)
    return datamodule


@pytest.mark.parametrize("kaggle", [False, True])
@pytest.mark.parametrize("crop", ["aligned", "center"])
def test_the_batch_contract(tmp_path: Path, kaggle: bool, crop) -> None:
    written = write_celeba(tmp_path, kaggle=kaggle)
    datamodule = _ready(tmp_path, size=40, crop=crop, batch_size=5)
    for split, loader in enumerate((datamodule.val_dataloader(), datamodule.test_dataloader()), start=1):
        batches = list(loader)
        assert [len(batch["image"]) for batch in batches] == [5, 3]
        for batch in batches:
            assert set(batch) == {"image", "index", *datamodule.attributes}
            assert len(batch) == 44
            assert batch["image"].shape[1:] == (3, 40, 40)
            assert batch["image"].dtype == torch.uint8
            assert all(v.dtype == torch.int64 and v.ndim == 1 for k, v in batch.items() if k != "image")
        whole = {key: torch.cat([batch[key] for batch in batches]) for key in batches[0]}
        rows = np.arange(split, 24, 3)
        assert whole["index"].tolist() == list(range(8))
        for column, name in enumerate(NAMES):
            assert whole[name.lower()].tolist() == ((written[rows, column] + 1) // 2).tolist()
        assert torch.equal(whole["gender"], whole["male"])
        assert whole["identity"].tolist() == ([-1] * 8 if kaggle else (celeba_people(24)[rows] - 1).tolist())


def test_attributes_are_known_without_any_file(tmp_path: Path) -> None:
    attributes = CelebA(str(tmp_path / "nowhere")).attributes
    assert len(attributes) == 42
    assert list(attributes["gender"]) == ["female", "male"]
    assert list(attributes["5_o_clock_shadow"]) == ["no", "yes"]
    assert len(attributes["identity"]) == 10_177
    assert attributes["identity"][0] == "1"


def test_pixels_match_pillow(tmp_path: Path) -> None:
    write_celeba(tmp_path)
    image = _ready(tmp_path).datasets["val"][2]["image"].permute(1, 2, 0).numpy().astype(int)
    matrix = np.vstack([similarity(MEAN_LANDMARKS, TEMPLATE), [0, 0, 1]])
    half = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])  # Pillow puts pixel centres at one half
    back = np.linalg.inv(np.linalg.inv(half) @ matrix @ half)
    source = Image.open(tmp_path / "img_align_celeba" / "000008.jpg")
    oracle = source.transform((112, 112), Image.Transform.AFFINE, back[:2].ravel(), Image.Resampling.BILINEAR)
    assert np.abs(image - np.asarray(oracle)).max() <= 4


def test_a_sample_has_its_composition_in_the_batches(tmp_path: Path) -> None:
    write_celeba(tmp_path, count=600)
    datamodule = _ready(
        tmp_path, size=8, train_sample=BiasedSample(n=80, share=0.7), test_sample=BiasedSample()
    )
    data = datamodule.datasets["train"]
    batch = data.__getitems__(range(len(data)))
    count = torch.zeros(2, 2, 2, dtype=torch.int64)
    count.index_put_(
        (batch["attractive"], batch["gender"], batch["smiling"]), torch.tensor(1), accumulate=True
    )
    assert count.tolist() == [[[14, 6], [14, 6]], [[6, 14], [6, 14]]]
    assert len(datamodule.datasets["val"]) == 200
    assert 0 < len(datamodule.datasets["test"]) <= 200
    assert len(datamodule.datasets["test"]) % 4 == 0


def test_samples_are_checked_before_any_data_is_read() -> None:
    with pytest.raises(ValueError, match="attribute 'emotion' is unknown"):
        CelebA("nowhere", val_sample=BiasedSample(bias="emotion"))
    with pytest.raises(ValueError, match="attribute 'identity' is not binary"):
        CelebA("nowhere", test_sample=BiasedSample(target="identity"))
    with pytest.raises(ValueError, match="size is 0 pixels"):
        CelebA("nowhere", size=0)


def test_a_sample_that_is_too_large_says_what_fits(tmp_path: Path) -> None:
    write_celeba(tmp_path)
    with pytest.raises(DatasetError, match="^train_sample: biased sample of 4000: too few images"):
        CelebA(str(tmp_path), train_sample=BiasedSample(n=4000)).setup("fit")


def test_no_split_shares_a_person_and_splits_that_do_are_named(tmp_path: Path, recwarn) -> None:
    write_celeba(tmp_path)
    datamodule = _ready(tmp_path)
    people = [set(data.labels(torch.arange(8))["identity"].tolist()) for data in datamodule.datasets.values()]
    assert [len(p) for p in people] == [2, 2, 2]
    assert len(set().union(*people)) == 6
    assert not any("in training too" in str(w.message) for w in recwarn)
    path = tmp_path / "identity_CelebA.txt"
    lines = path.read_text().splitlines()
    lines[2] = "000003.jpg 10177"
    path.write_text("\n".join(lines))
    with pytest.warns(UserWarning, match="1 of the 3 people in test are in training too"):
        _ready(tmp_path)


def test_a_part_of_the_images_is_announced(tmp_path: Path) -> None:
    write_celeba(tmp_path)
    with pytest.warns(UserWarning, match="a subset of 24 of 202,599 images is used"):
        CelebA(str(tmp_path)).setup("test")


def test_a_split_without_images_is_refused(tmp_path: Path) -> None:
    write_celeba(tmp_path, count=2)
    with pytest.raises(DatasetError, match="no image to use in the test split"):
        CelebA(str(tmp_path)).setup("test")


def _damage(root: Path, files: dict[str, bytes | None]) -> None:
    for name, content in files.items():
        path = root / "img_align_celeba" / name
        if content is None:
            path.unlink()
        else:
            path.write_bytes(path.read_bytes()[: len(content)] if content else b"")


DAMAGE = {"000001.jpg": None, "000004.jpg": b"", "000007.jpg": b"x" * 900}  # all three in train


def test_damaged_images_are_named_at_set_up(tmp_path: Path) -> None:
    write_celeba(tmp_path)
    _damage(tmp_path, DAMAGE)
    datamodule = CelebA(str(tmp_path))
    datamodule.setup("test")  # other splits are not looked at
    with pytest.raises(DatasetError, match="^3 of 8 image files cannot be used") as caught:
        datamodule.setup("fit")
    for reason in ("000001.jpg (missing)", "000004.jpg (empty)", "000007.jpg (cut short"):
        assert reason in str(caught.value)


def test_damaged_images_can_be_skipped_and_samples_stay_balanced(tmp_path: Path) -> None:
    write_celeba(tmp_path, count=600)
    _damage(tmp_path, {f"{i + 1:06d}.jpg": b"" for i in range(0, 600, 9)})  # 67 of the 200 in train
    with pytest.warns(UserWarning, match="67 of 200 image files are left out"):
        whole = _ready(tmp_path, size=8, bad_images="skip").datasets["train"]
    assert len(whole.__getitems__(range(len(whole)))["image"]) == 133
    sample = BiasedSample(n=64)
    with pytest.warns(UserWarning, match="left out"):
        data = _ready(tmp_path, size=8, bad_images="skip", train_sample=sample).datasets["train"]
    batch = data.__getitems__(range(len(data)))
    cells = 4 * batch["attractive"] + 2 * batch["gender"] + batch["smiling"]
    assert torch.bincount(cells).tolist() == [8] * 8


def test_an_image_damaged_later_is_named(tmp_path: Path) -> None:
    write_celeba(tmp_path)
    data = _ready(tmp_path).datasets["val"]
    (tmp_path / "img_align_celeba" / "000005.jpg").write_bytes(b"")
    with pytest.raises(DatasetError, match=r"000005.jpg: empty; get the file again"):
        data.__getitems__([0, 1])


def test_images_of_another_shape_are_named_with_the_way_out(tmp_path: Path) -> None:
    write_celeba(tmp_path)
    cv2.imwrite(str(tmp_path / "img_align_celeba" / "000005.jpg"), np.zeros((64, 64, 3), dtype=np.uint8))
    with pytest.raises(DatasetError, match=r"000005.jpg: 64x64 pixels .*crop center"):
        _ready(tmp_path).datasets["val"][1]
    assert _ready(tmp_path, crop="center").datasets["val"][1]["image"].shape == (3, 112, 112)


def test_the_fingerprint_tells_data_settings_and_draws_apart(tmp_path: Path) -> None:
    write_celeba(tmp_path / "a", count=240)
    write_celeba(tmp_path / "b", count=237)

    def fingerprint(root: str = "a", **kwargs) -> str:
        return _ready(tmp_path / root, **kwargs).fingerprint

    sample = BiasedSample(n=16)
    seen = [
        CelebA(str(tmp_path / "a")).fingerprint,
        fingerprint(),
        fingerprint("b"),
        fingerprint(size=64),
        fingerprint(crop="center"),
        fingerprint(train_sample=sample),
        fingerprint(train_sample=sample, seed=1),
    ]
    assert len(set(seen)) == len(seen)
    assert all(len(digest) == 64 and int(digest, 16) for digest in seen)
    assert fingerprint(seed=1) == fingerprint(batch_size=3) == seen[1]


def test_augmentation_changes_training_images_alone(tmp_path: Path) -> None:
    write_celeba(tmp_path)
    plain, changed, again = (_ready(tmp_path, augment=augment) for augment in (False, True, True))
    every = range(8)
    for split in ("val", "test"):
        assert torch.equal(
            plain.datasets[split].__getitems__(every)["image"],
            changed.datasets[split].__getitems__(every)["image"],
        )
    images = [
        datamodule.datasets["train"].__getitems__(every)["image"] for datamodule in (plain, changed, again)
    ]
    assert not torch.equal(images[0], images[1])
    assert torch.equal(images[1], images[2])
    later = [TrainIndex(i, Visit(epoch=1)) for i in every]
    assert not torch.equal(changed.datasets["train"].__getitems__(later)["image"], images[1])


@pytest.mark.parametrize("augment", [False, True])
def test_two_loader_processes_give_the_same_batches(tmp_path: Path, augment: bool) -> None:
    write_celeba(tmp_path, count=60)
    one, two = (
        [list(datamodule.train_dataloader()), list(datamodule.val_dataloader())]
        for datamodule in (_ready(tmp_path, batch_size=6, augment=augment, num_workers=n) for n in (0, 2))
    )
    for alone, together in zip(one[0] + one[1], two[0] + two[1], strict=True):
        assert all(torch.equal(alone[key], together[key]) for key in alone)


def test_a_dataset_can_be_sent_to_a_spawned_process(tmp_path: Path) -> None:
    write_celeba(tmp_path)
    data = _ready(tmp_path).datasets["val"]
    assert torch.equal(pickle.loads(pickle.dumps(data))[3]["image"], data[3]["image"])


def test_a_config_builds_it_and_unknown_keys_are_refused(tmp_path: Path) -> None:
    parser = ArgumentParser(exit_on_error=False, parser_mode="omegaconf")
    parser.add_subclass_arguments(FaceDataModule, "data")
    args = {"root": str(tmp_path), "train_sample": {"n": 36000, "share": 0.7}, "bad_images": "skip"}
    config = parser.parse_object({"data": {"class_path": "datamodules.celeba.CelebA", "init_args": args}})
    built = parser.instantiate(config).data
    assert built.samples["train"] == BiasedSample(n=36_000, share=0.7)
    assert built.samples["val"] is None
    for wrong in ({"train_sample": {"share": "lots"}}, {"crop": "tight"}, {"train_sample": {"size": 3}}):
        with pytest.raises(Exception, match=next(iter(wrong))):
            parser.parse_object(
                {"data": {"class_path": "datamodules.celeba.CelebA", "init_args": args | wrong}}
            )


def test_the_real_subset_loads_whole_and_its_people_are_disjoint(face_data_root: Path) -> None:
    datamodule = _ready(face_data_root / "celeba", batch_size=256)
    official = Path(face_data_root / "celeba" / "identity_CelebA.txt").read_text().split()
    person = dict(zip(official[::2], map(int, official[1::2]), strict=True))
    people = []
    for split, size in {"train": 7017, "val": 972, "test": 2011}.items():
        batches = list(datamodule.loader(split))
        identity = torch.cat([batch["identity"] for batch in batches])
        files = [Path(path).name for path in datamodule.datasets[split].source.paths]
        assert len(identity) == len(files) == size
        assert all(batch["image"].shape[1:] == (3, 112, 112) for batch in batches)
        assert identity.tolist() == [person[file] - 1 for file in files]
        people.append(set(identity.tolist()))
    assert not (people[0] & people[1] | people[0] & people[2] | people[1] & people[2])


@pytest.mark.parametrize("index", [0, 100, 1999])
def test_a_real_image_matches_pillow(face_data_root: Path, index: int) -> None:
    data = _ready(face_data_root / "celeba").datasets["test"]
    source = Image.open(data.source.paths[index])
    scale = np.array([source.width / 178, source.height / 218])
    matrix = np.vstack([similarity(rescale_points(MEAN_LANDMARKS, scale), TEMPLATE), [0, 0, 1]])
    half = np.array([[1, 0, -0.5], [0, 1, -0.5], [0, 0, 1]])
    back = np.linalg.inv(np.linalg.inv(half) @ matrix @ half)
    oracle = source.transform((112, 112), Image.Transform.AFFINE, back[:2].ravel(), Image.Resampling.BILINEAR)
    difference = data[index]["image"].permute(1, 2, 0).numpy().astype(int) - np.asarray(oracle)
    assert np.abs(difference).mean() < 0.5
    assert np.abs(difference).max() <= 6
