"""Options and their values among the words of a command line: `--option value` or `--option=value`."""

from collections.abc import Callable, Iterator, Sequence
from itertools import zip_longest

CONFIG_OPTIONS = ("--config", "-c")


def given_options(words: Sequence[str]) -> Iterator[tuple[str, str | None]]:
    """Yield each word as an option with its value, which follows it; None after the last word."""
    for word, following in zip_longest(words, words[1:]):
        option, equals, value = word.partition("=")
        yield option, value if equals else following


def config_files(words: Sequence[str]) -> list[str]:
    """List the values of `--config` and `-c`."""
    return [value for option, value in given_options(words) if option in CONFIG_OPTIONS and value is not None]


def with_values(words: Sequence[str], change: Callable[[str, str], str | None]) -> list[str]:
    """Replace the value of each option by `change(option, value)`, where that is not None."""
    result = list(words)
    for place, (option, value) in enumerate(given_options(words)):
        new = None if value is None else change(option, value)
        if new is not None and "=" in words[place]:
            result[place] = f"{option}={new}"
        elif new is not None:
            result[place + 1] = new
    return result
