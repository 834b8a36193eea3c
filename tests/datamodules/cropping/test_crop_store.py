"""Prepared crops, as a DataModule reads them."""

import json
import pickle
from functools import partial

import numpy as np
import pandas as pd
import pytest
import torch
from facenet_pytorch import MTCNN, extract_face
from PIL import Image

from datamodules.celeba import CelebA
from datamodules.cropping.crop_job import CropJob
from datamodules.cropping.crop_store import CropStore
from datamodules.cropping.crop_task import CropTask
from datamodules.cropping.crop_worker import load_detector
from datamodules.cropping.face_crop import CropOptions
from datamodules.errors import DatasetError
from datamodules.manifest import Manifest
from tests.support.face_tree import FolderFaces, begin, make_job, run_job, write_faces
from tests.support.fake_detector import RedDetector

pytestmark = pytest.mark.filterwarnings("ignore:.*a subset of:UserWarning", "ignore:.*are in no split")

COUNT = 30


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    write_faces(folder, COUNT)
    return folder


@pytest.fixture(scope="module", params=["memmap", "jpeg"])
def crops(request, root, tmp_path_factory):
    out = tmp_path_factory.mktemp("crops")
    run_job(root, out, format=request.param)
    return out


def _pixels(crops) -> dict[str, np.ndarray]:
    """Every crop by its sample id, read without the code under test."""
    manifest = pd.read_parquet(crops / "manifest.parquet")
    kept = manifest[manifest["status"] == "ok"]
    if (crops / "crops.npy").exists():
        array = np.load(crops / "crops.npy")
        return {name: array[row] for row, name in kept["sample_id"].items()}
    return {x: np.asarray(Image.open(crops / "images" / f"{x}.jpg")) for x in kept["sample_id"]}


def test_batches_hold_the_crops_with_their_labels(root, crops) -> None:
    plain, pixels = FolderFaces(str(root)).table, _pixels(crops)
    data = FolderFaces(str(root), crops=str(crops), batch_size=4)
    seen = []
    for split, name in enumerate(("train", "val", "test")):
        data.setup("fit" if split < 2 else "test")
        rows = [x for x in np.flatnonzero(plain.split == split) if plain.file[x] in pixels]
        batches = list(data.loader(name))
        image = torch.cat([batch["image"] for batch in batches]).permute(0, 2, 3, 1).numpy()
        assert len(image) == len(rows)
        for row, crop in zip(rows, image, strict=True):
            np.testing.assert_allclose(crop.astype(int), pixels[plain.file[row]].astype(int), atol=1)
        for attribute, labels in plain.labels.items():
            got = torch.cat([batch[attribute] for batch in batches]).tolist()
            assert got == labels[rows].tolist()
        seen += [plain.file[x] for x in rows]
    assert data.size == 24
    assert len(seen) == len(set(seen)) < 24 < len(plain.file)


@pytest.mark.slow
def test_crops_of_celeba_keep_every_attribute(celeba_tree, tmp_path) -> None:
    data = CelebA(str(celeba_tree))
    task = CropTask(tmp_path / "crops", data.table.folder, data.table.file, CropOptions(size=16), RedDetector)
    CropJob(data.table, data.attributes, task, RedDetector().parameters).run()
    manifest = pd.read_parquet(tmp_path / "crops" / "manifest.parquet")
    assert set(data.attributes) <= set(manifest.columns)
    assert manifest["gender"].astype(str).tolist() == [
        ("female", "male")[label] for label in data.table.labels["gender"]
    ]
    cropped = CelebA(str(celeba_tree), crops=str(tmp_path / "crops"))
    cropped.setup("fit")
    kept = manifest[(manifest["status"] == "ok") & (manifest["split"] == "val")]
    assert 0 < len(cropped.datasets["val"]) == len(kept) <= 80
    labels = cropped.datasets["val"].labels(torch.arange(len(kept)))
    assert labels["smiling"].tolist() == (kept["smiling"] == "yes").astype(int).tolist()
    assert labels["identity"].tolist() == (kept["identity"].astype(int) - 1).tolist()
    cropped.fingerprint, data.setup("fit")
    assert cropped.fingerprint != data.fingerprint


def test_the_manifest_is_a_dataset_of_its_own(root, crops) -> None:
    original = FolderFaces(str(root), crops=str(crops))
    alone = Manifest(str(crops), manifest="manifest.parquet", crops=str(crops))
    for data in (original, alone):
        data.setup("test")
    index = torch.arange(len(original.datasets["test"]))
    ours, theirs = (data.datasets["test"].read(index) for data in (original, alone))
    assert torch.equal(ours["image"], theirs["image"])
    for name in ("identity", "smiling"):
        classes = [list(data.attributes[name]) + [None] for data in (original, alone)]
        ours_named, theirs_named = (
            [names[label] for label in batch[name]]
            for names, batch in zip(classes, (ours, theirs), strict=True)
        )
        assert ours_named == theirs_named


def test_places_of_samples_and_of_those_without_a_crop(root, crops) -> None:
    store, table = CropStore.open(crops), FolderFaces(str(root)).table
    status = pd.read_parquet(crops / "manifest.parquet").set_index("sample_id")["status"]
    order = np.random.default_rng(0).permutation(COUNT)
    rows = store.rows(table.file[order])
    expected = [row if status[table.file[row]] == "ok" else -1 for row in order]
    assert rows.tolist() == expected
    assert (rows < 0).sum() == 6
    with pytest.raises(DatasetError, match="lacks 1 of 2, first 'q/1.png'; prepare the crops of this"):
        store.rows(np.array([table.file[0], "q/1.png"]))


