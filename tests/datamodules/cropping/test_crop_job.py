"""Crops are made whole whatever happens on the way."""

import errno
import fcntl
import json
import multiprocessing
import os
import shutil
import time
from dataclasses import replace
from functools import partial

import numpy as np
import pandas as pd
import pytest
from PIL import Image

from datamodules.cropping import crop_chunk, crop_job
from datamodules.cropping.crop_store import CropStore
from datamodules.cropping.face_crop import CropOptions, cut_face
from datamodules.errors import DatasetError
from datamodules.loading.photo_files import UnreadablePhotoError, read_photo
from tests.support.face_tree import (
    FolderFaces,
    begin,
    content,
    crash_at,
    make_job,
    run_job,
    run_marked,
    write_faces,
)
from tests.support.fake_detector import DyingDetector, RedDetector

COUNT = 30

pytestmark = pytest.mark.usefixtures("no_main")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    write_faces(folder, COUNT)
    return folder


@pytest.fixture(scope="module")
def whole(root, tmp_path_factory):
    """What an uninterrupted run writes."""
    out = tmp_path_factory.mktemp("crops") / "whole"
    run_job(root, out)
    return content(out)


@pytest.mark.parametrize("mode", ["box", "align"])
def test_every_sample_has_its_row_and_every_face_its_crop(root, tmp_path, mode, capsys) -> None:
    out = tmp_path / "crops"
    done = run_job(root, out, mode=mode)
    assert set(os.listdir(out)) == {"crops.npy", "manifest.parquet", "store.json", "quarantine.csv"}
    crops, manifest = np.load(out / "crops.npy"), pd.read_parquet(out / "manifest.parquet")
    table = FolderFaces(str(root)).table
    assert manifest["sample_id"].tolist() == manifest["path"].tolist() == table.file.tolist()
    assert crops.shape == (COUNT, 24, 24, 3)
    for row, file in enumerate(table.file):
        if file.endswith("7.png"):
            with pytest.raises(UnreadablePhotoError) as caught:
                read_photo(root / file, 10**6)
            assert manifest["status"][row] == f"unreadable: {caught.value}"
            assert pd.isna(manifest["x1"][row])
            assert not crops[row].any()
            continue
        photo = read_photo(root / file, 10**6)
        (faces,) = RedDetector().detect(photo[None])
        assert manifest["faces"][row] == len(faces.boxes)
        if not len(faces.boxes):
            assert manifest["status"][row] == "no face"
            assert not crops[row].any()
            continue
        assert manifest["status"][row] == "ok"
        assert manifest.loc[row, ["x1", "y1", "x2", "y2"]].tolist() == faces.boxes[0].tolist()
        points = manifest.loc[row, "left_eye_x":"right_mouth_y"].to_numpy(np.float32).reshape(5, 2)
        np.testing.assert_array_equal(points, faces.landmarks[0])
        expected = cut_face(photo, faces.boxes[0], faces.landmarks[0], CropOptions(mode=mode, size=24))
        np.testing.assert_array_equal(crops[row], expected)
    assert dict(done.counts) == {"ok": 24, "no face": 3, "unreadable": 3}
    assert "30/30" in capsys.readouterr().out


def test_the_manifest_says_what_the_table_says(root, tmp_path) -> None:
    run_job(root, tmp_path / "crops")
    manifest, data = pd.read_parquet(tmp_path / "crops" / "manifest.parquet"), FolderFaces(str(root))
    for name, labels in {**data.table.labels, "split": data.table.split}.items():
        classes = data.attributes[name] if name != "split" else ("train", "val", "test")
        assert isinstance(manifest[name].dtype, pd.CategoricalDtype)
        expected = [classes[label] if label >= 0 else None for label in labels]
        assert [None if pd.isna(value) else value for value in manifest[name]] == expected
    assert {"no", "yes"} == set(manifest["smiling"].dropna())
    listed = pd.read_csv(tmp_path / "crops" / "quarantine.csv")
    bad = manifest[manifest["status"] != "ok"]
    assert listed.to_numpy().tolist() == bad[["sample_id", "status"]].to_numpy().tolist()


def test_images_of_one_size_are_searched_together(root, tmp_path) -> None:
    detector = RedDetector()
    run_job(root, tmp_path / "crops", chunk=COUNT, make_detector=lambda: detector)
    assert len(detector.seen) == 3, "sizes"
    assert sum(shape[0] for shape in detector.seen) == 27


@pytest.mark.parametrize("limit", ["_BATCH_PIXELS", "_HELD_PIXELS"])
def test_large_images_are_searched_a_few_at_a_time(root, tmp_path, monkeypatch, limit, whole) -> None:
    monkeypatch.setattr(crop_chunk, limit, 2 * 60 * 40)  # two of the largest
    detector = RedDetector()
    run_job(root, tmp_path / "crops", chunk=COUNT, make_detector=lambda: detector)
    assert max(shape[0] for shape in detector.seen) <= 3
    assert sum(shape[0] for shape in detector.seen) == 27
    assert content(tmp_path / "crops") == whole


