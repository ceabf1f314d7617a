"""What can be known of rules without training them: their keys, and why they cannot learn."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

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
