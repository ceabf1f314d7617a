"""A study: every optimizer with every learning rate, then the best rate again from other seeds.

The first seed sweeps the learning rates, each for the whole training; validation data choose the rate; the other seeds
train with it alone. All optimizers get the same rates and the same seeds.
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

from nos_tf import run_folder
from nos_tf.errors import RunError
from nos_tf.text import number
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
      optimizers: Names, each once.
      make_optimizer: Makes an optimizer, given its name, a learning rate and the number of steps.
      rules: Text of the rule of each optimizer that has one.
      learning_rates: Sweep of each optimizer.
      seeds: Of the trainings; the first one sweeps.
    """

    optimizers: Sequence[str]
    make_optimizer: Callable[[str, float, int], tf.keras.optimizers.Optimizer]
    rules: Mapping[str, str | None]
    learning_rates: Sequence[float]
    seeds: Sequence[int]


@dataclasses.dataclass(frozen=True)
class Training:
    """One training of a study; `status` is None until it has ended, then "ok" or "diverged"."""

    optimizer: str
    learning_rate: float
    seed: int
    status: str | None = None
    metrics: Mapping[str, float] = dataclasses.field(default_factory=dict)
    seconds: float = 0.0

    @property
    def key(self) -> tuple[str, float, int]:
        """What tells trainings of a study apart."""
        return self.optimizer, self.learning_rate, self.seed

    def folder(self, study: Path) -> Path:
        """Folder of its own in the study's."""
        return study / "trainings" / f"{_slug(self.optimizer)}-lr{self.learning_rate:g}-seed{self.seed}"


class Study:
    """The state of a study, kept in `results.json` after every training."""

    def __init__(self, experiment: Experiment, plan: Plan, folder: Path):
        """Reads what the folder holds.

        Raises:
          RunError: The folder's results cannot be read.
        """
        self.experiment = experiment
        self.plan = plan
        self.folder = folder
        self.trainings = {training.key: training for training in read_trainings(folder)}

    def run(self, runtime: Runtime, progress: Progress, tensorboard: bool) -> None:
        """Trains what is missing.

        Raises:
          RunError: A checkpoint is of something else, or a file cannot be written.
          KeyboardInterrupt: Somebody stopped it; everything is saved.
          Preempted: Likewise.
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
        """Trainings that are still to be done, in order; the later ones depend on the results of the earlier ones."""
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
        """Trainings that the plan asks for; fewer where an optimizer diverges with every learning rate."""
        return len(self.plan.optimizers) * (len(self.plan.learning_rates) + len(self.plan.seeds) - 1)

    def selected(self) -> dict[str, float]:
        """Learning rate of each optimizer that validation data chose; none where every training diverged."""
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
        """Trainings of all seeds with the chosen learning rate that did not diverge."""
        rate = self.selected().get(optimizer)
        found = [self.trainings.get((optimizer, rate, seed)) for seed in self.plan.seeds] if rate is not None else []
        return [training for training in found if training is not None and training.status == "ok"]

    def histories(self, optimizer: str) -> list[list[Row]]:
        """Rows of these trainings."""
        return [read_rows(one.folder(self.folder) / HISTORY) for one in self.chosen_trainings(optimizer)]

    def write(self) -> None:
        """Writes `results.json`.

        Raises:
          RunError: It cannot be written.
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
        """Refuses a study in which an optimizer diverged with every learning rate.

        Raises:
          RunError: It names the optimizers.
        """
        lost = [name for name in self.plan.optimizers if name not in self.selected()]
        if lost:
            rates = ",".join(map(number, self.plan.learning_rates))
            raise RunError(
                f"Every learning rate of the sweep diverged for {', '.join(lost)}; add lower ones in a new run folder. "
                f"Received: learning_rates={rates}"
            )


def read_trainings(folder: Path) -> list[Training]:
    """The trainings of a study that have ended.

    Args:
      folder: Of the study; may hold nothing yet.

    Raises:
      RunError: The folder's results cannot be read.
    """
    path = folder / run_folder.RESULTS
    stored = run_folder.read_json(path) if path.exists() else {}
    names = [field.name for field in dataclasses.fields(Training)]
    try:
        return [Training(**{name: run[name] for name in names}) for run in stored.get("runs", [])]
    except (KeyError, TypeError) as error:
        raise RunError(f"The results of the run are damaged ({error!r}). Received: {path}") from None


def summary(experiment: Experiment, rows: Sequence[Row], measured: Mapping[str, float]) -> dict[str, float]:
    """Measurements after the last epoch ("final_val_accuracy") and after the best one ("best_val_accuracy").

    The best epoch is the one of the best objective, for all measurements: test data choose nothing.

    Args:
      experiment: What was trained.
      rows: Of its epochs.
      measured: Of the trained model, besides.
    """
    best: Row = rows[experiment.best([row[experiment.objective] for row in rows])]
    found: dict[str, Any] = {}
    for when, row in (("final", rows[-1]), ("best", best)):
        found |= {f"{when}_{name}": value for name, value in row.items() if name != "epoch"}
    return found | {"best_epoch": best["epoch"]} | {f"final_{name}": value for name, value in measured.items()}


def _slug(name: str) -> str:
    """A name that is fit for a folder, with a hash where characters were lost."""
    plain = re.sub(r"[^A-Za-z0-9_.-]+", "_", name)[:60]
    return plain if plain == name else f"{plain}-{hashlib.sha256(name.encode()).hexdigest()[:6]}"
