"""Runs each searcher with default settings and equal budget for each number of groups."""

from __future__ import annotations

import itertools
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from experiments.discover.watch import Watch
from experiments.pieces import Work
from nos_tf import searchers
from nos_tf.common.tensorflow_loading import load_single_threaded
from nos_tf.dsl.search_space import CONSTRAINTS, SearchSpace
from nos_tf.search.baselines import run_baselines
from nos_tf.search.configuration import BATCH_SIZE, Configuration, Purpose, derived_seeds
from nos_tf.search.executors.setup import EvaluatorSetup
from nos_tf.search.loop import Stage, run_stage
from nos_tf.search.store import Store


def run(work: Work, flags: Mapping[str, Any], setup: EvaluatorSetup) -> list[Path]:
    """Runs the searches, resuming unfinished ones.

    Args:
      work: Runs the trainings, and limits the time.
      flags: Values of the script's flags.
      setup: Setup of the task or suite to search on.

    Returns:
      Paths of the stores.
    """
    if not flags["trials"]:
        return []
    pairs = list(itertools.product(flags["num_groups"], flags["searchers"]))
    if set(searchers.POLICY_GRADIENTS) & set(flags["searchers"]):
        load_single_threaded()
    paths = []
    with work.executor(setup) as executor:
        for groups, name in pairs:
            paths.append(work.folder / f"{name}-{groups}.sqlite")
            space = SearchSpace(int(groups), constraints=frozenset(CONSTRAINTS))
            record = {"flags": dict(flags), "data_label": setup.describe_data()}
            with Store.open(paths[-1]) if paths[-1].exists() else Store.create(paths[-1], record) as store:
                watch = Watch(work, paths[-1].stem)
                seed = flags["seed"]
                count = Configuration.confirmation_seeds
                further = () if setup.is_suite else derived_seeds(seed, Purpose.DISCOVERY_CONFIRMATION, count)
                confirmation = run_baselines(store, executor, watch, seed, further) if further else None
                watch.on_phase("rules", sum(trial.duplicate_of is None for trial in store.trials()), flags["trials"])
                searcher = searchers.get(name, space, seed)
                run_stage(
                    Stage(name, searcher, flags["trials"], BATCH_SIZE, seed, confirmation), store, executor, watch
                )
    return paths
