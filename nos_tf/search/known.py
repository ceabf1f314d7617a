"""Finds rules that a search has already evaluated, by algebra or behavior."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nos_tf.dsl import Program, canonical_keys
from nos_tf.evaluation.fingerprint import fingerprints
from nos_tf.search.trial import Keys, Trial


def keys_of(programs: Sequence[Program]) -> list[Keys]:
    """Canonical key and fingerprint of each rule."""
    return list(zip(canonical_keys(programs), fingerprints(programs), strict=True))


class KnownRules:
    """Finds the evaluated trial that a rule equals. Equality is transitive: rules are equal if they share either key.

    Args:
      trials: Trials known at first, including duplicates. A duplicate may come before the trial that it equals, since
        rules that train at the same time finish in any order.
    """

    def __init__(self, trials: Iterable[Trial]):
        trials = list(trials)
        self._trials: dict[str, Trial] = {}
        evaluated = {trial.id: trial for trial in trials if trial.duplicate_of is None}
        for trial in trials:
            equal = evaluated[trial.id if trial.duplicate_of is None else trial.duplicate_of]
            self.add((trial.key, trial.fingerprint), equal)

    def add(self, keys: Keys, trial: Trial) -> None:
        """Marks rules with these keys as equal to that of an evaluated trial."""
        for key in keys:
            self._trials.setdefault(key, trial)

    def find(self, keys: Keys) -> Trial | None:
        """Returns the trial that a rule with these keys equals, or None."""
        return self._trials.get(keys[0]) or self._trials.get(keys[1])

    def representatives(self, batch: Sequence[Keys]) -> list[Trial | int]:
        """Returns, for each rule of a batch, the trial it equals or the position of the first equal rule in it."""
        in_batch: dict[str, Trial | int] = {}
        equal_to: list[Trial | int] = []
        for place, keys in enumerate(batch):
            candidates = (one for key in keys for one in (self._trials.get(key), in_batch.get(key)) if one is not None)
            equal_to.append(next(candidates, place))
            for key in keys:
                in_batch.setdefault(key, equal_to[-1])
        return equal_to
