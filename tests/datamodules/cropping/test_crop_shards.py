"""Crops that several machines made are those that one makes, byte for byte, whatever happens on the way."""

import random
from functools import partial

import pytest

from datamodules.cropping.crop_store import CropStore
from datamodules.errors import DatasetError
from tests.support.face_tree import content, crash_at, make_job, run_job, write_faces
from tests.support.fake_detector import DyingDetector, RedDetector
from tests.support.marks import slow

COUNT = 30  # in eight chunks of four, the last of two; three images cannot be read


pytestmark = pytest.mark.usefixtures("no_main")


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("photos")
    write_faces(folder, COUNT)
    return folder


@pytest.fixture(scope="module")
def whole(root, tmp_path_factory):
    """Return the files of one run, by format."""
    made = {}
    for format in ("memmap", "jpeg"):
        out = tmp_path_factory.mktemp("crops") / format
        run_job(root, out, format=format)
        made[format] = content(out)
    return made


def _never():
    detector = RedDetector()
    detector.detect = lambda images: pytest.fail("detects again")
    return detector


@pytest.mark.parametrize("format", ["memmap", "jpeg"])
@pytest.mark.parametrize("count", [slow(1), 2, slow(3), slow(11)])
def test_shards_in_any_order_make_the_same_bytes(root, tmp_path, whole, count, format, capsys) -> None:
    out, order = tmp_path / "crops", list(range(count))
    random.Random(count).shuffle(order)
    done = [run_job(root, out, shard=f"{i}/{count}", format=format) for i in order]
    with pytest.raises(DatasetError, match="not finished"):
        CropStore.open(out)
    assert [x.after.endswith("--shard puts them together") for x in done] == [False] * (count - 1) + [True]
    capsys.readouterr()
    merged = run_job(root, out, format=format, make_detector=_never)
    assert content(out) == whole[format]
    assert merged.before == COUNT
    assert sum((x.counts for x in done), start=type(merged.counts)()) == merged.counts
    assert sorted(x for part in done for x in part.left_out.itertuples(index=False, name=None)) == sorted(
        merged.left_out.itertuples(index=False, name=None)
    )
    assert "nothing to do" not in "".join(merged.lines()), "it put them together"
    assert "not finished" not in capsys.readouterr().out


@pytest.mark.slow
def test_a_merge_can_be_run_again_and_so_can_a_shard(root, tmp_path, whole) -> None:
    out = tmp_path / "crops"
    run_job(root, out, shard="0/2")
    run_job(root, out, shard="1/2")
    again = run_job(root, out, shard="0/2", make_detector=_never)
    assert (again.before, again.counts.total()) == (16, 16)
    run_job(root, out)
    for shard in (None, None, "1/2", "2/5"):
        done = run_job(root, out, shard=shard, make_detector=_never)
        assert "was finished before, nothing to do" in next(done.lines())
        assert content(out) == whole["memmap"]


def test_what_shards_did_not_do_is_named_and_done(root, tmp_path, whole, capfd) -> None:
    out, detector = tmp_path / "crops", RedDetector()
    done = run_job(root, out, shard="1/4")
    assert done.after == "shard 1/4 is done, not yet 0/4, 2/4, 3/4"
    run_job(root, out, shard="3/4")
    capfd.readouterr()
    run_job(root, out, make_detector=lambda: detector)
    printed = capfd.readouterr().out
    assert f"{out}: not finished: shards 0/4, 2/4" in printed
    assert "14 of 30 images were done before" in printed
    assert sum(shape[0] for shape in detector.seen) == 16 - 2, "two of these cannot be read"
    assert content(out) == whole["memmap"]


class _Stopping(RedDetector):
    """Is interrupted at its fifth batch; the first chunk has three."""

    def detect(self, images):
        if len(self.seen) == 4:
            raise KeyboardInterrupt
        return super().detect(images)


def test_one_run_shards_of_several_counts_and_another_run_add_up(root, tmp_path, whole) -> None:
    out = tmp_path / "crops"
    with pytest.raises(KeyboardInterrupt):
        run_job(root, out, make_detector=_Stopping)
    assert len(list(out.glob("parts/*.parquet"))) == 1
    run_job(root, out, shard="0/2")
    assert run_job(root, out, shard="2/3").before == 4, "chunk 2, not 5"
    run_job(root, out)
    assert content(out) == whole["memmap"]


