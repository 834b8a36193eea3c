import os
import pickle
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.data import DataLoader

from datamodules.contract import FaceDataset
from datamodules.cropping import crop_gather
from datamodules.cropping.crop_gather import POOL_SIZE, CropArray
from datamodules.loading.table_dataset import TableDataset

CROPS = np.random.default_rng(0).integers(0, 256, (50, 6, 6, 3), dtype=np.uint8)
ROWS = np.random.default_rng(1).permutation(50)[:40].astype(np.int64)


@pytest.fixture
def mapped(tmp_path: Path) -> np.ndarray:
    np.save(tmp_path / "crops.npy", CROPS)
    return np.load(tmp_path / "crops.npy", mmap_mode="r")


def _address(array: np.ndarray) -> int:
    return array.ctypes.data


@given(st.lists(st.integers(0, 39), max_size=12), st.lists(st.integers(0, 39), max_size=12))
def test_places_of_the_split_are_looked_up_in_rows(first: list[int], second: list[int]) -> None:
    source = CropArray(CROPS, ROWS)
    for places in (first, second):  # the second time in the memory of the first
        index = np.array(places, dtype=np.int64)
        images = source(index)
        assert images.shape == (len(places), 6, 6, 3)
        assert images.dtype == np.uint8
        assert images.flags.c_contiguous
        np.testing.assert_array_equal(images, CROPS[ROWS][index])
        del images


def test_a_memory_map_reads_the_same(mapped: np.ndarray) -> None:
    index = np.array([3, 3, 39, 0])
    np.testing.assert_array_equal(CropArray(mapped, ROWS)(index), CROPS[ROWS[index]])
    assert type(CropArray(mapped, ROWS)(index)) is np.ndarray


@pytest.mark.parametrize("places", [[-1], [0, 40], [5, -41], [10**12]])
def test_a_wrong_place_is_an_error_and_never_another_crop(places: list[int]) -> None:
    with pytest.raises(IndexError, match="not all among 40 crops"):
        CropArray(CROPS, ROWS)(np.array(places))


@pytest.mark.parametrize("rows", [[50], [-1, 3]])
def test_wrong_rows_are_refused(rows: list[int]) -> None:
    with pytest.raises(ValueError, match="not all among 50 crops"):
        CropArray(CROPS, np.array(rows))


@pytest.mark.parametrize(
    "array",
    [
        CROPS.astype(np.float32),
        CROPS[:, :5],
        CROPS[..., :1],
        CROPS[0],
        CROPS[::2],
        CROPS.transpose(0, 2, 1, 3),
    ],
)
def test_arrays_that_would_be_copied_or_misread_are_refused(array: np.ndarray) -> None:
    with pytest.raises(ValueError, match="crops are contiguous"):
        CropArray(array, np.zeros(1, dtype=np.int64))


def test_released_memory_is_used_again_and_held_memory_is_not() -> None:
    source = CropArray(CROPS, ROWS)
    images = source(np.arange(8))
    place = _address(images)
    other = source(np.arange(8))
    assert _address(other) != place
    del images
    assert _address(source(np.arange(5))) == place  # a shorter batch fits


HOLDERS = {
    "array": lambda x: x,
    "view": lambda x: x[2:],
    "view of a view": lambda x: x[2:][::2].transpose(0, 3, 1, 2)[:, 1],
    "one pixel": lambda x: x[3, 0, 0, 1:2],
    "reshaped": lambda x: x.reshape(-1),
    "other type": lambda x: x.view(np.int8),
    "broadcast": lambda x: np.broadcast_to(x[:1], x.shape),
    "memoryview": lambda x: memoryview(x),
    "tensor": lambda x: torch.from_numpy(x),
    "permuted": lambda x: torch.from_numpy(x).permute(0, 3, 1, 2),
    "slice of a tensor": lambda x: torch.from_numpy(x).permute(0, 3, 1, 2)[1:3, :2],
    "detached alias": lambda x: torch.from_numpy(x).detach().view(-1)[5:9],
    "storage": lambda x: torch.from_numpy(x).untyped_storage(),
    "as_tensor": lambda x: torch.as_tensor(x)[4],
    "dlpack": lambda x: torch.from_dlpack(x),
    "numpy of a tensor": lambda x: torch.from_numpy(x).permute(0, 3, 1, 2).numpy(),
    "dict": lambda x: {"image": torch.from_numpy(x)},
    "closure": lambda x: lambda: x,
    "iterator": lambda x: iter(torch.from_numpy(x).unbind()),
}


