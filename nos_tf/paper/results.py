"""Run folders, read with distrust: `config.json` and `results.json`, every field checked."""

from __future__ import annotations

import dataclasses
import json
import math
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, NoReturn

from nos_tf import run_folder
from nos_tf.errors import RunError

_RANGES = {"final_test_bleu": (0.0, 100.0), "final_val_bleu": (0.0, 100.0), "final_perplexity": (1.0, math.inf)}
_SHARES = ("_accuracy", "top1", "top5")


@dataclasses.dataclass(frozen=True)
class Training:
    """One training of one optimizer.

    Attributes:
      optimizer: Its name, as the user gave it.
      learning_rate: Its rate.
      epsilon: Its epsilon, where that was tuned as well.
      seed: Its seed.
      chosen: Whether rate and epsilon are those that were chosen for the optimizer.
      diverged: Whether it diverged; then it has no metrics.
      metrics: What was measured.
      seconds: How long it took.
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
        """What no two trainings of a run share."""
        return self.optimizer, self.learning_rate, self.epsilon, self.seed


@dataclasses.dataclass(frozen=True)
class Run:
    """What one run folder holds, or several of the same configuration; of one function where there are two.

    Attributes:
      folders: Their names below the folder that was searched.
      experiment: Name of the experiment.
      function: Which of the experiment's functions was trained on; None where it has but one.
      dataset: Label of the data.
      scale: Facts that decide whether the run is at the paper's scale.
      flags: Flags, every one resolved.
      config_hash: Hash of the flags that change the numbers.
      commit: Commit of the code, if it was known.
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
        """Every optimizer, in the order of the file."""
        return tuple(dict.fromkeys(training.optimizer for training in self.trainings))

    @property
    def seeds(self) -> tuple[int, ...]:
        """Every seed."""
        return tuple(sorted({training.seed for training in self.trainings}))

    @property
    def seconds(self) -> float:
        """Length of all trainings, those of learning rates that were not chosen included."""
        return sum(training.seconds for training in self.trainings)

    @property
    def scale_text(self) -> str:
        """The scale in one line of ASCII."""
        facts = [(name, value) for name, value in self.scale.items() if not isinstance(value, (dict, list))]
        return ", ".join(f"{json.dumps(name)[1:-1]}={json.dumps(value)}" for name, value in facts)


def find(directory: Path) -> list[Run]:
    """Every run below a folder, in the order of their names.

    Folders of equal configuration, commit, data, scale and chosen learning rates that share no training are one run of
    more seeds.

    Raises:
      RunError: There is no run, or a file of one is damaged.
    """
    found: list[Run] = []
    folder = directory
    try:
        for folder in _folders(directory):
            for run in _read(folder, _printable(str(folder.relative_to(directory)))):
                _add(run, found)
    except RecursionError:
        raise RunError(f"A file of the run is nested too deeply; remove it or run again. Received: {folder}") from None
    if not found:
        raise RunError(
            f"No folder holds a {run_folder.CONFIGURATION} and a {run_folder.RESULTS} there; name the one below which "
            f"the runs are. Received: --results_dir={directory}"
        )
    return found


def _folders(directory: Path) -> Iterator[Path]:
    def refuse(error: OSError) -> NoReturn:
        raise RunError(f"Cannot read the folder ({error.strerror}); name another. Received: {error.filename}")

    for name, folders, files in os.walk(directory, onerror=refuse):
        folders.sort()
        if run_folder.RESULTS in files:
            yield Path(name)


def _add(run: Run, found: list[Run]) -> None:
    """Adds a run to those found, or its trainings to one that is the same but for its seeds."""

    def what(one: Run) -> tuple[Any, ...]:
        chosen = {training.key[:-1] for training in one.trainings if training.chosen}
        return one.experiment, one.function, one.config_hash, one.commit, one.dataset, one.scale, chosen

    for index, other in enumerate(found):
        shared = {training.key for training in run.trainings} & {training.key for training in other.trainings}
        if what(run) == what(other) and not shared:
            found[index] = dataclasses.replace(
                other, folders=other.folders + run.folders, trainings=other.trainings + run.trainings
            )
            return
    found.append(run)


def _read(folder: Path, name: str) -> Iterator[Run]:
    config = _File(folder / run_folder.CONFIGURATION)
    results = _File(folder / run_folder.RESULTS)
    experiment = results.text(results.content, "experiment")
    if config.text(config.content, "experiment") != experiment:
        config.refuse(f"experiment must be that of {run_folder.RESULTS}, {experiment!r}", config.content["experiment"])
    selected = results.dict(results.content, "selected")
    by_function: dict[str | None, dict[tuple[Any, ...], Training]] = {}
    for index, record in enumerate(results.list("runs")):
        where = f"runs[{index}]."
        if not isinstance(record, dict):
            results.refuse(f"runs[{index}] must be an object", record)
        function = results.text(record, "function", where) if "function" in record else None
        rates = selected if function is None else results.dict(selected, function, "selected.")
        training = _training(results, record, where, rates)
        others = by_function.setdefault(function, {})
        if training.key in others:
            results.refuse(f"runs[{index}] must not repeat optimizer, learning rate and seed", training.key)
        others[training.key] = training
    for function, trainings in (by_function or {None: {}}).items():
        yield Run(
            folders=(name,),
            experiment=experiment,
            function=function,
            dataset=results.text(results.content, "dataset"),
            scale=results.dict(results.content, "scale"),
            flags=config.dict(config.content, "flags"),
            config_hash=config.text(config.content, "config_hash"),
            commit=None if config.get(config.content, "commit") is None else config.text(config.content, "commit"),
            trainings=tuple(trainings.values()),
        )