def test_threads_that_read_ahead_change_nothing(root, tmp_path, whole) -> None:
    job = make_job(root, tmp_path / "crops")
    replace(job, task=replace(job.task, threads=3)).run()
    assert content(tmp_path / "crops") == whole


@pytest.mark.slow
def test_several_processes_write_the_same_bytes(root, tmp_path, whole) -> None:
    run_job(root, tmp_path / "crops", processes=2)
    assert content(tmp_path / "crops") == whole


@pytest.mark.slow
def test_a_killed_worker_is_reported_and_its_chunk_done_again(root, tmp_path, whole) -> None:
    dying = partial(DyingDetector, tmp_path / "died")
    with pytest.raises(DatasetError, match="worker process was killed.* run the same command again"):
        run_job(root, tmp_path / "crops", processes=2, make_detector=dying)
    assert not multiprocessing.active_children()
    with pytest.raises(DatasetError, match="not finished"):
        CropStore.open(tmp_path / "crops")
    run_job(root, tmp_path / "crops", make_detector=dying)
    assert content(tmp_path / "crops") == whole


def _records(out) -> dict[str, tuple[int, int]]:
    return {path.name: (path.stat().st_mtime_ns, path.stat().st_ino) for path in out.glob("parts/*.parquet")}


@pytest.mark.slow
def test_killed_at_random_times_it_still_writes_the_same_bytes(tmp_path, capfd, forks) -> None:
    root, out, straight = tmp_path / "photos", tmp_path / "crops", tmp_path / "straight"
    write_faces(root, 240)
    run_job(root, straight, chunk=2)
    rng, seen = np.random.default_rng(17), {}
    for round in range(20):
        started = tmp_path / f"started_{round}"
        process = forks.Process(
            target=run_marked, args=(started, root, out), kwargs={"chunk": 2, "delay": 0.02}
        )
        process.start()
        while not started.exists():
            time.sleep(0.001)
        while round % 2 and len(_records(out)) == len(seen):  # the others may not get this far
            time.sleep(0.001)
        time.sleep(rng.uniform(0, 0.15))  # all twenty together are shorter than the delays of one run
        process.kill()
        process.join()
        assert process.exitcode == -9
        now = _records(out)
        assert seen.items() <= now.items(), "a chunk that was recorded is never written again"
        seen = now
    assert 0 < len(seen) < 120
    capfd.readouterr()
    done = run_job(root, out, chunk=2)
    assert done.before == 2 * len(seen)
    assert f"{done.before} of 240 images were done before, going on" in capfd.readouterr().out
    assert content(out) == content(straight)


@pytest.mark.slow
@pytest.mark.parametrize("format", ["memmap", "jpeg"])
def test_a_crash_at_any_step_costs_nothing(tmp_path, format, forks) -> None:
    root, options = tmp_path / "photos", {"format": format, "chunk": 6}
    write_faces(root, 12)
    run_job(root, tmp_path / "whole", **options)
    whole, step, code = content(tmp_path / "whole"), 0, 7
    while code == 7:
        out = tmp_path / f"step_{step}"
        process = forks.Process(target=crash_at, args=(step, step % 2 == 1, root, out), kwargs=options)
        process.start()
        process.join()
        code = process.exitcode
        assert code in (7, 0)
        run_job(root, out, **options)
        assert content(out) == whole, f"step {step}"
        step += 1
    assert step > 14


def test_a_finished_store_is_left_alone(root, tmp_path, capsys) -> None:
    first = run_job(root, tmp_path / "crops")
    times = {path: path.stat().st_mtime_ns for path in (tmp_path / "crops").iterdir()}
    again = run_job(root, tmp_path / "crops", make_detector=lambda: pytest.fail("detects again"))
    assert times == {path: path.stat().st_mtime_ns for path in (tmp_path / "crops").iterdir()}
    assert (first.before, again.before) == (0, COUNT)
    assert again.counts == first.counts
    assert "nothing to do" in next(again.lines())
    assert "nothing to do" not in next(first.lines())


CHANGES = {
    "mode": (
        {"mode": "align"},
        r"mode \(box there, align here\), margin \(0 there, None here\), interpolation",
    ),
    "size": ({"size": 32}, r"size \(24 there, 32 here\)"),
    "select": ({"select": "center"}, r"select \(largest there, center here\)"),
    "margin": ({"margin": 3}, r"margin \(0 there, 3 here\)"),
    "format": ({"format": "jpeg"}, r"format \(memmap there, jpeg here\), quality"),
}


@pytest.mark.parametrize("kind", CHANGES)
@pytest.mark.parametrize("finished", [True, False])
def test_other_options_are_refused_in_the_same_folder(root, tmp_path, kind, finished, monkeypatch) -> None:
    options, message = CHANGES[kind]
    if finished:
        run_job(root, tmp_path / "crops")
    else:
        begin(root, tmp_path / "crops")
    before = content(tmp_path / "crops")
    with pytest.raises(DatasetError, match=f"these differ: {message}"):
        run_job(root, tmp_path / "crops", **options)
    assert content(tmp_path / "crops") == before


