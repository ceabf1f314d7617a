"""The table of all one-group rules: python -m experiments.build_table --run_dir=runs/table

Every distinct rule is evaluated by the search's own protocol, in pieces of which each is a file: a run that is stopped
loses the pieces under way and no more, the same command goes on with it, and several machines that share the folder
share the work. `--stop_after` ends it after so many minutes. The last step writes the table into the package.
"""

from __future__ import annotations

import time
from pathlib import Path
from typing import NoReturn

from absl import flags

import nos_tf
from nos_tf.cli import application, shared_flags
from nos_tf.errors import RunError
from nos_tf.run_folder import RunFolder
from nos_tf.tensorflow_loading import set_environment

NAME = "build_table"
_WITHOUT = shared_flags.WITHOUT_NUMBERS | {"workers", "stop_after", "output"}


def main() -> NoReturn:
    """Builds the table, or as much of it as there is time for, and exits."""
    shared_flags.define(NAME)
    flags.DEFINE_string("task", "digits", "Task.")
    flags.DEFINE_string("second_task", "digits_rows", "Task of another kind, for the correlation between tasks.")
    flags.DEFINE_integer("workers", None, "Worker processes; by default one a core.", lower_bound=1)
    flags.DEFINE_integer("best", 2_000, "Rules that are trained from more seeds and measured on test data.")
    flags.DEFINE_integer("rules", None, "Only so many distinct rules, for a trial; by default all.", lower_bound=1)
    flags.DEFINE_float("stop_after", None, "Minutes after which no further piece is begun.", lower_bound=0.0)
    flags.DEFINE_string("output", None, "Folder of the table; by default the package's own.")
    application.run(_main, "Interrupted. Finished pieces are saved; the same command goes on.")


def _main() -> None:
    values = shared_flags.values()
    if values["run_dir"] is None:
        raise RunError("Name the folder of the pieces, which the same command goes on with. Received: no --run_dir")
    set_environment()
    from experiments.build_table import assemble
    from experiments.build_table.stages import Stages
    from nos_tf.evaluation.protocol import Protocol

    # Not locked: several machines may work here, each on pieces of its own.
    folder = RunFolder(Path(values["run_dir"]), resume=True)
    folder.path.mkdir(parents=True, exist_ok=True)
    protocol = {name: str(value) for name, value in vars(Protocol()).items()}
    folder.begin(NAME, values | {"protocol": protocol}, _WITHOUT)
    deadline = None if values["stop_after"] is None else time.monotonic() + 60.0 * values["stop_after"]
    stages = Stages(folder, values, deadline)
    if not stages.run():
        print("Pieces are missing yet; the same command goes on with them.", flush=True)
        return
    output = Path(values["output"] or Path(nos_tf.__file__).parent / "table")
    print(f"Table: {assemble.write(stages, values, output)}", flush=True)


if __name__ == "__main__":
    main()
