"""Reproductions: what runs, in which order, what is done already, and how mistakes are told."""

import json
import shlex
from pathlib import Path

import pytest
import yaml

from evaluation.reproduction.published import Published
from recipes import reproduce
from recipes.command_line.config_lookup import CONFIGS
from recipes.command_line.usage_error import UsageError
from recipes.reproducing import reproduce_keys
from recipes.reproducing.reproduce_keys import job_keys
from recipes.reproducing.reproduce_plan import plan_jobs
from recipes.reproducing.reproduce_study import Step
from recipes.runs.folder_lock import folder_lock
from tests.support import toy
from tests.support.embedding_tree import write_embeddings
from tests.support.marks import slow_but
from tests.support.small_study import DATASETS, PUBLISHED, STEPS, run

SMALL = {"channels": [8, 8, 8, 8], "stem_width": 8, "input_size": 32, "act_layer": "leaky_relu"}


def ran(study: Path) -> list[str]:
    """Return the commands that ran since the last call."""
    file = study / "recipes" / "ran.txt"
    lines = file.read_text().splitlines() if file.exists() else []
    file.unlink(missing_ok=True)
    return lines


def keys(datasets=DATASETS, steps=STEPS, seeds=(0, 1)) -> dict:
    made = {name: Step(**step) for name, step in steps.items()}
    return job_keys(plan_jobs(made, datasets, seeds, ["look"]))


def test_everything_runs_once_in_order_with_its_inputs(study, capsys) -> None:
    assert run() == 0
    lines = ran(study)
    assert [line.split()[0] for line in lines] == [
        "embed",
        "train",
        "embed",
        "audit",
        "train",
        "embed",
        "audit",
    ]
    (x,) = (study / "out" / "steps").glob("x-*")
    assert lines[0].startswith(f"embed --config faces.yaml --root faces --out={x}/table.safetensors")
    assert f"--table {x}/table.safetensors --width 12 --seed 0" in lines[1]
    phi = lines[2].split()
    assert phi[phi.index("--ckpt") + 1].endswith("checkpoints/best.ckpt")
    assert "--seed 1" in lines[4]
    printed = capsys.readouterr().out
    assert "2/7 train sn, seed 0: " in printed
    page = (study / "out" / "page.md").read_text()
    assert "Made." in page
    assert "| recipes/train.py --table steps/x-" in page
    assert str(study) not in page
    assert (study / "out" / "page.html").exists()
    assert run() == 0
    assert ran(study) == []
    assert capsys.readouterr().out.count("done before") == 7
    assert run("--seeds=[1,2]") == 0
    assert [line.split()[0] for line in ran(study)] == ["train", "embed", "audit"], "one seed is new"


def test_what_failed_runs_again_alone_and_goes_on(study, capsys) -> None:
    broken = study / "recipes" / "break_train"
    broken.touch()
    assert run("--seeds=[0]") == 2
    (line,) = capsys.readouterr().err.splitlines()
    (log,) = (study / "out" / "steps").glob("sn-*/log.txt")
    end = "in the middle | Warning: odd | error: out of luck"
    assert line == f"error: train sn, seed 0: exit code 1; {log} ends with: {end}"
    assert log.read_text().startswith("$ ")
    assert not (log.parent / "done.json").exists()
    assert len(ran(study)) == 2
    broken.unlink()
    assert run("--seeds=[0]") == 0
    lines = ran(study)
    assert [line.split()[0] for line in lines] == ["train", "embed", "audit"]
    assert lines[0].split()[-1] == "--resume=auto"


def test_a_dry_run_prints_what_is_to_do_and_runs_nothing(study, capsys) -> None:
    assert run("--dry_run=true") == 0
    printed = capsys.readouterr().out
    assert printed.count("to do") == 7
    assert "--table '{x.table}'" in printed
    assert not (study / "out").exists()
    assert run() == 0
    capsys.readouterr()
    ran(study)
    assert run("--dry_run=true", "--seeds=[0,2]") == 0
    printed = capsys.readouterr().out
    assert printed.count("done before") == 4
    assert printed.count("to do") == 3
    assert "/table.safetensors --width 12 --seed 2" in printed, "of what is done the outputs are known"
    assert ran(study) == []


def test_equal_steps_are_one_whatever_they_are_called(study) -> None:
    twice = {
        "y": STEPS["x"],
        "look": {**STEPS["look"], "args": ["--before", "x={x.table}", "--after", "sn={y.table}"]},
    }
    Path("more.yaml").write_text(yaml.safe_dump({"steps": twice}))
    assert run("--config=more.yaml", "--seeds=[0]") == 0
    assert [line.split()[0] for line in ran(study)] == ["embed", "audit"]


