"""The contact sheet, through its real entry point."""

import matplotlib.image
import pytest
import torch

from datamodules.base import FaceDataModule
from datamodules.contract import FaceDataset
from datamodules.synthetic.label_joint import EMOTIONS
from datamodules.synthetic_faces import SyntheticFaces
from recipes import preview
from recipes.command_line.errors import report_errors
from recipes.command_line.usage_error import UsageError
from tests.support.embedding_tree import write_embeddings

SYNTHETIC = """
data:
  class_path: datamodules.synthetic_faces.SyntheticFaces
  init_args: {size: 32, train_identities: 24, val_identities: 12, test_identities: 12, images_per_identity: 6}
"""


class GreyDataset(FaceDataset):
    def __len__(self) -> int:
        return 5

    def labels(self, index: torch.Tensor) -> dict[str, torch.Tensor]:
        return {"gender": index % 2 - (index == 4).long()}

    def read(self, index: torch.Tensor) -> dict[str, torch.Tensor]:
        grey = (index[:, None, None, None] / 5).expand(-1, 3, 16, 16)
        return {"image": grey, "index": index, **self.labels(index)}


class GreyFaces(FaceDataModule):
    attributes = {"gender": ("female", "male")}
    fingerprint = "0"

    def make_dataset(self, split: str) -> FaceDataset:
        return GreyDataset()


@pytest.fixture
def config(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "faces.yaml"
    path.write_text(SYNTHETIC)
    return str(path)


@pytest.mark.parametrize("split", ["train", "val", "test"])
def test_a_sheet_of_synthetic_faces_is_written(config, split, capsys):
    preview.main(
        ["--config", config, "--split", split, "--rows", "2", "--columns", "3", "--out", "sheet.png"]
    )
    assert capsys.readouterr().out == "wrote sheet.png\n"
    sheet = matplotlib.image.imread("sheet.png")
    assert sheet.shape[:2] == (round(2 * (1.25 + 0.11 * 6) * 100), round(3 * 1.2 * 100))
    assert (sheet[..., :3].std(2) > 0.03).mean() > 0.1, "there is colour on it"


def test_the_shipped_configuration_and_overrides_work(config):
    arguments = [
        "--config",
        "data/synthetic_faces.yaml",
        "--rows=1",
        "--columns=2",
        "--data.init_args.size=32",
    ]
    preview.main(arguments)
    assert matplotlib.image.imread("preview.png").shape[1] == round(2 * 1.2 * 100)


def test_a_sheet_of_other_faces_reminds_of_their_rights(config, capsys, celeba_tree):
    arguments = ["--rows=2", "--columns=4"]
    preview.main([f"--data={__name__}.GreyFaces", *arguments])
    assert "real faces" not in capsys.readouterr().out
    preview.main(["--config=data/celeba.yaml", f"--data.init_args.root={celeba_tree}", *arguments])
    assert "real faces" in capsys.readouterr().out


def test_embeddings_have_nothing_to_show(config, tmp_path):
    write_embeddings(tmp_path / "table.safetensors")
    with pytest.raises(UsageError, match="Embeddings holds no images to show"):
        preview.main(["--config=data/embeddings.yaml", "--data.init_args.table=table.safetensors"])


def test_rows_go_through_the_classes_sorted_by():
    dataset = SyntheticFaces(size=32).make_dataset("train")
    batch = preview.choose(dataset, 12, 4, "emotion")
    assert batch["emotion"].view(12, 4).tolist() == [[row % len(EMOTIONS)] * 4 for row in range(12)]
    assert len(batch["index"].unique()) == 48, "no face twice"


def test_unsorted_faces_are_spread_over_the_split():
    batch = preview.choose(SyntheticFaces(size=32).make_dataset("train"), 2, 5, None)
    assert batch["index"].tolist() == list(range(0, 8000, 800))
    assert preview.choose(GreyDataset(), 2, 5, None)["index"].tolist() == [0, 1, 2, 3, 4]


def test_attributes_are_chosen_by_number_of_classes_or_by_name():
    known = {f"a{i}": ("no", "yes") for i in range(7)} | {
        "many": tuple("abcdefghijk"),
        "identity": ("p", "q"),
    }
    assert preview.shown_attributes(known, None) == ["identity", "a0", "a1", "a2", "a3", "a4"]
    assert preview.shown_attributes(known, ["many", "a6"]) == ["many", "a6"]


def test_captions_name_the_class():
    assert preview.caption("smiling", ("no", "yes"), 0) == "not smiling"
    assert preview.caption("smiling", ("no", "yes"), 1) == "smiling"
    assert preview.caption("gender", ("female", "male"), 1) == "male"
    assert preview.caption("gender", ("female", "male"), -1) == "gender ?"
    assert preview.caption("identity", ("person_0", "person_1"), 1) == "#1"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--attributes", "age"], "no attribute 'age'; it has identity"),
        (["--sort_by", "age"], "no attribute 'age'"),
        (["--data.init_args.size", "16"], "32 to 224 pixels, not 16"),
        (["--split", "dev"], "split"),
        (["--rows", "0"], "rows"),
    ],
)
def test_mistakes_are_one_line(config, arguments, message, capsys):
    with pytest.raises(SystemExit) as stopped:
        report_errors(lambda: preview.main(["--config", config, *arguments]))
    assert stopped.value.code == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert message in line
