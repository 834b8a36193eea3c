import gc
import json
import os
import subprocess
import sys
import threading
import time
import traceback
import warnings
import weakref
from collections.abc import Iterator
from pathlib import Path

import pytest
import pytorch_lightning as pl
import torch
from torch import Tensor
from torch.utils.data import BatchSampler, DataLoader, RandomSampler

from datamodules.contract import FaceBatch
from datamodules.loading.augmentation import Augmentation
from datamodules.loading.prefetch_loader import DEPTH, PrefetchLoader
from datamodules.loading.table_dataset import TableDataset
from tests.support.numbered_images import (
    LENGTH,
    NumberedData,
    NumberedImages,
    Recorder,
    already_a_batch,
    make_loader,
    make_trainer,
)


def _threads() -> list[threading.Thread]:
    return [thread for thread in threading.enumerate() if thread.name == "prefetch"]


@pytest.fixture(autouse=True)
def _no_thread_is_left() -> Iterator[None]:
    yield
    if _threads():
        gc.collect()
    assert not _threads()


def _equal(first: list[FaceBatch], second: list[FaceBatch]) -> None:
    assert len(first) == len(second)
    for one, other in zip(first, second, strict=True):
        assert one.keys() == other.keys()
        assert all(torch.equal(one[name], other[name]) for name in one)


def _augmented(seed: int = 0) -> TableDataset:
    images = torch.randint(256, (LENGTH, 8, 8, 3), generator=torch.Generator().manual_seed(0)).byte().numpy()
    return TableDataset({"label": images[:, 0, 0, 0]}, lambda x: images[x], Augmentation(seed))


@pytest.mark.parametrize("drop_last", [False, True])
def test_epochs_are_those_of_a_plain_loader(drop_last: bool) -> None:
    """Augmented, shuffled anew each epoch: every draw falls on the same sample."""
    ahead, plain = (
        make_loader(_augmented(), kind, shuffle=True, drop_last=drop_last)
        for kind in (PrefetchLoader, DataLoader)
    )
    assert len(ahead) == len(plain)
    epochs = []
    for epoch in range(3):
        for loader in (ahead, plain):
            loader.sampler.set_epoch(epoch)
        epochs.append(list(ahead))
        _equal(epochs[-1], list(plain))
    assert epochs[0][0]["index"].tolist() != epochs[1][0]["index"].tolist()


def test_an_epoch_can_be_set_until_the_first_batch() -> None:
    loader = make_loader(NumberedImages(), shuffle=True)
    batches = iter(loader)
    loader.sampler.set_epoch(5)
    first = next(batches)["index"].tolist()
    assert first == list(loader.sampler)[:4]
    loader.sampler.set_epoch(6)
    assert next(batches)["index"].tolist() != list(loader.sampler)[4:8]


def test_torch_samplers_draw_the_same_from_the_global_seed() -> None:
    data = torch.utils.data.TensorDataset(torch.arange(30), torch.arange(30) ** 2)
    seen, after = [], []
    for kind in (PrefetchLoader, DataLoader):
        torch.manual_seed(7)
        seen.append([[x.tolist() for x in batch] for batch in kind(data, batch_size=4, shuffle=True)])
        after.append(torch.rand(1).item())
    assert seen[0] == seen[1]
    assert after[0] == after[1]


def test_batch_samplers_and_samples_without_batches_work() -> None:
    data = torch.utils.data.TensorDataset(torch.arange(10))
    sampler = BatchSampler(range(10), 3, drop_last=False)
    assert [len(batch[0]) for batch in PrefetchLoader(data, batch_sampler=sampler)] == [3, 3, 3, 1]
    assert [x[0].item() for x in PrefetchLoader(data, batch_size=None)] == list(range(10))


def test_batches_are_made_in_one_other_thread_ahead_but_not_far() -> None:
    dataset = NumberedImages()
    batches = iter(make_loader(dataset))
    assert not _threads()
    for taken in range(1, 5):
        next(batches)
        assert len(_threads()) == 1
        _wait_until(lambda taken=taken: dataset.reads == taken + DEPTH)
    time.sleep(0.05)
    assert dataset.reads == 4 + DEPTH


def _wait_until(done) -> None:
    limit = time.monotonic() + 20
    while not done():
        assert time.monotonic() < limit, "waited for 20 seconds"
        time.sleep(0.001)


