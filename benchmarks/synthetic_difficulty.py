r"""Measure how hard the synthetic faces are: what a recogniser trained on identity keeps and leaks.

    python benchmarks/synthetic_difficulty.py [--seeds 3]

The shipped recogniser is made by

    python recipes/train.py --config face_recognition.yaml
    python benchmarks/synthetic_difficulty.py --ckpt runs/face_recognition/<timestamp>/checkpoints/best.ckpt \
        --save lightning_modules/weights/synthetic_recogniser.safetensors

Draws identities that the shipped recogniser has never seen, embeds them, and prints the verification AUC and
EER over all pairs, and the accuracy of an MLP that reads emotion and gender from the standardised embedding
of identities it was not trained on, with a 95 % interval that resamples identities.
"""

import argparse
from pathlib import Path

import numpy as np
import torch
from sklearn.neural_network import MLPClassifier
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from datamodules.contract import Split
from datamodules.synthetic_faces import SyntheticFaces
from evaluation.verification.all_pairs import verification
from lightning_modules.backbones.factory import build_backbone, save_backbone
from lightning_modules.face_recognition import FaceRecognition


def embed(recogniser: torch.nn.Module, faces: SyntheticFaces, split: Split) -> dict[str, np.ndarray]:
    """Embed a split: embeddings (N, D) and attributes (N,)."""
    batches = []
    with torch.inference_mode():
        for batch in faces.loader(split):
            batches.append({k: v for k, v in batch.items() if k != "image"})
            batches[-1]["embedding"] = recogniser(batch["image"])
    return {k: torch.cat([b[k] for b in batches]).numpy() for k in batches[0]}


def person_interval(correct: np.ndarray, person: np.ndarray, seed: int) -> tuple[float, float]:
    """Return the 95 % bootstrap interval of a mean (N,), resampling identities, not their images."""
    people = np.unique(person)
    sums = np.array([correct[person == p].sum() for p in people])
    sizes = np.array([(person == p).sum() for p in people])
    draws = np.random.default_rng(seed).integers(len(people), size=(2000, len(people)))
    low, high = np.quantile(sums[draws].sum(1) / sizes[draws].sum(1), [0.025, 0.975])
    return float(low), float(high)


def measure(recogniser: torch.nn.Module, seed: int) -> dict[str, float]:
    """Measure the population of a seed: the recogniser knows none of its identities, in any split."""
    faces = SyntheticFaces(size=64, seed=seed, batch_size=256)
    faces.setup("fit")
    faces.setup("test")
    train, test = embed(recogniser, faces, "train"), embed(recogniser, faces, "test")
    scores = verification(torch.from_numpy(test["embedding"]), torch.from_numpy(test["identity"]))
    print(f"seed {seed}: {len(test['identity'])} images of {len(np.unique(test['identity']))} people")
    print(f"  verification AUC {scores.auc:.4f}, EER {100 * scores.eer:.2f} %")
    figures = {"verification_auc": scores.auc, "verification_eer": scores.eer}
    for name in ("emotion", "gender"):
        probe = make_pipeline(StandardScaler(), MLPClassifier((256,), early_stopping=True, random_state=seed))
        probe.fit(train["embedding"], train[name])
        correct = probe.predict(test["embedding"]) == test[name]
        low, high = person_interval(correct, test["identity"], seed)
        chance = 1 / len(faces.attributes[name])
        print(f"  {name} by MLP {correct.mean():.3f} [{low:.3f}, {high:.3f}], chance {chance:.3f}")
        figures[f"{name}_accuracy_mlp"] = float(correct.mean())
    return figures


def main() -> None:
    """Print the figures of each population; with --save, save the recogniser with their means."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
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
            ["python benchmarks/synthetic_difficulty.py --ckpt best.ckpt --save", Path(arguments.save).name]
        )
        save_backbone(
            recogniser, arguments.save, made_by=made_by, figures=means | {"populations": arguments.seeds}
        )


if __name__ == "__main__":
    main()
