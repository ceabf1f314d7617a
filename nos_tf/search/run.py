"""A complete run: baselines, random reference, search and, for a single task, the final race."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nos_tf import searchers
from nos_tf.common import run_folder
from nos_tf.common.errors import RunError
from nos_tf.common.run_folder import RunFolder
from nos_tf.common.tensorflow_loading import load_single_threaded, set_environment
from nos_tf.common.versions import versions
from nos_tf.search import asynchronous, files, loop, race
from nos_tf.search.baselines import check_baselines, run_baselines
from nos_tf.search.configuration import Configuration
from nos_tf.search.confirmation import Confirmation
from nos_tf.search.executors.in_process import InProcess
from nos_tf.search.executors.job import Executor
from nos_tf.search.executors.ray_actors import RayActors
from nos_tf.search.executors.ray_cluster import Share
from nos_tf.search.executors.worker_processes import WorkerProcesses
from nos_tf.search.observer import Observer
from nos_tf.search.store import Store
from nos_tf.search.trial import BASELINES, RANDOM


def run(configuration: Configuration, folder: RunFolder, flags: Mapping[str, Any], observer: Observer) -> None:
    """Runs a search to its end, resuming from the state in its folder.

    Args:
      configuration: What to run.
      folder: Folder of the run, locked.
      flags: Values of all flags, JSON-serializable; stored with the run.
      observer: Notified of the run's progress.

    Raises:
      RunError: The run cannot be carried out. Stored results are kept.
    """
    set_environment()
    data_label = configuration.setup.describe_data()
    if not (folder / files.STORE).exists():
        for warning in configuration.setup.check_task():
            observer.on_warning(warning)
    record = {"flags": dict(flags), "versions": versions(), "data_label": data_label}
    with _executor(configuration, folder) as executor, _store(folder / files.STORE, record) as store:
        run_folder.write_json(folder / run_folder.CONFIGURATION, store.description())
        observer.on_start(store.trials())
        seed, *further = configuration.training_seeds
        confirmation = run_baselines(store, executor, observer, seed, further)
        check_baselines(store)
        for source, trials in configuration.stages.items():
            if trials > 0:
                stage = _stage(configuration, source, trials, confirmation)
                done = sum(trial.source == source and trial.duplicate_of is None for trial in store.trials())
                observer.on_phase(_phase(source), done, trials)
                if configuration.in_flight is None:
                    loop.run_stage(stage, store, executor, observer)
                else:
                    asynchronous.run_stage(stage, configuration.in_flight, store, executor, observer)
        if configuration.setup.is_suite:
            return  # `experiments.discover` judges the rules on held-out tasks.
        race.run(store, executor, observer, configuration.fresh_seeds, configuration.test_seeds)


def plan(configuration: Configuration) -> dict[str, float]:
    """Approximate work of each phase of a run, in order, in evaluations of a rule."""
    search = {_phase(source): float(trials) for source, trials in configuration.stages.items()}
    last = {} if configuration.setup.is_suite else race.plan(configuration.test_seeds)
    baselines = float(len(BASELINES) * len(configuration.training_seeds))  # All of them train with every seed.
    return {"baselines": baselines, **search, **last}


def _phase(source: str) -> str:
    return "random reference" if source == RANDOM else source


def _store(path: Path, record: Mapping[str, Any]) -> Store:
    if not path.exists():
        return Store.create(path, record)
    store = Store.open(path)
    label = store.description()["data_label"]
    if label != record["data_label"]:
        store.close()
        raise RunError(
            f"The run began on other data ({label}); name the folder that holds them. Received: {record['data_label']}"
        )
    store.describe("flags", record["flags"])
    return store


def _executor(configuration: Configuration, folder: RunFolder) -> Executor:
    setup = configuration.setup
    if configuration.executor == "in_process":
        return InProcess(setup.build)
    if configuration.executor == "ray":
        return RayActors(
            configuration.workers,
            setup.to_json(),
            [configuration.task_module] if configuration.task_module else [],
            configuration.trial_timeout,
            configuration.ray_address,
            Share(configuration.worker_cpus, configuration.worker_gpus),
        )
    assert configuration.workers is not None
    return WorkerProcesses(
        configuration.workers, setup.to_json(), folder / files.WORKER_LOG, configuration.trial_timeout
    )


def _stage(configuration: Configuration, source: str, trials: int, confirmation: Confirmation | None) -> loop.Stage:
    if source in searchers.POLICY_GRADIENTS:
        load_single_threaded()
    settings = configuration.searcher_settings if source == configuration.searcher else {}
    try:
        searcher = searchers.get(source, configuration.space, configuration.searcher_seed(source), **settings)
    except ValueError as error:
        raise RunError(str(error)) from None
    return loop.Stage(source, searcher, trials, configuration.batch_size, configuration.training_seeds[0], confirmation)
