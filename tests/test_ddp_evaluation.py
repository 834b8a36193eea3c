"""Two and three processes measure what one does: each sample counted once, the same figures and tables.

Validation and test have 91 and 119 images, which neither two nor three divide. The learning rate is 0, so
that every number of processes measures the same weights; the figures before training take part too. The
samples that a step trains on are those of one process as well.
"""

from pathlib import Path

import pandas as pd
import pytest

from tests.support import toy
from tests.support.ddp_work import Commands, in_processes, witnesses, work
from tests.support.methods import METHODS

VAL, TEST, GLOBAL_BATCH = 13 * 7, 17 * 7, 24
FACES = [
    "size=32", "train_identities=24", "val_identities=13", "test_identities=17", "images_per_identity=7",
]  # fmt: skip
COMMON = [
    *toy.QUIET, "--trainer.max_epochs=1", "--trainer.limit_train_batches=3",
    "--trainer.precision=64-true",  # or the size of a batch shows in the last bits, which probes may amplify
    "--trainer.callbacks+=tests.support.ddp_work.Witness",
    "--model.init_args.backbone=resnet10t", "--model.init_args.weights=random",
    '--model.init_args.backbone_options={"channels": [8, 8, 8, 8], "stem_width": 8, "input_size": 32, '
    '"act_layer": "leaky_relu", '
    '"norm_layer": "layernorm2d"}',  # statistics of batches would move though the weights do not
]  # fmt: skip
STILL = ["--model.init_args.optimizer=torch.optim.SGD", "--model.init_args.optimizer.init_args.lr=0.0"]
CALLBACKS = {
    "fairness": ["group_fairness.GroupFairness", "groups=[[emotion],[ethnicity,gender]]"],
    "verification": ["verification.Verification", "before=true"],
    "guard": ["collapse_guard.CollapseGuard"],
    "followed": ["validation_leakage.ValidationLeakage", "attributes=[gender]", "families=[linear]"],
    "leakage": ["leakage.Leakage", "attributes=[gender]", "families=[linear]"],
    "admissible": ["admissible_leakage.AdmissibleLeakage", "attribute=gender"],
}
STREAMS = ["identity", "sensitive"]
FEW_STEPS = [f"--model.init_args.{name}=1" for name in ("rounds", "steps_per_round", "classifier_steps")]
HIDES_GENDER = ["--model.init_args.task=emotion", "--model.init_args.sensitive=gender"]
ADDED = {  # to the configuration of a method
    "face_recognition": ["--data.init_args.habit=0.5"],
    "lntl": HIDES_GENDER,
    "lntl_joint": HIDES_GENDER,
    "lntl_variant": HIDES_GENDER,
    "sensitivenets": ["--config=data/two_streams.yaml", *FEW_STEPS],
    "sensitivenets_variant": FEW_STEPS,
}
WATCHED = dict.fromkeys(METHODS, ["fairness"]) | {  # callbacks in place of those of the file
    "attractiveness": ["fairness", "followed"],
    "face_recognition": ["verification"],
    "lntl": ["fairness", "leakage"],
    "sensitivenets": ["verification", "guard", "followed", "leakage", "admissible"],
    "sensitivenets_variant": ["verification", "guard", "followed", "admissible"],
}


def commands(processes: int) -> Commands:
    """Every method, with the same batches over all processes together."""
    found = {}
    for name, method in METHODS.items():
        arguments = [f"--config={method.config}", *ADDED.get(name, [])]
        places = [f"{s}.init_args." for s in STREAMS] if name == "sensitivenets" else [""]
        faces = [*FACES, f"batch_size={GLOBAL_BATCH // processes}"]
        data = [f"--data.init_args.{place}{option}" for place in places for option in faces]
        hardware = ["--config=hardware/ddp.yaml", f"--trainer.devices={processes}"] if processes > 1 else []
        found[name] = [*arguments, *hardware, *data, "--trainer.callbacks=null", *COMMON, *STILL]
        for callback, *options in map(CALLBACKS.__getitem__, WATCHED[name]):
            found[name] += [f"--trainer.callbacks+=callbacks.{callback}"]
            found[name] += [f"--trainer.callbacks.{option}" for option in options]
    return found


@pytest.fixture(scope="module")
def one(tmp_path_factory) -> Path:
    """One process."""
    folder = tmp_path_factory.mktemp("ddp") / "1"
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder.parent)
        patch.setattr("sys.argv", [])
        work(folder, commands(1))
    return folder


@pytest.fixture(scope="module", params=[2, 3])
def several(request, tmp_path_factory) -> Path:
    """Two processes, and three."""
    folder = tmp_path_factory.mktemp("ddp") / str(request.param)
    in_processes(request.param, folder, commands(request.param))
    assert toy.environment(toy.only_run(folder / "baseline"))["processes"] == request.param
    return folder


def figures(folder: Path) -> dict[str, float]:
    """Read the metrics of the validation and the test from `metrics.csv`."""
    rows = toy.metrics(toy.only_run(folder))
    values = {name: text for row in rows for name, text in row.items() if text}
    return {name: float(text) for name, text in values.items() if name.startswith(("val/", "test/"))}


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_figures_and_tables_are_those_of_one_process(name, one, several):
    expected, found = figures(one / name), figures(several / name)
    assert len(expected) > 5
    assert found.keys() == expected.keys()
    for key, value in expected.items():
        # the copy of the backbone before training is of 32 bits, and one pair of images in a million may swap
        near = 1e-5 if key.endswith("/before") else 1e-6
        assert found[key] == pytest.approx(value, abs=near, rel=near, nan_ok=True), key
        assert "/n/" not in key or found[key] == value, key
    for path in toy.only_run(one / name).glob("*.csv"):
        if path.name != "metrics.csv":
            table = pd.read_csv(toy.only_run(several / name) / path.name)
            pd.testing.assert_frame_equal(table, pd.read_csv(path), rtol=1e-5, atol=1e-5, obj=path.name)


@pytest.mark.slow
@pytest.mark.parametrize("name", [name for name, watched in WATCHED.items() if "fairness" in watched])
def test_every_image_is_counted_once(name, several):
    for stage, images in (("val", VAL), ("test", TEST)):
        table = pd.read_csv(toy.only_run(several / name) / f"group_rates_{stage}.csv")
        assert table.groupby("grouping")["n"].sum().to_dict() == dict.fromkeys(
            ["all", "emotion", "ethnicity, gender"], images
        )


@pytest.mark.slow
@pytest.mark.parametrize("name", METHODS)
def test_the_processes_share_the_batches_of_one(name, one, several):
    (alone,), ranks = witnesses(one / name), witnesses(several / name)
    for k, batch in enumerate(alone["batches"]):
        for stream, images in batch.items():
            shares = [rank["batches"][k][stream] for rank in ranks]
            assert len({len(share) for share in shares}) == 1
            assert sorted(sum(shares, [])) == sorted(images), "each image on one of them"
    first, *others = ranks
    for rank in others:
        for stage in ("val", "test"):  # a process that saw another figure would choose another checkpoint
            assert rank[stage] == pytest.approx(first[stage], abs=0, rel=0, nan_ok=True)
        differ = {key for key, digest in first["weights"].items() if rank["weights"][key] != digest}
        # BatchNorm of the bias heads counts each process' own share, and no evaluation reads it
        assert differ <= {f"bias_heads.gender.1.running_{moment}" for moment in ("mean", "var")}
