r"""Measures what the shortcuts of the sweep save and cost: python -m benchmarks.search_cost [--rules=200] [--json=FILE]

Evaluates random one-group rules on the digits under the plain fair protocol (every rate trained to the end), with each
shortcut alone and with all of them (the default protocol), with the same seed. Work shared by several protocols is done
once and charged to each. For each protocol, reports training steps and CPU seconds per rule relative to the plain
protocol, Spearman's correlation of the rewards over all rules and within the plain protocol's best fifth, and the share
of its top 1% (at least one rule) that is not within the top 5%.
"""

from __future__ import annotations

import dataclasses
import itertools
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple, cast

import numpy as np
import scipy.stats
from absl import app, flags

import nos_tf
from benchmarks import figures
from nos_tf.common.tensorflow_loading import load_single_threaded
from nos_tf.evaluation import Protocol
from nos_tf.evaluation.result import SCREENED

if TYPE_CHECKING:
    from nos_tf.evaluation.trainer import Score, State, Trainer

_PLAIN = "plain"


def protocols(epochs: int) -> dict[str, Protocol]:
    """Returns the plain fair protocol, one with each shortcut alone, and the one with all of them."""
    default = Protocol()
    plain = dataclasses.replace(default, sweep_epochs=epochs, hurdle=0.0, give_up=False)
    return {
        _PLAIN: plain,
        "short sweep": dataclasses.replace(plain, sweep_epochs=default.sweep_epochs),
        "hurdle": dataclasses.replace(plain, hurdle=default.hurdle),
        "giving up": dataclasses.replace(plain, give_up=default.give_up),
        "all": default,
    }


class _Part(NamedTuple):
    """A part of a training: loss, score if it ends an epoch, final state, and cost."""

    loss: float | None
    score: Score | None
    state: State
    steps: int
    seconds: float


class Replay:
    """A trainer that caches the parts of a rule's trainings, so that each is run only once.

    Args:
      trainer: Trainer to wrap.
      mark: Step within an epoch at which some protocols check the hurdle; parts end there.

    Attributes:
      all_steps: Training steps of all requests, including cached ones.
      seconds: CPU seconds of all requests, including cached ones.
    """

    def __init__(self, trainer: Trainer, mark: int):
        self._trainer = trainer
        self._mark = mark
        self._parts: dict[tuple[float, int, int], _Part] = {}
        self._last: _Part | None = None
        self.all_steps, self.seconds = 0, 0.0

    @property
    def steps_per_epoch(self) -> int:
        return self._trainer.steps_per_epoch

    def chance(self, deviations: float) -> float:
        return self._trainer.chance(deviations)

    def forget(self) -> None:
        """Clears the cache for the next rule."""
        self._parts.clear()

    def reset(self, seed: int) -> None:
        del seed  # `train` gets it again.
        self._last = None

    def state(self) -> _Part | None:
        return self._last

    def restore(self, state: _Part | None) -> None:
        self._last = state

    def train(
        self, program: nos_tf.Program, rate: float, epoch: int, steps: range, total_epochs: int, seed: int
    ) -> float | None:
        total = 0.0
        ends = [mark for mark in (self._mark, steps.stop) if steps.start < mark <= steps.stop]
        for first, end in itertools.pairwise([steps.start, *sorted(set(ends))]):
            key = rate, epoch, end
            if key not in self._parts:
                self._parts[key] = self._make(program, rate, epoch, range(first, end), total_epochs, seed)
            self._last = self._parts[key]
            self.all_steps += self._last.steps
            self.seconds += self._last.seconds
            if self._last.loss is None:
                return None
            total += self._last.loss
        return total

    def calibrate(self, epoch: int, seed: int) -> None:
        """Does nothing: the score was computed when the epoch was trained."""

    def score(self, split: str) -> Score:
        assert split == "validation"
        assert self._last is not None
        assert self._last.score is not None
        return self._last.score

    def _make(
        self, program: nos_tf.Program, rate: float, epoch: int, steps: range, total_epochs: int, seed: int
    ) -> _Part:
        start, steps_before = time.process_time(), self._trainer.all_steps
        if self._last is None:
            self._trainer.reset(seed)
        else:
            self._trainer.restore(self._last.state)
        loss, score = self._trainer.train(program, rate, epoch, steps, total_epochs, seed), None
        if loss is not None and steps.stop == self.steps_per_epoch:
            self._trainer.calibrate(epoch, seed)
            score = self._trainer.score("validation")
        seconds = time.process_time() - start
        return _Part(loss, score, self._trainer.state(), self._trainer.all_steps - steps_before, seconds)


