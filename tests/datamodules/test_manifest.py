import csv
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from jsonargparse import ArgumentParser

from datamodules.base import FaceDataModule
from datamodules.celeba import CelebA
from datamodules.contract import SPLITS
from datamodules.cropping.crop_manifest import build_manifest
from datamodules.errors import DatasetError
from datamodules.manifest import Manifest
from datamodules.sampling.biased_sample import BiasedSample
from tests.support.celeba_tree import write_celeba
from tests.support.manifest_trees import EMOTIONS, write_fer2013, write_manifest, write_utkface


def _ready(root: Path, **kwargs) -> Manifest:
    datamodule = Manifest(str(root), **kwargs)
    for stage in ("fit", "test"):
        datamodule.setup(stage)
    return datamodule


def _split(datamodule: Manifest) -> list[str]:
    return [(*SPLITS, "")[s] for s in datamodule.table.split]


def _words(datamodule: Manifest, name: str) -> list[str]:
    classes = datamodule.attributes[name]
    return [classes[i] if i >= 0 else "" for i in datamodule.table.labels[name].tolist()]


def test_the_batch_contract(tmp_path: Path) -> None:
    rows = write_manifest(tmp_path)
    datamodule = _ready(tmp_path, size=40, batch_size=5)
    assert datamodule.attributes == {
        "identity": tuple(sorted({row["identity"] for row in rows})),
        "emotion": ("angry", "happy", "sad"),
        "gender": ("female", "male"),
    }
    for split in SPLITS:
        batches = list(datamodule.loader(split))
        wanted = [row for row in rows if row["split"] == split]
        for batch in batches:
            assert set(batch) == {"image", "index", *datamodule.attributes}
            assert batch["image"].shape[1:] == (3, 40, 40)
            assert batch["image"].dtype == torch.uint8
            assert all(v.dtype == torch.int64 and v.ndim == 1 for k, v in batch.items() if k != "image")
        whole = {key: torch.cat([batch[key] for batch in batches]) for key in batches[0]}
        assert whole["index"].tolist() == list(range(len(wanted)))
        for name, classes in datamodule.attributes.items():
            words = [classes[i] if i >= 0 else "" for i in whole[name].tolist()]
            assert words == [row[name] for row in wanted]


def test_given_splits_share_nobody(tmp_path: Path) -> None:
    write_manifest(tmp_path)
    datamodule = _ready(tmp_path, disjoint="identity")
    people = [set(d.labels(torch.arange(len(d)))["identity"].tolist()) for d in datamodule.datasets.values()]
    assert [len(p) for p in people] == [16, 4, 4]
    assert len(set.union(*people)) == 24


def test_classes_are_in_the_order_that_is_given(tmp_path: Path) -> None:
    rows = write_manifest(tmp_path)
    datamodule = _ready(tmp_path, attributes={"gender": ["male", "female"], "emotion": None})
    assert datamodule.attributes == {"gender": ("male", "female"), "emotion": ("angry", "happy", "sad")}
    assert _words(datamodule, "gender") == [row["gender"] for row in rows]
    assert datamodule.table.labels["gender"][0] == 0
    assert list(_ready(tmp_path, attributes=["emotion"]).attributes) == ["emotion"]


def test_numbers_are_in_numerical_order(tmp_path: Path) -> None:
    rows = write_utkface(tmp_path)
    with pytest.warns(
        UserWarning, match="images are dealt to them one by one, and a person may be in several"
    ):
        datamodule = _ready(tmp_path)
    assert datamodule.attributes["age"] == ("1", "9", "26", "80", "116")
    assert _words(datamodule, "age") == [row[1] for row in rows]


def test_people_are_dealt_whole(tmp_path: Path) -> None:
    rows = write_manifest(tmp_path, splits=False)
    for seed in range(3):
        datamodule = _ready(tmp_path, disjoint="identity", split_seed=seed, shares=(0.5, 0.25, 0.25))
        split = _split(datamodule)
        of = {row["identity"]: s for row, s in zip(rows, split, strict=True)}
        assert split == [of[row["identity"]] for row in rows]
        assert [split.count(s) for s in SPLITS] == [36, 18, 18]
    assert _split(_ready(tmp_path, disjoint="identity", seed=5)) == _split(
        _ready(tmp_path, disjoint="identity")
    )
    path = tmp_path / "manifest.csv"
    before = dict(zip((row["path"] for row in rows), split, strict=True))
    lines = path.read_text().splitlines()
    path.write_text("\n".join([lines[0], *lines[:0:-1]]))
    turned = _ready(tmp_path, disjoint="identity", split_seed=2, shares=(0.5, 0.25, 0.25))
    assert dict(zip(turned.table.file.tolist(), _split(turned), strict=True)) == before


