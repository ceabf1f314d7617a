"""Looks for rules that beat tuned optimizers on tasks that the search has not seen.

    python -m experiments.discover --run_dir=runs/discover

First, searches run on the suite's search tasks. Their best rules, those of other searches (--search_dir) and those of
the table of all one-group rules race on these tasks. At most ten finalists are frozen in `finalists.json`. Only then
are the held-out tasks read: finalists and baselines are tuned there in the same way and tested with fresh seeds. Rerun
the same command to continue a stopped run.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NoReturn

from absl import flags

import nos_tf
from experiments import pieces
from experiments.discover import candidates, frozen, judging, racing, report, searching, verdict
from experiments.discover.watch import OutOfTimeError
from experiments.pieces import Work
from nos_tf import searchers
from nos_tf.cli import application, path_flags, shared_flags
from nos_tf.common import run_folder, style
from nos_tf.common.errors import RunError, require_known
from nos_tf.search.executors.setup import EvaluatorSetup
from nos_tf.tasks import suite

NAME = "discover"
TABLE, FIGURE = "discover.md", "discover.png"


def main() -> NoReturn:
    """Runs all stages, or as many as time permits, and exits."""
    shared_flags.define(NAME)
    pieces.define()
    flags.DEFINE_string("task", suite.NAME, "Suite, or one of its tasks, for searches and the race.")
    flags.DEFINE_list("searchers", ["random", "ppo", "evolution"], "Searchers to run.")
    flags.DEFINE_list("num_groups", ["2", "3"], "Numbers of groups of the rules to search for, from 1 to 4.")
    flags.DEFINE_integer("trials", 10_000, "Distinct rules per search; 0 to skip the searches.", lower_bound=0)
    path_flags.define_multi("search_dir", "Run folder of another search whose best rules join the race.")
    flags.DEFINE_integer(
        "candidates", 100, "Number of rules from each search, and from the table, in the race.", lower_bound=1
    )
    flags.DEFINE_integer("finalists", 10, "Maximum number of finalists.", lower_bound=1, upper_bound=10)
    flags.DEFINE_integer("seeds", 10, "Number of seeds for the test on held-out tasks.", lower_bound=2)
    application.run(_main, pieces.INTERRUPTED)


def _main() -> None:
    values = shared_flags.values()
    setup = _checked(values)
    others = [path for folder in values["search_dir"] for path in candidates.stores(Path(folder))]
    if not others and not values["trials"] and not nos_tf.table.names():
        raise RunError("No rules to race; raise --trials or name a search with --search_dir. Received: --trials=0")
    work = Work(NAME, values, {"procedure": judging.procedure(values), "data": setup.describe_data()})
    with work.folder:
        try:
            path = work.folder / frozen.FILE
            if not path.exists():
                _freeze(work, values, setup, others, path)
            _judge(work, values, path)
        except OutOfTimeError:
            print(pieces.UNFINISHED, flush=True)


def _checked(values: Mapping[str, Any]) -> EvaluatorSetup:
    """Checks the flags and returns the setup of the search task.

    Raises:
      RunError: A flag has an unknown value.
    """
    setup = EvaluatorSetup(values["task"], data_dir=values["data_dir"])
    known = [*suite.SUITES, *suite.SEARCH]
    require_known("task", [values["task"]], known)
    require_known("searcher", values["searchers"], searchers.names())
    if not values["num_groups"] or not set(values["num_groups"]) <= set("1234"):
        raise RunError(f"Rules must have 1 to 4 groups. Received: --num_groups={','.join(values['num_groups'])}")
    return setup


def _freeze(work: Work, values: Mapping[str, Any], setup: EvaluatorSetup, others: list[Path], path: Path) -> None:
    """Runs the searches and the race, and writes the finalists."""
    sources = [*searching.run(work, values, setup), *others]
    table = next(iter(nos_tf.table.names()), None)
    entrants = candidates.load(work.folder / candidates.FILE, sources, table, values["candidates"])
    print(f"Candidates in the race on {setup.task}: {len(entrants)}", flush=True)
    racers = racing.run(work, setup, entrants, values["seed"], values["finalists"])
    frozen.freeze(path, racers, judging.procedure(values))


def _judge(work: Work, values: Mapping[str, Any], path: Path) -> None:
    """Tests the finalists, and writes and prints the verdict."""
    finalists = frozen.load(path)
    print(f"{len(finalists)} finalists are frozen; testing on {', '.join(suite.HELD_OUT)}", flush=True)
    rules = [one.program for one in finalists]
    judged = judging.run(work, path, rules, values)
    standings = verdict.standings(judged, rules, list(report.NAMES), judging.nothing(path, values))
    results = {
        "experiment": NAME,
        "dataset": [judging.setup(name, path, values).describe_data() for name in suite.HELD_OUT],
        "scale": {"seeds": values["seeds"], "finalists": len(finalists)},
        "procedure": judging.procedure(values),
        "finalists_sha256": hashlib.sha256(path.read_bytes()).hexdigest(),
        "verdict": report.sentences(standings),
        "rules": report.as_json(standings, judged),
    }
    run_folder.write_json(work.folder / run_folder.RESULTS, results)
    text = "\n".join(report.sentences(standings)) + "\n\n" + report.table(standings, finalists)
    run_folder.write_text(work.folder / TABLE, text)
    with run_folder.replacing(work.folder / FIGURE) as temporary:
        report.draw(standings).savefig(temporary)
    style.console().print(text, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
