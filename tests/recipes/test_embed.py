"""Embedding tables through the real entry point: what is in them, several processes, going on, mistakes."""

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from datamodules.contract import SPLITS
from datamodules.errors import DatasetError
from datamodules.tables.embedding_table import EmbeddingTable
from lightning_modules.sensitivenets import SensitiveNets
from recipes import embed
from recipes.command_line.config_lookup import CONFIGS
from recipes.command_line.jobs import parse_job
from recipes.embedding.embed_options import make_parser
from recipes.embedding.embedding_job import EmbeddingJob
from tests.support.checkpoints import write_checkpoint
from tests.support.embed_command import NOISE, QUIET, Killed, exit_code_of, looped, run
from tests.support.embed_faces import SIZES, TOY, Noise, write_network
from tests.support.embedding_tree import join
from tests.support.marks import slow_but

BATCHES = 10 + 3 + 6  # of four


@pytest.mark.parametrize("mirror", [False, True])
def test_a_table_is_what_a_loop_makes_of_all_splits(network, tmp_path, mirror, capsys):
    table = run(tmp_path / "new" / "t", f"--model.backbone={network}", f"--mirror={str(mirror).lower()}")
    assert capsys.readouterr().out.splitlines()[-1] == f"wrote {tmp_path}/new/t: 70 embeddings"
    assert torch.equal(table.embedding, looped(network, mirror))
    assert table.sample_id.tolist() == [f"{s}/{i:06d}" for s in SPLITS for i in range(SIZES[s])]
    assert table.split.tolist() == [place for place, s in enumerate(SPLITS) for _ in range(SIZES[s])]
    for name in table.labels:
        parts = [Noise().make_dataset(s).labels(torch.arange(SIZES[s]))[name] for s in SPLITS]
        assert torch.equal(table.labels[name], torch.cat(parts))
    assert table.attributes == Noise.attributes
    assert [path.name for path in (tmp_path / "new").iterdir()] == ["t"], "nothing is left beside it"
    says = table.provenance
    assert says.keys() == {
        "model", "config", "weights", "data", "dataset", "splits", "mirror", "precision", "package"
    }  # fmt: skip
    assert (says["model"], says["data"], says["dataset"]) == ("mine.safetensors", "Noise", "0")
    assert (says["mirror"], says["precision"]) == (str(mirror).lower(), "32-true")
    assert says["package"].startswith("blindface 0")
    assert str(tmp_path).encode() not in (tmp_path / "new" / "t").read_bytes()


def test_a_table_of_a_random_network_is_made_only_on_request(tmp_path, capsys):
    toy = ["--model.backbone=resnet10t", f"--model.options={json.dumps(TOY)}"]
    assert exit_code_of([*NOISE, *QUIET, f"--out={tmp_path}/t", *toy]) == 2
    error = capsys.readouterr().err
    assert error.count("\n") == 1
    assert "say weights: random" in error
    assert not (tmp_path / "t").exists()
    one, other = (run(tmp_path / name, *toy, "--model.weights=random") for name in "ab")
    assert torch.equal(one.embedding, other.embedding), "drawn by one seed"
    assert (one.embedding != 0).any(1).all()
    assert "random weights" in one.provenance["random"]


def test_splits_can_be_chosen_and_keep_the_tables_order(network, tmp_path):
    table = run(tmp_path / "t", f"--model.backbone={network}", "--splits=[test,val]")
    whole = run(tmp_path / "all", f"--model.backbone={network}")
    assert table.provenance["splits"] == "val,test"
    assert torch.equal(table.embedding, whole.embedding[37:])
    assert len(join(whole, table)[0]) == 33


@pytest.mark.slow
def test_two_processes_write_the_bytes_of_one(network, tmp_path, in_processes):
    backbone = f"--model.backbone={network}"
    run(tmp_path / "one", backbone)
    run(tmp_path / "one_part", backbone, "--splits=[val]", "--shard_size=99")
    in_processes()
    run(tmp_path / "two", backbone)
    assert (tmp_path / "two").read_bytes() == (tmp_path / "one").read_bytes()
    run(tmp_path / "two_part", backbone, "--splits=[val]", "--shard_size=99")  # one of them has nothing to do
    assert (tmp_path / "two_part").read_bytes() == (tmp_path / "one_part").read_bytes()


