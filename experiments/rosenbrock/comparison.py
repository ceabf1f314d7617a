"""Compares optimizers on the Rosenbrock function over a grid of learning rates and several seeds.

The stochastic function adds Gaussian noise to the gradient; the values reported are always those of the function
without noise. The paper does not specify its stochastic version.
"""

from __future__ import annotations

import dataclasses
import itertools
import math
import time
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np

from experiments.rosenbrock import function
from experiments.rosenbrock.descent import Descent
from nos_tf import optimizers
from nos_tf.common.errors import RunError
from nos_tf.common.text import number
from nos_tf.dsl.primitives import UNARY

DETERMINISTIC, STOCHASTIC = "deterministic", "stochastic"
FUNCTIONS = (DETERMINISTIC, STOCHASTIC)
ADAM_EPSILONS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)  # The paper tunes epsilon, for Adam only.
_NOISE = ("noise", "annealed_noise")


@dataclasses.dataclass(frozen=True)
class Run:
    """One descent.

    Attributes:
      optimizer: Name of the optimizer as the user gave it.
      rule: Text of the rule from which the optimizer was generated, or None.
      function: "deterministic" or "stochastic".
      learning_rate: Learning rate.
      epsilon: Epsilon of Adam; None for optimizers for which it is not tuned.
      seed: Seed of the noise and of the rule's random draws.
      values: Values of the noiseless function at the start and after each iteration, float64 `[iterations + 1]`.
      seconds: Duration in seconds.
    """

    optimizer: str
    rule: str | None
    function: str
    learning_rate: float
    epsilon: float | None
    seed: int
    values: np.ndarray
    seconds: float

    @property
    def diverged(self) -> bool:
        """Whether any value is not finite."""
        return not bool(np.isfinite(self.values).all())

    @property
    def setting(self) -> tuple[float, float | None]:
        """The tuned settings: learning rate and epsilon."""
        return self.learning_rate, self.epsilon

    def to_json(self, selected: bool) -> dict[str, Any]:
        """Returns the run for `results.json`; `selected` says whether its setting is its optimizer's best."""
        return {
            "optimizer": self.optimizer,
            "rule": self.rule,
            "function": self.function,
            "learning_rate": self.learning_rate,
            "epsilon": self.epsilon,
            "seed": self.seed,
            "selected": selected,
            "status": "diverged" if self.diverged else "ok",
            "metrics": {
                "final_value": None if self.diverged else float(self.values[-1]),
                "best_value": float(np.nanmin(self.values)),
            },
            "seconds": self.seconds,
        }


class Comparison:
    """Runs each optimizer on both functions with all learning rates and seeds.

    Args:
      names: Zoo names, rules as text, or `keras/NAME`; for Adam, Keras' implementation is used and epsilon tuned too.
      learning_rates: Learning rates to try with every optimizer.
      iterations: Iterations per run.
      noise: Standard deviation of each component of the stochastic function's gradient noise.
      seeds: Seeds of the noise and of the rules' random draws.

    Raises:
      RunError: An optimizer is unknown.
    """

    def __init__(
        self, names: Sequence[str], learning_rates: Sequence[float], iterations: int, noise: float, seeds: Sequence[int]
    ):
        self._learning_rates = learning_rates
        self._iterations = iterations
        self._noise = noise
        self._seeds = seeds
        self._variants = {name: self._build(name) for name in names}

    def run(self) -> list[Run]:
        """Carries out all runs."""
        return [run for name, variants in self._variants.items() for run in self._runs(name, variants)]

    def _build(self, name: str) -> Mapping[float | None, Any]:
        """Builds the optimizer with each epsilon."""
        try:
            if name.lower() in ("adam", "keras/adam"):
                # The language has no tunable epsilon; with the default one, the zoo's Adam equals Keras' step by step.
                return {epsilon: optimizers.get("keras/adam", epsilon=epsilon) for epsilon in ADAM_EPSILONS}
            return {None: optimizers.get(name, total_steps=self._iterations)}
        except ValueError as error:
            raise RunError(str(error)) from None

    def _runs(self, name: str, variants: Mapping[float | None, Any]) -> Iterator[Run]:
        for epsilon, optimizer in variants.items():
            rule = str(optimizer.program) if hasattr(optimizer, "program") else None
            descent = Descent(optimizer, self._iterations)
            # Without noise and random draws, all seeds would give the same run.
            seeds = {STOCHASTIC: self._seeds, DETERMINISTIC: self._seeds if _draws(optimizer) else self._seeds[:1]}
            cells = ((kind, rate, seed) for kind in FUNCTIONS for rate in self._learning_rates for seed in seeds[kind])
            for kind, rate, seed in cells:
                start = time.perf_counter()
                path = descent.run(rate, seed, self._noise if kind == STOCHASTIC else 0.0).astype(np.float64)
                seconds = time.perf_counter() - start
                with np.errstate(all="ignore"):  # Diverging runs overflow.
                    values = function.value(*path.T)
                yield Run(name, rule, kind, rate, epsilon, seed, values, seconds)


def _draws(optimizer: Any) -> bool:
    """Whether the rule draws random numbers."""
    program = getattr(optimizer, "program", None)
    if program is None:
        return False
    stochastic = {name for name, unary in UNARY.items() if unary.stochastic}
    return not program.operands.isdisjoint(_NOISE) or not stochastic.isdisjoint(program.tokens)


def select(runs: Sequence[Run]) -> list[Run]:
    """Selects the runs with the best setting of each optimizer on each function.

    The best setting has the fewest diverged seeds and, among those, the lowest mean final value. A setting with which
    all seeds diverge is never selected.

    Raises:
      RunError: All runs of an optimizer on a function diverged.
    """
    selected: list[Run] = []
    for kind, name in itertools.product(FUNCTIONS, dict.fromkeys(run.optimizer for run in runs)):
        settings: dict[tuple[float, float | None], list[Run]] = {}
        for run in runs:
            if (run.function, run.optimizer) == (kind, name):
                settings.setdefault(run.setting, []).append(run)
        best = min(settings.values(), key=_rank)
        if all(run.diverged for run in best):
            rates = ",".join(map(number, sorted({rate for rate, _ in settings})))
            raise RunError(
                f"All runs of {name!r} on the {kind} function diverged; try lower learning rates or leave it out. "
                f"Received: --learning_rates={rates}"
            )
        selected += best
    return selected


def _rank(runs: Sequence[Run]) -> tuple[int, float]:
    finals = [float(run.values[-1]) for run in runs if not run.diverged]
    return len(runs) - len(finals), sum(finals) / len(finals) if finals else math.inf
