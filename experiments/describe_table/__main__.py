"""Describes a table of rules on a page with figures: python -m experiments.describe_table --output=docs/results

Writes table.md, which includes a data sheet, and its figures. Nothing is trained.
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from absl import flags

from experiments import tables
from nos_tf.cli import application, path_flags
from nos_tf.common import run_folder
from nos_tf.common.errors import RunError

PAGE = "table.md"


def main() -> NoReturn:
    """Writes the page and exits."""
    flags.DEFINE_string("table", "digits", "Table to describe.")
    path_flags.define("output", ".", "Folder of the page.")
    application.run(_main, "Interrupted.")


def _main() -> None:
    from experiments.describe_table import figures, page

    table = tables.load(flags.FLAGS.table)
    folder = Path(flags.FLAGS.output)
    if not folder.is_dir():
        raise RunError(f"The folder does not exist; create it first. Received: --output={folder}")
    for name, draw in figures.FIGURES.items():
        with run_folder.replacing(folder / figures.file(name)) as path:
            draw(table).savefig(path, dpi=120)
    run_folder.write_text(folder / PAGE, page.render(table, flags.FLAGS.table))
    print(folder / PAGE, flush=True)


if __name__ == "__main__":
    main()