def test_a_killed_job_goes_on_and_does_nothing_twice(network, tmp_path, embedded, killed, capsys):
    backbone = f"--model.backbone={network}"
    run(tmp_path / "straight", backbone)
    assert len(embedded) == BATCHES
    assert sum(embedded) == 70
    out, parts = tmp_path / "t", tmp_path / "t.parts"
    killed(3, out, backbone)
    assert not out.exists()
    assert len(list(parts.rglob("*.safetensors"))) == 3
    embedded.clear()
    run(out, backbone)
    assert len(embedded) == BATCHES - 6, "three shards of two batches"
    assert "24 of 70 samples were embedded before" in capsys.readouterr().out
    assert out.read_bytes() == (tmp_path / "straight").read_bytes()
    assert not parts.exists()


def test_killed_before_the_table_was_written_it_embeds_nothing(network, tmp_path, embedded, monkeypatch):
    def fail(self, path):
        raise Killed

    with monkeypatch.context() as patch:
        patch.setattr(EmbeddingTable, "save", fail)
        with pytest.raises(Killed):
            run(tmp_path / "t", f"--model.backbone={network}")
    embedded.clear()
    table = run(tmp_path / "t", f"--model.backbone={network}")
    assert embedded == []
    assert torch.equal(table.embedding, looped(network))


@pytest.mark.parametrize(
    "change",
    slow_but(
        ("--mirror=true", "network"),
        [
            "--mirror=true",
            "--data.init_args.mark=1",
            "--data.init_args.batch_size=3",
            "--trainer.precision=bf16-mixed",
            "--splits=[train,test]",
            "network",
        ],
    ),
)
def test_shards_of_other_settings_are_never_used(network, tmp_path, embedded, killed, change):
    first = f"--model.backbone={network}"
    killed(3, tmp_path / "t", first)
    embedded.clear()
    if change == "network":
        first, change = f"--model.backbone={write_network(network, seed=1)}", "--mirror=false"
    table = run(tmp_path / "t", first, change)
    assert sum(embedded) == len(table)
    assert not (tmp_path / "t.parts").exists(), "what the other settings left is gone too"


def test_a_damaged_shard_is_embedded_again(network, tmp_path, embedded, killed):
    killed(3, tmp_path / "t", f"--model.backbone={network}")
    shard = next((tmp_path / "t.parts").rglob("train_000000008.safetensors"))
    shard.write_bytes(shard.read_bytes()[:-1])
    embedded.clear()
    table = run(tmp_path / "t", f"--model.backbone={network}")
    assert len(embedded) == BATCHES - 4
    assert torch.equal(table.embedding, looped(network))


def test_a_finished_table_is_not_made_again_nor_another_replaced(network, tmp_path, embedded, capsys):
    out, backbone = tmp_path / "t", f"--model.backbone={network}"
    run(out, backbone)
    content = out.read_bytes()
    embedded.clear()
    run(out, backbone)
    assert embedded == []
    assert f"{out} was finished before, nothing to do" in capsys.readouterr().out
    arguments = [*NOISE, *QUIET, f"--out={out}", backbone, "--mirror=true"]
    assert exit_code_of(arguments) == 2
    assert "is of something else; replace it with --overwrite true" in capsys.readouterr().err
    assert out.read_bytes() == content
    assert exit_code_of([*arguments, "--overwrite=true"]) == 0
    assert EmbeddingTable.load(out).provenance["mirror"] == "true"
    out.write_text("notes")
    assert exit_code_of(arguments) == 2
    assert out.read_text() == "notes"


def test_mixed_precision_is_near_and_the_table_stays_in_32_bits(network, tmp_path):
    table = run(tmp_path / "t", f"--model.backbone={network}", "--trainer.precision=bf16-mixed")
    exact = looped(network)
    assert table.embedding.dtype == torch.float32
    assert table.provenance["precision"] == "bf16-mixed"
    assert not torch.equal(table.embedding, exact)
    assert torch.cosine_similarity(table.embedding, exact).min() > 0.999


@pytest.mark.slow
def test_loader_processes_change_nothing(network, tmp_path):
    table = run(tmp_path / "t", f"--model.backbone={network}", "--data.init_args.num_workers=2")
    assert torch.equal(table.embedding, looped(network))


def test_embeddings_that_are_not_finite_are_one_line(network, tmp_path, capsys, monkeypatch):
    def overflow(self, image):
        return torch.full((len(image), 3), float("inf")).masked_fill(torch.arange(len(image))[:, None] > 0, 1)

    monkeypatch.setattr("lightning_modules.training.base.FaceModule.embed", overflow)
    assert exit_code_of([*NOISE, *QUIET, f"--out={tmp_path / 't'}", f"--model.backbone={network}"]) == 2
    error = capsys.readouterr().err.splitlines()[-1]
    assert "2 of 8 embeddings of the train split" in error
    assert not (tmp_path / "t").exists()