def test_images_of_unknown_people_are_in_no_dealt_split(tmp_path: Path) -> None:
    rows = write_manifest(tmp_path, splits=False)
    with pytest.warns(UserWarning, match="manifest.csv: 7 images without emotion are in no split"):
        datamodule = _ready(tmp_path, disjoint="emotion", shares=(1, 1, 1))
    assert [s == "" for s in _split(datamodule)] == [row["emotion"] == "" for row in rows]


def test_an_empty_split_leaves_an_image_out_and_says_so(tmp_path: Path) -> None:
    write_manifest(tmp_path)
    path = tmp_path / "manifest.csv"
    path.write_text(path.read_text().replace("train", "", 3))
    with pytest.warns(UserWarning, match="3 of 72 images are in no split"):
        datamodule = _ready(tmp_path)
    assert [len(d) for d in datamodule.datasets.values()] == [45, 12, 12]


def test_the_manifest_is_found_below_the_root_and_elsewhere(tmp_path: Path, monkeypatch) -> None:
    write_manifest(tmp_path / "faces")
    monkeypatch.chdir(tmp_path)
    wanted = _ready(tmp_path / "faces").fingerprint
    (tmp_path / "faces" / "manifest.csv").rename(tmp_path / "list.csv")
    assert _ready(tmp_path / "faces", manifest="list.csv").fingerprint == wanted
    assert _ready(tmp_path / "faces", manifest=str(tmp_path / "list.csv")).fingerprint == wanted


def _bom(text: str) -> bytes:
    return b"\xef\xbb\xbf" + text.encode()


def _indexed(text: str) -> bytes:
    return "\n".join(f"{i if i else ''},{line}" for i, line in enumerate(text.splitlines())).encode()


SAME = {
    "windows": lambda t: t.replace("\n", "\r\n").encode(),
    "byte order mark": _bom,
    "both": lambda t: _bom(t.replace("\n", "\r\n")),
    "quotes": lambda t: "\n".join(",".join(f'"{c}"' for c in x.split(",")) for x in t.split()).encode(),
    "spaces": lambda t: t.replace(",happy", ", happy ").replace(",split", ", split").encode(),
    "blank lines at the end": lambda t: (t + "\n \n\n").encode(),
    "row numbers of pandas": _indexed,
}


@pytest.mark.parametrize("kind", SAME)
def test_other_ways_to_write_a_csv_say_the_same(tmp_path: Path, kind: str) -> None:
    write_manifest(tmp_path)
    path = tmp_path / "manifest.csv"
    straight = Manifest(str(tmp_path))
    wanted = [_words(straight, name) for name in straight.attributes], _split(straight)
    path.write_bytes(SAME[kind](path.read_text()))
    again = Manifest(str(tmp_path))
    assert again.attributes == straight.attributes
    assert ([_words(again, name) for name in again.attributes], _split(again)) == wanted
    assert again.table.file.tolist() == straight.table.file.tolist()


def test_parquet_says_the_same_and_keeps_the_order_of_categories(tmp_path: Path) -> None:
    rows = pd.DataFrame(write_manifest(tmp_path)).replace("", None)
    straight = Manifest(str(tmp_path))
    rows["box"], rows["age"] = 1.5, [float(i % 3) if i else None for i in range(72)]
    rows.to_parquet(tmp_path / "manifest.parquet")
    same = Manifest(str(tmp_path), manifest="manifest.parquet")
    assert same.attributes == straight.attributes, "columns of numbers are no attributes"
    for name, labels in straight.table.labels.items():
        np.testing.assert_array_equal(same.table.labels[name], labels)
    aged = Manifest(str(tmp_path), manifest="manifest.parquet", attributes=["age"])
    assert aged.attributes == {"age": ("0", "1", "2")}
    assert aged.table.labels["age"][:5].tolist() == [-1, 1, 2, 0, 1]
    rows["emotion"] = pd.Categorical(rows["emotion"], ["sad", "calm", "happy", "angry"])
    rows.to_parquet(tmp_path / "manifest.parquet")
    ordered = Manifest(str(tmp_path), manifest="manifest.parquet")
    assert ordered.attributes["emotion"] == ("sad", "calm", "happy", "angry")
    assert _words(ordered, "emotion") == _words(straight, "emotion")