@pytest.mark.slow
def test_a_shard_that_is_killed_goes_on(root, tmp_path, whole, forks) -> None:
    out = tmp_path / "crops"
    arguments = {"shard": "0/2", "make_detector": partial(DyingDetector, tmp_path / "died", 4)}
    killed = forks.Process(target=run_job, args=(root, out), kwargs=arguments)
    killed.start()
    killed.join()
    assert killed.exitcode == -9
    run_job(root, out, shard="1/2")
    assert run_job(root, out, **arguments).before == 4
    run_job(root, out, make_detector=_never)
    assert content(out) == whole["memmap"]


@pytest.mark.slow
@pytest.mark.parametrize(("format", "shard"), [("memmap", "0/2"), ("memmap", None), ("jpeg", None)])
def test_a_crash_at_any_step_of_a_shard_or_the_merge_is_harmless(tmp_path, shard, format, forks) -> None:
    root, options = tmp_path / "photos", {"format": format, "chunk": 3}
    write_faces(root, 6)
    run_job(root, tmp_path / "whole", **options)
    whole, step, code = content(tmp_path / "whole"), 0, 7
    while code == 7:
        out = tmp_path / f"step_{step}"
        for before in () if shard else ("0/2", "1/2"):
            run_job(root, out, shard=before, **options)
        arguments = {"args": (step, step % 2 == 1, root, out), "kwargs": options | {"shard": shard}}
        process = forks.Process(target=crash_at, **arguments)
        process.start()
        process.join()
        code = process.exitcode
        assert code in (7, 0)
        for again in ("1/2", "0/2", None):
            run_job(root, out, shard=again, **options)
        assert content(out) == whole, f"step {step}"
        step += 1
    assert step > 5


@pytest.mark.slow
def test_all_shards_at_once_in_processes_of_their_own(root, tmp_path, whole, forks) -> None:
    out = tmp_path / "crops"
    shards = [
        forks.Process(target=run_job, args=(root, out), kwargs={"shard": f"{i}/3", "delay": 0.01})
        for i in range(3)
    ]
    for process in shards:
        process.start()
    for process in shards:
        process.join()
    assert [process.exitcode for process in shards] == [0, 0, 0]
    run_job(root, out, make_detector=_never)
    assert content(out) == whole["memmap"]


@pytest.mark.parametrize("second", ["1/2", None])
def test_other_options_than_another_shards_are_refused(root, tmp_path, second) -> None:
    out = tmp_path / "crops"
    run_job(root, out, shard="0/2")
    before = content(out)
    with pytest.raises(
        DatasetError, match=r"these differ: margin \(0 there, 3 here\); give the same options"
    ):
        run_job(root, out, shard=second, margin=3)
    assert content(out) == before


def test_a_shard_and_a_run_of_all_are_not_at_work_at_once(root, tmp_path) -> None:
    def during(shard):
        def second():
            with pytest.raises(DatasetError, match="another process is preparing"):
                run_job(root, tmp_path / "crops", shard=shard)
            return RedDetector()

        return second

    run_job(root, tmp_path / "crops", shard="0/2", make_detector=during(None))
    run_job(root, tmp_path / "crops", make_detector=during("1/2"))


def test_a_damaged_piece_is_named(root, tmp_path, whole) -> None:
    out = tmp_path / "crops"
    run_job(root, out, shard="0/1")
    piece = out / "parts" / "000003.crops"
    piece.write_bytes(piece.read_bytes()[:-1])
    with pytest.raises(
        DatasetError, match="000003.crops: damaged; delete it and 000003.parquet, then run this"
    ):
        run_job(root, out)
    piece.unlink()
    piece.with_suffix(".parquet").unlink()
    run_job(root, out)
    assert content(out) == whole["memmap"]


def test_a_shard_writes_nothing_into_the_common_array(root, tmp_path) -> None:
    job = make_job(root, tmp_path / "crops", shard="0/2")
    job.run()
    assert [path.name for path in (tmp_path / "crops").iterdir()] == ["parts"]
    assert len(list((tmp_path / "crops" / "parts").glob("*.crops"))) == 4
