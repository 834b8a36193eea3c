"""Report errors that the user can correct in one line on stderr with an exit code, without a traceback."""

import errno
import os
import re
import signal
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NoReturn

from pytorch_lightning.cli import LightningArgumentParser
from pytorch_lightning.utilities.exceptions import MisconfigurationException

from callbacks.finite_loss import NonFiniteLossError
from datamodules.errors import DatasetError, visible
from recipes.command_line.class_names import spell_out_classes
from recipes.command_line.exit_codes import INTERRUPTED, TERMINATED
from recipes.command_line.list_options import bracket_lists
from recipes.command_line.output_path import checked_output
from recipes.command_line.suggestions import with_suggestion
from recipes.command_line.usage_error import UsageError
from storage.checkpoints import WeightsError
from storage.json_file import DamagedFileError

_ON_A_DISK = (
    *(errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EROFS, errno.EACCES, errno.EPERM),
    *(errno.ENOTDIR, errno.EISDIR, errno.ENAMETOOLONG, errno.EIO),
)
"""Errors that a user can correct; a missing file or a closed pipe would be our mistake."""


def one_line(message: str) -> str:
    """Shorten a message of jsonargparse of several lines: where, the innermost reason, and the value given.

    By hand, because jsonargparse offers no structured error: the message lists every member of a union of
    types that failed, and only its text tells which one was meant.
    """
    lines = [line.rstrip() for line in message.splitlines() if line.strip()]
    noise = re.compile(
        r"\s*-? ?(Expected a <class 'NoneType'>|Subtypes:|Given value|Errors:|Problem with given.*:$)"
    )
    reasons = [x for x in lines if not noise.match(x) and not x.endswith("of the Union subtypes")]
    reasons = [x for x in reasons if not x.startswith(("Parser key", "Validation failed"))] or lines
    if not any(x.lstrip().startswith("- ") for x in lines):
        return " ".join(x.strip() for x in lines)
    depth = max(len(x) - len(x.lstrip(" -")) for x in reasons)
    innermost = [x.strip(" -") for x in reasons if len(x) - len(x.lstrip(" -")) == depth]
    given = re.search(r"given class_path '([^']+)'", message)
    key = re.search(r'[Kk]ey "([^"]+)"', message[given.end() :] if given else message)
    value = re.search(r"Given value: (?!NestedArg|Namespace)(.*)", message)
    text = "; ".join(dict.fromkeys(innermost))
    for where in (key, given):
        text = f"{where.group(1)}: {text}" if where and where.group(1) not in text else text
    return f"{text} (given: {value.group(1)[:80]})" if value else text


class RecipeParser(LightningArgumentParser):
    """Parser that reports errors of the command line and of configurations in one line, exit code 2."""

    def error(self, message: str, ex: Exception | None = None) -> NoReturn:
        """Print the reason, without the page of usage that argparse would print first."""
        if not self.exit_on_error:  # one member of a union of types is being tried
            super().error(message, ex)
        text = with_suggestion(one_line(message), [action.dest for action in self._actions])
        print(f"error: {visible(text)}  (--help lists the options)", file=sys.stderr)
        sys.exit(2)

    def parse_args(  # type: ignore[override]  # jsonargparse's has more arguments than argparse's
        self, args: Sequence[str] | None = None, *rest: Any, **options: Any
    ) -> Any:
        """Parse; `a,b` means the list `[a,b]`, and methods and datasets may be given by their bare names."""
        words = sys.argv[1:] if args is None else list(args)
        words = spell_out_classes(words, self._option_string_actions)
        hints = {action.dest: getattr(action, "_typehint", None) for action in self._actions}
        return super().parse_args(bracket_lists(words, hints), *rest, **options)


class Stopped(SystemExit):
    """A signal asks the process to end; `code` is the exit code for that signal.

    Args:
        code: exit code of the process.
        after: what the user can do next; None: what the recipe says in general.
    """

    def __init__(self, code: int, after: str | None = None) -> None:
        super().__init__(code)
        self.after = after


@contextmanager
def stopped_by_signals() -> Iterator[None]:
    """Raise `Stopped` at SIGTERM and Ctrl-C, unless other handlers are installed already."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    process = os.getpid()
    earlier: dict[signal.Signals, Any] = {}
    own: dict[signal.Signals, Any] = {
        signal.SIGTERM: signal.SIG_DFL,
        signal.SIGINT: signal.default_int_handler,
    }

    def stop(number: int, frame: object) -> None:
        signal.signal(number, signal.SIG_DFL)  # a second one ends the process as it is
        if os.getpid() == process:
            raise Stopped(128 + number)
        signal.raise_signal(number)  # a worker, which inherits this

    for number, handler in own.items():
        if signal.getsignal(number) == handler:
            earlier[number] = signal.signal(number, stop)
    try:
        yield
    finally:
        for number, before in earlier.items():
            signal.signal(number, before)


def report_errors(main: Callable[[], None], after: str = "run the same command again") -> None:
    """Run a recipe; report errors that the user can correct in one line on stderr, with exit code 2.

    SIGTERM and Ctrl-C end it at once with one line and exit code 143 or 130.

    Args:
        main: the recipe.
        after: what to do after a signal.
    """
    try:
        with stopped_by_signals():
            main()
    except (Stopped, KeyboardInterrupt) as stopped:
        code = stopped.code if isinstance(stopped, Stopped) else INTERRUPTED
        after = getattr(stopped, "after", None) or after
        print(f"{'terminated' if code == TERMINATED else 'interrupted'}; {after}", file=sys.stderr)
        sys.exit(code)
    except (UsageError, DatasetError, DamagedFileError, WeightsError) as error:
        print(f"error: {visible(with_suggestion(str(error)))}", file=sys.stderr)
        sys.exit(2)
    except MisconfigurationException as error:  # such as a metric to monitor that nobody logs
        print(f"error: {visible(with_suggestion(one_line(str(error))))}", file=sys.stderr)
        sys.exit(2)
    except NonFiniteLossError as error:
        print(f"error: {visible(str(error))}", file=sys.stderr)
        sys.exit(1)
    except OSError as error:
        if error.errno not in _ON_A_DISK:
            raise
        print(f"error: {visible(_about_disk(error))}; see to that, then run this again", file=sys.stderr)
        sys.exit(2)


def _about_disk(error: OSError) -> str:
    """Name the file and the problem; where the system names no file, the output path."""
    if error.filename is not None:
        return f"{os.fsdecode(error.filename)}: {error.strerror}"
    out = checked_output()
    return f"{error.strerror}{f' (the output goes to {out})' if out else ''}"