@pytest.mark.filterwarnings("ignore:.*a subset of:UserWarning")
def test_the_manifest_of_prepared_crops_stands_for_the_dataset(tmp_path: Path) -> None:
    write_celeba(tmp_path / "celeba")
    celeba = CelebA(str(tmp_path / "celeba"))
    record = pd.DataFrame({"x1": np.float32(1), "faces": 1, "status": ["ok"] * 23 + ["no face"]})
    manifest = build_manifest(celeba.table, celeba.attributes, record)
    manifest.to_parquet(tmp_path / "manifest.parquet", index=False)
    prepared = Manifest(str(tmp_path), manifest="manifest.parquet")
    assert prepared.attributes == dict(celeba.attributes)
    assert prepared.table.file.tolist() == celeba.table.file.tolist()
    np.testing.assert_array_equal(prepared.table.split, celeba.table.split)
    for name, labels in celeba.table.labels.items():
        np.testing.assert_array_equal(prepared.table.labels[name], labels)


def test_columns_of_many_classes_are_attributes_only_on_request(tmp_path: Path) -> None:
    lines = [f"{i}.jpg,train,n{i},p{i}" for i in range(201)]
    (tmp_path / "manifest.csv").write_text("\n".join(["path,split,name,identity", *lines]))
    with pytest.warns(UserWarning, match=r"no attribute is made of name \(201 classes\)"):
        assert list(Manifest(str(tmp_path)).attributes) == ["identity"]
    assert len(Manifest(str(tmp_path), attributes=["name"]).attributes["name"]) == 201


