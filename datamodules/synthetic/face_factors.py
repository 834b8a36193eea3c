"""Draw the numbers that describe a synthetic face: identity, expression and photographic conditions.

`draw_identities` draws the traits of identities, `draw_shots` the conditions of single images, and `compose`
combines both into the factors that `face_renderer` draws. Lengths are in half images, and y points down.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from datamodules.loading.counter_rng import normal, uniform
from datamodules.synthetic.face_traits import ACTION_UNITS, EMOTION_UNITS, NUISANCES, TRAITS
from datamodules.synthetic.label_joint import EMOTIONS

Factors = dict[str, Tensor]
"""Drawing factors: float32, (N,) lengths, strengths and angles, or (N, 3) colours in [0, 1]."""

_PEOPLE, _VIGOUR, _VERDICT, _JITTER, _NUISANCE, _BACKDROP = range(6)  # streams of random numbers

VERDICT_NOISE = 0.5095  # sign(w.z) then agrees with sign(w.z + noise) in 1/2 + atan(1/0.5095)/pi = 85 %


def taste() -> Tensor:
    """Return the unit vector w (D,) over the traits: `attractive` means that w.z plus noise is above 0."""
    weights = torch.tensor([t.attractive for t in TRAITS.values()])
    return weights / weights.norm()


def draw_identities(seed: int, person: Tensor, attractive: Tensor) -> Tensor:
    """Draw latent traits z of identities: float32 (N, D), each standard normal, before labels move them.

    `attractive` is the sign of w.z + noise; if the draw disagrees with the given value, z is reflected along
    w and the noise changes sign, which leaves z standard normal when the classes are balanced.

    Args:
        seed: of the data set.
        person: (N,) int64 numbers of the identities.
        attractive: (N,) int64, 0 or 1.
    """
    z = normal(seed, _PEOPLE, person[:, None], torch.arange(len(TRAITS)))
    w = taste()
    along = sum((z[:, i] * w[i] for i in range(len(w))), torch.zeros(len(z)))  # same bits in any batch
    score = along + VERDICT_NOISE * normal(seed, _VERDICT, person)
    wrong = (score > 0) != (attractive == 1)
    return torch.where(wrong[:, None], z - 2 * along[:, None] * w, z)


def draw_shots(seed: int, split: Tensor, person: Tensor, image: Tensor, emotion: Tensor) -> Factors:
    """Draw action units and nuisances of single images.

    How strongly an identity expresses each unit is its own (0.75 to 1.25 times a common vigour); each image
    adds a small jitter to the units that its emotion uses.

    Args:
        seed: of the data set.
        split: (N,) int64 number of the split, so that splits that share identities do not share images.
        person: (N,) int64 number of the identity.
        image: (N,) int64 number of the image among those of the identity.
        emotion: (N,) int64 label.

    Returns:
        (N,) strengths `AU1`, ... , the nuisances, and offsets `backdrop_*`, `grain_*` in [0, 1).
    """
    unit = torch.arange(len(ACTION_UNITS))
    vigour = 1 + 0.18 * normal(seed, _VIGOUR, person, torch.tensor(-1))
    manner = vigour[:, None] + 0.12 * normal(seed, _VIGOUR, person[:, None], unit)
    jitter = 0.10 * normal(seed, _JITTER, split[:, None], person[:, None], image[:, None], unit)
    used = torch.tensor([[au in EMOTION_UNITS[e] for au in ACTION_UNITS] for e in EMOTIONS])[emotion]
    strength = (manner + jitter).clamp(0.5, 1.5) * used
    shot: Factors = {au: strength[:, i] for i, au in enumerate(ACTION_UNITS)}
    for i, (name, (mean, spread)) in enumerate(NUISANCES.items()):
        draw = normal(seed, _NUISANCE, split, person, image, torch.tensor(i)).clamp(-2.5, 2.5)
        shot[name] = mean + spread * draw
    for i, name in enumerate(
        ("backdrop_x", "backdrop_y", "grain_x", "grain_y", "backdrop", "clothes", "cloth_hue")
    ):
        shot[name] = uniform(seed, _BACKDROP, split, person, image, torch.tensor(i)).float()
    return shot


def _blend(low: tuple[float, ...], high: tuple[float, ...], amount: Tensor) -> Tensor:
    start, end = torch.tensor(low), torch.tensor(high)
    return start + amount.clamp(0, 1)[:, None] * (end - start)


def compose(z: Tensor, gender: Tensor, ethnicity: Tensor, shot: Mapping[str, Tensor]) -> Factors:
    """Combine traits, labels and shots into the drawing factors of images.

    Args:
        z: (N, D) latent traits of the identity in each image.
        gender: (N,) int64, 0 female, 1 male.
        ethnicity: (N,) int64 group.
        shot: from `draw_shots`, with any part of it changed.
    """
    male = 2.0 * gender - 1
    f: Factors = dict(shot)
    for i, (name, trait) in enumerate(TRAITS.items()):
        moved = z[:, i] + trait.male * male + torch.tensor(trait.groups)[ethnicity]
        f[name] = trait.mean + trait.spread * moved
    for name, style in {"hair_length": "haircut", "hair_part": "combing", "hairline": "fringe"}.items():
        f[name] = f[name] + shot[style]
    zero = torch.zeros_like(male)
    for unit, moves in ACTION_UNITS.items():
        for name, move in moves.items():
            f[name] = f.get(name, zero) + move * shot[unit]
    for name in ("eye_width", "nose_width", "upper_lip", "lower_lip", "brow_thick", "lashes"):
        f[name] = f[name].clamp(min=0.4 * TRAITS[name].mean)
    for name, (low, high) in {"jaw": (-0.6, 0.95), "taper": (0.0, 0.34), "beard": (0.0, 0.6)}.items():
        f[name] = f[name].clamp(low, high)
    skin = _blend((0.32, 0.19, 0.12), (1.0, 0.83, 0.71), f["skin"])
    f["skin_colour"] = skin * (1 + f["skin_red"].clamp(-1.2, 2)[:, None] * torch.tensor([0.03, -0.01, -0.04]))
    hair = _blend((0.07, 0.05, 0.05), (0.80, 0.62, 0.36), f["hair_light"])
    f["hair_colour"] = hair * (
        1 + f["hair_red"].clamp(-0.4, 1.8)[:, None] * torch.tensor([0.14, -0.05, -0.16])
    )
    f["brow_colour"] = 0.75 * f["hair_colour"] * (0.5 + 0.5 * skin)
    f["iris_colour"] = _blend((0.22, 0.12, 0.06), (0.30, 0.55, 0.72), 0.25 + 0.3 * f["iris"])
    red = _blend((0.80, 0.58, 0.56), (0.95, 0.30, 0.36), f["lip_red"])
    f["lip_colour"] = red * (0.25 + 0.75 * skin)
    f["backdrop_colour"] = _blend((0.30, 0.36, 0.42), (0.80, 0.80, 0.76), f["backdrop"])
    cloth = _blend((0.20, 0.26, 0.45), (0.55, 0.30, 0.25), f["cloth_hue"])
    f["cloth_colour"] = cloth * (0.5 + f["clothes"][:, None])
    return f
