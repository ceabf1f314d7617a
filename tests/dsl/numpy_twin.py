"""An independent NumPy evaluator of update rules, written only from the paper's table, and random programs.

It shares no arithmetic with `nos_tf`, so a mistake would have to be made twice to go unnoticed. It computes in the
dtype of its operands: float64, or longdouble for a judge that needs to know its own rounding error.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Mapping

import numpy as np

from nos_tf.dsl import Program, SearchSpace
from nos_tf.dsl.primitives import OPERANDS

Array = np.ndarray
# Boolean mask of the entries that a drop keeps: rate and site (2 * group + side) -> array.
Keep = Callable[[float, int], Array]

BETAS = {"m": 0.9, "v": 0.999, "gamma": 0.999, "m_slow": 0.99}
POWERS = {"m": 1, "v": 2, "gamma": 3, "m_slow": 1}  # Power of the gradient in each average.
ALL_OPERANDS = tuple(OPERANDS)


def number(text: str, like: Array) -> np.floating:
    """Returns a decimal constant, correctly rounded to the dtype of an array."""
    return like.dtype.type(text)


def _clip(x: Array, limit: str) -> Array:
    bound = number(limit, x)
    return np.where(x > bound, bound, np.where(x < -bound, -bound, x))


# Unary functions without randomness.
UNARY: dict[str, Callable[[Array], Array]] = {
    "identity": lambda x: x,
    "neg": lambda x: np.negative(x),
    "exp": lambda x: np.exp(x),
    "log": lambda x: np.log(np.where(x < 0, -x, x)),
    "sqrt": lambda x: np.sqrt(np.where(x < 0, -x, x)),
    "clip_1e-5": lambda x: _clip(x, "1e-5"),
    "clip_1e-4": lambda x: _clip(x, "1e-4"),
    "clip_1e-3": lambda x: _clip(x, "1e-3"),
    "sign": lambda x: np.where(np.isnan(x), x, (x > 0).astype(x.dtype) - (x < 0).astype(x.dtype)),
}
# Drops, with the mask of the entries that are kept.
DROPS: dict[str, float] = {"drop_0.1": 0.1, "drop_0.3": 0.3, "drop_0.5": 0.5}


def drop(x: Array, keep: Array) -> Array:
    """Sets entries that are not kept to zero, without rescaling the others."""
    result = np.array(np.broadcast_to(x, np.broadcast_shapes(np.shape(x), keep.shape)))
    result[~np.broadcast_to(keep, result.shape)] = 0
    return result


BINARY: dict[str, Callable[[Array, Array], Array]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / (y + number("1e-8", y)),
    "**": lambda x, y: np.power(np.where(x < 0, -x, x), y),
    "left": lambda x, y: x,
}


def operand_values(
    *,
    g: Array,
    w: Array,
    m: Array,
    v: Array,
    gamma: Array,
    adam: Array,
    rmsprop: Array,
    noise: Array,
    annealed_noise: Array,
    ld: Array,
    cd: Array,
    rd: Array,
    nesterov: Array,
    lion: Array,
) -> dict[str, Array]:
    """Returns all operands by token; expects bias-corrected `m`, `v` and `gamma`, and noise at its own scale."""
    one = np.ones_like(g)
    values = {"g": g, "g**2": g * g, "g**3": g * g * g, "m": m, "v": v, "gamma": gamma, "1": one, "2": one + one}
    values |= {"sign(g)": UNARY["sign"](g), "sign(m)": UNARY["sign"](m)}
    values |= {f"{scale}*w": number(scale, w) * w for scale in ("1e-4", "1e-3", "1e-2", "1e-1")}
    values |= {"noise": noise, "annealed_noise": annealed_noise, "adam": adam, "rmsprop": rmsprop}
    return values | {"ld": ld, "cd": cd, "rd": rd, "nesterov": nesterov, "lion": lion}


def update(program: Program, operands: Mapping[str, Array], keep: Keep | None = None) -> Array:
    """Computes the update of a rule before the learning rate, evaluating all groups in order, even unused ones."""
    values = dict(operands)
    result = None
    with np.errstate(divide="ignore", invalid="ignore"):
        for index in range(program.num_groups):
            operand1, operand2, unary1, unary2, binary = program.tokens[5 * index : 5 * index + 5]
            sides = []
            for side, (operand, unary) in enumerate([(operand1, unary1), (operand2, unary2)]):
                if unary in DROPS:
                    if keep is None:
                        raise ValueError(f"{program} drops, so it needs masks")
                    sides.append(drop(values[operand], keep(DROPS[unary], 2 * index + side)))
                else:
                    sides.append(UNARY[unary](values[operand]))
            result = BINARY[binary](*sides)
            values[f"b{index + 1}"] = result
    return result


@dataclasses.dataclass
class Averages:
    """Running averages of one weight tensor, and the operands computed from them.

    Attributes:
      m: Average of the gradient, not bias-corrected; likewise `v` of its square and `gamma` of its cube.
      m_slow: Lion's average of the gradient.
      momentum: Sum of the gradients, decayed by a factor of 0.9 per step.
      step: Steps completed.
    """

    m: Array
    v: Array
    gamma: Array
    m_slow: Array
    momentum: Array
    step: int = 0

    @classmethod
    def zeros(cls, shape: tuple[int, ...]) -> Averages:
        return cls(*(np.zeros(shape) for _ in range(5)))

    def operands(
        self, g: Array, w: Array, total_steps: int = 100, normal: Array | None = None, normal2: Array | None = None
    ) -> dict[str, Array]:
        """Takes one step, and returns the operands for that step.

        Args:
          g: Gradient.
          w: Weights before the step.
          total_steps: Length of the training.
          normal: Standard normal draws for `noise`; zeros by default.
          normal2: Standard normal draws for `annealed_noise`; zeros by default.
        """
        lion = UNARY["sign"](0.9 * self.m_slow + 0.1 * g)  # Chen et al. (2023): before the average is updated.
        self.momentum = 0.9 * self.momentum + g
        for name, beta in BETAS.items():
            setattr(self, name, beta * getattr(self, name) + (1.0 - beta) * g ** POWERS[name])
        t, self.step = self.step, self.step + 1
        hat = {name: getattr(self, name) / (1.0 - BETAS[name] ** self.step) for name in ("m", "v", "gamma")}
        adam_rate = np.sqrt(1.0 - BETAS["v"] ** self.step) / (1.0 - BETAS["m"] ** self.step)
        fraction = t / total_steps
        one = np.ones_like(g)
        return operand_values(
            g=g,
            w=w,
            **hat,
            adam=adam_rate * self.m / (np.sqrt(self.v) + 1e-7),
            rmsprop=g / np.sqrt(self.v + 1e-7),
            noise=0.1 * (normal if normal is not None else 0.0 * g),
            annealed_noise=np.sqrt(1.0 / (1.0 + t) ** 0.55) * (normal2 if normal2 is not None else 0.0 * g),
            ld=one * (1.0 - fraction),
            cd=one * 0.5 * (1.0 + np.cos(np.pi * fraction)),
            rd=one * 0.5 * (1.0 + np.cos(np.pi * ((t * 10) % total_steps) / total_steps)),
            nesterov=g + 0.9 * self.momentum,
            lion=lion,
        )


def random_programs(
    count: int, seed: int, max_groups: int = 4, operands: tuple[str, ...] = ALL_OPERANDS
) -> list[Program]:
    """Returns random programs over all primitives, with 1 to `max_groups` groups in turn."""
    rng = np.random.default_rng(seed)
    spaces = [SearchSpace(num_groups=n, operands=operands) for n in range(1, max_groups + 1)]
    return [spaces[i % max_groups].sample(rng) for i in range(count)]
