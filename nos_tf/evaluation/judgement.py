"""What can be known of rules without training them: their keys, and why they cannot learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from nos_tf.dsl import Program, canonical_keys
from nos_tf.evaluation import fingerprint, screening
from nos_tf.evaluation.responses import responses


class Judgement(NamedTuple):
    """A rule's keys, of which one is enough to share a result, and the reason why it cannot learn, if there is one."""

    key: str
    fingerprint: str
    reason: str | None


def judge(programs: Sequence[Program]) -> list[Judgement]:
    """Canonical key, fingerprint and screen of each rule, each rule run once.

    Args:
      programs: Rules; thousands a second when they come together.
    """
    fingerprints: list[str] = []
    reasons: list[str | None] = []
    for values in responses(programs):
        fingerprints += fingerprint.of_responses(values)
        reasons += screening.of_responses(values)
    return [Judgement(*fields) for fields in zip(canonical_keys(programs), fingerprints, reasons, strict=True)]


def classes(judged: Sequence[Judgement]) -> np.ndarray:
    """Numbers of classes of rules, int `[rules]`: of one class are those that share a key of either kind.

    Classes are numbered by their first rules, so that the numbers rise where they come up first.
    """
    from scipy.sparse import coo_array
    from scipy.sparse.csgraph import connected_components

    _, keys = np.unique([one.key for one in judged], return_inverse=True)
    _, prints = np.unique([one.fingerprint for one in judged], return_inverse=True)
    count = int(keys.max()) + 1
    size = count + int(prints.max()) + 1
    ends = keys.astype(np.int32), (count + prints).astype(np.int32)  # SciPy 1.11 takes no wider ones here.
    links = coo_array((np.ones(len(judged), bool), ends), shape=(size, size))
    _, component = connected_components(links, directed=False)
    _, first, number = np.unique(component[keys], return_index=True, return_inverse=True)
    return np.argsort(np.argsort(first))[number]