def test_an_empty_epoch_and_one_shorter_than_the_depth() -> None:
    data = torch.utils.data.TensorDataset(torch.arange(1))
    assert len(list(PrefetchLoader(data))) == 1
    assert list(PrefetchLoader(data, sampler=[])) == []


def test_after_the_last_batch_the_iterator_stays_at_its_end() -> None:
    batches = iter(make_loader(NumberedImages()))
    assert len(list(batches)) == 12
    assert not _threads()
    assert next(batches, "end") == "end"


def test_an_error_arrives_in_its_place_with_its_traceback() -> None:
    batches = iter(make_loader(NumberedImages(fails_at=9)))
    assert [next(batches)["index"].tolist() for _ in range(2)] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    with pytest.raises(ValueError, match="sample 9 is damaged") as caught:
        next(batches)
    assert "read" in [frame.name for frame in traceback.extract_tb(caught.tb)]
    assert not _threads()
    assert next(batches, "end") == "end"


def test_an_error_keeps_no_batch_alive() -> None:
    batches = iter(make_loader(NumberedImages(fails_at=9)))
    gc.collect()
    gc.disable()
    try:
        with pytest.raises(ValueError, match="damaged"):
            list(batches)
        assert not _threads()
        reference = weakref.ref(batches)
        del batches
        assert reference() is None
    finally:
        gc.enable()


def _fail_in_the_loop(loader: DataLoader) -> None:
    for batch in loader:
        batch["no such attribute"]


@pytest.mark.parametrize("how", ["break", "close", "error", "generator", "never started"])
def test_stopping_early_ends_the_thread(how: str) -> None:
    loader = make_loader(NumberedImages())
    if how == "break":
        for _ in loader:
            break
    elif how == "close":
        batches = iter(loader)
        next(batches)
        batches.close()
        batches.close()
        assert next(batches, "end") == "end"
    elif how == "error":
        with pytest.raises(KeyError):
            _fail_in_the_loop(loader)
    elif how == "generator":
        generator = (batch for batch in loader)
        next(generator)
        assert _threads()
        generator.close()
        del generator
    else:
        iter(loader)
    assert not _threads()


def test_what_was_read_when_it_stopped_depends_on_no_timing() -> None:
    """A dataset that counts its readings would be changed by a race here."""
    for _ in range(20):
        dataset = NumberedImages()
        for taken, _batch in enumerate(make_loader(dataset), 1):
            if taken == 3:
                break
        del _batch
        assert dataset.reads == 3 + DEPTH


def test_two_iterators_at_once_and_one_more_inside() -> None:
    loader = make_loader(NumberedImages(), shuffle=True)
    alone = [batch["index"].tolist() for batch in loader]
    pairs = [(a["index"].tolist(), b["index"].tolist()) for a, b in zip(loader, loader, strict=True)]
    assert pairs == [(x, x) for x in alone]
    for batch, expected in zip(loader, alone, strict=True):
        assert next(iter(loader))["index"].tolist() == alone[0]
        assert batch["index"].tolist() == expected


