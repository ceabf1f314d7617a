"""How every command starts and ends.

Exit codes: 0 done, 2 what the user asked for cannot be done (one line says why), 130 interrupted and saved.
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
from nos_tf.errors import DataWarning, RunError

CANNOT = 2
INTERRUPTED = 130

# The extra of pyproject.toml that brings a package which the core does without.
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
    raise AssertionError("A command exits by itself")


def name_missing_packages() -> None:
    """From now on this process ends in one line when a package is missing that an extra brings."""
    before = sys.excepthook

    def say_or_show(kind: type[BaseException], error: BaseException, traceback: TracebackType | None) -> None:
        missing = error.name if isinstance(error, ModuleNotFoundError) else None
        package = (missing or "").partition(".")[0]
        if package not in EXTRAS:
            return before(kind, error, traceback)
        extra = EXTRAS[package]
        _say(f"This command needs the extra [{extra}]: pip install 'nos_tf[{extra}]'. Received: no package {package}")
        sys.exit(CANNOT)

    sys.excepthook = say_or_show


def run(main: Callable[..., None], interrupted: str, argument: str = "") -> NoReturn:
    """Parses the command line, runs `main`, and exits.

    Args:
      main: The command; raises `RunError` for what cannot be done.
      interrupted: What is said after Ctrl-C or a request to terminate.
      argument: What the one argument besides the flags is, with an example; `main` gets it. Empty if there is none.
    """

    def guarded(arguments: Sequence[str]) -> int:
        if len(arguments) > 1 and not argument:
            _say(f"Every argument is a flag, as --name=value. Received: {arguments[1]}")
            return CANNOT
        if argument and len(arguments) != 2:
            _say(f"Give {argument}, and all else as --name=value. Received: {' '.join(arguments[1:]) or 'nothing'}")
            return CANNOT
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            main(*arguments[1:])
        except RunError as error:
            _say(str(error))
            return CANNOT
        except KeyboardInterrupt:
            _say(interrupted)
            return INTERRUPTED
        return 0

    name_missing_packages()
    warnings.showwarning = functools.partial(_show_warning, warnings.showwarning)
    # Under `bazel run` the process starts elsewhere than its user.
    os.chdir(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
    for module, own in flags.FLAGS.flags_by_module_dict().items():
        if module.startswith(("nos_tf.", "experiments.")):
            for flag in own:
                flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)  # For --help.
    app.run(guarded, flags_parser=_parse)


def _parse(arguments: Sequence[str]) -> list[str]:
    try:
        return flags.FLAGS(arguments)
    except (flags.Error, ValueError) as error:
        _say(refusals.sentence(error, flags.FLAGS))
        sys.exit(CANNOT)
    except SystemExit:  # Help was asked for and shown, which absl takes for a failure.
        sys.exit(0)


def _show_warning(others: Callable[..., None], message: Warning | str, category: type[Warning], *where: Any) -> None:
    """Shows what data are warned of in one line, and other warnings as before."""
    if issubclass(category, DataWarning):
        _say(f"Warning: {message}")
    else:
        others(message, category, *where)


def _say(message: str) -> None:
    print(" ".join(message.split()), file=sys.stderr, flush=True)
