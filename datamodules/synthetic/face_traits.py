"""The tables behind the synthetic faces: traits of identities, action units, conditions of an image.

Lengths are in half images, y points down, angles in radians. Everything here is invented: the numbers were
set by eye so that identities differ and expressions are legible, and measure no real group of people.
"""

from typing import NamedTuple


class Trait(NamedTuple):
    """One latent trait: mean and spread over identities, and shifts by labels, in spreads."""

    mean: float
    spread: float
    male: float = 0.0
    groups: tuple[float, float, float] = (0.0, 0.0, 0.0)
    attractive: float = 0.0


# Genders move traits by +-`male`, so the two means are twice that apart; no trait alone tells them apart.
TRAITS = {
    "head_width": Trait(0.58, 0.028, 0.3, (-0.3, 0.4, -0.1), attractive=-0.25),
    "head_top": Trait(0.78, 0.035, attractive=0.25),
    "chin": Trait(0.76, 0.04, 0.4),
    "jaw": Trait(0.05, 0.30, 1.0),
    "taper": Trait(0.16, 0.06, -0.4),
    "ear": Trait(0.10, 0.025, 0.3),
    "eye_gap": Trait(0.265, 0.02),
    "eye_width": Trait(0.152, 0.023, -0.3, (0.2, -0.2, 0.0), attractive=0.5),
    "eye_open": Trait(0.063, 0.016, -0.3, (0.4, -0.9, 0.5), attractive=0.35),
    "eye_tilt": Trait(0.00, 0.10, -0.2, (-0.4, 0.8, -0.4)),
    "eye_y": Trait(-0.06, 0.025),
    "iris": Trait(0.0, 1.0, 0.0, (1.1, -0.6, -0.6)),
    "lashes": Trait(0.020, 0.006, -1.0),
    "brow_gap": Trait(0.185, 0.023, -0.7),
    "brow_arch": Trait(0.030, 0.018, -0.7),
    "brow_inner": Trait(0.0, 0.025),
    "brow_outer": Trait(0.0, 0.025),
    "brow_thick": Trait(0.033, 0.009, 1.2),
    "nose_y": Trait(0.230, 0.026, 0.3),
    "nose_width": Trait(0.100, 0.023, 0.3, (-0.5, -0.1, 0.7)),
    "nose_ridge": Trait(0.18, 0.07, 0.2, (0.5, -0.4, -0.1)),
    "mouth_y": Trait(0.450, 0.024),
    "mouth_width": Trait(0.205, 0.028, 0.2, attractive=0.2),
    "mouth_curve": Trait(0.000, 0.020),
    "upper_lip": Trait(0.038, 0.011, -0.6, (-0.5, -0.1, 0.6)),
    "lower_lip": Trait(0.056, 0.018, -0.4, (-0.5, -0.1, 0.6)),
    "lip_red": Trait(0.45, 0.18, -1.2),
    "blush": Trait(0.12, 0.08, -0.5, (0.4, -0.2, -0.2)),
    "beard": Trait(0.02, 0.20, 1.1),
    "freckles": Trait(-0.25, 0.35, 0.0, (0.4, -0.2, -0.2)),
    "mole_x": Trait(0.0, 0.25),
    "mole_y": Trait(0.30, 0.10),
    "mole": Trait(-0.015, 0.015),
    "skin": Trait(0.52, 0.13, 0.0, (0.9, 0.3, -1.2)),
    "skin_red": Trait(0.0, 1.0, 0.2, (0.4, -0.5, 0.1)),
    "hair_light": Trait(0.28, 0.17, 0.0, (1.0, -0.5, -0.5)),
    "hair_red": Trait(0.0, 1.0, 0.0, (0.4, -0.2, -0.2)),
    "hairline": Trait(-0.56, 0.06, -0.3, attractive=-0.4),
    "hair_length": Trait(0.30, 0.30, -1.2, attractive=0.3),
    "hair_volume": Trait(0.10, 0.030, -0.4, attractive=0.4),
    "hair_part": Trait(0.0, 0.16),
    "hair_curve": Trait(1.2, 0.50, 0.2, attractive=0.35),
    "hair_wave": Trait(0.0, 1.0),
}

# What each action unit of FACS does at full strength, as additions to the factors.
ACTION_UNITS: dict[str, dict[str, float]] = {
    "AU1": {"brow_inner": -0.150},  # inner brow raiser
    "AU2": {"brow_outer": -0.110, "brow_middle": -0.040},  # outer brow raiser
    "AU4": {
        "brow_inner": 0.075,
        "brow_middle": 0.030,
        "brow_outer": 0.015,
        "brow_knit": 0.045,
        "frown": 1.0,
    },  # brow lowerer
    "AU5": {"lid_upper": 0.040},  # upper lid raiser
    "AU6": {"cheek": 1.0, "lid_lower": -0.022},  # cheek raiser
    "AU7": {"lid_lower": -0.026, "lid_upper": -0.008},  # lid tightener
    "AU9": {"wrinkle": 1.0, "nose_y": -0.035, "nostril": 0.020, "gap_upper": 0.035},  # nose wrinkler
    "AU12": {"mouth_curve": -0.120, "mouth_width": 0.075, "gap_lower": 0.095},  # lip corner puller
    "AU15": {"mouth_curve": 0.120, "mouth_width": -0.010},  # lip corner depressor
    "AU16": {"gap_lower": 0.085, "lip_roll": 0.40},  # lower lip depressor
    "AU23": {"lip_tight": 0.60, "mouth_width": -0.015},  # lip tightener
    "AU26": {"gap_lower": 0.150, "gap_upper": 0.020, "mouth_width": -0.065, "chin": 0.060},  # jaw drop
}

EMOTION_UNITS: dict[str, tuple[str, ...]] = {
    "neutral": (),
    "happy": ("AU6", "AU12"),
    "sad": ("AU1", "AU4", "AU15"),
    "angry": ("AU4", "AU5", "AU7", "AU23"),
    "surprised": ("AU1", "AU2", "AU5", "AU26"),
    "disgusted": ("AU9", "AU15", "AU16"),
}

# Circumstances of one image: mean and spread. Angles in radians, noise in grey levels of 255.
NUISANCES = {
    "yaw": (0.0, 0.040),
    "pitch": (0.0, 0.025),
    "roll": (0.0, 0.045),
    "shift_x": (0.0, 0.025),
    "shift_y": (0.0, 0.025),
    "scale": (1.0, 0.030),
    "light_x": (0.0, 0.18),
    "light_y": (-0.05, 0.07),
    "gain": (1.08, 0.12),
    "warmth": (0.0, 0.060),
    "haircut": (0.0, 0.08),  # added to the length, and what follows to the other traits of the hair
    "combing": (0.0, 0.10),
    "fringe": (0.0, 0.025),
    "noise": (3.0, 0.8),
    "clutter": (0.10, 0.03),
}
