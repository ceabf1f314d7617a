"""Fake trainings with rewards computed from the tokens, so that a search is fast and deterministic."""

from __future__ import annotations

import json
import math
import random
import time
import zlib
from collections.abc import Iterator, Mapping, Sequence
from types import SimpleNamespace

import numpy as np

from nos_tf.dsl import Program, SearchSpace
from nos_tf.evaluation.result import EpochResult, Evaluation, SweepPoint
from nos_tf.search.executors.job import Job, Jobs, as_queue, perform


def reward_of(program: Program) -> float:
    """Returns a reward that depends on every token and grows with the share of simple ones."""
    noise = zlib.crc32(" ".join(program.tokens).encode()) / 2**32
    return 0.4 * noise + 0.6 * sum(token in ("g", "m", "identity", "*") for token in program.tokens) / len(
        program.tokens
    )


class FakeEvaluator:
    """Evaluates rules without training; about one in three diverges.

    Args:
      seconds: Duration of each evaluation.
    """

    def __init__(self, seconds: float = 0.0):
        self._seconds = seconds

    def evaluate(self, program: Program, seed: int) -> Evaluation:
        time.sleep(self._seconds)
        reward = reward_of(program)
        trained = zlib.crc32(str(program).encode()) % 3 > 0
        accuracy = 0.5 + reward / 2
        history = tuple(EpochResult(1 / epoch, accuracy - 0.1 / epoch, -1 / epoch) for epoch in range(1, 6))
        return Evaluation(
            reward=reward if trained else 0.0,
            status="trained" if trained else "diverged",
            learning_rate=0.1 if trained else None,
            accuracy=accuracy if trained else None,
            sweep=(SweepPoint(0.1, reward), SweepPoint(1.0, 0.0)),
            history=history if trained else (),
            seconds=self._seconds,
            message="",
        )

    def train(
        self, program: Program, learning_rate: float, seed: int, split: str = "validation", long: bool = False
    ) -> Evaluation:
        """Returns rewards that are best at a rate of 0.2; a seed shifts all rules alike, plus a little noise per rule.

        Rules with the operand 1, and so most baselines, are worse than the others.
        """
        time.sleep(self._seconds)
        noise = zlib.crc32(f"{seed} {program}".encode()) / 2**32
        away = abs(math.log10(learning_rate / 0.2))
        reward = 0.8 * reward_of(program) + (seed % 100) / 1_000 + 0.02 * noise - 0.03 * away
        reward = max(reward - 0.2 * ("1" in program.tokens), 0.0) + 0.01 * (split == "test")
        epochs = range(1, 26 if long else 6)
        history = tuple(EpochResult(1 / epoch, reward - 0.1 / epoch, reward - 1 - 1 / epoch) for epoch in epochs)
        return Evaluation(reward, "trained", learning_rate, 0.9 * reward, (), history, self._seconds)


class FakeSearcher:
    """Changes one token of the best rule so far, so that its proposals depend on everything it has observed."""

    def __init__(self, space: SearchSpace, seed: int):
        self._space = space
        self._rng = np.random.default_rng(seed)
        self._best: tuple[float, list[str]] = (-1.0, [])
        self.observed: list[tuple[str, float, bool]] = []

    def propose(self, count: int) -> list[Program]:
        return [self._one() for _ in range(count)]

    def _one(self) -> Program:
        program = self._space.sample(self._rng)
        if not self._best[1] or self._rng.random() < 0.3:
            return program
        tokens = list(self._best[1])
        place = self._rng.integers(len(tokens))
        tokens[place] = program.tokens[place]
        return Program.from_tokens(tokens)

    def observe(self, programs: Sequence[Program], rewards: Sequence[float], repeats: Sequence[bool]) -> None:
        for program, reward, repeat in zip(programs, rewards, repeats, strict=True):
            self.observed.append((str(program), reward, repeat))
            self._best = max(self._best, (reward, list(program.tokens)))

    def metrics(self) -> dict[str, float]:
        return {"entropy": 1.0 / (1 + len(self.observed))}

    def state(self) -> dict[str, np.ndarray]:
        content = [self._rng.bit_generator.state, self._best, self.observed]
        return {"content": np.frombuffer(json.dumps(content).encode(), np.uint8)}

    def restore(self, state: Mapping[str, np.ndarray]) -> None:
        self._rng.bit_generator.state, best, observed = json.loads(state["content"].tobytes())
        self._best = (best[0], best[1])
        self.observed = [(rule, reward, repeat) for rule, reward, repeat in observed]


class ShuffledExecutor:
    """Finishes jobs in random order, like worker processes, and records them.

    Args:
      seed: Seed of the order.
      stop_after: Number of jobs after which it raises KeyboardInterrupt, like Ctrl-C.
    """

    def __init__(self, seed: int = 0, stop_after: int | None = None):
        self._order = random.Random(seed)
        self._stop_after = stop_after
        self._evaluator = FakeEvaluator()
        self.jobs: list[Job] = []

    def __enter__(self) -> ShuffledExecutor:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    @property
    def workers(self) -> int:
        return 1

    def run(self, jobs: Jobs) -> Iterator[tuple[Job, Evaluation]]:
        waiting = as_queue(jobs)
        while waiting:
            waiting.rotate(self._order.randrange(len(waiting)))
            job = waiting.popleft()
            if self._stop_after is not None and len(self.jobs) == self._stop_after:
                raise KeyboardInterrupt
            self.jobs.append(job)
            yield job, perform(self._evaluator, job)


TASK = SimpleNamespace(name="fake", epochs=5)
DATA_LABEL = "invented data"
