"""Compares searchers at equal budget over several seeds: python -m experiments.compare_searchers --run_dir=runs/mine

By default, rules are trained: each searcher evaluates the same number of distinct rules with each seed, using its
default settings and the search's protocol; its best rules race, and the winner is measured with fresh seeds. With
`--table=digits`, nothing is trained, because the table of all one-group rules holds the results: hundreds of seeds take
minutes, and the distance of each search from the optimum is known. Random search always takes part. Finished work is
kept in the run folder; continue with --resume, optionally with more searchers or seeds.
"""

from __future__ import annotations

from typing import NoReturn

from absl import flags

from experiments import tables
from experiments.compare_searchers import on_table, trainings
from nos_tf import searchers
from nos_tf.cli import application, shared_flags
from nos_tf.common.errors import RunError, require_known
from nos_tf.common.run_folder import RunFolder

NAME = "compare_searchers"
_GROWING = {"searchers", "seeds"}


def main() -> NoReturn:
    """Runs the comparison and exits."""
    shared_flags.define(NAME)
    flags.DEFINE_list(
        "searchers",
        ["ppo", "trpo", "evolution"],
        "Searchers to compare with random search; with --table also those with the paper's settings, "
        f"{' and '.join(on_table.AS_IN_PAPER)}.",
    )
    flags.DEFINE_integer("seeds", 3, "Number of seeds per searcher, starting at --seed.", lower_bound=2)
    flags.DEFINE_integer("trials", 200, "Distinct rules per run.", lower_bound=8)
    flags.DEFINE_integer("num_groups", 2, "Groups per rule; with --table always 1.", lower_bound=1, upper_bound=4)
    flags.DEFINE_string("task", "digits", "Task on which rules are trained.")
    flags.DEFINE_string("table", None, "Table in which to look up results; by default rules are trained.")
    application.run(_main, "Interrupted. Finished work is saved; rerun the same command with --resume to continue.")


def _main() -> None:
    values = shared_flags.values()
    by_trainings = values["table"] is None
    for name in () if by_trainings else ("task", "num_groups"):
        if flags.FLAGS[name].present:
            raise RunError(f"--table fixes the task and the space; drop the flag. Received: --{name}={values[name]}")
    known = [*searchers.names(), *([] if by_trainings else on_table.AS_IN_PAPER)]
    require_known("searcher", values["searchers"], known)
    described = trainings.describe(values) if by_trainings else on_table.describe(values)
    with RunFolder(shared_flags.run_dir(NAME), resume=values["resume"]) as folder:
        details = {"data": described} if by_trainings else tables.identity(values["table"])
        folder.begin(NAME, values | details, shared_flags.WITHOUT_NUMBERS | _GROWING)
        print(f"Run folder: {folder.path}", flush=True)
        run = trainings.run if by_trainings else on_table.run
        run(folder, values, described)


if __name__ == "__main__":
    main()
