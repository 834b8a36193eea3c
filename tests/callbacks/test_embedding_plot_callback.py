import numpy as np
import pytest
import torch
from pytorch_lightning import Trainer
from pytorch_lightning.loggers import CSVLogger, WandbLogger
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from callbacks import embedding_plot
from callbacks.embedding_plot import EmbeddingPlot
from tests.support.callback_dummies import Classifier, ColumnData, samples
from tests.support.callback_people import Following, People, columns
from tests.support.wandb_offline import history

STILL = [[1.0, 1]] * 4


def make_trainer(folder, *callbacks, **options):
    options = {"logger": CSVLogger(folder, name="", version=""), "devices": 1, "max_epochs": 4} | options
    return Trainer(
        accelerator="cpu", callbacks=list(callbacks), enable_progress_bar=False, enable_model_summary=False,
        enable_checkpointing=False, log_every_n_steps=1, **options,
    )  # fmt: skip


@pytest.fixture
def drawn(monkeypatch):
    """Record the points to draw, in place of t-SNE and its picture."""
    seen = []

    def points(embedding, seed):
        seen.append({"embedding": embedding, "seed": seed})
        return embedding[:, :2]

    def plot(views, label, classes):
        seen[-1] |= {"views": views, "label": label, "classes": classes}
        return "figure"

    def log(trainer, key, figure, folder, name):
        seen[-1] |= {"key": key, "folder": folder, "name": name}

    for name, function in (("tsne_points", points), ("plot_embedding", plot), ("log_figure", log)):
        monkeypatch.setattr(embedding_plot, name, function)
    return seen


def test_every_second_epoch_is_drawn_as_the_representation_is(tmp_path, drawn):
    callback = EmbeddingPlot(["emotion"], every_n_epochs=2, seed=5)
    gains = [[1.0, 1], [2.0, 1], [3.0, 1], [0.0, 4]]
    make_trainer(tmp_path, callback, num_sanity_val_steps=1).fit(Following(*gains), datamodule=People())
    assert [d["name"] for d in drawn] == ["embedding_emotion_001", "embedding_emotion_003"]
    for place, epoch in enumerate((1, 3)):
        expected = columns("val")
        point = expected["point"].numpy() * np.array(gains[epoch], dtype=np.float32)
        assert np.array_equal(drawn[place]["embedding"], point)
        assert np.array_equal(drawn[place]["label"], expected["emotion"].numpy())
        assert drawn[place]["classes"] == ["sad", "happy"]
        assert list(drawn[place]["views"]) == [f"epoch {epoch}"]
        assert (drawn[place]["seed"], drawn[place]["key"]) == (5, "val/embedding/emotion")
        assert drawn[place]["folder"] == tmp_path


def test_only_the_first_samples_are_drawn(tmp_path, drawn):
    trainer = make_trainer(tmp_path, EmbeddingPlot(["gender"], max_samples=10))
    trainer.validate(Following(*STILL), datamodule=People(), verbose=False)
    assert len(drawn) == 1, "outside a training every validation is drawn"
    assert np.array_equal(drawn[0]["embedding"], columns("val")["point"].numpy()[:10])


@pytest.mark.parametrize("options", [{"logger": False}, {"fast_dev_run": True}])
def test_where_nothing_is_logged_nothing_is_embedded(tmp_path, drawn, options):
    callback = EmbeddingPlot(["gender"], every_n_epochs=1)
    make_trainer(tmp_path, callback, **options).fit(Following(*STILL), datamodule=People())
    assert drawn == []
    assert callback.collected.samples == 0


@pytest.mark.slow
def test_pictures_are_in_the_run_folder_and_in_wandb(tmp_path):
    loggers = [
        CSVLogger(tmp_path, name="", version=""),
        WandbLogger(save_dir=tmp_path, offline=True, project="tests"),
    ]
    callback = EmbeddingPlot(["emotion", "gender"], every_n_epochs=1, max_samples=24)
    trainer = make_trainer(tmp_path, callback, logger=loggers, max_epochs=1)
    trainer.fit(Following(*STILL), datamodule=People(noise=0.5))
    loggers[1].experiment.finish()
    names = [
        f"embedding_{attribute}_000.{kind}" for attribute in ("emotion", "gender") for kind in ("png", "svg")
    ]
    assert sorted(p.name for p in (tmp_path / "figures").iterdir()) == names
    assert "happy" in (tmp_path / "figures" / "embedding_emotion_000.svg").read_text()
    logged = history(tmp_path)
    for attribute in ("emotion", "gender"):
        assert logged[f"val/embedding/{attribute}/_type"] == "images/separated"
        assert logged[f"val/embedding/{attribute}/count"] == 1
    sent = list(tmp_path.glob("wandb/offline-run-*/files/media/images/**/*.png"))
    pictures = [(tmp_path / "figures" / name).read_bytes() for name in names if name.endswith("png")]
    assert sorted(p.read_bytes() for p in sent) == sorted(pictures), "plots, and nothing else"


@pytest.mark.parametrize(
    ("gain", "reason"), [(0.0, "all embeddings are the same"), (float("nan"), "not finite")]
)
def test_a_representation_without_anything_to_see_is_a_warning(tmp_path, gain, reason):
    callback = EmbeddingPlot(["gender"], every_n_epochs=1)
    trainer = make_trainer(tmp_path, callback, max_epochs=1)
    with pytest.warns(UserWarning, match=f"no picture of the embeddings of epoch 0: .*{reason}"):
        trainer.fit(Following([gain, gain]), datamodule=People())
    assert not (tmp_path / "figures").exists()


def random_state():
    return np.random.get_state()[1].copy()  # noqa: NPY002  # the global one, which is not to be drawn from


def test_drawing_leaves_the_random_state_as_it_was(tmp_path):
    before = torch.random.get_rng_state(), random_state()
    trainer = make_trainer(tmp_path, EmbeddingPlot(["gender"]))
    trainer.validate(Following(*STILL), datamodule=People(noise=0.5), verbose=False)
    assert torch.equal(torch.random.get_rng_state(), before[0])
    assert np.array_equal(random_state(), before[1])


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"attributes": []}, "attributes must be different names"),
        ({"attributes": ["a", "a"]}, "attributes must be different names"),
        ({"attributes": ["a"], "max_samples": 3}, "max_samples must be at least 4"),
        ({"attributes": ["a"], "every_n_epochs": 0}, "every_n_epochs is 1 or more"),
    ],
)
def test_options_that_make_no_sense(options, message):
    with pytest.raises(ValueError, match=message):
        EmbeddingPlot(**options)


def test_what_has_no_representation_is_refused(tmp_path):
    callback = EmbeddingPlot(["smiling"])
    assert callback.required_attributes == {"smiling"}
    with pytest.raises(MisconfigurationException, match="needs a module with a backbone, not Classifier"):
        make_trainer(tmp_path, callback).validate(Classifier(), datamodule=ColumnData(samples()))
