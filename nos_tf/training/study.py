"""A study: every optimizer with every learning rate, then the best rate again with more seeds.

The first seed sweeps the learning rates, each for a full training; validation data select the rate; the other seeds
train only with that rate. All optimizers get the same rates and seeds.
"""

from __future__ import annotations

import dataclasses
import functools
import hashlib
import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import tensorflow as tf

from nos_tf.common import run_folder
from nos_tf.common.errors import RunError
from nos_tf.common.text import number
from nos_tf.training.experiment import Experiment
from nos_tf.training.files import HISTORY, Row, read_rows
from nos_tf.training.fit import fit
from nos_tf.training.interruption import Interruption
from nos_tf.training.progress import Progress
from nos_tf.training.runtime import Runtime

DIVERGED = "diverged"


@dataclasses.dataclass(frozen=True)
class Plan:
    """What a study compares.

    Attributes:
      optimizers: Names of the optimizers, without duplicates.
      make_optimizer: Makes an optimizer from its name, a learning rate and the number of steps.
      rules: Update rule of each optimizer as text, or None if it has none.
      learning_rates: Rates to try with each optimizer.
      seeds: Seeds of the trainings; the first one is used for the sweep.
    """

    optimizers: Sequence[str]
    make_optimizer: Callable[[str, float, int], tf.keras.optimizers.Optimizer]
    rules: Mapping[str, str | None]
    learning_rates: Sequence[float]
    seeds: Sequence[int]


@dataclasses.dataclass(frozen=True)
class Training:
    """One training of a study; `status` is None until it ends, then "ok" or "diverged"."""

    optimizer: str
    learning_rate: float
    seed: int
    status: str | None = None
    metrics: Mapping[str, float] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0

    @property
    def key(self) -> tuple[str, float, int]:
        """Identifies the training within its study."""
        return self.optimizer, self.learning_rate, self.seed

    def folder(self, study: Path) -> Path:
        """Folder of this training within the study's folder."""
        return study / "trainings" / f"{_slug(self.optimizer)}-lr{self.learning_rate:g}-seed{self.seed}"