def test_the_loading_thread_has_one_thread_and_the_model_its_own() -> None:
    class Asks(NumberedImages):
        def read(self, index: Tensor) -> FaceBatch:
            return {"image": torch.tensor(torch.get_num_threads()), **self.labels(index)}

    before = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        assert {int(batch["image"]) for batch in make_loader(Asks())} == {1}
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_batches_are_pinned_for_the_device_of_the_process(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without a GPU, its calls are recorded: a thread that pins must be on the device of its process."""
    calls: list[tuple[str, int]] = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "current_device", lambda: 3)
    monkeypatch.setattr(Tensor, "pin_memory", lambda tensor: tensor)
    monkeypatch.setattr(
        torch.cuda, "set_device", lambda device: calls.append((threading.current_thread().name, device))
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # torch finds no accelerator
        list(make_loader(NumberedImages(), pin_memory=True))
        list(make_loader(NumberedImages()))
    assert calls == [("prefetch", 3)]


def test_with_loader_processes_it_is_a_plain_loader() -> None:
    loader = make_loader(NumberedImages(), num_workers=1, persistent_workers=True)
    _equal(list(loader), list(make_loader(NumberedImages(), DataLoader)))
    assert not _threads()


@pytest.mark.slow
@pytest.mark.parametrize("end", ["pass", "raise SystemExit(3)", "raise RuntimeError"])
def test_a_process_ends_while_the_thread_waits(end: str) -> None:
    code = (
        "import torch\n"
        "from datamodules.loading.prefetch_loader import PrefetchLoader\n"
        "batches = iter(PrefetchLoader(torch.utils.data.TensorDataset(torch.arange(99))))\n"
        "next(batches)\n" + end
    )
    environment = os.environ | {"OMP_NUM_THREADS": "1"}
    run = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, env=environment, timeout=120
    )
    assert run.returncode == {"pass": 0, "raise SystemExit(3)": 3, "raise RuntimeError": 1}[end]
    assert ("Error" in run.stderr) == (end == "raise RuntimeError")


pytestmark = pytest.mark.filterwarnings("ignore:.*does not have many workers")


@pytest.mark.parametrize(
    "options", [{}, {"fast_dev_run": True}, {"limit_train_batches": 2}, {"val_check_interval": 3}]
)
def test_lightning_trains_as_with_a_plain_loader(options: dict) -> None:
    modules = []
    for kind in (PrefetchLoader, DataLoader):
        pl.seed_everything(0, verbose=False)
        modules.append(Recorder())
        make_trainer(**options).fit(modules[-1], NumberedData(kind))
        assert not _threads()
    assert modules[0].seen == modules[1].seen
    assert torch.equal(modules[0].layer.weight, modules[1].layer.weight)


def test_lightning_ends_the_thread_after_an_exception_in_a_step() -> None:
    with pytest.raises(RuntimeError, match="this step fails"):
        make_trainer().fit(Recorder(fails_at=2), NumberedData())
    gc.collect()
    assert not _threads()


def test_lightning_remakes_the_loader_to_predict() -> None:
    predicted = make_trainer().predict(Recorder(), NumberedData())
    assert torch.cat(predicted).tolist() == list(range(LENGTH))


def test_lightning_can_put_its_sampler_into_the_loader() -> None:
    """`use_distributed_sampler` builds the loader again, whether it was made in a hook or given."""
    from pytorch_lightning.utilities.data import _update_dataloader

    loader = PrefetchLoader(NumberedImages(), batch_size=4, collate_fn=already_a_batch, pin_memory=False)
    again = _update_dataloader(loader, RandomSampler(range(5)))
    assert type(again) is PrefetchLoader
    assert sorted(i for batch in again for i in batch["index"].tolist()) == list(range(5))


@pytest.fixture(scope="module")
def shared_epochs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of `<sharded>_<rank>.json`: the samples that each of two processes trained on."""
    folder = tmp_path_factory.mktemp("shared")
    code = (
        "import json\n"
        "from tests.support.numbered_images import NumberedData, Recorder, make_trainer\n"
        "for sharded in (True, False):\n"
        "    module = Recorder()\n"
        "    trainer = make_trainer(devices=2, strategy='ddp', max_epochs=1, limit_val_batches=0)\n"
        "    trainer.fit(module, NumberedData(sharded=sharded))\n"
        "    assert type(trainer.train_dataloader).__name__ == 'PrefetchLoader'\n"
        "    seen = [i for stage, _, index in module.seen if stage == 'train' for i in index]\n"
        f"    file = {str(folder)!r} + f'/{{sharded}}_{{trainer.global_rank}}.json'\n"
        "    open(file, 'w').write(json.dumps(seen))\n"
    )
    script = folder / "run.py"
    script.write_text(code)
    environment = os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": os.getcwd()}
    run = subprocess.run(
        [sys.executable, str(script)], capture_output=True, text=True, env=environment, timeout=300
    )
    assert run.returncode == 0, run.stderr
    return folder


@pytest.mark.slow
@pytest.mark.parametrize("sharded", [True, False])  # False: Lightning puts a sampler of its own in
def test_two_processes_share_an_epoch(sharded: bool, shared_epochs: Path) -> None:
    seen = [json.loads((shared_epochs / f"{sharded}_{rank}.json").read_text()) for rank in (0, 1)]
    assert len(seen[0]) == len(seen[1]) == 23
    assert {i for share in seen for i in share} - {-1} == set(range(LENGTH))
