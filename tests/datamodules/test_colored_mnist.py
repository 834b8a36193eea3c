"""Coloured MNIST: the colours as the paper says, the same image anywhere, damaged files named."""

import gzip
from pathlib import Path

import numpy as np
import pytest
import torch
from jsonargparse import ArgumentParser
from PIL import Image
from scipy.stats import chisquare, kstest, truncnorm
from torchvision.datasets import MNIST

from datamodules.annotations import mnist_files
from datamodules.base import FaceDataModule
from datamodules.colored_mnist import ColoredMNIST
from datamodules.errors import DatasetError
from datamodules.loading.digit_colors import COLORS, color_labels, draw_jittered
from tests.support.mnist_tree import write_idx, write_mnist

pytestmark = pytest.mark.filterwarnings("ignore:.*a subset of:UserWarning")

MEAN = np.array(list(COLORS.values()))
RAW = Path("MNIST", "raw")


def whole(datamodule: ColoredMNIST, split: str) -> dict[str, np.ndarray]:
    data = datamodule.make_dataset(split)
    return {k: v.numpy() for k, v in data.__getitems__(range(len(data))).items()}


def test_without_jitter_an_image_is_grey_times_its_colour(tmp_path):
    (grey, digit), _ = write_mnist(tmp_path)
    batch = whole(ColoredMNIST(str(tmp_path), variance=0, val_share=0), "train")
    exact = grey[:, None] / 255 * MEAN[digit][:, :, None, None]
    assert np.abs(batch["image"] - exact).max() <= 0.5 + 1e-4
    assert batch["digit"].tolist() == batch["color"].tolist() == digit.tolist()


def test_the_last_training_images_are_for_validation(tmp_path):
    (grey, digit), (test_grey, test_digit) = write_mnist(tmp_path, train=800, test=600)
    datamodule = ColoredMNIST(str(tmp_path), variance=0, val_share=0.75)
    assert len(datamodule.make_dataset("train")) == 200
    for split, image, label in (("val", grey[200:], digit[200:]), ("test", test_grey, test_digit)):
        batch = whole(datamodule, split)
        exact = image[:, None] / 255 * MEAN[batch["color"]][:, :, None, None]
        assert np.abs(batch["image"] - exact).max() <= 0.5 + 1e-4
        assert batch["digit"].tolist() == label.tolist()
    assert batch["color"].tolist() != whole(datamodule, "val")["color"].tolist()


def test_random_colours_are_even_and_independent_of_the_digit(tmp_path):
    write_mnist(tmp_path, train=10, test=5000)
    batch = whole(ColoredMNIST(str(tmp_path)), "test")
    table = np.zeros((10, 10))
    np.add.at(table, (batch["digit"], batch["color"]), 1)
    assert chisquare(table.ravel(), ddof=9).pvalue > 0.001  # the rows' sums are fixed
    assert table.sum() == 5000


@pytest.mark.parametrize("variance", [0.02, 0.05])
def test_the_jitter_is_normal_with_the_given_variance_in_range(variance):
    n, deviation = 20_000, variance**0.5
    for color in (0, 4, 9):  # with channels at 0, near either end and in the middle
        rgb = draw_jittered(torch.full((n,), color), variance, 0, 0, torch.arange(n)).double().numpy()
        assert ((rgb >= 0) & (rgb <= 1)).all()
        for channel, mean in zip(rgb.T, MEAN[color] / 255, strict=True):
            oracle = truncnorm(-mean / deviation, (1 - mean) / deviation, loc=mean, scale=deviation)
            assert kstest(channel, oracle.cdf).pvalue > 0.001
        assert np.abs(np.corrcoef(rgb.T) - np.eye(3)).max() < 0.05


def test_an_image_is_grey_times_one_colour(tmp_path):
    (grey, digit), _ = write_mnist(tmp_path)
    image = whole(ColoredMNIST(str(tmp_path), variance=0.05, val_share=0), "train")["image"]
    rgb = draw_jittered(torch.tensor(digit.tolist()), 0.05, 0, 0, torch.arange(80)).numpy()
    assert np.array_equal(image, np.round(grey[:, None] * rgb[:, :, None, None]).astype(np.uint8))
    assert len(np.unique(rgb, axis=0)) == 80, "every image has a colour of its own"


