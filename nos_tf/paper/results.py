"""Reads `config.json` and `results.json` of run folders, and validates every field."""

from __future__ import annotations

import dataclasses
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Literal, NoReturn, TypeVar

import msgspec

from nos_tf.common import run_folder
from nos_tf.common.errors import RunError, first_line
from nos_tf.paper.scale import PAPER_SCALES

_HUGE = 1e300  # JSON has no infinity, but allows numbers that overflow a float.
_Number = Annotated[float, msgspec.Meta(ge=-_HUGE, le=_HUGE)]
_Positive = Annotated[float, msgspec.Meta(ge=0.0, le=_HUGE)]
_RANGES = {"final_test_bleu": (0.0, 100.0), "final_val_bleu": (0.0, 100.0), "final_perplexity": (1.0, _HUGE)}
_SHARES = ("_accuracy", "top1", "top5")


@dataclasses.dataclass(frozen=True)
class Training:
    """One training of one optimizer.

    Attributes:
      optimizer: Name of the optimizer as the user gave it.
      learning_rate: Learning rate.
      epsilon: Epsilon, if it was tuned too.
      seed: Random seed.
      chosen: Whether rate and epsilon are those selected for the optimizer.
      diverged: Whether it diverged, in which case it has no metrics.
      metrics: Measured values by name.
      seconds: Duration in seconds.
    """

    optimizer: str
    learning_rate: float
    epsilon: float | None
    seed: int
    chosen: bool
    diverged: bool
    metrics: Mapping[str, float]
    seconds: float

    @property
    def key(self) -> tuple[str, float, float | None, int]:
        """Identifies the training within its run."""
        return self.optimizer, self.learning_rate, self.epsilon, self.seed


@dataclasses.dataclass(frozen=True)
class Run:
    """Contents of one run folder, or of several with the same configuration, for one function of the experiment.

    Attributes:
      folders: Names of the folders, relative to the folder that was searched.
      experiment: Name of the experiment.
      function: Function that was minimized; None unless the experiment has several.
      dataset: Label of the data.
      scale: Facts that decide whether the run is at the paper's scale.
      flags: Values of all flags.
      config_hash: Hash of the flags that affect the results.
      commit: Commit of the code, if known.
      trainings: All trainings.
    """

    folders: tuple[str, ...]
    experiment: str
    function: str | None
    dataset: str
    scale: Mapping[str, Any]
    flags: Mapping[str, Any]
    config_hash: str
    commit: str | None
    trainings: tuple[Training, ...]

    @property
    def optimizers(self) -> tuple[str, ...]:
        """All optimizers, in file order."""
        return tuple(dict.fromkeys(training.optimizer for training in self.trainings))

    @property
    def seeds(self) -> tuple[int, ...]:
        """All seeds, sorted."""
        return tuple(sorted({training.seed for training in self.trainings}))

    @property
    def seconds(self) -> float:
        """Total duration of all trainings, including those at learning rates that were not selected."""
        return sum(training.seconds for training in self.trainings)

    @property
    def scale_text(self) -> str:
        """The scale as one line of ASCII text."""
        facts = [(name, value) for name, value in self.scale.items() if not isinstance(value, (dict, list))]
        return ", ".join(f"{json.dumps(name)[1:-1]}={json.dumps(value)}" for name, value in facts)


def find(directory: Path) -> list[Run]:
    """Finds all runs below a folder, sorted by name.

    Folders with equal configuration, commit, data, scale and selected learning rates, but no training in common, are
    merged into one run with more seeds.

    Raises:
      RunError: There is no run, or a file is damaged.
    """
    runs: list[Run] = []
    for folder in _folders(directory):
        for run in _read(folder, _printable(str(folder.relative_to(directory)))):
            _add(run, runs)
    if not runs:
        raise RunError(
            f"No folder below this one holds both a {run_folder.CONFIGURATION} and a {run_folder.RESULTS}; name the "
            f"folder that contains the runs. Received: {directory}"
        )
    return runs


def _folders(directory: Path) -> Iterator[Path]:
    def fail(error: OSError) -> NoReturn:
        raise RunError(f"Cannot read the folder ({error.strerror}); name another. Received: {error.filename}")

    for name, folders, files in os.walk(directory, onerror=fail):
        folders.sort()
        if run_folder.RESULTS in files:
            yield Path(name)


def _add(run: Run, runs: list[Run]) -> None:
    """Appends a run, or merges it into one that differs only in its seeds."""

    def identity(one: Run) -> tuple[Any, ...]:
        chosen = {training.key[:-1] for training in one.trainings if training.chosen}
        return one.experiment, one.function, one.config_hash, one.commit, one.dataset, one.scale, chosen

    for index, other in enumerate(runs):
        shared = {training.key for training in run.trainings} & {training.key for training in other.trainings}
        if identity(run) == identity(other) and not shared:
            runs[index] = dataclasses.replace(
                other, folders=other.folders + run.folders, trainings=other.trainings + run.trainings
            )
            return
    runs.append(run)


