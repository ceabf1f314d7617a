"""Which rules a search knows already: by algebra, or by what they do."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from nos_tf.dsl import Program, canonical_keys
from nos_tf.evaluation.fingerprint import fingerprints
from nos_tf.search.trial import Keys, Trial


def keys_of(programs: Sequence[Program]) -> list[Keys]:
    """Both keys of each rule."""
    return list(zip(canonical_keys(programs), fingerprints(programs), strict=True))


class KnownRules:
    """The evaluated trial that a rule equals. Rules that share a key of either kind are equal, and so on from these.

    Args:
      trials: What is known at first, by number, duplicates included.
    """

    def __init__(self, trials: Iterable[Trial]):
        self._trials: dict[str, Trial] = {}
        evaluated: dict[int, Trial] = {}
        for trial in trials:
            equal = trial if trial.duplicate_of is None else evaluated[trial.duplicate_of]
            evaluated[trial.id] = equal
            self.add((trial.key, trial.fingerprint), equal)

    def add(self, keys: Keys, trial: Trial) -> None:
        """Takes a rule with these keys for equal to that of an evaluated trial."""
        for key in keys:
            self._trials.setdefault(key, trial)

    def find(self, keys: Keys) -> Trial | None:
        """The trial whose result a rule with these keys shares."""
        return self._trials.get(keys[0]) or self._trials.get(keys[1])

    def representatives(self, batch: Sequence[Keys]) -> list[Trial | int]:
        """For each rule of a batch the trial that it equals, or the place of the first equal one in the batch."""
        here: dict[str, Trial | int] = {}
        found: list[Trial | int] = []
        for place, keys in enumerate(batch):
            equals = (equal for key in keys for equal in (self._trials.get(key), here.get(key)) if equal is not None)
            found.append(next(equals, place))
            for key in keys:
                here.setdefault(key, found[-1])
        return found
