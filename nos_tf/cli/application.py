"""Entry and exit of every command.

Exit codes: 0 for success, 2 if the request cannot be carried out (one line says why), 130 if interrupted and saved.
"""

from __future__ import annotations

import functools
import importlib
import os
import signal
import sys
import warnings
from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, NoReturn

from absl import app, flags

from nos_tf.cli import refusals
from nos_tf.common.errors import DataWarning, RunError

CANNOT = 2
INTERRUPTED = 130

# The extra in pyproject.toml that installs each package the core does not need.
EXTRAS = {
    **dict.fromkeys(("filelock", "jinja2", "joblib", "matplotlib", "rich", "scipy", "sklearn"), "search"),
    "optuna": "optuna",
    "ray": "ray",
    **dict.fromkeys(
        ("importlib_resources", "msgspec", "sacrebleu", "sentencepiece", "tensorflow_datasets"), "reproduce"
    ),
}


def search() -> NoReturn:
    """The console command nos-tf-search."""
    _command("search")


def report() -> NoReturn:
    """The console command nos-tf-report."""
    _command("search.reports")


def export() -> NoReturn:
    """The console command nos-tf-export."""
    _command("exporters")


def _command(package: str) -> NoReturn:
    name_missing_packages()
    importlib.import_module(f"nos_tf.{package}.command").main()
    raise AssertionError("A command exits on its own")


def name_missing_packages() -> None:
    """Makes this process exit with a one-line message if a package from an extra is missing."""
    before = sys.excepthook

    def handle(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        package = (missing or "").partition(".")[0]
        if package not in EXTRAS:
            return before(kind, error, traceback)
        extra = EXTRAS[package]
        _print_error(
            f"This command needs the extra [{extra}]: pip install 'nos_tf[{extra}]'. Received: no package {package}"
        )
        sys.exit(CANNOT)

    sys.excepthook = handle


def run(main: Callable[..., None], interrupted: str, argument: str = "") -> NoReturn:
    """Parses the command line, runs `main`, and exits.

    Args:
      main: The command; raises `RunError` if it cannot do what was asked.
      interrupted: Message to print after Ctrl-C or SIGTERM.
      argument: Description, with an example, of the one positional argument passed to `main`. Empty if there is none.
    """

    def guarded(arguments: Sequence[str]) -> int:
        if len(arguments) > 1 and not argument:
            _print_error(f"Every argument must be a flag, such as --name=value. Received: {arguments[1]}")
            return CANNOT
        if argument and len(arguments) != 2:
            received = " ".join(arguments[1:]) or "nothing"
            _print_error(f"Give {argument}, and everything else as --name=value. Received: {received}")
            return CANNOT
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            main(*arguments[1:])
        except RunError as error:
            _print_error(str(error))
            return CANNOT
        except KeyboardInterrupt:
            _print_error(interrupted)
            return INTERRUPTED
        return 0

    name_missing_packages()
    warnings.showwarning = functools.partial(_show_warning, warnings.showwarning)
    # `bazel run` does not start the process in the user's working directory.
    os.chdir(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
    for module, defined in flags.FLAGS.flags_by_module_dict().items():
        if module.startswith(("nos_tf.", "experiments.")):
            for flag in defined:
                flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)  # For --help.
    app.run(guarded, flags_parser=_parse)


def _parse(arguments: Sequence[str]) -> list[str]:
    try:
        return flags.FLAGS(arguments)
    except (flags.Error, ValueError) as error:
        _print_error(refusals.sentence(error, flags.FLAGS))
        sys.exit(CANNOT)
    except SystemExit:  # absl treats --help as a failure.
        sys.exit(0)


def _show_warning(others: Callable[..., None], message: Warning | str, category: type[Warning], *where: Any) -> None:
    """Prints data warnings as one line, and leaves all others to the previous handler."""
    if issubclass(category, DataWarning):
        _print_error(f"Warning: {message}")
    else:
        others(message, category, *where)


def _print_error(message: str) -> None:
    print(" ".join(message.split()), file=sys.stderr, flush=True)