def test_a_source_travels_to_loader_processes(root, crops) -> None:
    store = CropStore.open(crops)
    rows = store.rows(FolderFaces(str(root)).table.file)
    source = store.source(rows[rows >= 0])
    copy = pickle.loads(pickle.dumps(source))
    np.testing.assert_array_equal(source(np.array([1, 0])), copy(np.array([1, 0])))


def test_another_size_is_refused(root, crops) -> None:
    with pytest.raises(DatasetError, match="24 pixels a side, not 32"):
        FolderFaces(str(root), crops=str(crops), size=32).setup("fit")


def test_the_key_is_that_of_the_options(root, tmp_path) -> None:
    for name, options in {"a": {}, "b": {}, "c": {"size": 25}, "d": {"select": "center"}}.items():
        run_job(root, tmp_path / name, **options)
    keys = [CropStore.open(tmp_path / name).key for name in "abcd"]
    assert keys[0] == keys[1]
    assert len(set(keys)) == 3


def test_what_is_not_there_or_not_finished_is_named(root, tmp_path) -> None:
    with pytest.raises(DatasetError, match=r"there is no such folder; recipes/prepare.py makes it"):
        CropStore.open(tmp_path / "nowhere")
    begin(root, tmp_path / "crops")
    with pytest.raises(DatasetError, match=r"has no store.json.* it goes on where it stopped"):
        CropStore.open(tmp_path / "crops")


def _shorten(path) -> None:
    path.write_bytes(path.read_bytes()[:-700])


def _other_shape(path) -> None:
    np.save(path, np.zeros((COUNT, 24, 25, 3), dtype=np.uint8))


def _other_type(path) -> None:
    np.save(path, np.zeros((COUNT, 24, 24, 3), dtype=np.int8))


def _fewer_rows(path) -> None:
    pd.read_parquet(path)[:-1].to_parquet(path, index=False)


def _twice(path) -> None:
    manifest = pd.read_parquet(path)
    manifest.assign(sample_id=manifest["sample_id"][0]).to_parquet(path, index=False)


def _no_size(path) -> None:
    path.write_text(json.dumps({x: y for x, y in json.loads(path.read_text()).items() if x != "size"}))


DAMAGE = {
    "crops cut short": ("crops.npy", _shorten),
    "crops of another size": ("crops.npy", _other_shape),
    "crops of another type": ("crops.npy", _other_type),
    "no crops": ("crops.npy", lambda path: path.unlink()),
    "manifest cut short": ("manifest.parquet", _shorten),
    "manifest with a row less": ("manifest.parquet", _fewer_rows),
    "manifest with a sample twice": ("manifest.parquet", _twice),
    "no manifest": ("manifest.parquet", lambda path: path.unlink()),
    "store is no JSON": ("store.json", lambda path: path.write_text("{")),
    "store without the size": ("store.json", _no_size),
    "store is a list": ("store.json", lambda path: path.write_text("[]")),
}


@pytest.mark.parametrize("kind", DAMAGE)
def test_damage_is_noticed(root, tmp_path, kind) -> None:
    run_job(root, tmp_path / "crops")
    name, damage = DAMAGE[kind]
    damage(tmp_path / "crops" / name)
    with pytest.raises(DatasetError, match=r"damaged .*; delete it and prepare the crops again") as caught:
        CropStore.open(tmp_path / "crops")
    assert "\n" not in str(caught.value)


def test_real_faces_are_cropped_as_the_package_does(face_data_root, tmp_path) -> None:
    people = sorted((face_data_root / "lfw" / "lfw-deepfunneled").iterdir())[:120:20]
    for person in people:
        (tmp_path / "photos" / person.name).mkdir(parents=True)
        for photo in sorted(person.iterdir())[:2]:
            (tmp_path / "photos" / person.name / photo.name).symlink_to(photo)
    real = partial(load_detector, "cpu")
    for mode in ("box", "align"):
        make_job(tmp_path / "photos", tmp_path / mode, mode=mode, size=112, make_detector=real).run()
    mtcnn = MTCNN(keep_all=True)
    manifest = pd.read_parquet(tmp_path / "box" / "manifest.parquet")
    assert (manifest["status"] == "ok").all()
    for row, name in manifest["path"].items():
        image = Image.open(tmp_path / "photos" / name).convert("RGB")
        box = mtcnn.detect(image)[0][0].astype(np.float32)
        np.testing.assert_allclose(manifest.loc[row, ["x1", "y1", "x2", "y2"]].astype(float), box, atol=0.1)
        extract_face(image, box, 112, save_path=str(tmp_path / "face.png"))
        ours = np.load(tmp_path / "box" / "crops.npy", mmap_mode="r")[row].astype(int)
        assert np.abs(ours - np.asarray(Image.open(tmp_path / "face.png"))).mean() < 3
    aligned = np.load(tmp_path / "align" / "crops.npy")
    assert (aligned.reshape(len(aligned), -1).std(axis=1) > 20).all(), "all show something"