def test_a_configuration_replaces_datasets(study) -> None:
    Path("faces2.yaml").write_text("size: 4\n")
    Path("more.yaml").write_text("datasets: {faces: [--config, faces2.yaml]}\ndeviations: [Others.]\n")
    assert run("--config=more.yaml", "--seeds=[0]") == 0
    assert ran(study)[0].startswith("embed --config faces2.yaml --out=")
    text = (study / "out" / "page.md").read_text()
    assert "Made." in text
    assert "Others." in text


METRICS = {
    "title": "Accuracy", "columns": {"accuracy": {"title": "accuracy", "metric": "test/accuracy"}},
    "rows": [{"id": "sn", "title": "φ_SN", "step": "sn", "published": {"accuracy": 76.23}}],
}  # fmt: skip


def test_rows_are_read_from_trainings_without_audits(study) -> None:
    Path("trained.yaml").write_text(
        yaml.safe_dump({"name": "trained", "title": "T", "source": "S", "metrics": [METRICS]})
    )
    assert run("--published=trained.yaml") == 0
    assert [line.split()[0] for line in ran(study)] == ["embed", "train", "train"]
    text = (study / "out" / "trained.md").read_text()
    assert "| φ\\_SN | 76.23 | 75.00 ± 0.00 |" in text
    (score,) = json.loads((study / "out" / "trained.json").read_text())["metrics"]
    assert score == {"row": "sn", "column": "accuracy", "values": [75, 75]}


def test_two_reproductions_do_not_share_a_folder(study, capsys) -> None:
    with folder_lock(study / "out", "reproduction"):
        assert run() == 2
        assert run("--dry_run=true") == 0, "which writes nothing"
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith(f"error: another reproduction works in {study / 'out'}")
    assert ran(study) == []


def test_data_that_the_study_does_not_know_are_refused(study, capsys) -> None:
    assert run("--datasets={digits: [--root, mnist], x: []}") == 2
    error = capsys.readouterr().err
    assert "digits, x" in error
    assert "its data are faces" in error


def test_keys_change_with_arguments_and_with_those_of_inputs(study, monkeypatch) -> None:
    before = keys()
    assert keys() == before
    assert len(set(before.values())) == 7, "seeds have keys of their own"
    changed = {name: dict(step) for name, step in STEPS.items()}
    changed["sn"]["args"] = [*changed["sn"]["args"], "--layers", "1"]
    assert {i for i, key in keys(steps=changed).items() if key != before[i]} == before.keys() - {("x", None)}
    moved = {"faces": ["--config", "faces.yaml", "--root", "elsewhere"]}
    assert not set(keys(datasets=moved).values()) & set(before.values())
    Path("faces.yaml").write_text("# in other words\nsize:   3\n")
    assert keys() == before, "a comment changes nothing"
    Path("faces.yaml").write_text("size: 4\n")
    assert not set(keys().values()) & set(before.values())
    Path("faces.yaml").write_text("size: 3\n")
    of_training = lambda recipe: "new" if recipe == "train" else "old"  # noqa: E731
    monkeypatch.setattr(reproduce_keys, "recipe_digest", lambda recipe: "old")
    old = keys()
    monkeypatch.setattr(reproduce_keys, "recipe_digest", of_training)
    assert {i for i, key in keys().items() if key != old[i]} == before.keys() - {("x", None)}


def test_a_file_counts_by_its_content_wherever_it_is(study) -> None:
    def key(path: str) -> str:
        return keys(datasets={"faces": [f"--weights={path}"]})["x", None]

    for name, content in {"a.onnx": b"one", "b.onnx": b"one", "c.onnx": b"two"}.items():
        Path(name).write_bytes(content)
    assert key("a.onnx") == key("b.onnx") != key("c.onnx")
    Path("a.onnx").write_bytes(b"two")
    assert key("a.onnx") == key("c.onnx")


