"""What can be said about rules without training them: their keys, and why they cannot learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nos_tf.dsl import Program, canonical_keys
from nos_tf.evaluation import fingerprint, screening
from nos_tf.evaluation.responses import responses


class Judgment(NamedTuple):
    """A rule's keys, either of which is enough to share a result, and the reason why it cannot learn, if any."""

    key: str
    fingerprint: str
    reason: str | None


def judge(programs: Sequence[Program]) -> list[Judgment]:
    """Canonical key, fingerprint and screening result of each rule, from a single run of each.

    Args:
      programs: Rules; thousands per second when passed together.
    """
    fingerprints: list[str] = []
    reasons: list[str | None] = []
    for values in responses(programs):
        fingerprints += fingerprint.of_responses(values)
        reasons += screening.of_responses(values)
    return [Judgment(*fields) for fields in zip(canonical_keys(programs), fingerprints, reasons, strict=True)]


def classes(judged: Sequence[Judgment]) -> np.ndarray:
    """Class number of each rule, int `[rules]`: rules that share a key of either kind are in the same class.

    Classes are numbered in order of first appearance.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, keys = np.unique([judgment.key for judgment in judged], return_inverse=True)
    _, fingerprints = np.unique([judgment.fingerprint for judgment in judged], return_inverse=True)
    count = int(keys.max()) + 1
    size = count + int(fingerprints.max()) + 1
    ends = keys.astype(np.int32), (count + fingerprints).astype(np.int32)  # SciPy 1.11 accepts no wider ones.
    links = coo_array((np.ones(len(judged), bool), ends), shape=(size, size))
    _, component = connected_components(links, directed=False)
    _, first, number = np.unique(component[keys], return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number]
