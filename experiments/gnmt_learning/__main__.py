"""Compares how fast GNMT learns with a translation model made of Keras' own layers.

    python -m experiments.gnmt_learning --data_dir=~/tensorflow_datasets --run_dir=runs/gnmt_learning

All networks have the same width, layers, subwords, batches, dropout, label smoothing, clipping and schedule, and each
uses the best of five learning rates by validation perplexity. `gnmt:0.1` is GNMT with uniform initial weights in
[-0.1, 0.1]. How much a network relies on the source is measured by the increase in perplexity when the sources are
shuffled among the sentences. Finished trainings are kept in the run folder; with --resume, a run continues from there.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, NoReturn

import joblib
import numpy as np
from absl import flags

from nos_tf.cli import application, shared_flags
from nos_tf.common import run_folder, style
from nos_tf.common.errors import RunError, first_line, require_known
from nos_tf.common.run_folder import RunFolder
from nos_tf.common.statistics import mean_interval
from nos_tf.common.tensorflow_loading import set_environment
from nos_tf.common.text import markdown_table

NAME = "gnmt_learning"
TABLE = "gnmt_learning.md"
_KINDS = ("gnmt", "keras")
_RATES = {"adam": (1e-3, 3e-3, 1e-2, 3e-2, 1e-1), "powersign": (3e-2, 1e-1, 3e-1, 1.0, 3.0)}

Epochs = list[tuple[float, ...]]  # Perplexity with the true sources and with shuffled ones, after each epoch.


class Training(NamedTuple):
    """One training.

    Attributes:
      network: "gnmt", "gnmt:" and the bound of its initial weights, or "keras".
      optimizer: Name of the optimizer.
      learning_rate: Peak learning rate of the schedule.
      seed: Seed of the initial weights, the order of the pairs and dropout.
    """

    network: str
    optimizer: str
    learning_rate: float
    seed: int

    def path(self, folder: Path) -> Path:
        """Returns the path of the result."""
        network = self.network.replace(":", "_")
        return folder / f"{network}-{self.optimizer}-{self.learning_rate:g}-{self.seed}.json"


def main() -> NoReturn:
    """Runs the study and exits."""
    shared_flags.define(NAME)
    flags.DEFINE_list("networks", list(_KINDS), "Networks to compare.")
    flags.DEFINE_list("optimizers", ["adam"], f"Optimizers to train each network with: {', '.join(_RATES)}.")
    flags.DEFINE_string("train_split", "train", "Part of WMT 2014 English-German to train on.")
    flags.DEFINE_string("valid_split", "validation", "Part to evaluate on.")
    flags.DEFINE_integer("vocabulary", 4000, "Number of subwords to learn from the training text.", lower_bound=8)
    flags.DEFINE_integer("units", 128, "Units per layer, and size of the embeddings.", lower_bound=1)
    flags.DEFINE_integer("layers", 2, "Layers in the encoder and in the decoder.", lower_bound=2)
    flags.DEFINE_integer("epochs", 3, "Epochs per training.", lower_bound=1)
    flags.DEFINE_integer("batch_size", 64, "Sentence pairs per batch.", lower_bound=1)
    flags.DEFINE_integer("seeds", 3, "Seeds at the best rate, which is chosen with the first one.", lower_bound=1)
    application.run(_main, "Interrupted. Finished work is saved; rerun the same command with --resume to continue.")


def _main() -> None:
    values = shared_flags.values()
    require_known("network", (name.partition(":")[0] for name in values["networks"]), _KINDS)
    for name in values["networks"]:
        kind, _, bound = name.partition(":")
        if bound and (kind != "gnmt" or not _is_positive(bound)):
            raise RunError(f"A network is gnmt, gnmt:BOUND or keras. Received: --networks={name}")
    require_known("optimizer", values["optimizers"], _RATES)
    shared_flags.check_data_dir()
    set_environment()
    data = _label(values)
    with RunFolder(shared_flags.run_dir(NAME), resume=values["resume"]) as folder:
        folder.begin(NAME, values | {"data": data}, shared_flags.WITHOUT_NUMBERS)
        print(f"Run folder: {folder.path}", flush=True)
        pairs = list(itertools.product(values["networks"], values["optimizers"]))
        first = [
            Training(network, optimizer, rate, values["seed"])
            for network, optimizer in pairs
            for rate in _RATES[optimizer]
        ]
        found = _trained(folder.path, first, values)
        best = [min((one for one in first if one[:2] == pair), key=lambda one: found[one][-1][0]) for pair in pairs]
        seeds = range(values["seed"], values["seed"] + values["seeds"])
        found |= _trained(folder.path, [one._replace(seed=seed) for one in best for seed in seeds], values)
        results = [_entry([found[one._replace(seed=seed)] for seed in seeds], one) for one in best]
        scale = {key: values[key] for key in ("units", "layers", "epochs", "vocabulary", "batch_size", "seeds")}
        run_folder.write_json(
            folder / run_folder.RESULTS, {"experiment": NAME, "dataset": data, "scale": scale, "networks": results}
        )
        text = markdown_table(_header(values["epochs"]), [_row(one) for one in results])
        run_folder.write_text(folder / TABLE, f"Data: {data}.\n\n{text}")
        style.console().print(text, markup=False, highlight=False, soft_wrap=True)


def _label(values: Mapping[str, Any]) -> str:
    from nos_tf.datasets import wmt14
    from nos_tf.datasets.prepared import PreparedDataError

    try:
        label = wmt14.label(data_dir=values["data_dir"])
    except PreparedDataError as error:
        raise RunError(str(error)) from None
    for flag in ("train_split", "valid_split"):
        try:
            pairs = wmt14.size(values[flag], data_dir=values["data_dir"])
        except ValueError as error:
            raise RunError(f"{first_line(error)} Received: --{flag}={values[flag]}") from None
        if not pairs:
            raise RunError(f"This part has no sentences; name another. Received: --{flag}={values[flag]}")
    return f"{label} ({values['train_split']}, {values['valid_split']})"


def _is_positive(text: str) -> bool:
    try:
        return 0.0 < float(text) < float("inf")
    except ValueError:
        return False


def _trained(folder: Path, trainings: Sequence[Training], values: Mapping[str, Any]) -> dict[Training, Epochs]:
    """Runs the trainings without a stored result, and returns all results, with infinity after divergence."""
    missing = [one for one in trainings if not one.path(folder).exists()]
    work = (joblib.delayed(_train)(folder, one, values) for one in missing)
    for done, one in enumerate(joblib.Parallel(n_jobs=-1, return_as="generator_unordered")(work), start=1):
        print(f"{one.network}, {one.optimizer}, {one.learning_rate:g}: {done} of {len(missing)} trainings", flush=True)
    return {one: _epochs(run_folder.read_json(one.path(folder))["epochs"]) for one in trainings}


def _epochs(stored: Sequence[Sequence[float | None]]) -> Epochs:
    return [tuple(math.inf if value is None else value for value in epoch) for epoch in stored]


def _train(folder: Path, training: Training, values: Mapping[str, Any]) -> Training:
    from experiments.gnmt_learning.training import train

    epochs = train(*training, values)
    run_folder.write_json(training.path(folder), {**training._asdict(), "epochs": epochs})
    return training


def _entry(seeds: Sequence[Epochs], training: Training) -> dict[str, Any]:
    """Summarizes a network at its best learning rate, from results of shape `[seeds][epochs][2]`."""
    values = np.array(seeds)
    intervals = [mean_interval(column.tolist()) for column in values[:, :, 0].T]
    return {
        "network": training.network,
        "optimizer": training.optimizer,
        "learning_rate": training.learning_rate,
        "perplexity": [one.mean for one in intervals],
        "half_width": [one.half_width for one in intervals],
        "growth_by_shuffled_sources": float((values[:, -1, 1] / values[:, -1, 0]).mean() - 1.0),
    }


def _header(epochs: int) -> list[str]:
    after = [f"perplexity after {epoch}" for epoch in range(1, epochs + 1)]
    return ["network", "optimizer", "learning rate", *after, "increase with shuffled sources"]


def _row(one: Mapping[str, Any]) -> list[str]:
    perplexities = [
        f"{mean:.1f}" + ("" if half_width is None else f" ± {half_width:.1f}")
        for mean, half_width in zip(one["perplexity"], one["half_width"], strict=True)
    ]
    growth = f"{one['growth_by_shuffled_sources']:+.1%}"
    return [one["network"], one["optimizer"], f"{one['learning_rate']:g}", *perplexities, growth]


if __name__ == "__main__":
    main()