def _training(file: _File, record: dict[str, Any], where: str, rates: dict[str, Any]) -> Training:
    status = file.text(record, "status", where)
    if status not in ("ok", "diverged"):
        file.refuse(f"{where}status must be ok or diverged", status)
    seed = file.get(record, "seed", where)
    if type(seed) is not int or seed < 0:
        file.refuse(f"{where}seed must be an integer from 0 on", seed)
    optimizer = file.text(record, "optimizer", where)
    learning_rate = file.number(record, "learning_rate", where, low=0.0)
    chosen = rates.get(optimizer) is not None and file.number(rates, optimizer, "selected.") == learning_rate
    if "selected" in record:  # Where more than the learning rate is tuned, each training says so for itself.
        if type(record["selected"]) is not bool:
            file.refuse(f"{where}selected must be true or false", record["selected"])
        chosen = chosen and record["selected"]
    metrics = file.dict(record, "metrics", where)
    if status == "diverged":
        metrics = {}
    return Training(
        optimizer=optimizer,
        learning_rate=learning_rate,
        epsilon=None if record.get("epsilon") is None else file.number(record, "epsilon", where, low=0.0),
        seed=seed,
        chosen=chosen,
        diverged=status == "diverged",
        metrics={metric: file.number(metrics, metric, f"{where}metrics.", *_range(metric)) for metric in metrics},
        seconds=file.number(record, "seconds", where, low=0.0),
    )


def _range(metric: str) -> tuple[float, float]:
    return (0.0, 1.0) if metric.endswith(_SHARES) else _RANGES.get(metric, (-math.inf, math.inf))


class _File:
    """A JSON object in a file; whatever is wrong with it ends in one line that names the file."""

    def __init__(self, path: Path):
        self.path = path
        if not path.is_file():
            raise RunError(f"A run folder must hold {path.name} beside its other files. Received: no file {path}")
        try:
            content = json.loads(path.read_text(encoding="utf-8"))
        except OSError as error:
            raise RunError(f"Cannot read the file ({error.strerror}). Received: {path}") from None
        except (ValueError, RecursionError) as error:
            reason = " ".join(str(error).split())[:120]
            raise RunError(f"The file is not JSON ({reason}); remove it or run again. Received: {path}") from None
        if not isinstance(content, dict):
            self.refuse("the file must hold one JSON object", content)
        self.content: dict[str, Any] = content

    def refuse(self, rule: str, received: Any) -> NoReturn:
        """Raises the one line."""
        raise RunError(
            f"{self.path}: {_printable(rule)}; correct the file or run again. Received: {ascii(received)[:60]}"
        )

    def get(self, record: dict[str, Any], key: str, where: str = "") -> Any:
        """A value that must be there."""
        if key not in record:
            self.refuse(f"{where}{key} is missing", ", ".join(record))
        return record[key]

    def text(self, record: dict[str, Any], key: str, where: str = "") -> str:
        """A text that can be shown anywhere."""
        value = self.get(record, key, where)
        if not isinstance(value, str) or not value.strip() or not value.isprintable():
            self.refuse(f"{where}{key} must be a text of printable characters", value)
        return value

    def number(
        self, record: dict[str, Any], key: str, where: str = "", low: float = -math.inf, high: float = math.inf
    ) -> float:
        """A finite number from `low` to `high`."""
        value = self.get(record, key, where)
        # A huge integer has no float; its comparison with one is exact all the same.
        finite = type(value) in (int, float) and -1e300 < value < 1e300
        if not finite or not low <= value <= high:
            limits = (
                "" if low == -math.inf else f" from {low:g} to {high:g}" if high < math.inf else f", at least {low:g}"
            )
            self.refuse(f"{where}{key} must be a finite number{limits}", value)
        return float(value)

    def dict(self, record: dict[str, Any], key: str, where: str = "") -> dict[str, Any]:
        """An object."""
        value = self.get(record, key, where)
        if not isinstance(value, dict):
            self.refuse(f"{where}{key} must be an object", value)
        return value

    def list(self, key: str) -> list[Any]:
        """An array of the file's own object."""
        value = self.get(self.content, key)
        if not isinstance(value, list):
            self.refuse(f"{key} must be an array", value)
        return value


def _printable(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)