class Study:
    """State of a study, saved in `results.json` after every training."""

    def __init__(self, experiment: Experiment, plan: Plan, folder: Path):
        """Loads the results stored in the folder.

        Raises:
          RunError: The stored results cannot be read.
        """
        self.experiment = experiment
        self.plan = plan
        self.folder = folder
        self.trainings = {training.key: training for training in read_trainings(folder)}

    def run(self, runtime: Runtime, progress: Progress, tensorboard: bool) -> None:
        """Runs the trainings that are not stored yet.

        Raises:
          RunError: A checkpoint belongs to something else, or a file cannot be written.
          KeyboardInterrupt: SIGINT was received; everything is saved.
          Preempted: SIGTERM was received; everything is saved.
        """
        interruption = Interruption()
        for training in self._missing():
            progress.on_training(f"{training.optimizer} lr={number(training.learning_rate)} seed={training.seed}")
            rows, measured, seconds = fit(
                self.experiment,
                functools.partial(
                    self.plan.make_optimizer, training.optimizer, training.learning_rate, self.experiment.total_steps
                ),
                training.seed,
                runtime,
                training.folder(self.folder),
                interruption,
                progress,
                tensorboard,
            )
            ok = all(math.isfinite(value) for row in rows for value in row.values())
            self._keep(
                dataclasses.replace(
                    training,
                    status="ok" if ok else DIVERGED,
                    metrics=summary(self.experiment, rows, measured) if ok else {},
                    seconds=round(seconds, 3),
                )
            )
            self.write()
            progress.on_result()

    def _keep(self, training: Training) -> None:
        self.trainings[training.key] = training

    def _missing(self) -> Iterator[Training]:
        """Yields the trainings still to run, in order; later ones depend on the results of earlier ones."""
        first, *others = self.plan.seeds
        for optimizer in self.plan.optimizers:
            planned = [Training(optimizer, rate, first) for rate in self.plan.learning_rates]
            yield from (training for training in planned if training.key not in self.trainings)
            rate = self.selected().get(optimizer)
            if rate is not None:
                planned = [Training(optimizer, rate, seed) for seed in others]
                yield from (training for training in planned if training.key not in self.trainings)

    @property
    def count(self) -> int:
        """Number of planned trainings; fewer run if an optimizer diverges with every learning rate."""
        return len(self.plan.optimizers) * (len(self.plan.learning_rates) + len(self.plan.seeds) - 1)

    def selected(self) -> dict[str, float]:
        """Learning rate selected on validation data for each optimizer; omits those that always diverged."""
        chosen = {}
        for optimizer in self.plan.optimizers:
            swept = [
                training
                for rate in self.plan.learning_rates
                if (training := self.trainings.get((optimizer, rate, self.plan.seeds[0]))) and training.status == "ok"
            ]
            if swept:
                values = [training.metrics[f"best_{self.experiment.objective}"] for training in swept]
                chosen[optimizer] = swept[self.experiment.best(values)].learning_rate
        return chosen

    def chosen_trainings(self, optimizer: str) -> list[Training]:
        """Trainings with the selected learning rate, over all seeds, that did not diverge."""
        rate = self.selected().get(optimizer)
        trainings = (
            [self.trainings.get((optimizer, rate, seed)) for seed in self.plan.seeds] if rate is not None else []
        )
        return [training for training in trainings if training is not None and training.status == "ok"]

    def histories(self, optimizer: str) -> list[list[Row]]:
        """Per-epoch measurements of the trainings in `chosen_trainings`."""
        return [read_rows(one.folder(self.folder) / HISTORY) for one in self.chosen_trainings(optimizer)]

    def write(self) -> None:
        """Writes `results.json`.

        Raises:
          RunError: The file cannot be written.
        """
        runs = [dataclasses.asdict(one) | {"rule": self.plan.rules[one.optimizer]} for one in self.trainings.values()]
        results = {
            "experiment": self.experiment.name,
            "dataset": self.experiment.dataset,
            "scale": dict(self.experiment.scale),
            "runs": runs,
            "selected": self.selected(),
        }
        run_folder.write_json(self.folder / run_folder.RESULTS, results)

    def check_trained(self) -> None:
        """Checks that no optimizer diverged with every learning rate.

        Raises:
          RunError: Some did; the message names them.
        """
        lost = [name for name in self.plan.optimizers if name not in self.selected()]
        if lost:
            rates = ",".join(map(number, self.plan.learning_rates))
            raise RunError(
                f"Every learning rate of the sweep diverged for {', '.join(lost)}; add lower ones in a new run folder. "
                f"Received: learning_rates={rates}"
            )


def read_trainings(folder: Path) -> list[Training]:
    """Reads the finished trainings of a study.

    Args:
      folder: Folder of the study; may be empty.

    Raises:
      RunError: The stored results cannot be read.
    """
    path = folder / run_folder.RESULTS
    stored = run_folder.read_json(path) if path.exists() else {}
    names = [field.name for field in dataclasses.fields(Training)]
    try:
        return [Training(**{name: run[name] for name in names}) for run in stored.get("runs", [])]
    except (KeyError, TypeError) as error:
        raise RunError(f"The results of the run are damaged ({error!r}). Received: {path}") from None


def summary(experiment: Experiment, rows: Sequence[Row], measured: Mapping[str, float]) -> dict[str, float]:
    """Summarizes a training by its last epoch ("final_val_accuracy") and its best one ("best_val_accuracy").

    The best epoch is the one with the best objective, for all measurements: test data select nothing.

    Args:
      experiment: What was trained.
      rows: Measurements of each epoch.
      measured: Metrics computed once after training.
    """
    best: Row = rows[experiment.best([row[experiment.objective] for row in rows])]
    metrics: dict[str, Any] = {}
    for when, row in (("final", rows[-1]), ("best", best)):
        metrics |= {f"{when}_{name}": value for name, value in row.items() if name != "epoch"}
    return metrics | {"best_epoch": best["epoch"]} | {f"final_{name}": value for name, value in measured.items()}


def _slug(name: str) -> str:
    """A name that is safe for a folder, with a hash suffix if characters were replaced."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", name)[:60]
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