def test_one_row_is_a_manifest(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("path,split,emotion\na.jpg,test,happy")
    datamodule = Manifest(str(tmp_path))
    assert datamodule.attributes == {"emotion": ("happy",)}
    assert datamodule.table.split.tolist() == [2]
    with pytest.raises(DatasetError, match="no image to use in the train split"):
        datamodule.setup("fit")


def test_a_missing_manifest_is_named_with_an_example(tmp_path: Path) -> None:
    for read in (lambda d: d.attributes, lambda d: d.setup("fit")):
        with pytest.raises(DatasetError) as caught:
            read(Manifest(str(tmp_path / "faces")))
        for part in (
            "faces/manifest.csv",
            "path,split,identity,emotion",
            "make_manifest.py",
            "init_args.manifest",
        ):
            assert part in str(caught.value)


def _swap(old: str, new: str):
    def edit(text: str) -> str:
        assert old in text
        return text.replace(old, new, 1)

    return edit


FIRST, SECOND = "00/000.png", "00/001.png"
BAD = {
    "no path column": (_swap("path,", "file,"), "no column 'path'; .* there are 'file', 'split', 'identity'"),
    "semicolons": (lambda t: t.replace(",", ";"), "separated by commas there are 'path;split"),
    "path twice": (_swap(SECOND, FIRST), "line 3: the path was listed before: '00/000.png'"),
    "absolute": (_swap(SECOND, "/" + SECOND), "line 3: a path starts below `root` .*: '/00/001.png'"),
    "up": (_swap(SECOND, "../001.png"), "line 3: a path starts below `root`"),
    "up inside": (_swap(SECOND, "00/../001.png"), "line 3: a path starts below `root`"),
    "dot": (_swap(SECOND, "./" + SECOND), "line 3: a path starts below `root`"),
    "empty part": (_swap(SECOND, "00//001.png"), "line 3: a path starts below `root`"),
    "folder": (_swap(SECOND, "00/"), "line 3: a path starts below `root`"),
    "drive": (_swap(SECOND, "C:/001.png"), "line 3: a path starts below `root`"),
    "backslash": (_swap(SECOND, "00\\001.png"), "line 3: a path starts below `root`"),
    "no path": (_swap(SECOND, ""), "line 3: no path"),
    "split": (_swap("001.png,train", "001.png,training"), "split is 'training', it must be one of train"),
    "split case": (_swap("001.png,train", "001.png,Train"), "line 3: split is 'Train', it must be"),
    "short row": (_swap(",happy,male", ",happy"), "line 2: 4 columns instead of 5"),
    "long row": (_swap(",happy,male", ",happy,male,1"), "line 2: 6 columns instead of 5"),
    "blank line": (_swap("\n00/001", "\n\n00/001"), "line 3: 0 columns instead of 5"),
    "cut short": (lambda t: t[:-10], "line 73: 4 columns instead of 5"),
    "open quote": (_swap("happy", '"happy'), "line 73: not a CSV"),
    "twice": (_swap(",gender", ",emotion"), "the column 'emotion' comes twice"),
    "header only": (lambda t: t.split("\n")[0], "no rows after the header"),
    "empty": (lambda t: " \n\n", "the file is empty"),
    "index": (_swap(",emotion", ",index"), "batches call something else 'index'; rename the column, or list"),
    "image": (_swap(",emotion", ",image"), "batches call something else 'image'"),
    "no attribute": (lambda t: "path,split\na.png,train\n", "no column to make an attribute of; it has path"),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD)
def test_a_damaged_manifest_is_named_in_one_line(tmp_path: Path, kind: str) -> None:
    write_manifest(tmp_path)
    damage, message = BAD[kind]
    path = tmp_path / "manifest.csv"
    path.write_text(damage(path.read_text()))
    with pytest.raises(DatasetError, match=message) as caught:
        _ = Manifest(str(tmp_path)).attributes
    assert "\n" not in str(caught.value)
    assert str(path) in str(caught.value)


@pytest.mark.parametrize("name", ["manifest.csv", "manifest.parquet"])
@pytest.mark.parametrize(
    "rubbish",
    [b"", b"\0" * 999, bytes(range(256)) * 8, b"\x89PNG\r\n\x1a\n" * 50, b"\xf1,\xfc\n1,2", b"PAR1PAR1"],
)  # fmt: skip
def test_bytes_that_are_no_table_are_refused(tmp_path: Path, name: str, rubbish: bytes) -> None:
    (tmp_path / name).write_bytes(rubbish)
    with pytest.raises(DatasetError) as caught:
        _ = Manifest(str(tmp_path), manifest=name).attributes
    assert "\n" not in str(caught.value)
    assert str(tmp_path / name) in str(caught.value)


def test_another_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_bytes("path,emotion\na.jpg,x\nñ.jpg,x\n".encode("latin-1"))
    with pytest.raises(DatasetError, match="line 3: not UTF-8 text; save it in UTF-8"):
        _ = Manifest(str(tmp_path)).attributes
    (tmp_path / "manifest.csv").write_bytes("path,emotion\na.jpg,x\nñ.jpg,x\n".encode("utf-16"))
    with pytest.raises(DatasetError, match="line 1: not UTF-8 text"):
        _ = Manifest(str(tmp_path)).attributes


def test_an_empty_cell_of_parquet_is_no_path(tmp_path: Path) -> None:
    rows = pd.DataFrame({"path": ["a.jpg", None], "gender": ["male", None]})
    rows.to_parquet(tmp_path / "manifest.parquet")
    with pytest.raises(DatasetError, match="manifest.parquet, line 2: no path"):
        _ = Manifest(str(tmp_path), manifest="manifest.parquet").attributes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attributes": ["smile"]}, "there is no column 'smile'"),
        ({"attributes": {"emotion": ["happy", "sad"]}}, "line 4: emotion is 'angry', it must be one of hap"),
        ({"disjoint": "person"}, "there is no column 'person'"),
        ({"disjoint": "gender"}, "line 14: gender 'male' is in val and before in train"),
        ({"path_column": "file"}, "there is no column 'file'"),
        ({"train_sample": BiasedSample()}, "manifest.csv: biased sample: attribute 'attractive' is unknown"),
        ({"attributes": []}, "no column to make an attribute of"),
    ],
)  # fmt: skip
def test_options_that_do_not_fit_the_manifest_are_refused(tmp_path: Path, options, message: str) -> None:
    write_manifest(tmp_path)
    with pytest.raises(DatasetError, match=message):
        _ = Manifest(str(tmp_path), **options).attributes


