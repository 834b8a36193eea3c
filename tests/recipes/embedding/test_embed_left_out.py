"""The images that cannot be used are listed beside the embedding table."""

import numpy as np
import pandas as pd
import pytest

from recipes.embed import write_left_out
from recipes.embedding.embedding_source import EmbeddingSource
from tests.support.face_tree import FolderFaces, run_job, write_faces


def test_images_without_a_crop_are_named_and_recorded(tmp_path, capsys) -> None:
    write_faces(tmp_path / "photos", 30)
    run_job(tmp_path / "photos", tmp_path / "crops")
    data = FolderFaces(str(tmp_path / "photos"), crops=str(tmp_path / "crops"))
    source = EmbeddingSource.build(data, ["train", "val", "test"])
    in_splits = set(data.table.file[data.table.split >= 0].tolist())
    missing = in_splits - set(source.sample_ids.tolist())
    assert missing
    out = tmp_path / "x.safetensors"
    write_left_out(source, out)
    listed = pd.read_csv(tmp_path / "x.safetensors.left_out.csv")
    assert set(listed["sample_id"]) == missing
    assert set(listed["reason"].str.partition(":")[0]) == {"no face", "unreadable"}
    assert source.provenance["left_out"] == f"{len(missing)} images that cannot be used"
    assert f"left out {len(missing)} of {len(in_splits)} images" in capsys.readouterr().out


def test_names_that_a_spreadsheet_would_run_are_text_in_the_list(tmp_path) -> None:
    left_out = (("train", "=1+1.jpg", "no face"),)
    source = EmbeddingSource({}, {}, np.array(["a"]), {}, left_out=left_out)
    write_left_out(source, tmp_path / "x")
    assert "train,'=1+1.jpg,no face" in (tmp_path / "x.left_out.csv").read_text()


def test_files_that_cannot_be_read_are_listed(tmp_path) -> None:
    write_faces(tmp_path, 30)
    data = FolderFaces(str(tmp_path), bad_images="skip")
    with pytest.warns(UserWarning, match="image files are left out"):
        source = EmbeddingSource.build(data, ["train", "val", "test"])
    in_splits = set(data.table.file[data.table.split >= 0].tolist())
    assert {name for _, name, _ in source.left_out} == in_splits - set(source.sample_ids.tolist())
    assert all(reason for _, _, reason in source.left_out)
    assert source.left_out