@pytest.mark.parametrize("hold", HOLDERS.values(), ids=HOLDERS)
def test_whatever_shows_a_batch_keeps_its_memory(hold) -> None:
    source = CropArray(CROPS, ROWS)
    images = source(np.arange(8))
    place = _address(images)
    held = hold(images)
    del images
    later = [source(np.arange(8)) for _ in range(3)]
    assert place not in [_address(x) for x in later]
    del held
    assert _address(source(np.arange(8))) == place


@pytest.mark.parametrize("copy", [np.copy, torch.tensor, lambda x: torch.from_numpy(x).clone()])
def test_a_copy_keeps_nothing(copy) -> None:
    source = CropArray(CROPS, ROWS)
    images = source(np.arange(8))
    place, kept = _address(images), copy(images)
    del images
    assert _address(source(np.arange(8, 16))) == place
    np.testing.assert_array_equal(np.asarray(kept), CROPS[ROWS[:8]])


def test_the_pool_is_bounded() -> None:
    source = CropArray(CROPS, ROWS)
    many = [source(np.arange(8)) for _ in range(3 * POOL_SIZE)]
    del many
    assert len(source._free) == POOL_SIZE


@settings(max_examples=60)
@given(
    st.lists(st.tuples(st.sampled_from(sorted(HOLDERS)), st.integers(1, 9), st.integers(0, 5)), max_size=40)
)
def test_a_kept_batch_never_changes(steps: list[tuple[str, int, int]]) -> None:
    """Random batches, each held some way for some steps, all checked after every step."""
    source = CropArray(CROPS, ROWS)
    draws = np.random.default_rng(len(steps))
    kept: list[tuple[int, np.ndarray, np.ndarray]] = []  # until which step, what is shown, what it must be
    for now, (how, length, steps_held) in enumerate(steps):
        index = draws.integers(0, 40, length)
        expected = CROPS[ROWS[index]]
        images = source(index)
        assert (images == expected).all()
        if how in ("view", "tensor", "permuted", "broadcast"):  # those that can be read again
            kept.append((now + steps_held, HOLDERS[how](images), np.copy(np.asarray(HOLDERS[how](expected)))))
        del images
        kept = [entry for entry in kept if entry[0] > now]
        assert all((np.asarray(shown) == value).all() for _, shown, value in kept)


def test_the_check_would_notice_a_pool_that_forgets_its_holder(monkeypatch: pytest.MonkeyPatch) -> None:
    class Forgetful(crop_gather._Loan):
        def __init__(self, buffer, length, pool) -> None:
            super().__init__(buffer, length, pool)
            pool.append(buffer)

    monkeypatch.setattr(crop_gather, "_Loan", Forgetful)
    with pytest.raises(AssertionError):
        test_a_kept_batch_never_changes.hypothesis.inner_test([("tensor", 8, 5)] * 6)


def test_threads_that_share_a_source_never_share_memory() -> None:
    source = CropArray(CROPS, ROWS)
    wrong: list[str] = []

    def work(seed: int) -> None:
        draws = np.random.default_rng(seed)
        kept: list[tuple[torch.Tensor, np.ndarray]] = []
        for _ in range(150):
            index = draws.integers(0, 40, draws.integers(1, 10))
            kept.append((torch.from_numpy(source(index)).permute(0, 3, 1, 2), index))
            if draws.random() < 0.5:
                kept.pop(draws.integers(len(kept)))
            kept = kept[-6:]
            if any((x.permute(0, 2, 3, 1).numpy() != CROPS[ROWS[i]]).any() for x, i in kept):
                wrong.append(f"thread {seed}")

    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)
    try:
        threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(before)
    assert not wrong
    assert len(source._free) <= POOL_SIZE


