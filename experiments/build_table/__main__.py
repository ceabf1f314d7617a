"""The table of all one-group rules: python -m experiments.build_table --run_dir=runs/table

Every distinct rule is evaluated by the search's own protocol, in pieces of which each is a file: a run that is stopped
loses the pieces under way and no more, the same command goes on with it, and several machines that share the folder
share the work. `--stop_after` ends it after so many minutes. The last step writes the table into the package.

The table of the digits is begun: the folder `begun` beside this file holds the pieces that are finished, and a copy of
it as the run folder goes on with them.
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from absl import flags

import nos_tf
from experiments import pieces
from nos_tf.cli import application, shared_flags
from nos_tf.evaluation.protocol import Protocol
from nos_tf.search.executors.setup import EvaluatorSetup

NAME = "build_table"


def main() -> NoReturn:
    """Builds the table, or as much of it as there is time for, and exits."""
    shared_flags.define(NAME)
    flags.DEFINE_string("task", "digits", "Task.")
    flags.DEFINE_string("second_task", "digits_rows", "Task of another kind, for the correlation between tasks.")
    pieces.define()
    flags.DEFINE_integer("best", 2_000, "Rules that are trained from more seeds and measured on test data.")
    flags.DEFINE_integer("rules", None, "Only so many distinct rules, for a trial; by default all.", lower_bound=1)
    flags.DEFINE_string("output", None, "Folder of the table; by default the package's own.")
    application.run(_main, pieces.INTERRUPTED)


def _main() -> None:
    values = shared_flags.values()
    for task in (values["task"], values["second_task"]):
        EvaluatorSetup(task).get_task()
    protocol = {name: str(value) for name, value in vars(Protocol()).items()}
    work = pieces.Work(NAME, values, {"protocol": protocol})
    from experiments.build_table import assemble
    from experiments.build_table.stages import Stages

    stages = Stages(work, values)
    if not stages.run():
        print(pieces.UNFINISHED, flush=True)
        return
    output = Path(values["output"] or Path(nos_tf.__file__).parent / "table")
    print(f"Table: {assemble.write(stages, values, output)}", flush=True)


if __name__ == "__main__":
    main()
