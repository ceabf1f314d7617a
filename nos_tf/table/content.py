"""The arrays that make up a table, and the file that stores them."""

from __future__ import annotations

import dataclasses
import hashlib
import io
import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

VERSION = 1
_HASH_DIGITS = 8


@dataclasses.dataclass(frozen=True)
class Content:
    """A table. Rules that are equal or behave alike form a class; the arrays are indexed by class.

    Attributes:
      facts: Content of the data sheet: task, data, space, protocol, seeds, versions, hardware.
      rule_class: Class of each rule of the space, in the space's order, int32 `[rules]`.
      keys: First 8 bytes of the canonical keys of all rules of the space, ascending, uint64 `[keys]`.
      key_class: Class of each key, int32 `[keys]`.
      tokens: One rule of each class, as indices into `facts["vocabulary"]`, uint8 `[classes, 5]`.
      status: Index into `facts["statuses"]`, uint8 `[classes]`.
      reason: Index into `facts["reasons"]` of what went wrong, uint8 `[classes]`.
      reward: Reward under the search's own protocol, float32 `[classes]`; 0 if the class did not train.
      learning_rate: Learning rate of that rule, float32 `[classes]`; NaN if there is none.
      accuracy: Final validation accuracy, float32 `[classes]`; NaN if there is none.
      steps: Training steps of the evaluation, int32 `[classes]`; a step takes `facts["seconds_a_step"]` on one core.
      sweep_ends: End of each class's sweep in the next two arrays, int32 `[classes]`.
      sweep_rate: All rates that were tried, float32.
      sweep_score: Rewards of their short runs, float32; NaN for rates that were dropped.
      best: Classes that were trained with more seeds, int32 `[best]`: the best rules by the first seed in descending
        order, then rules that have names.
      best_rewards: Rewards under the protocol with each seed, including the first, float32 `[best, seeds]`.
      best_rates: Their learning rates, float32 `[best, seeds]`.
      fine_rates: Learning rates around their mean, float32 `[best, rates]`.
      fine_rewards: Rewards of full runs at these rates, float32 `[best, rates, seeds]`.
      test: Likelihood and accuracy on test data after a run of the usual length and after a long run, at the best fine
        rate, float32 `[best, 4]`.
      second: Classes that were evaluated on a second task, int32 `[second]`.
      second_reward: Their rewards there, float32 `[second]`.
    """

    facts: Mapping[str, Any]
    rule_class: np.ndarray
    keys: np.ndarray
    key_class: np.ndarray
    tokens: np.ndarray
    status: np.ndarray
    reason: np.ndarray
    reward: np.ndarray
    learning_rate: np.ndarray
    accuracy: np.ndarray
    steps: np.ndarray
    sweep_ends: np.ndarray
    sweep_rate: np.ndarray
    sweep_score: np.ndarray
    best: np.ndarray
    best_rewards: np.ndarray
    best_rates: np.ndarray
    fine_rates: np.ndarray
    fine_rewards: np.ndarray
    test: np.ndarray
    second: np.ndarray
    second_reward: np.ndarray


def write(content: Content, folder: Path, name: str) -> Path:
    """Writes a table to a file whose name contains the version and a hash of the content, and removes earlier ones.

    Returns:
      Path of the file, such as `digits-1-0123abcd.npz`.
    """
    arrays = {field.name: getattr(content, field.name) for field in dataclasses.fields(content)}
    arrays["facts"] = np.array(json.dumps(dict(content.facts), sort_keys=True))
    file = io.BytesIO()
    np.savez_compressed(file, **arrays)
    digest = hashlib.sha256(file.getvalue()).hexdigest()[:_HASH_DIGITS]
    path = folder / f"{name}-{VERSION}-{digest}.npz"
    path.write_bytes(file.getvalue())
    for other in folder.glob(f"{name}-*.npz"):
        if other != path:
            other.unlink()
    return path


def read(path: Path) -> Content:
    """Reads what `write` wrote."""
    with np.load(path, allow_pickle=False) as arrays:
        values = {field.name: arrays[field.name] for field in dataclasses.fields(Content)}
    return Content(**{**values, "facts": json.loads(str(values["facts"]))})
