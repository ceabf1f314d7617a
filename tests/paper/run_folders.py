"""Run folders with made-up numbers, for the tests of the ledger."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

RATES = (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
CIFAR10_SCALE = {
    "epochs": 300,
    "train_examples": 45_000,
    "val_examples": 5_000,
    "test_examples": 10_000,
    "model": "WRN-28-10",
    "schedule": "constant",
}
SMALL_SCALE = CIFAR10_SCALE | {"epochs": 2, "train_examples": 1_000, "model": "WRN-10-1"}
SMALL_DATA = "JPEG-recompressed CIFAR-10"


def training(
    optimizer: str, learning_rate: float, seed: int, metrics: Mapping[str, float], **changes: Any
) -> dict[str, Any]:
    return {
        "optimizer": optimizer,
        "rule": None,
        "learning_rate": learning_rate,
        "seed": seed,
        "status": "ok",
        "metrics": dict(metrics),
        "seconds": 360.0,
    } | changes


def swept(optimizer: str, metric_by_seed: Sequence[Mapping[str, float]], first_seed: int = 0) -> list[dict[str, Any]]:
    """Returns trainings at seven rates: given metrics at 0.1, divergence above 1, otherwise perfect ones to ignore."""
    runs = []
    for seed, metrics in enumerate(metric_by_seed, start=first_seed):
        for rate in RATES:
            if rate > 1:
                runs.append(training(optimizer, rate, seed, {}, status="diverged"))
            else:
                runs.append(training(optimizer, rate, seed, metrics if rate == 0.1 else dict.fromkeys(metrics, 1.0)))
    return runs


def accuracies(*test: float) -> list[dict[str, float]]:
    """Returns Table 1's four numbers for each seed, derived from the given final test accuracies."""
    return [
        {
            "final_val_accuracy": value + 0.001,
            "final_test_accuracy": value,
            "best_val_accuracy": value + 0.004,
            "best_test_accuracy": value + 0.002,
        }
        for value in test
    ]


def write(
    folder: Path,
    runs: Sequence[Mapping[str, Any]],
    experiment: str = "cifar10_wide_resnet",
    dataset: str = "CIFAR-10",
    scale: Mapping[str, Any] = CIFAR10_SCALE,
    config_hash: str = "0123456789ab",
    flags: Mapping[str, Any] | None = None,
    selected: Mapping[str, Any] | None = None,
) -> Path:
    folder.mkdir(parents=True)
    config = {
        "experiment": experiment,
        "command": f"python -m experiments.{experiment}",
        "flags": dict(flags or {}),
        "versions": {"python": "3.11.2"},
        "seed": 0,
        "commit": "abc1234",
        "config_hash": config_hash,
        "started": "2024-01-01T00:00:00+00:00",
    }
    results = {
        "experiment": experiment,
        "dataset": dataset,
        "scale": dict(scale),
        "runs": list(runs),
        "selected": dict({run["optimizer"]: 0.1 for run in runs} if selected is None else selected),
    }
    (folder / "config.json").write_text(json.dumps(config), encoding="utf-8")
    (folder / "results.json").write_text(json.dumps(results), encoding="utf-8")
    return folder
