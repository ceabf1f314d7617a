"""Builds the table of all one-group rules: python -m experiments.build_table --run_dir=runs/table

Evaluates every distinct rule by the search's protocol, in pieces that are saved as files. A stopped run loses only the
pieces in progress; rerun the same command to continue. Several machines can share the work through a shared folder, and
`--stop_after` limits the time. The last step writes the table into the package.
"""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from absl import flags

import nos_tf
from experiments import pieces
from nos_tf.cli import application, path_flags, shared_flags
from nos_tf.evaluation.protocol import Protocol
from nos_tf.search.executors.setup import EvaluatorSetup

NAME = "build_table"


def main() -> NoReturn:
    """Builds the table, or as much of it as time permits, and exits."""
    shared_flags.define(NAME)
    flags.DEFINE_string("task", "digits", "Task.")
    flags.DEFINE_string("second_task", "digits_rows", "A different kind of task, for the correlation between tasks.")
    pieces.define()
    flags.DEFINE_integer(
        "best", 2_000, "Number of best rules to train with more seeds and evaluate on test data.", lower_bound=1
    )
    flags.DEFINE_integer("rules", None, "Limit the number of distinct rules, to try out the script.", lower_bound=1)
    path_flags.define("output", None, "Folder of the table; by default the package's.")
    application.run(_main, pieces.INTERRUPTED)


def _main() -> None:
    values = shared_flags.values()
    setups = [EvaluatorSetup(values[name], data_dir=values["data_dir"]) for name in ("task", "second_task")]
    data = [setup.describe_data() for setup in setups]
    protocol = {name: str(value) for name, value in vars(Protocol()).items()}
    work = pieces.Work(NAME, values, {"protocol": protocol, "data": data})
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