def test_other_annotations_and_another_detector_are_refused(root, tmp_path) -> None:
    job = make_job(root, tmp_path / "crops")
    job.run()
    with pytest.raises(DatasetError, match=r"detector.colour \(red there, blue here\)"):
        replace(job, detector={"colour": "blue"}).run()
    for changes in (
        {"labels": {**job.table.labels, "smiling": job.table.labels["smiling"][::-1]}},
        {"split": job.table.split[::-1]},
        {"digest": "0"},
        {"file": job.table.file[::-1]},
    ):
        with pytest.raises(DatasetError, match="these differ: the annotations;"):
            replace(job, table=replace(job.table, **changes)).run()
    with pytest.raises(DatasetError, match="these differ: the annotations;"):
        replace(job, attributes={**job.attributes, "smiling": ("yes", "no")}).run()


def test_a_second_run_in_the_folder_is_refused(root, tmp_path) -> None:
    begin(root, tmp_path / "crops")
    with open(tmp_path / "crops" / "parts" / "lock", "wb") as file:
        fcntl.flock(file, fcntl.LOCK_EX)  # as a running one holds it
        with pytest.raises(DatasetError, match="crops: another process is preparing"):
            run_job(root, tmp_path / "crops")
    run_job(root, tmp_path / "crops")


def test_a_run_holds_the_lock(root, tmp_path) -> None:
    def second():
        with pytest.raises(DatasetError, match="another process is preparing"):
            run_job(root, tmp_path / "crops")
        return RedDetector()

    run_job(root, tmp_path / "crops", make_detector=second)


@pytest.mark.parametrize("step", [0, 2, 5, 16, 17, 18])
def test_a_full_disk_is_reported_and_gone_on_from(root, tmp_path, whole, monkeypatch, step) -> None:
    calls = iter(range(10**6))

    def full(handle: int) -> None:
        if next(calls) == step:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", full)
        with pytest.raises(DatasetError, match="No space left on device; see to that, then run the same"):
            run_job(root, tmp_path / "crops")
    run_job(root, tmp_path / "crops")
    assert content(tmp_path / "crops") == whole


def test_a_disk_that_is_too_small_is_noticed_first(root, tmp_path, monkeypatch) -> None:
    free = 30 * 24 * 24 * 3 - 1
    monkeypatch.setattr(crop_job.shutil, "disk_usage", lambda folder: shutil._ntuple_diskusage(0, 0, free))
    with pytest.raises(DatasetError, match="0.0 GB are needed and 0.0 GB are free"):
        run_job(root, tmp_path / "crops", make_detector=lambda: pytest.fail("detects"))


def test_an_unusable_folder_is_refused(root, tmp_path) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(DatasetError, match="file/crops: Not a directory"):
        run_job(root, tmp_path / "file" / "crops")
    with pytest.raises(DatasetError, match="holds other files"):
        run_job(root, root)
    assert not (root / "parts").exists(), "nothing was written"


def test_what_was_lost_between_two_runs_is_noticed(root, tmp_path) -> None:
    job = begin(root, tmp_path / "crops")
    job._begin_and_crop()
    os.truncate(tmp_path / "crops" / "crops.npy.partial", 500)
    with pytest.raises(
        DatasetError, match=r"crops.npy.partial: missing or damaged; delete .*crops and start"
    ):
        job.run()
    (tmp_path / "crops" / "parts" / "job.json").write_text("{")
    with pytest.raises(DatasetError, match="job.json: damaged"):
        job.run()


def test_jpeg_files_are_named_after_the_samples(root, tmp_path) -> None:
    out = tmp_path / "crops"
    run_job(root, out, format="jpeg", quality=90)
    manifest = pd.read_parquet(out / "manifest.parquet").set_index("sample_id")
    kept = {str(path.relative_to(out / "images")) for path in out.rglob("*.jpg")}
    assert kept == {f"{name}.jpg" for name in manifest.index[manifest["status"] == "ok"]}
    assert json.loads((out / "store.json").read_text())["facts"]["quality"] == 90
    memmap = tmp_path / "memmap"
    run_job(root, memmap)
    row = list(manifest.index).index("p0/000.png")
    image = np.asarray(Image.open(out / "images" / "p0" / "000.png.jpg")).astype(int)
    assert np.abs(image - np.load(memmap / "crops.npy")[row]).mean() < 25, "noise, compressed"


def test_an_attribute_may_not_take_the_place_of_a_column(root, tmp_path) -> None:
    job = make_job(root, tmp_path / "crops")
    with pytest.raises(DatasetError, match="may not be called 'score'"):
        replace(job, attributes={**job.attributes, "score": ("low", "high")}).run()