@pytest.mark.parametrize(
    ("steps", "message"),
    [
        ({"x": {"args": ["{facse}"]}}, "step x: {facse} in '{facse}' means nothing; there are {faces}"),
        ({"x": {"args": ["{seed}"]}}, "step x: {seed} in '{seed}' means nothing; there are {faces}"),
        ({"sn": {"args": ["a{faces}"]}}, "step sn: {faces} in 'a{faces}' means nothing"),
        ({"sn": {"args": ["{y.table}"]}}, "step sn: there is no step 'y'; there are look, phi, sn, x"),
        ({"sn": {"args": ["{x.checkpoint}"]}}, "step sn: embed gives no 'checkpoint' of x; it gives table,"),
        ({"x": {"args": ["{phi.table}"], "for_each": "seeds"}}, "each other: look -> x -> phi -> sn -> x"),
        ({"look": {"for_each": None}}, "step look runs once, but phi runs for each seed"),
    ],
)  # fmt: skip
def test_words_that_mean_nothing_are_named(steps, message) -> None:
    made = {name: Step(**{**step, **steps.get(name, {})}) for name, step in STEPS.items()}
    with pytest.raises(UsageError) as error:
        plan_jobs(made, DATASETS, [0], ["look"])
    assert message in str(error.value)


VARIED = {
    "x": {"recipe": "train", "for_each": ["size", "seeds"], "args": ["{given}", "--seed={seed}"]},
    "y": {"recipe": "train", "for_each": ["size", "depth"],
          "args": ["--from={z.checkpoint}", "--deep={depth}"]},
    "z": {"recipe": "train", "for_each": "size", "args": ["--size=0.{size}"]},
}  # fmt: skip


def test_a_step_runs_for_each_value_of_its_variants() -> None:
    steps = {name: Step(**step) for name, step in VARIED.items()}
    datasets = {"given": ["--start={z.checkpoint}", "--size={size}"]}
    variants = {"size": ["1", "2"], "depth": ["low", "high"]}
    jobs = plan_jobs(steps, datasets, [3, 4], ["x_2", "y_1_low"], variants)
    assert {job.id: job.args for job in jobs} == {
        ("z_2", None): ("--size=0.2",),
        ("x_2", 3): ("--start={z_2.checkpoint}", "--size=2", "--seed=3"),
        ("z_1", None): ("--size=0.1",),
        ("y_1_low", None): ("--from={z_1.checkpoint}", "--deep=low"),
        ("x_2", 4): ("--start={z_2.checkpoint}", "--size=2", "--seed=4"),
    }
    assert {job.step: [*job.needs] for job in jobs} == {
        "z_1": [],
        "z_2": [],
        "x_2": ["z_2"],
        "y_1_low": ["z_1"],
    }


@pytest.mark.parametrize(
    ("step", "variants", "message"),
    [
        ({"for_each": "siez"}, {"size": ["1"]}, "step x: for_each names 'siez'; there are seeds, size"),
        ({"for_each": "seeds"}, {"size": ["1"]}, "step x: z runs for each size: give x the same for_each"),
        (
            {"args": ["{depth}"]},
            {"size": ["1"]},
            "{depth} in '{depth}' means nothing; there are {size}, {seed}",
        ),
        ({}, {"size": ["0.1"]}, "variant size: '0.1' must be letters, digits or _, as it names steps"),
    ],
)
def test_mistakes_in_variants_are_named(step, variants, message) -> None:
    steps = {"x": {**VARIED["x"], "args": ["{z.checkpoint}"], **step}, "z": VARIED["z"]}
    with pytest.raises(UsageError) as error:
        plan_jobs({name: Step(**x) for name, x in steps.items()}, {}, [0], ["x_1"], variants)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--config=paper/on_substitutes.yaml"], "Environment variable 'FACE_DATA_ROOT' not found"),
        (["--published=faces.yaml"], "faces.yaml: "),
        (["--study=paper/studdy"], "no configuration file 'paper/studdy'"),
        (["--steps={x: {recipe: bake, args: []}}"], "bake"),
    ],
)
def test_mistakes_are_one_line(study, capsys, monkeypatch, more, message) -> None:
    monkeypatch.delenv("FACE_DATA_ROOT", raising=False)
    assert run(*more) == 2
    (line,) = [x for x in capsys.readouterr().err.splitlines() if x.startswith("error")]
    assert message in line


PAGES = [path.stem for path in sorted((CONFIGS / "paper").glob("*.yaml")) if "\nstudy: " in path.read_text()]
EMOTION_BLIND = ["table_4_1", "figure_4_1", "figure_4_2", "figure_4_3", "figure_4_4", "table_4_2"]
DATA = [path.stem for path in sorted((CONFIGS / "paper").glob("on_*.yaml"))]


