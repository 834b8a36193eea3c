"""Two photographs compared through the real entry point; the faces are red, see `fake_detector`."""

import re
import sys
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from PIL import Image

from lightning_modules.backbones.factory import build_backbone
from recipes import compare
from recipes.command_line.errors import report_errors
from recipes.embedding.embedder import load_embedder
from tests.support.fake_detector import RedDetector, landmarks_in

NETWORK = ["--model.backbone=synthetic_recogniser"]


class SeveralFaces(RedDetector):
    """Two boxes: a small one in the middle and a large one in a corner."""

    def detect(self, images):
        boxes = np.array([[22, 22, 42, 42], [0, 0, 30, 30]], np.float32)
        return [SimpleNamespace(boxes=boxes, scores=np.ones(2), landmarks=landmarks_in(boxes))]


@pytest.fixture
def photos(tmp_path, monkeypatch):
    """Paths of two photographs with a face, and of one without."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(compare, "load_detector", lambda device: RedDetector())
    rng = np.random.default_rng(0)
    for name in ("a", "b", "none"):
        photo = rng.integers(0, 60, (64, 64, 3), dtype=np.uint8)
        if name != "none":
            photo[10:50, 12:48, 0] = rng.integers(180, 256, (40, 36))
        Image.fromarray(photo).save(f"{name}.png")
    return SimpleNamespace(both=["a.png", "b.png"], none="none.png", folder=tmp_path)


def run(monkeypatch, capsys, *arguments):
    """Exit code and what was printed."""
    monkeypatch.setattr(sys, "argv", ["compare.py", *map(str, arguments)])
    code = 0
    try:
        report_errors(compare.main)
    except SystemExit as end:
        code = end.code
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def score_of(out):
    return float(re.search(r"^score (-?[\d.]+)", out, re.MULTILINE).group(1))


def test_a_photograph_is_like_itself_and_nothing_is_written(photos, monkeypatch, capsys):
    before = sorted(photos.folder.iterdir())
    code, out, _ = run(monkeypatch, capsys, "a.png", "a.png", *NETWORK)
    assert code == 0
    assert score_of(out) == 1
    assert "a.png: one face, (12, 10) to (48, 50)" in out
    assert "no decision: give --threshold" in out
    assert sorted(photos.folder.iterdir()) == before


@pytest.mark.parametrize("metric", ["cosine", "euclidean"])
@pytest.mark.parametrize("mirror", ["true", "false"])
def test_the_score_is_that_of_the_crops(photos, monkeypatch, capsys, metric, mirror):
    more = ["--metric", metric, "--mirror", mirror, "--save_crops", "crops"]
    out = run(monkeypatch, capsys, *photos.both, *NETWORK, *more)[1]
    network = build_backbone("synthetic_recogniser").eval()
    crops = [np.asarray(Image.open(f"crops/{name}.png")) for name in ("first", "second")]
    assert [crop.shape for crop in crops] == [(224, 224, 3)] * 2
    assert crops[0][..., 0].min() > 120, "the box is the red part"
    image = torch.from_numpy(np.stack(crops)).permute(0, 3, 1, 2)
    with torch.no_grad():
        x = network(image) + (network(image.flip(-1)) if mirror == "true" else 0)
    expected = torch.cosine_similarity(*x, dim=0) if metric == "cosine" else -(x[0] - x[1]).norm()
    assert score_of(out) == pytest.approx(expected.item(), abs=1e-4)
    assert "wrote the crops to crops; they show faces" in out


@pytest.mark.parametrize(("shift", "said"), [(-1e-3, "one person"), (1e-3, "two people")])
def test_a_threshold_decides_and_says_where_it_is_from(photos, monkeypatch, capsys, shift, said):
    score = score_of(run(monkeypatch, capsys, *photos.both, *NETWORK)[1])
    given = [f"--threshold={score + shift}"]
    out = run(monkeypatch, capsys, *photos.both, *NETWORK, *given, "--threshold_source", "FMR 1e-3 on LFW")[1]
    assert f"decision: {said}" in out
    assert "(FMR 1e-3 on LFW)" in out
    assert "(no source given)" in run(monkeypatch, capsys, *photos.both, *NETWORK, *given)[1]


@pytest.mark.parametrize(("select", "how", "box"), [
    ("largest", "the largest", "(0, 0) to (30, 30)"),
    ("center", "the one nearest the centre", "(22, 22) to (42, 42)"),
])  # fmt: skip
def test_of_several_faces_one_is_taken_and_named(photos, monkeypatch, capsys, select, how, box):
    monkeypatch.setattr(compare, "load_detector", lambda device: SeveralFaces())
    out = run(monkeypatch, capsys, *photos.both, *NETWORK, "--select", select)[1]
    assert out.count(f"2 faces, took {how}, {box}") == 2


@pytest.mark.parametrize(("size", "side"), [(112, 112), (96, 224)])
def test_networks_of_112_pixels_get_aligned_faces(photos, monkeypatch, capsys, size, side):
    options = (
        f'{{"input_size": {size}, "channels": [8, 8, 8, 8], "stem_width": 8, "act_layer": "leaky_relu"}}'
    )
    network = [
        "--model.backbone=resnet10t",
        "--model.weights=random",
        f"--model.options={options}",
        "--save_crops=crops",
    ]
    assert run(monkeypatch, capsys, *photos.both, *network)[0] == 0
    assert Image.open("crops/first.png").size == (side, side)


def test_a_random_network_is_compared_only_on_request_and_named(photos, monkeypatch, capsys):
    small = '{"channels": [8, 8, 8, 8], "stem_width": 8, "input_size": 32, "act_layer": "leaky_relu"}'
    network = ["--model.backbone=resnet10t", f"--model.options={small}"]
    code, _, error = run(monkeypatch, capsys, *photos.both, *network)
    assert (code, error.count("\n")) == (2, 1)
    assert "say weights: random" in error
    code, out, _ = run(monkeypatch, capsys, *photos.both, *network, "--model.weights=random")
    assert code == 0
    assert "random weights, which nobody trained" in out


def test_whole_images_are_compared_without_a_detector(photos, monkeypatch, capsys):
    monkeypatch.setattr(compare, "load_detector", lambda device: pytest.fail("nothing is to be detected"))
    code, out, _ = run(monkeypatch, capsys, "none.png", "a.png", *NETWORK, "--mode=none")
    assert code == 0
    assert "none.png: the whole image, 64 x 64" in out
    embedder = load_embedder(backbone="synthetic_recogniser")
    images = [np.asarray(Image.open(name)) for name in ("none.png", "a.png")]
    x = [compare.embed(embedder, image, mirror=False) for image in images]
    assert score_of(out) == pytest.approx(torch.cosine_similarity(*x).item(), abs=1e-4)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["a.png", "none.png"], "no face was found in none.png; take a photograph"),
        (["a.png", "nowhere.png"], "nowhere.png cannot be used: missing"),
        (["a.png", "text.jpg"], "text.jpg cannot be used: no image of a known format"),
        (["a.png", "b.png", "--threshold_source=x"], "give --threshold too"),
        (["a.png", "b.png", "--mode=align", "--margin=5"], "a margin is for --mode box"),
        (["a.png", "b.png", "--ckpt=nowhere.ckpt"], "give either a checkpoint"),
        (
            ["a.png", "b.png", "--save_crops=text.jpg"],
            "text.jpg is a file, where a folder is to be written; give another path",
        ),
        (["a.png"], "second"),
    ],
)
def test_mistakes_are_one_line(photos, monkeypatch, capsys, arguments, message):
    (photos.folder / "text.jpg").write_text("no image")
    code, _, err = run(monkeypatch, capsys, *arguments, *NETWORK)
    assert code == 2
    assert message in err
    assert err.startswith("error: ")
    assert err.count("\n") == 1


def test_the_shipped_configuration_asks_for_the_recogniser(photos, monkeypatch, capsys):
    code, _, err = run(monkeypatch, capsys, *photos.both, "--config=compare.yaml")
    assert code == 2
    assert "the onnx backbone needs weights" in err