def test_a_list_of_all_batches_holds_all_samples(mapped: np.ndarray) -> None:
    batches = list(_loader(CropArray(mapped, ROWS), 0))
    images = torch.cat([batch["image"] for batch in batches])
    np.testing.assert_array_equal(images.permute(0, 2, 3, 1).numpy(), CROPS[ROWS])


def test_a_map_is_pickled_as_its_path_and_opened_again(mapped: np.ndarray) -> None:
    big = np.lib.format.open_memmap(mapped.filename, mode="w+", dtype=np.uint8, shape=(400, 20, 20, 3))
    big[:] = np.arange(400, dtype=np.uint8)[:, None, None, None]
    big.flush()
    source = CropArray(np.load(mapped.filename, mmap_mode="r"), np.arange(399, -1, -1))
    data = pickle.dumps(source)
    assert len(data) < 400 * 8 + 1000  # the rows, not the crops
    again = pickle.loads(data)
    assert isinstance(again.array, np.memmap)
    assert again(np.array([0, 399]))[:, 0, 0, 0].tolist() == [399 % 256, 0]
    with pytest.raises(ValueError, match="read-only"):
        again.array[0] = 1


def test_a_part_of_a_map_is_pickled_with_its_crops(mapped: np.ndarray) -> None:
    index = np.array([2, 0])
    for array in (mapped[10:30], CROPS[10:30]):
        again = pickle.loads(pickle.dumps(CropArray(array, np.arange(20))))
        np.testing.assert_array_equal(again(index), CROPS[[12, 10]])


def test_a_raw_map_with_an_offset_survives_pickle(tmp_path: Path) -> None:
    (tmp_path / "raw").write_bytes(b"header!" + CROPS.tobytes())
    array = np.memmap(tmp_path / "raw", np.uint8, "r", offset=7, shape=CROPS.shape)
    again = pickle.loads(pickle.dumps(CropArray(array, ROWS)))
    np.testing.assert_array_equal(again(np.arange(40)), CROPS[ROWS])


def _loader(source: CropArray, workers: int, context: str | None = None) -> DataLoader:
    dataset: FaceDataset = TableDataset({"row": ROWS}, source)
    return DataLoader(
        dataset,
        batch_size=16,
        collate_fn=_already_a_batch,
        num_workers=workers,
        multiprocessing_context=context,
    )


def _already_a_batch(batch):
    return batch


@pytest.mark.parametrize("context", ["fork", pytest.param("spawn", marks=pytest.mark.slow)])
def test_loader_processes_give_the_same_batches(mapped: np.ndarray, context: str) -> None:
    batches = list(_loader(CropArray(mapped, ROWS), 1, context))
    assert [len(batch["index"]) for batch in batches] == [16, 16, 8]
    for batch in batches:
        np.testing.assert_array_equal(batch["image"].permute(0, 2, 3, 1).numpy(), CROPS[batch["row"].numpy()])


@pytest.mark.slow
def test_memory_on_loan_at_exit_disturbs_nothing() -> None:
    code = (
        "import numpy as np, torch\n"
        "from datamodules.cropping.crop_gather import CropArray\n"
        "s = CropArray(np.zeros((9, 4, 4, 3), np.uint8), np.arange(9))\n"
        "kept = [torch.from_numpy(s(np.arange(3))) for _ in range(9)]\n"
        "print('done')\n"
    )
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, env=environment)
    assert (run.returncode, run.stdout, run.stderr) == (0, "done\n", "")
