"""Optimizers on the Rosenbrock function over a grid of learning rates and several seeds.

The stochastic function is Rosenbrock's with Gaussian noise on the gradient; what is measured is always the function
without noise. The paper does not say which stochastic version it uses.
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
from nos_tf.dsl.primitives import UNARY
from nos_tf.errors import RunError
from nos_tf.text import number

DETERMINISTIC, STOCHASTIC = "deterministic", "stochastic"
FUNCTIONS = (DETERMINISTIC, STOCHASTIC)
ADAM_EPSILONS = (1e-3, 1e-4, 1e-5, 1e-6, 1e-7, 1e-8)  # Tuned like this in the paper, for Adam alone.
_NOISE = ("noise", "annealed_noise")


@dataclasses.dataclass(frozen=True)
class Run:
    """One descent.

    Attributes:
      optimizer: Its name, as it was asked for.
      rule: Text of the rule, where the optimizer was generated from one.
      function: "deterministic" or "stochastic".
      learning_rate: Rate of the grid.
      epsilon: Adam's; None where it is not tuned.
      seed: Of the noise, and of what the rule itself draws.
      values: The function without noise at the start and after each iteration, float64 `[iterations + 1]`.
      seconds: Duration.
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
        """Whether any iteration left the finite numbers."""
        return not bool(np.isfinite(self.values).all())

    @property
    def setting(self) -> tuple[float, float | None]:
        """What is tuned."""
        return self.learning_rate, self.epsilon

    def to_json(self, selected: bool) -> dict[str, Any]:
        """The run as `results.json` holds it; `selected` tells whether its setting is its optimizer's best one."""
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
    """Optimizers, each on both functions with each learning rate from each seed.

    Args:
      names: Names of the zoo, texts of rules, `keras/NAME`; Adam, Keras' own, is tuned over its epsilon as well.
      learning_rates: The grid, the same for every optimizer.
      iterations: Length of each run.
      noise: Standard deviation of each component of the noise on the stochastic function's gradient.
      seeds: Of the noise, and of what the rules themselves draw.

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
        """All runs."""
        return [run for name, variants in self._variants.items() for run in self._runs(name, variants)]

    def _build(self, name: str) -> Mapping[float | None, Any]:
        """The optimizer with each epsilon."""
        try:
            if name.lower() in ("adam", "keras/adam"):
                # The language has no epsilon to tune; with Keras' default one the zoo's Adam is Keras', step for step.
                return {epsilon: optimizers.get("keras/adam", epsilon=epsilon) for epsilon in ADAM_EPSILONS}
            return {None: optimizers.get(name, total_steps=self._iterations)}
        except ValueError as error:
            raise RunError(str(error)) from None

    def _runs(self, name: str, variants: Mapping[float | None, Any]) -> Iterator[Run]:
        for epsilon, optimizer in variants.items():
            rule = str(optimizer.program) if hasattr(optimizer, "program") else None
            descent = Descent(optimizer, self._iterations)
            # Without noise, and with a rule that draws nothing, all seeds would make the same run.
            seeds = {STOCHASTIC: self._seeds, DETERMINISTIC: self._seeds if _draws(optimizer) else self._seeds[:1]}
            cells = ((kind, rate, seed) for kind in FUNCTIONS for rate in self._learning_rates for seed in seeds[kind])
            for kind, rate, seed in cells:
                start = time.perf_counter()
                path = descent.run(rate, seed, self._noise if kind == STOCHASTIC else 0.0).astype(np.float64)
                seconds = time.perf_counter() - start
                with np.errstate(all="ignore"):  # Whoever diverges passes through infinities.
                    values = function.value(*path.T)
                yield Run(name, rule, kind, rate, epsilon, seed, values, seconds)


def _draws(optimizer: Any) -> bool:
    """Whether the rule itself draws random numbers."""
    program = getattr(optimizer, "program", None)
    if program is None:
        return False
    stochastic = {name for name, unary in UNARY.items() if unary.stochastic}
    return not program.operands.isdisjoint(_NOISE) or not stochastic.isdisjoint(program.tokens)


def select(runs: Sequence[Run]) -> list[Run]:
    """The runs with the best setting of each optimizer on each function.

    Best is the lowest mean over seeds of the final value. A setting from which some seed diverges loses to every one
    from which fewer do, and one from which all diverge is never selected.

    Raises:
      RunError: All runs of an optimizer on a function diverge.
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
                f"Every run of {name!r} on the {kind} function diverged; try lower learning rates, or leave it out. "
                f"Received: --learning_rates={rates}"
            )
        selected += best
    return selected


def _rank(runs: Sequence[Run]) -> tuple[int, float]:
    finals = [float(run.values[-1]) for run in runs if not run.diverged]
    return len(runs) - len(finals), sum(finals) / len(finals) if finals else math.inf