def test_a_table_can_be_embedded_and_joins_what_it_was_made_of(network, tmp_path):
    before = run(tmp_path / "x", f"--model.backbone={network}")
    shuffled = before.take(torch.randperm(70, generator=torch.Generator().manual_seed(0)))
    shuffled.save(tmp_path / "x")
    module = SensitiveNets(
        attributes={name: list(classes) for name, classes in before.attributes.items()},
        sensitive="gender",
        target="male",
        width=5,
        backbone="precomputed",
        backbone_options={"num_features": 8},
    )
    path = write_checkpoint(module, tmp_path / "run")
    data = ["--data=datamodules.embeddings.Embeddings", f"--data.init_args.table={tmp_path / 'x'}"]
    embed.main([*data, *QUIET, f"--ckpt={path}", f"--out={tmp_path / 'phi'}"])
    after = EmbeddingTable.load(tmp_path / "phi")
    x, phi = join(shuffled, after)
    assert len(x) == len(phi) == 70
    torch.testing.assert_close(phi.embedding, module.eval().embed(x.embedding))
    assert torch.equal(phi.labels["gender"], x.labels["gender"])
    assert torch.equal(phi.split, x.split)
    says = after.provenance
    assert (says["model"], says["source/model"]) == ("SensitiveNets", "mine.safetensors")
    assert all(says[name] == before.provenance[name] for name in ("data", "dataset", "splits"))
    assert (says["mirror"], says["source/mirror"]) == ("false", "false")
    other = run(tmp_path / "other", f"--model.backbone={network}", "--data.init_args.mark=1")
    with pytest.raises(DatasetError, match="70 sample ids match, of 70 and 70, but the fingerprints"):
        join(other, after)


DATASETS = [path.stem for path in sorted(CONFIGS.glob("data/*.yaml")) if path.stem != "two_streams"]


@pytest.mark.parametrize("name", slow_but("celeba", DATASETS))
def test_every_dataset_embeds_with_names_that_last(name, network, tmp_path, dataset_tree):
    where = "table" if name == "embeddings" else "root"
    root = dataset_tree(name)
    data = [f"--config=data/{name}.yaml", f"--data.init_args.{where}={root}"]
    if name == "synthetic_faces":
        data = [
            f"--config=data/{name}.yaml",
            "--data.init_args.size=32",
            "--data.init_args.images_per_identity=6",
        ]
        data += [f"--data.init_args.{split}_identities=12" for split in SPLITS]
    model = [f"--model.backbone={network}"]
    if name == "embeddings":
        model = ["--model.backbone=precomputed", "--model.options={num_features: 32}"]
    embed.main([*data, *model, *QUIET, f"--out={tmp_path / 't'}"])
    table = EmbeddingTable.load(tmp_path / "t")
    assert len(np.unique(table.sample_id)) == len(table)
    assert set(table.split.tolist()) == {0, 1, 2}
    assert not any(str(tmp_path) in x for x in [*table.sample_id.tolist(), *table.provenance.values()])
    if name in ("celeba", "cfee", "diveface", "lfw", "manifest", "posed_expressions", "utkface"):
        files = {path.relative_to(root).as_posix() for path in root.rglob("*") if path.is_file()}
        assert all(any(file.endswith(i) for file in files) for i in table.sample_id.tolist())


def test_training_images_are_not_augmented(network, celeba_tree, tmp_path):
    data = ["--config=data/celeba.yaml", f"--data.init_args.root={celeba_tree}", "--splits=[train]"]
    for augment in ("true", "false"):
        more = [f"--data.init_args.augment={augment}", f"--model.backbone={network}"]
        embed.main([*data, *QUIET, *more, f"--out={tmp_path / augment}"])
    assert (tmp_path / "true").read_bytes() == (tmp_path / "false").read_bytes()


@pytest.mark.parametrize("name", ["cpu", "gpu", "ddp"])
def test_the_configurations_of_machines_are_understood(name):
    path = CONFIGS / "hardware" / f"{name}.yaml"
    config = parse_job(make_parser(), ["--config=embed.yaml", f"--config={path}", *NOISE, "--out=t"])
    assert config.trainer.precision == yaml.safe_load(path.read_text())["trainer"]["precision"]


def test_the_configuration_holds_the_defaults_and_its_command():
    text = (CONFIGS / "embed.yaml").read_text()
    assert "python recipes/embed.py --config embed.yaml" in text
    plain, with_file = (
        parse_job(make_parser(), [*arguments, *NOISE, "--out=t"])
        for arguments in ([], ["--config=embed.yaml"])
    )
    for name in yaml.safe_load(text):
        assert plain[name] == with_file[name]