class _Experiment(msgspec.Struct):
    """The field that every `results.json` has."""

    experiment: str


class _Training(msgspec.Struct):
    """A training in `results.json`."""

    optimizer: str
    learning_rate: _Positive
    seed: Annotated[int, msgspec.Meta(ge=0)]
    status: Literal["ok", "diverged"]
    metrics: dict[str, Any]  # Ignored if the training diverged.
    seconds: _Positive
    function: str | msgspec.UnsetType = msgspec.UNSET
    selected: bool | msgspec.UnsetType = msgspec.UNSET  # Set if the learning rate alone does not tell.
    epsilon: _Positive | None = None

    def __post_init__(self) -> None:
        _check_text("optimizer", self.optimizer)
        if self.function is not msgspec.UNSET:
            _check_text("function", self.function)
        if self.status == "diverged":
            self.metrics = {}
        for name, value in self.metrics.items():
            low, high = (0.0, 1.0) if name.endswith(_SHARES) else _RANGES.get(name, (-_HUGE, _HUGE))
            if type(value) not in (int, float) or not low <= value <= high:
                raise ValueError(
                    f"metrics.{ascii(name)[1:-1]} must be a number from {low:g} to {high:g}, got {ascii(value)[:60]}"
                )


class _Results(msgspec.Struct):
    """`results.json`.

    `selected` holds learning rates by optimizer, or by function and optimizer; it is empty if seeds select different
    ones, so that every training says whether it was selected.
    """

    experiment: str
    dataset: str
    scale: dict[str, Any]
    selected: dict[str, _Number | dict[str, _Number | None] | None]
    runs: list[_Training]

    def __post_init__(self) -> None:
        _check_text("experiment", self.experiment)
        _check_text("dataset", self.dataset)

    def is_chosen(self, training: _Training) -> bool:
        """Whether a training has the settings selected for its optimizer."""
        if not self.selected:
            return training.selected is True
        rates: Any = self.selected if training.function is msgspec.UNSET else self.selected.get(training.function)
        rate = rates.get(training.optimizer) if isinstance(rates, dict) else None
        return rate == training.learning_rate and training.selected is not False


class _Configuration(msgspec.Struct):
    """The fields of `config.json` that are read."""

    experiment: str
    flags: dict[str, Any]
    config_hash: str
    commit: str | None

    def __post_init__(self) -> None:
        _check_text("config_hash", self.config_hash)
        if self.commit is not None:
            _check_text("commit", self.commit)


def _check_text(name: str, value: str) -> None:
    if not value.strip() or not value.isprintable():
        raise ValueError(f"{name} must be a text of printable characters, got {ascii(value)[:60]}")


def _read(folder: Path, name: str) -> Iterator[Run]:
    if _load(folder / run_folder.RESULTS, _Experiment).experiment not in PAPER_SCALES:
        return  # Not an experiment of the paper.
    config = _load(folder / run_folder.CONFIGURATION, _Configuration)
    results = _load(folder / run_folder.RESULTS, _Results)
    if config.experiment != results.experiment:
        raise RunError(
            f"{run_folder.CONFIGURATION} and {run_folder.RESULTS} must name the same experiment, but name "
            f"{ascii(config.experiment)[:60]} and {results.experiment}; run again. "
            f"Received: {folder / run_folder.CONFIGURATION}"
        )
    by_function: dict[str | None, dict[tuple[Any, ...], Training]] = {}
    for index, one in enumerate(results.runs):
        training = Training(
            optimizer=one.optimizer,
            learning_rate=one.learning_rate,
            epsilon=one.epsilon,
            seed=one.seed,
            chosen=results.is_chosen(one),
            diverged=one.status == "diverged",
            metrics=one.metrics,
            seconds=one.seconds,
        )
        others = by_function.setdefault(None if one.function is msgspec.UNSET else one.function, {})
        if training.key in others:
            raise _damaged(
                folder / run_folder.RESULTS, f"runs[{index}] must not repeat optimizer, learning rate and seed"
            )
        others[training.key] = training
    for function, trainings in (by_function or {None: {}}).items():
        yield Run(
            folders=(name,),
            experiment=results.experiment,
            function=function,
            dataset=results.dataset,
            scale=results.scale,
            flags=config.flags,
            config_hash=config.config_hash,
            commit=config.commit,
            trainings=tuple(trainings.values()),
        )


_Content = TypeVar("_Content")


def _load(path: Path, kind: type[_Content]) -> _Content:
    if not path.is_file():
        raise RunError(f"The run folder has no {path.name}; run again. Received: no file {path}")
    try:
        return msgspec.json.decode(path.read_bytes(), type=kind)
    except OSError as error:
        raise RunError(f"Cannot read the file ({error.strerror}). Received: {path}") from None
    except (msgspec.DecodeError, RecursionError, ValueError) as error:
        raise _damaged(path, first_line(error)) from None


def _damaged(path: Path, reason: str) -> RunError:
    return RunError(f"The file is damaged ({_printable(reason)}); correct it or run again. Received: {path}")


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)