def agreement(plain: np.ndarray, saving: np.ndarray) -> dict[str, float]:
    """Measures how far two lists of rewards agree on the ranking of the same rules."""
    order = np.argsort(-plain, kind="stable")
    fifth = order[: max(3, len(order) // 5)]
    top = order[: max(1, len(order) // 100)]
    near = np.argsort(-saving, kind="stable")[: max(1, len(order) // 20)]
    return {
        "Spearman": float(scipy.stats.spearmanr(plain, saving).statistic),
        "Spearman in the best fifth": float(scipy.stats.spearmanr(plain[fifth], saving[fifth]).statistic),
        "share of the top 1 % lost": float(np.mean(~np.isin(top, near))),
    }


def main(argv: Sequence[str]) -> None:
    del argv
    load_single_threaded()
    from nos_tf.evaluation import Evaluator
    from nos_tf.evaluation.trainer import Trainer

    task = nos_tf.tasks.get(flags.FLAGS.task)
    trainer = Trainer(task)
    trainer.reset(0)
    trainer.train_epoch(nos_tf.parse("g"), 0.1, 0, 1, 0)  # Traces the graphs.
    trainer.score("validation")
    replay = Replay(trainer, round(Protocol().hurdle * trainer.steps_per_epoch))
    evaluators = {
        name: Evaluator(task, protocol, trainer=cast("Trainer", replay))
        for name, protocol in protocols(task.epochs).items()
    }
    space, rng = nos_tf.SearchSpace(num_groups=flags.FLAGS.num_groups), np.random.default_rng(flags.FLAGS.seed)
    rewards: dict[str, list[float]] = {name: [] for name in evaluators}
    steps, seconds = dict.fromkeys(evaluators, 0), dict.fromkeys(evaluators, 0.0)
    while len(rewards["all"]) < flags.FLAGS.rules:
        program = space.sample(rng)
        replay.forget()
        for name, evaluator in evaluators.items():
            steps_before, seconds_before = replay.all_steps, replay.seconds
            evaluation = evaluator.evaluate(program, flags.FLAGS.seed)
            if evaluation.status == SCREENED:
                break
            steps[name] += replay.all_steps - steps_before
            seconds[name] += replay.seconds - seconds_before
            rewards[name].append(evaluation.reward)
        print(f"{len(rewards['all'])} rules", end="\r", flush=True)
    count = len(rewards[_PLAIN])
    for name in evaluators:
        results = {"steps a rule": steps[name] / count, "CPU s a rule": seconds[name] / count}
        if name != _PLAIN:
            results["steps, of plain"] = steps[name] / steps[_PLAIN]
            results["seconds, of plain"] = seconds[name] / seconds[_PLAIN]
            results |= agreement(np.array(rewards[_PLAIN]), np.array(rewards[name]))
        for what, value in results.items():
            figures.record(f"{name}: {what}", value)
        print(f"{name}: " + ", ".join(f"{what} {value:.3f}" for what, value in results.items()), flush=True)
    figures.write()


def _define_flags() -> None:
    flags.DEFINE_integer("rules", 200, "Number of random rules, not counting those screened out.", lower_bound=10)
    flags.DEFINE_integer("num_groups", 1, "Groups per rule.", lower_bound=1, upper_bound=4)
    flags.DEFINE_integer("seed", 0, "Seed of the rules and their trainings.", lower_bound=0)
    flags.DEFINE_string("task", "digits", "Task.")


if __name__ == "__main__":
    _define_flags()
    app.run(main)