def test_help_says_what_there_is(capsys):
    with pytest.raises(SystemExit) as stopped:
        embed.main(["--help"])
    assert stopped.value.code == 0
    printed = " ".join(capsys.readouterr().out.split())
    for words in (
        "--ckpt",
        "--model.backbone",
        "resumes an interrupted run",
        "--mirror",
        "Some of train, val, test",
    ):
        assert words in printed


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "give either a checkpoint (--ckpt) or a bare backbone"),
        (["--ckpt=a.ckpt", "--model.backbone=b"], "give either a checkpoint"),
        (["--ckpt=none.ckpt"], "there is no checkpoint none.ckpt"),
        (["--model.backbone=resnet999"], "resnet999"),
        (["--model.backbone=precomputed", "--model.options={num_features: 3}", "--mirror=true"], "mirrored"),
        (
            ["--model.backbone=precomputed", "--model.options={num_features: 3}"],
            "reads the batch's embedding",
        ),
        (["--splits=[dev]"], "splits"),
        (["--splits=[]"], "no sample in no split"),
        (["--shard_size=0"], "shard_size"),
        (["--model.backbone=synthetic_recogniser", "--out=/dev/null/t"], "/dev/null is no folder"),
        (["--trainer.precision=17"], "17"),
        (["--trainer.accelerator=abacus"], "abacus"),
    ],
)
def test_mistakes_are_one_line(arguments, message, tmp_path, capsys):
    arguments = ["--trainer.accelerator=cpu", *arguments]
    quiet = ["--trainer.enable_progress_bar=false", f"--out={tmp_path / 't'}"]
    assert exit_code_of([*NOISE, *quiet, *arguments]) == 2  # the last --out counts
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error: ")]
    assert message in line
    assert not any(tmp_path.iterdir())


@pytest.mark.slow
def test_a_job_that_the_system_kills_goes_on_in_two_processes(network, tmp_path):
    recipe = [sys.executable, "recipes/embed.py", *NOISE, f"--model.backbone={network}", "--shard_size=4"]
    recipe += ["--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false"]
    options = {
        "cwd": Path(__file__).parents[2],
        "env": os.environ | {"OMP_NUM_THREADS": "1", "PYTHONPATH": "."},
    }
    job = subprocess.Popen(
        [*recipe, f"--out={tmp_path / 't'}", "--data.init_args.pause=0.5"], start_new_session=True, **options
    )
    end = time.monotonic() + 200
    while len(list(tmp_path.rglob("t.parts/*/*.safetensors"))) < 3:
        assert time.monotonic() < end
        time.sleep(0.05)
    os.killpg(job.pid, signal.SIGKILL)
    assert job.wait() == -signal.SIGKILL
    assert not (tmp_path / "t").exists()
    more = ["--trainer.devices=2", "--trainer.strategy=ddp"]
    done = subprocess.run(
        [*recipe, f"--out={tmp_path / 't'}", *more], check=True, capture_output=True, text=True, **options
    )
    assert "samples were embedded before" in done.stdout
    run(tmp_path / "straight", f"--model.backbone={network}", "--shard_size=4")
    assert (tmp_path / "t").read_bytes() == (tmp_path / "straight").read_bytes()


@pytest.mark.slow
def test_processes_end_when_another_run_finishes_the_table(network, tmp_path, in_processes, capsys):
    backbone = f"--model.backbone={network}"
    run(tmp_path / "t", backbone)
    before = (tmp_path / "t").read_bytes()
    in_processes()
    # the table is there from the first look on, so that the processes must agree on having nothing to do
    run(tmp_path / "t", backbone)
    assert "was finished before, nothing to do" in capsys.readouterr().out
    assert (tmp_path / "t").read_bytes() == before
    assert [path.name for path in tmp_path.glob("t*")] == ["t"]


def test_a_second_run_for_one_table_is_refused(network, tmp_path, monkeypatch):
    backbone, original = f"--model.backbone={network}", EmbeddingJob._write
    refused = []

    def meanwhile(self, shard, embedding):
        if not refused:
            with monkeypatch.context() as patch:
                patch.setattr(EmbeddingJob, "_write", original)
                with pytest.raises(DatasetError, match="another process is preparing it") as error:
                    run(tmp_path / "t", backbone)
            refused.append(str(error.value))
        original(self, shard, embedding)

    monkeypatch.setattr(EmbeddingJob, "_write", meanwhile)
    table = run(tmp_path / "t", backbone, "--shard_size=8")
    assert len(refused) == 1
    assert torch.equal(table.embedding, looped(network, False))
    assert [path.name for path in tmp_path.glob("t*")] == ["t"]