@pytest.mark.parametrize("name", [*PAGES, *DATA])
def test_every_configuration_names_its_command(name) -> None:
    path = CONFIGS / "paper" / f"{name}.yaml"
    lines = path.read_text().splitlines()
    assert len(lines) <= 40
    commands = [line for line in lines if line.startswith("#   ")]
    assert any("python recipes/reproduce.py" in x and f"paper/{name}.yaml" in x for x in commands)


@pytest.mark.slow
@pytest.mark.parametrize("name", PAGES)
def test_every_page_is_planned(name, tmp_path) -> None:
    config, published = reproduce.read_options([f"--config=paper/{name}.yaml"])
    jobs = plan_jobs(config.steps, config.datasets, config.seeds, published.steps, config.variants)
    shared = {"crop_expressions", "x_expressions", "sn", "lntl"} if name in EMOTION_BLIND else set()
    assert {job.step for job in jobs} >= shared | {*published.steps}
    assert len(set(job_keys(jobs).values())) == len(jobs)


@pytest.mark.slow
def test_figures_share_the_steps_of_the_table() -> None:
    def of(name: str) -> set[str]:
        config, published = reproduce.read_options([f"--config=paper/{name}", "--config=paper/on_synthetic"])
        return set(job_keys(plan_jobs(config.steps, config.datasets, config.seeds, published.steps)).values())

    table = of("table_4_1")
    for name in {*EMOTION_BLIND} - {"table_4_1", "table_4_2"}:
        assert of(name) < table
    assert len(table & of("table_4_2")) == 4, "what SensitiveNets reads, and both trainings"


def test_a_page_trains_for_the_rows_of_its_published_file_alone(tmp_path) -> None:
    given = ["--config=paper/colored_mnist.yaml", "--config=paper/on_small.yaml"]
    config, published = reproduce.read_options(given)
    study = (config.steps, config.datasets, config.seeds)
    steps = {job.step for job in plan_jobs(*study, published.steps, config.variants)}
    methods = ("baseline", "lntl", "whole_image", "blind_eye")
    assert steps == {f"{method}_{v:03d}" for method in methods for v in range(20, 55, 5)}
    said = yaml.safe_load((CONFIGS / "paper" / "published" / "colored_mnist.yaml").read_text())
    (table,) = said["metrics"]
    said |= {"metrics": [{**table, "rows": table["rows"][2:3]}], "claims": []}
    Path(tmp_path / "one.yaml").write_text(yaml.safe_dump(said))
    config, published = reproduce.read_options([*given, f"--published={tmp_path / 'one.yaml'}"])
    (baseline, lntl) = plan_jobs(*study, ["lntl_030"], config.variants)
    assert lntl.needs == {"baseline_030": baseline}
    assert published.steps == ["baseline_030", "blind_eye_030", "lntl_030", "whole_image_030"]


def test_drawn_faces_are_no_digits() -> None:
    with pytest.raises(UsageError, match="colored_mnist.yaml has nothing of what is to be replaced: faces"):
        reproduce.read_options(["--config=paper/colored_mnist.yaml", "--config=paper/on_synthetic.yaml"])


@pytest.mark.slow
def test_deviations_of_a_page_and_of_its_data_are_both_said(tmp_path) -> None:
    (tmp_path / "page.yaml").write_text("deviations: [Of the page.]\n")
    configs = ["paper/table_4_2.yaml", str(tmp_path / "page.yaml"), "paper/on_synthetic.yaml"]
    config, _ = reproduce.read_options([f"--config={name}" for name in configs])
    said = " ".join(config.deviations)
    assert all(
        words in said for words in ("has three linear layers", "Of the page.", "Nothing is a photograph")
    )


def test_commands_can_be_pasted(study, capsys) -> None:
    run("--dry_run=true", "--seeds=[0]")
    commands = [line.strip() for line in capsys.readouterr().out.splitlines() if line.startswith("    ")]
    assert all(Path(shlex.split(command)[1]).is_file() for command in commands)


