"""The pictures: repeatable bit for bit, changed only where they should be, and readable."""

import pytest
import torch

from datamodules.synthetic.face_canvas import DROP, ZOOM, Canvas
from datamodules.synthetic.face_factors import compose, draw_identities, draw_shots
from datamodules.synthetic.face_renderer import render
from datamodules.synthetic.face_traits import NUISANCES
from datamodules.synthetic.label_joint import EMOTIONS
from tests.support.marks import slow

PEOPLE = torch.arange(48)
Z = draw_identities(1, PEOPLE, PEOPLE % 2)
UPPER, MIDDLE, LOWER = ("brow", -0.52, -0.16), ("cheek", 0.02, 0.25), ("mouth", 0.33, 0.75)


def draw_factors(emotion: torch.Tensor | int = 0, **changes: float) -> dict[str, torch.Tensor]:
    zero = torch.zeros_like(PEOPLE)
    shot = draw_shots(1, zero, PEOPLE, zero, zero + emotion)
    shot |= {name: torch.full((len(PEOPLE),), value) for name, value in changes.items()}
    return compose(Z, PEOPLE % 2, PEOPLE % 3, shot)


STILL = {name: mean for name, (mean, _) in NUISANCES.items()}  # a frontal pose in even light


@pytest.mark.parametrize("size", [32, 33, 64, 100, 224])
def test_pictures_are_bytes_of_the_size_asked_for(size):
    factors = {k: v[:5] for k, v in draw_factors().items()}
    image = render(factors, size)
    assert image.shape == (5, 3, size, size)
    assert image.dtype == torch.uint8
    assert image.float().std((1, 2, 3)).min() > 15, "no flat picture"


@pytest.mark.parametrize("size", [31, 225, 0, -64])
def test_other_sizes_are_refused(size):
    with pytest.raises(ValueError, match=f"32 to 224 pixels, not {size}"):
        render(draw_factors(), size)


@pytest.mark.parametrize("size", [32, slow(45), slow(64), slow(97)])
def test_a_face_is_the_same_in_any_batch_bit_for_bit(size):
    factors = draw_factors(PEOPLE % 6)
    together = render(factors, size)
    for step in (1, 5, 47):
        parts = [
            render({k: v[i : i + step] for k, v in factors.items()}, size)
            for i in range(0, len(PEOPLE), step)
        ]
        assert torch.equal(torch.cat(parts), together)


def test_a_face_is_the_same_with_any_number_of_threads():
    factors, threads = {k: v[:12] for k, v in draw_factors(PEOPLE % 6).items()}, torch.get_num_threads()
    try:
        torch.set_num_threads(1)
        alone = render(factors, 96)
        torch.set_num_threads(2)
        assert torch.equal(alone, render(factors, 96))
    finally:
        torch.set_num_threads(threads)


def test_bands_of_rows_leave_nothing_out(monkeypatch):
    factors = draw_factors(PEOPLE % 6)
    banded = render(factors, 96)
    monkeypatch.setattr(Canvas, "band", lambda self, low, high: self)
    assert torch.equal(banded, render(factors, 96))


def rows(region: tuple[str, float, float], size: int) -> slice:
    """Rows of the picture that a region of an upright face lies in."""
    low, high = ((y * ZOOM + DROP + 1) / 2 * size for y in region[1:])
    return slice(int(low), int(high))


@pytest.mark.parametrize(
    ("unit", "changed", "kept"),
    [
        ("AU1", UPPER, LOWER),
        ("AU2", UPPER, LOWER),
        ("AU4", UPPER, LOWER),
        ("AU5", ("eye", -0.25, 0.05), LOWER),
        ("AU6", MIDDLE, ("brow", -0.52, -0.27)),
        ("AU7", ("eye", -0.12, 0.05), LOWER),
        ("AU9", MIDDLE, ("brow", -0.52, -0.27)),
        ("AU12", LOWER, UPPER),
        ("AU15", LOWER, UPPER),
        ("AU16", LOWER, UPPER),
        ("AU23", LOWER, UPPER),
        ("AU26", LOWER, UPPER),
    ],
)
def test_an_action_unit_changes_its_region_alone(unit, changed, kept):
    size = 96
    rest = render(draw_factors(**STILL), size).int()
    moved = render(draw_factors(**STILL, **{unit: 1.0}), size).int()
    difference = (moved - rest).abs().float()
    assert difference[:, :, rows(kept, size)].max() == 0
    assert difference[:, :, rows(changed, size)].amax((1, 2, 3)).median() > 30


@pytest.mark.parametrize("size", [32, 64])
def test_each_emotion_shows_on_the_same_face(size):
    faces = [render(draw_factors(e, **STILL), size).float() for e in range(len(EMOTIONS))]
    for i in range(len(EMOTIONS)):
        for j in range(i):
            visible = (faces[i] - faces[j]).abs().mean((1, 2, 3))
            assert visible.median() > 1.2, f"{EMOTIONS[i]} against {EMOTIONS[j]}"


def test_circumstances_change_the_picture():
    still = render(draw_factors(**STILL), 48).float()
    for name, (mean, spread) in NUISANCES.items():
        other = render(draw_factors(**(STILL | {name: mean + 2 * spread})), 48).float()
        assert (still - other).abs().mean() > 0.5, name


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_draws_the_same_faces():
    factors = draw_factors(PEOPLE % 6)
    there = render({k: v.cuda() for k, v in factors.items()}, 64)
    assert there.is_cuda
    assert (there.cpu().int() - render(factors, 64).int()).abs().float().mean() < 0.1
