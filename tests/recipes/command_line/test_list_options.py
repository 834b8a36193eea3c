from typing import Literal

import pytest
from jsonargparse.typing import PositiveInt

from recipes.audit import make_parser
from recipes.command_line.list_options import bracket_lists, is_list_of_words


@pytest.mark.parametrize("hint", [list[str], list[int] | None, list[Literal["a", "b"]], list[PositiveInt]])
def test_lists_of_words_and_numbers(hint):
    assert is_list_of_words(hint)


@pytest.mark.parametrize("hint", [str, list[str] | str, list[list[str]], dict[str, str], None, list[dict]])
def test_what_may_be_meant_as_a_text_or_holds_more_is_left_alone(hint):
    assert not is_list_of_words(hint)


@pytest.mark.parametrize("form", ["linear,mlp", "[linear,mlp]", "[linear, mlp]"])
def test_commas_and_brackets_are_the_same_list(form):
    audit = make_parser().parse_args(["--before=x", "--out=y", "--attackers", form, f"--sensitive={form}"])
    assert audit.attackers == ["linear", "mlp"]
    assert audit.sensitive == ["linear", "mlp"]


def test_one_word_is_a_list_and_null_is_none():
    audit = make_parser().parse_args(["--before=x", "--out=y", "--splits=val", "--sensitive=null"])
    assert (audit.splits, audit.sensitive) == (["val"], None)


def test_the_lists_of_a_dataset_are_known_by_its_class(tmp_path):
    (tmp_path / "data.yaml").write_text("data: {class_path: datamodules.celeba.CelebA}")
    words = [f"--config={tmp_path / 'data.yaml'}", "--data.init_args.root", "a,b"]
    assert bracket_lists(words, {}) == words, "root is a text"
