r"""Measure how hard the synthetic faces are: what a recogniser trained on identity keeps and leaks.

    python -m benchmarks.synthetic_difficulty [--seeds 3]

The shipped recogniser is made by

    python recipes/train.py --config face_recognition.yaml
    python -m benchmarks.synthetic_difficulty --ckpt runs/face_recognition/<timestamp>/checkpoints/best.ckpt \
        --save lightning_modules/weights/synthetic_recogniser.safetensors

Draws identities that the shipped recogniser has never seen, embeds them, and prints the verification AUC and
EER over all pairs, and the accuracy of an MLP that reads emotion and gender from the standardised embedding
of identities it was not trained on, with a 95 % interval that resamples identities.
"""

from pathlib import Path

import numpy as np
import torch
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from benchmarks.embedding import embed
from benchmarks.options import make_parser
from datamodules.contract import SPLITS
from datamodules.synthetic_faces import SyntheticFaces
from evaluation.samples.subject_bootstrap import bootstrap_interval
from evaluation.verification.all_pairs import verification
from lightning_modules.backbones.factory import build_backbone, save_backbone
from lightning_modules.face_recognition import FaceRecognition


def person_interval(correct: np.ndarray, person: np.ndarray, seed: int) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of a mean (N,), resampling identities, not their images."""
    people, place = np.unique(person, return_inverse=True)
    sums, sizes = np.bincount(place, correct), np.bincount(place)
    return bootstrap_interval(lambda drawn: sums[drawn].sum() / sizes[drawn].sum(), len(people), seed, 2000)


def measure(recogniser: torch.nn.Module, seed: int) -> dict[str, float]:
    """Measure the population of a seed: the recogniser knows none of its identities, in any split."""
    faces = SyntheticFaces(size=64, seed=seed, batch_size=256)
    table = embed(faces, recogniser)
    train, test = (table.split == SPLITS.index(name) for name in ("train", "test"))
    scores = verification(table.embedding[test], table.labels["identity"][test])
    x, identity = table.embedding.numpy(), table.labels["identity"][test].numpy()
    print(f"seed {seed}: {len(identity)} images of {len(np.unique(identity))} people")
    print(f"  verification AUC {scores.auc:.4f}, EER {100 * scores.eer:.2f} %")
    figures = {"verification_auc": scores.auc, "verification_eer": scores.eer}
    for name in ("emotion", "gender"):
        probe = make_pipeline(StandardScaler(), MLPClassifier((256,), early_stopping=True, random_state=seed))
        label = table.labels[name].numpy()
        probe.fit(x[train], label[train])
        correct = probe.predict(x[test]) == label[test]
        low, high = person_interval(correct, identity, seed)
        chance = 1 / len(faces.attributes[name])
        print(f"  {name} by MLP {correct.mean():.3f} [{low:.3f}, {high:.3f}], chance {chance:.3f}")
        figures[f"{name}_accuracy_mlp"] = float(correct.mean())
    return figures


def main() -> None:
    """Print the figures of each population; with --save, save the recogniser with their means."""
    parser = make_parser(__doc__)
    parser.add_argument("--seeds", type=int, default=3, help="populations 0, 1, ... (default: 3)")
    parser.add_argument(
        "--ckpt", help="checkpoint of face_recognition.yaml (default: the shipped recogniser)"
    )
    parser.add_argument(
        "--save", help="write the checkpoint's recogniser and its figures to this .safetensors"
    )
    arguments = parser.parse_args()
    if arguments.ckpt:
        module = FaceRecognition.load_from_checkpoint(arguments.ckpt, map_location="cpu", weights_only=True)
        recogniser = module.backbone
    else:
        recogniser = build_backbone("synthetic_recogniser")
    recogniser.eval()
    figures = [measure(recogniser, seed) for seed in range(arguments.seeds)]
    if arguments.save:
        means = {k: round(float(np.mean([f[k] for f in figures])), 4) for k in figures[0]}
        made_by = "python recipes/train.py --config face_recognition.yaml; " + " ".join(
            ["python -m benchmarks.synthetic_difficulty --ckpt best.ckpt --save", Path(arguments.save).name]
        )
        save_backbone(
            recogniser, arguments.save, made_by=made_by, figures=means | {"populations": arguments.seeds}
        )


if __name__ == "__main__":
    main()
