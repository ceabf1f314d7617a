"""The protocol of all searchers, and checks of their observations and stored states."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np

from nos_tf.common.settings import Settings
from nos_tf.dsl.program import Program
from nos_tf.dsl.search_space import SearchSpace

State = Mapping[str, np.ndarray]  # No object arrays, so that it is stored and loaded without pickling.


class Searcher(Protocol):
    """Proposes programs and learns from their rewards; higher is better.

    A searcher's proposals depend only on its space, seed, settings and observations.
    """

    def propose(self, count: int) -> list[Program]:
        """Returns programs to evaluate next; some may have been proposed before."""

    def observe(self, programs: Sequence[Program], rewards: Sequence[float], repeats: Sequence[bool]) -> None:
        """Takes the rewards of the most recently proposed programs, in order and including duplicates.

        Args:
          programs: The proposed programs.
          rewards: Reward of each program; a repeat has the reward of the program that it equals.
          repeats: Whether each program equals one that was evaluated before, so that trying it taught nothing.

        Raises:
          ValueError: The numbers of programs, rewards and repeats differ or are 0, a reward is not finite, or a program
            is not in the search space.
        """

    def metrics(self) -> dict[str, float]:
        """Metrics of the last observation, such as `entropy` in nats per token; may be empty."""

    def state(self) -> dict[str, np.ndarray]:
        """Everything that future proposals depend on."""

    def restore(self, state: State) -> None:
        """Continues from what `state` returned, exactly as the searcher that returned it would have.

        Raises:
          ValueError: The state belongs to another searcher, space, seed or setting; nothing is changed.
        """


@runtime_checkable
class OffPolicy(Searcher, Protocol):
    """A searcher that can learn from its earlier proposals, given how likely they were when it made them."""

    def log_probs(self, programs: Sequence[Program]) -> np.ndarray:
        """Log-probabilities of the tokens of programs that were just proposed, in nats, float32 `[count, length]`."""

    def observe_late(
        self, programs: Sequence[Program], rewards: Sequence[float], repeats: Sequence[bool], log_probs: np.ndarray
    ) -> None:
        """Like `observe`, but for any programs that it has proposed, in any order.

        Args:
          programs: The proposed programs.
          rewards: Reward of each program.
          repeats: Whether each program equals one that was evaluated before.
          log_probs: What `log_probs` returned when each program was proposed, `[count, length]`.

        Raises:
          ValueError: As for `observe`.
        """


def identity(searcher: str, space: SearchSpace, seed: int, settings: Settings) -> np.ndarray:
    """Describes what a state belongs to, as an array that holds one line of JSON."""
    described = dataclasses.asdict(space) | {"constraints": sorted(space.constraints)}
    return np.array(json.dumps({"searcher": searcher, "space": described, "seed": seed} | dataclasses.asdict(settings)))


def check_state(state: State, expected: State) -> None:
    """Raises a ValueError unless a state has the same identity, names, shapes and types as the expected one."""
    if "identity" not in state:
        raise ValueError(f"This is not the state of a searcher. Received: arrays {sorted(state)[:5]}")
    _check_equal(
        _fields(state["identity"]),
        _fields(expected["identity"]),
        "The state belongs to a searcher with another {}; restore it into a matching one",
    )
    _check_equal(
        {name: f"{array.dtype} {array.shape}" for name, array in state.items()},
        {name: f"{array.dtype} {array.shape}" for name, array in expected.items()},
        "The state is damaged or from another version of nos_tf, at the array {}",
    )


def check_observation(
    space: SearchSpace, programs: Sequence[Program], rewards: Sequence[float], repeats: Sequence[bool]
) -> np.ndarray:
    """Token indices of observed programs, int32 `[batch, length]`.

    Raises:
      ValueError: As for `Searcher.observe`.
    """
    if not programs or not len(programs) == len(rewards) == len(repeats):
        raise ValueError(
            "Pass at least one program, and a reward and a repeat flag for each. "
            f"Received: {len(programs)} programs, {len(rewards)} rewards, {len(repeats)} repeats"
        )
    for program, reward in zip(programs, rewards, strict=True):
        if not np.isfinite(reward):
            raise ValueError(
                f"Rewards must be finite; give a failed program the worst one. Received: {reward} for {program}"
            )
    return np.stack([space.encode(program) for program in programs])


def _check_equal(received: Mapping[str, Any], expected: Mapping[str, Any], message: str) -> None:
    for name in [*expected, *received]:
        if received.get(name) != expected.get(name):
            raise ValueError(f"{message.format(name)}. Expected: {expected.get(name)}. Received: {received.get(name)}")


def _fields(line: np.ndarray) -> dict[str, Any]:
    try:
        fields = json.loads(str(line))
    except ValueError:
        fields = None
    if not isinstance(fields, dict):
        raise ValueError(f"This is not the state of a searcher. Received: identity={str(line)[:60]!r}")
    return fields
