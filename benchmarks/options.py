"""Command lines of the benchmarks."""

from argparse import ArgumentParser, RawDescriptionHelpFormatter


def make_parser(about: str | None, *, rounds: int | None = None) -> ArgumentParser:
    """Build the parser of a benchmark.

    Args:
        about: description, as it is laid out.
        rounds: default of `--rounds`; None for a benchmark without rounds.
    """
    parser = ArgumentParser(description=about, formatter_class=RawDescriptionHelpFormatter)
    if rounds is not None:
        parser.add_argument("--rounds", type=int, default=rounds, help="repetitions (default: %(default)s)")
    return parser