def test_a_column_without_a_value_is_no_attribute(tmp_path: Path) -> None:
    (tmp_path / "manifest.csv").write_text("path,split,emotion,note\na.jpg,test,happy,\nb.jpg,train,sad,")
    assert list(Manifest(str(tmp_path)).attributes) == ["emotion"]
    with pytest.raises(DatasetError, match="the column 'note' is empty"):
        _ = Manifest(str(tmp_path), attributes=["note"]).attributes


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attributes": ["index"]}, "attributes: 'index' is what batches call something else"),
        ({"attributes": {"emotion": []}}, "attributes: the classes of emotion must be different names"),
        ({"attributes": {"emotion": ["sad", "sad"]}}, "the classes of emotion must be different names"),
        ({"shares": (1, -1, 0)}, "shares of train, val and test must be three numbers of 0 or more"),
        ({"shares": (0, 0, 0)}, "shares of train, val and test"),
    ],
)
def test_options_are_checked_before_any_data_is_read(options, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Manifest("nowhere", **options)


def test_the_fingerprint_changes_with_what_changes_the_data(tmp_path: Path) -> None:
    write_manifest(tmp_path)

    def fingerprint(**kwargs) -> str:
        return _ready(tmp_path, **kwargs).fingerprint

    seen = [
        fingerprint(),
        fingerprint(size=64),
        fingerprint(attributes=["emotion"]),
        fingerprint(attributes={"emotion": ["sad", "happy", "angry"]}),
    ]
    assert fingerprint(seed=1) == fingerprint(batch_size=3) == fingerprint(disjoint="identity") == seen[0]
    write_manifest(tmp_path, splits=False)
    seen += [fingerprint(disjoint="identity"), fingerprint(disjoint="identity", split_seed=1)]
    seen += [fingerprint(disjoint="identity", shares=(0.6, 0.2, 0.2))]
    assert len(set(seen)) == len(seen)


def test_a_config_builds_it_and_wrong_values_are_refused(tmp_path: Path) -> None:
    write_utkface(tmp_path)
    parser = ArgumentParser(exit_on_error=False, parser_mode="omegaconf")
    parser.add_argument("--config", action="config")
    parser.add_subclass_arguments(FaceDataModule, "data")
    shipped = Path(__file__).parents[2] / "configs" / "data" / "utkface.yaml"
    arguments = ["--config", str(shipped), f"--data.init_args.root={tmp_path}"]
    built = parser.instantiate(parser.parse_args(arguments)).data
    with pytest.warns(UserWarning, match="one by one"):
        assert built.attributes["ethnicity"] == ("white", "black", "asian", "indian", "other")
    assert built.attributes["gender"] == ("female", "male")
    for wrong in ("attributes=3", "shares=[1,2]", "columns=[path]"):
        with pytest.raises(Exception, match=wrong.split("=")[0]):
            parser.parse_args([*arguments, f"--data.init_args.{wrong}"])


def test_fer2013_has_the_splits_and_emotions_that_were_written(tmp_path: Path) -> None:
    rows = write_fer2013(tmp_path)
    datamodule = _ready(tmp_path)
    assert datamodule.attributes == {"emotion": EMOTIONS}
    assert (
        list(zip(datamodule.table.file, _split(datamodule), _words(datamodule, "emotion"), strict=True))
        == rows
    )


def test_the_real_fer2013_loads_whole(face_data_root: Path) -> None:
    datamodule = _ready(face_data_root / "fer2013", batch_size=512, size=48)
    with open(face_data_root / "fer2013" / "manifest.csv", newline="") as file:
        rows = list(csv.DictReader(file))
    assert [len(data) for data in datamodule.datasets.values()] == [28_709, 3_589, 3_589]
    assert _words(datamodule, "emotion") == [row["emotion"] for row in rows]
    assert datamodule.table.file.tolist() == [row["path"] for row in rows]
    for split in ("val", "test"):
        batches = list(datamodule.loader(split))
        emotion = torch.cat([batch["emotion"] for batch in batches])
        assert len(emotion) == 3_589
        assert all(batch["image"].shape[1:] == (3, 48, 48) for batch in batches)
        wanted = [EMOTIONS.index(row["emotion"]) for row in rows if row["split"] == split]
        assert emotion.tolist() == wanted
