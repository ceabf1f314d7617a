"""python -m experiments.compare_with_paper --results_dir=runs [--all] [--format=text|markdown|html]

Compares all runs below a folder with the paper's tables and claims. `nos_tf/paper/ledger.py` and `claims.py` define the
statuses, `scale.py` the scale at which a run is comparable.
"""

from __future__ import annotations

import io
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NoReturn

from absl import flags

from nos_tf.cli import application, path_flags
from nos_tf.common import run_folder
from nos_tf.common.errors import RunError
from nos_tf.common.style import CONSOLE_WIDTH

if TYPE_CHECKING:
    from nos_tf.paper.ledger import Ledger


def main() -> NoReturn:
    """Runs the command and exits."""
    path_flags.define("results_dir", None, "Folder that contains the run folders, at any depth.")
    flags.DEFINE_enum("format", "text", ["text", "markdown", "html"], "Format of the ledger.")
    flags.DEFINE_bool("all", False, "List rows and claims that were not run instead of only counting them.")
    path_flags.define("output", None, "Output file; by default the ledger is printed.")
    application.run(_main, "Interrupted; the comparison was not written.")


def _main() -> None:
    values = flags.FLAGS
    if not values.results_dir:
        raise RunError("Name the folder that contains the run folders. Received: no --results_dir")
    from nos_tf.paper import ledger, results  # Imported late because SciPy is slow to load.

    compared = ledger.compare(results.find(Path(values.results_dir)))
    if not values.all:
        compared = compared.of_what_was_run()
    text = _render(compared, values.format, terminal=values.output is None and sys.stdout.isatty())
    if values.output is None:
        _print(text)
    else:
        run_folder.write_text(Path(values.output), text)
        print(f"Comparison: {values.output}")


def _render(compared: Ledger, name: str, terminal: bool) -> str:
    if name == "html":
        from nos_tf.paper import page

        return page.render(compared)
    if name == "markdown":
        from nos_tf.paper import markdown

        return markdown.render(compared)
    from rich.console import Console

    from nos_tf.paper import text

    file = io.StringIO()
    text.show(compared, Console(file=file, width=None if terminal else CONSOLE_WIDTH, force_terminal=terminal))
    lines = file.getvalue().splitlines()
    return "\n".join(lines if terminal else (line.rstrip() for line in lines)) + "\n"


def _print(text: str) -> None:
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(errors="replace")  # The terminal may not support all characters.
    try:
        print(text, end="", flush=True)
    except BrokenPipeError:  # The reader has closed the pipe, as `head` does.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())


if __name__ == "__main__":
    main()