@pytest.mark.parametrize("variance", [0, 0.05])
def test_the_colour_map_is_that_of_the_official_loader(tmp_path, variance):
    write_mnist(tmp_path)
    batch = whole(ColoredMNIST(str(tmp_path), variance=variance), "test")
    black = batch["image"].max((2, 3)) == 0
    assert variance or black.any(), "a channel that the colour lacks altogether"
    for image, found in zip(batch["image"], batch["color_map"], strict=True):
        small = np.asarray(
            Image.fromarray(image.transpose(1, 2, 0)).resize((14, 14), Image.Resampling.NEAREST)
        )
        for (row, column, channel), value in np.ndenumerate(small):
            assert found[channel, row, column] == (value // 32 if value else -1)
    assert batch["color_map"].shape == (20, 3, 14, 14)
    assert set(np.unique(batch["color_map"])) == set(range(-1, 8))


def test_the_ends_of_the_bins():
    image = torch.zeros(1, 3, 28, 28, dtype=torch.uint8)
    image[0, 0, 1, 1:14:2] = torch.tensor([1, 31, 32, 63, 64, 224, 255], dtype=torch.uint8)
    assert color_labels(image)[0, 0, 0].tolist() == [0, 0, 1, 1, 2, 7, 7] + [-1] * 7


def test_an_image_is_the_same_in_any_batch_and_instance(tmp_path):
    write_mnist(tmp_path)
    for split in ("train", "val", "test"):
        one, other = (ColoredMNIST(str(tmp_path)).make_dataset(split) for _ in range(2))
        every = one.read(torch.arange(len(one)))
        order = torch.randperm(len(one), generator=torch.Generator().manual_seed(0))
        shuffled = other.read(order)
        for name, column in every.items():
            assert torch.equal(column[order], shuffled[name])
            assert torch.equal(column[5], other[5][name])


def test_another_seed_gives_other_colours(tmp_path):
    write_mnist(tmp_path)
    one, other = (whole(ColoredMNIST(str(tmp_path), seed=seed), "test") for seed in (0, 1))
    assert (one["color"] != other["color"]).mean() > 0.5
    one, other = (whole(ColoredMNIST(str(tmp_path), seed=seed), "train") for seed in (0, 1))
    assert (one["image"] != other["image"]).any((1, 2, 3)).all()
    assert (one["color"] == other["color"]).all()


def test_the_batch_contract(tmp_path):
    write_mnist(tmp_path)
    datamodule = ColoredMNIST(str(tmp_path), batch_size=3)
    datamodule.setup("fit")
    datamodule.setup("test")
    for loader in (datamodule.train_dataloader(), datamodule.val_dataloader(), datamodule.test_dataloader()):
        batch = next(iter(loader))
        assert set(batch) == {"image", "index", "color_map", *datamodule.attributes}
        assert batch["image"].shape == (3, 3, 28, 28)
        assert batch["image"].dtype == torch.uint8
        assert {v.dtype for k, v in batch.items() if k != "image"} == {torch.int64}
    padded = datamodule.datasets["val"].__getitems__([3, -1])
    assert all((v[1] == -1).all() for k, v in padded.items() if k != "image")
    assert all(torch.equal(v[0], datamodule.datasets["val"][3][k]) for k, v in padded.items())


def test_two_loader_processes_give_the_same_batches(tmp_path):
    write_mnist(tmp_path)
    one, two = (ColoredMNIST(str(tmp_path), batch_size=8, num_workers=workers, seed=4) for workers in (0, 2))
    for datamodule in (one, two):
        datamodule.setup("fit")
    for alone, together in zip(one.train_dataloader(), two.train_dataloader(), strict=True):
        assert all(torch.equal(alone[key], together[key]) for key in alone)


def test_all_images_can_be_trained_on_as_the_authors_do(tmp_path):
    write_mnist(tmp_path)
    datamodule = ColoredMNIST(str(tmp_path), val_share=0)
    datamodule.setup("fit")
    assert len(datamodule.datasets["train"]) == 80
    assert list(datamodule.val_dataloader()) == []


def test_the_fingerprint_tells_files_settings_and_seeds_apart(tmp_path):
    write_mnist(tmp_path / "a")
    write_mnist(tmp_path / "b", test=21)

    def fingerprint(root: str = "a", **options) -> str:
        return ColoredMNIST(str(tmp_path / root), **options).fingerprint

    seen = [fingerprint(), fingerprint("b"), fingerprint(variance=0.02), fingerprint(seed=1)]
    seen.append(fingerprint(val_share=0.2))
    assert len(set(seen)) == len(seen)
    assert all(len(digest) == 64 for digest in seen)
    assert fingerprint(batch_size=3, num_workers=1) == seen[0]


def test_impossible_options_are_refused_before_a_file_is_read():
    for options, message in (
        ({"variance": -0.1}, "variance is -0.1"),
        ({"variance": float("nan")}, "variance is nan"),
        ({"val_share": 1.0}, "val_share is 1.0"),
        ({"flip": True}, "mirrored"),
    ):
        with pytest.raises(ValueError, match=message):
            ColoredMNIST("nowhere", **options)
    assert list(ColoredMNIST("nowhere").attributes["color"])[:2] == ["crimson", "teal"]


def test_missing_files_are_explained_and_packed_ones_too(tmp_path):
    with pytest.raises(DatasetError, match="MNIST is missing(.|\n)*MNIST/raw/t10k-labels-idx1-ubyte"):
        ColoredMNIST(str(tmp_path)).setup("fit")
    write_mnist(tmp_path)
    path = tmp_path / RAW / "t10k-images-idx3-ubyte"
    path.with_name(f"{path.name}.gz").write_bytes(gzip.compress(path.read_bytes()))
    ColoredMNIST(str(tmp_path)).setup("fit")
    path.unlink()
    with pytest.raises(
        DatasetError, match=r"still packed; unpack it with gunzip --keep .*images-idx3-ubyte.gz$"
    ):
        ColoredMNIST(str(tmp_path)).setup("fit")


DAMAGE = {
    "cut short": (
        "train-images-idx3-ubyte",
        lambda content: content[:-100],
        r"62,620 bytes of data instead of 62,720",
    ),
    "empty": ("train-labels-idx1-ubyte", lambda content: b"", "not an idx file of labels"),
    "labels for images": ("t10k-images-idx3-ubyte", lambda c: c[:3] + b"\1" + c[4:], "28x28 images"),
    "other sizes": ("t10k-images-idx3-ubyte", lambda c: c[:11] + b"\x10" + c[12:], "28x28 images"),
    "no digit": ("t10k-labels-idx1-ubyte", lambda c: c[:-1] + b"\x0b", "the label 11 is no digit"),
}


@pytest.mark.parametrize("case", DAMAGE)
def test_a_damaged_file_is_named_in_one_line(case, tmp_path):
    write_mnist(tmp_path)
    name, damage, message = DAMAGE[case]
    path = tmp_path / RAW / name
    path.write_bytes(damage(path.read_bytes()))
    with pytest.raises(DatasetError, match=f"{name}: .*{message}") as caught:
        ColoredMNIST(str(tmp_path)).setup("fit")
    assert "\n" not in str(caught.value)


def test_files_of_different_lengths_are_refused(tmp_path):
    write_mnist(tmp_path)
    write_idx(tmp_path / RAW / "train-labels-idx1-ubyte", np.zeros(79, dtype=np.uint8))
    with pytest.raises(DatasetError, match="79 labels for 80 images"):
        ColoredMNIST(str(tmp_path)).setup("fit")


def test_files_as_long_as_mnists_must_be_mnists(tmp_path, monkeypatch):
    write_mnist(tmp_path)
    with pytest.warns(UserWarning, match=r"a subset of 80 \+ 20"):
        ColoredMNIST(str(tmp_path)).setup("fit")
    monkeypatch.setitem(mnist_files.IMAGES, "t10k", 20)
    with pytest.raises(DatasetError, match="t10k-images-idx3-ubyte: damaged or not MNIST's"):
        ColoredMNIST(str(tmp_path)).setup("fit")


def test_downloading_leaves_files_alone_that_are_there(tmp_path):
    (grey, _), _ = write_mnist(tmp_path)
    datamodule = ColoredMNIST(str(tmp_path), download=True, val_share=0)
    datamodule.prepare_data()
    assert len(whole(datamodule, "train")["image"]) == len(grey)


def test_a_download_that_fails_is_one_line(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise RuntimeError("Error downloading train-images:\nTried a mirror, got:\nno network\n")

    monkeypatch.setattr(mnist_files, "MNIST", refuse)
    with pytest.raises(DatasetError, match="^MNIST could not be fetched into .*: no network$"):
        ColoredMNIST(str(tmp_path), download=True).prepare_data()


def test_a_config_builds_it(tmp_path):
    parser = ArgumentParser(exit_on_error=False, parser_mode="omegaconf")
    parser.add_argument("--config", action="config")
    parser.add_subclass_arguments(FaceDataModule, "data")
    config = Path(__file__).parents[2] / "configs" / "data" / "colored_mnist.yaml"
    given = parser.parse_args([f"--config={config}", f"--data.init_args.root={tmp_path}"])
    assert parser.instantiate(given).data.variance == 0.03


def test_the_real_files(face_data_root, tmp_path):
    (tmp_path / RAW).mkdir(parents=True)
    for packed in (face_data_root / "mnist" / RAW).glob("*.gz"):
        (tmp_path / RAW / packed.stem).write_bytes(gzip.decompress(packed.read_bytes()))
    datamodule = ColoredMNIST(str(tmp_path), variance=0.02)
    sizes = {split: len(datamodule.make_dataset(split)) for split in ("train", "val", "test")}
    assert sizes == {"train": 54_000, "val": 6_000, "test": 10_000}
    oracle = MNIST(str(tmp_path), train=False)
    data = datamodule.make_dataset("test")
    batch = data.__getitems__(range(2000))
    assert torch.equal(batch["digit"], oracle.targets[:2000])
    rgb = draw_jittered(batch["color"], 0.02, 0, 2, torch.arange(2000))  # seed 0, split 2
    product = (oracle.data[:2000, None] * rgb[:, :, None, None]).round().long()
    assert torch.equal(batch["image"].long(), product)
    path = tmp_path / RAW / "t10k-labels-idx1-ubyte"
    content = bytearray(path.read_bytes())
    content[4321] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(DatasetError, match="t10k-labels-idx1-ubyte: damaged or not MNIST's"):
        ColoredMNIST(str(tmp_path)).setup("test")