@pytest.mark.slow
def test_a_head_learns_on_a_biased_sample_of_a_table(tmp_path, monkeypatch) -> None:
    table = write_embeddings(tmp_path / "table.safetensors", per_split=96)
    configs = ["attractiveness.yaml", "paper/study/head_on_a_table.yaml", "sample/biased_70.yaml"]
    study, _ = reproduce.read_options(["--config=paper/table_4_2.yaml"])
    toy.run(
        monkeypatch,
        *(f"--config={name}" for name in configs),
        *study.datasets["auc_by_smiling"],
        *(f"--data.init_args.{name}_sample.n=40" for name in ("train", "test")),
        f"--data.init_args.table={tmp_path / 'table.safetensors'}",
        f"--model.init_args.backbone_options.num_features={table.embedding.shape[1]}",
        f"--trainer.default_root_dir={tmp_path / 'runs'}",
        "--data.init_args.batch_size=8",
        "--trainer.max_epochs=2",
        *toy.QUIET,
    )
    folder = toy.only_run(tmp_path / "runs")
    results = json.loads((folder / "results.json").read_text())
    asked = {
        column.metric for table in read_published("table_4_2").metrics for column in table.columns.values()
    }
    assert asked <= results.keys()
    assert results["test/n/smiling=yes"] == results["test/n/smiling=no"] == 20


def read_published(name: str) -> Published:
    return Published.parse(yaml.safe_load((CONFIGS / "paper" / "published" / f"{name}.yaml").read_text()))


@pytest.mark.slow
def test_the_real_recipes_from_drawn_faces_to_the_page(tmp_path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    people = [f"--data.init_args.{split}_identities=12" for split in ("train", "val", "test")]
    faces = ["--config", "data/synthetic_faces.yaml", *people, "--data.init_args.images_per_identity=6"]
    network = [
        "--model.backbone",
        "resnet10t",
        "--model.weights",
        "random",
        "--model.options",
        json.dumps(SMALL),
    ]
    tables = ["{x.table}", "{x.table}"]
    streams = [f"--data.init_args.{name}.init_args" for name in ("identity", "sensitive")]
    steps = {
        "x": {"recipe": "embed", "args": ["--config", "embed.yaml", "{faces}", *network]},
        "sn": {"recipe": "train", "for_each": "seeds", "args": [
            "--config", "sensitivenets.yaml", "--config", "paper/study/two_tables.yaml",
            *(f"{stream}.table={table}" for stream, table in zip(streams, tables, strict=True)),
            *(f"{stream}.batch_size=16" for stream in streams), "--seed_everything", "{seed}",
            "--model.init_args.backbone_options.num_features", "{x.features}", "--trainer.max_epochs", "2",
            "--model.init_args.steps_per_round=2", "--model.init_args.classifier_steps=2"]},
        "phi": {"recipe": "embed", "for_each": "seeds", "args": [
            "--config", "embed.yaml", "--ckpt", "{sn.checkpoint}", "--config", "data/embeddings.yaml",
            "--data.init_args.table", "{x.table}"]},
        "look": {"recipe": "audit", "for_each": "seeds", "args": [
            *STEPS["look"]["args"], "--config", "audit/quick.yaml", "--sensitive", "emotion", "--attackers",
            "[mlp]", "--permutations=0", "--information=false", "--suppression_draws=0", "--tsne=0"]},
    }  # fmt: skip
    Path("study.yaml").write_text(yaml.safe_dump({"datasets": {"faces": faces}, "steps": steps}))
    Path("published.yaml").write_text(yaml.safe_dump(PUBLISHED))
    assert run("--seeds=[3]") == 0
    (score,) = (
        x for x in json.loads(Path("out/page.json").read_text())["scores"]
        if (x["representation"], x["scaling"]) == ("sn", "standardised")
    )  # fmt: skip
    assert score["readings"][0]["n"] == 24 * 6
    assert (tmp_path / "out" / "page.html").exists()


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("content", slow_but("{", ["", "{", "[]", "{}"]))
def test_a_damaged_note_of_a_step_makes_that_step_go_on(content, study):
    assert run("--seeds=[0]") == 0
    ran(study)
    (done,) = (study / "out" / "steps").glob("sn-*/done.json")
    whole = json.loads(done.read_text())["outputs"].keys()
    done.write_text(content)
    assert run("--seeds=[0]") == 0
    assert [line.split()[0] for line in ran(study)] == ["train"]
    assert json.loads(done.read_text())["outputs"].keys() == whole


@pytest.mark.filterwarnings("ignore::UserWarning")
@pytest.mark.parametrize("name", ["look-*/audit/numbers.json"])
def test_a_damaged_output_of_a_step_is_one_line(name, study, capsys):
    assert run("--seeds=[0]") == 0
    (file,) = (study / "out" / "steps").glob(name)
    file.write_text("{")
    assert run("--seeds=[0]") == 2
    error = capsys.readouterr().err
    assert f"error: {file} is damaged" in error
    assert "Traceback" not in error
