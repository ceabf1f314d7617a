"""Decides numerically whether two rules are the same function up to a positive factor.

`FastJudge` evaluates both in float64 and longdouble at many random points, and uses the values on which the two
precisions agree. `ExactJudge` evaluates both with `decimal` in 100 and 150 digits, without overflow or underflow, at
fewer points, and has the final say. At points with exact zeros, infinities and NaN count as values too.

Each drop gets its own mask, and all ways to match the masks of the two rules are tried.
"""

from __future__ import annotations

import abc
import collections
import dataclasses
import decimal
import functools
import itertools
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import numpy as np

from nos_tf.dsl import Program
from tests.dsl import numpy_twin

NAMES = ("g", "w", "m", "v", "gamma", "adam", "rmsprop", "noise", "annealed_noise", "ld", "cd", "rd")
NAMES += ("nesterov", "lion")
_VANISHING = (*((name,) for name in NAMES), ("g", "m", "v", "gamma"), ("g", "m"), ("g", "w"), NAMES)
_SITES = 8
EQUAL, DIFFERENT, UNDECIDED = "equal", "different", "undecided"


class _Judge(abc.ABC):
    """Base of both judges, which matches the masks."""

    relevant_sites: Callable[[Program], tuple[tuple[int, float], ...]]

    def __init__(self) -> None:
        self.values = functools.lru_cache(1 << 14)(self._values)

    def compare(self, first: Program, second: Program) -> str:
        relevant = self.relevant_sites(first), self.relevant_sites(second)
        # For each rate, the larger number that either rule depends on: points can miss a dependence but not invent one.
        needed = collections.Counter(rate for _, rate in relevant[0]) | collections.Counter(r for _, r in relevant[1])
        verdicts = {DIFFERENT}
        for first_sites in _selections(first, relevant[0], needed):
            values = self.values(first, _masks([site for site, _ in first_sites]))
            for second_sites in _selections(second, relevant[1], needed):
                for order in itertools.permutations(second_sites):
                    if all(a[1] == b[1] for a, b in zip(first_sites, order, strict=True)):
                        verdict = self._compare(values, self.values(second, _masks([site for site, _ in order])))
                        if verdict == EQUAL:
                            return EQUAL
                        verdicts.add(verdict)
        return UNDECIDED if UNDECIDED in verdicts else DIFFERENT

    @abc.abstractmethod
    def _values(self, program: Program, masks: tuple[int, ...]) -> Any:
        """Returns the values if each site uses the mask with the given number."""

    @abc.abstractmethod
    def _compare(self, first: Any, second: Any) -> str:
        """Compares values up to a positive factor."""


def _drops(program: Program) -> list[tuple[int, float]]:
    """Returns site and rate of every drop."""
    return [
        (2 * (position // 5) + position % 5 - 2, numpy_twin.DROPS[unary])
        for position, unary in enumerate(program.tokens)
        if unary in numpy_twin.DROPS
    ]


def _selections(
    program: Program, relevant: tuple[tuple[int, float], ...], needed: collections.Counter[float]
) -> list[list[tuple[int, float]]]:
    """Returns all ways to choose the needed number of sites for each rate, including the relevant ones."""
    missing = needed - collections.Counter(rate for _, rate in relevant)
    others = [site for site in _drops(program) if site not in relevant]
    choices = [
        itertools.combinations([site for site in others if site[1] == rate], count) for rate, count in missing.items()
    ]
    return [[*relevant, *itertools.chain.from_iterable(chosen)] for chosen in itertools.product(*choices)]


def _masks(sites: list[int]) -> tuple[int, ...]:
    """Returns the number of each site's mask: the n-th listed site uses the n-th mask, all others the last."""
    return tuple(sites.index(site) if site in sites else _SITES - 1 for site in range(_SITES))


def _points(rng: np.random.Generator, ordinary: int, spread: int, like: int, zeros: bool) -> dict[str, np.ndarray]:
    """Draws points of ordinary size, of all magnitudes, of similar size for all quantities, and with zeros."""
    scale = 10.0 ** rng.uniform(-6, 1, like)
    vanishing = _VANISHING if zeros else ()
    points = {}
    for name in NAMES:
        parts = [
            rng.normal(size=ordinary),
            rng.choice([-1.0, 1.0], spread) * 10.0 ** rng.uniform(-8, 3, spread),
            scale * rng.normal(size=like),
            rng.normal(size=len(vanishing)) * [name not in names for names in vanishing],
        ]
        points[name] = np.concatenate(parts)
    points["v"] = np.abs(points["v"])
    points["lion"] = np.sign(points["lion"])
    for name in ("ld", "cd", "rd"):
        points[name] = np.abs(points[name]) % 1.0
    return points


@dataclasses.dataclass(frozen=True)
class _Values:
    value: np.ndarray
    error: np.ndarray  # Bound of the error; infinite if the value is unknown.


class FastJudge(_Judge):
    """Uses 128 points without zeros and 16 with zeros."""

    def __init__(self, seed: int):
        super().__init__()
        self.relevant_sites = functools.lru_cache(1 << 16)(self._relevant_sites)
        rng = np.random.default_rng(seed)
        points = _points(rng, 44, 42, 42, zeros=True)
        self._keep = rng.random((_SITES, points["g"].size)) < 0.6
        self._operands = [
            numpy_twin.operand_values(**{name: value.astype(dtype) for name, value in points.items()})
            for dtype in (np.float64, np.longdouble)
        ]

    def _values(self, program: Program, masks: tuple[int, ...]) -> _Values:
        with np.errstate(all="ignore"):
            short, long = (
                numpy_twin.update(program, operands, lambda _, site: self._keep[masks[site]])
                for operands in self._operands
            )
            difference = np.abs(short.astype(np.longdouble) - long)
            known = (difference <= 1e-6 * np.abs(long)) & np.isfinite(long)
            error = np.where(known, difference / 128 + 1e-17 * np.abs(long), np.inf)
            undefined = ~np.isfinite(short) & ~np.isfinite(long) & (np.arange(long.size) >= long.size - len(_VANISHING))
            return _Values(np.where(known | undefined, long, 0.0), np.where(undefined, 0.0, error))

    def _relevant_sites(self, program: Program) -> tuple[tuple[int, float], ...]:
        """Returns site and rate of every drop whose mask changes the value."""
        found = []
        for site, rate in _drops(program):
            masks = list(range(_SITES))
            before = self._values(program, tuple(masks))
            masks[site] = (site + 1) % _SITES
            if self._compare(before, self._values(program, tuple(masks)), scale_free=False) == DIFFERENT:
                found.append((site, rate))
        return tuple(found)

    def _compare(self, first: _Values, second: _Values, scale_free: bool = True) -> str:
        known = np.isfinite(first.error) & np.isfinite(second.error)
        a, b = first.value[known], second.value[known]
        error_a, error_b = first.error[known], second.error[known]
        if (np.isfinite(a) != np.isfinite(b)).any():
            return DIFFERENT
        finite = np.isfinite(a)
        a, b, error_a, error_b = a[finite], b[finite], error_a[finite], error_b[finite]
        if ((a == 0) != (b == 0)).any():
            return DIFFERENT
        nonzero = a != 0
        a, b, error_a, error_b = a[nonzero], b[nonzero], error_a[nonzero], error_b[nonzero]
        factor = relative = 0.0
        if a.size:
            relative_errors = error_a / np.abs(a) + error_b / np.abs(b)
            best = np.argmin(relative_errors)
            factor, relative = (b[best] / a[best], relative_errors[best]) if scale_free else (1.0, 0.0)
            tolerance = error_b + factor * error_a + (relative + 1e-14) * np.abs(b)
            if factor < 0 or (np.abs(b - factor * a) > tolerance).any():
                return DIFFERENT
        return EQUAL if finite.sum() >= 16 else UNDECIDED


_ABSORBED = 30  # Decimal places between two terms.
_DECIMAL_UNARY: dict[str, Callable[[Decimal], Decimal]] = {
    "identity": lambda x: x,
    "neg": lambda x: -x,
    "exp": lambda x: x.exp(),
    "log": lambda x: abs(x).ln(),
    "sqrt": lambda x: abs(x).sqrt(),
    "clip_1e-5": lambda x: _decimal_clip(x, Decimal("1e-5")),
    "clip_1e-4": lambda x: _decimal_clip(x, Decimal("1e-4")),
    "clip_1e-3": lambda x: _decimal_clip(x, Decimal("1e-3")),
    "sign": lambda x: x if x.is_nan() else Decimal((x > 0) - (x < 0)),
}
_DECIMAL_BINARY: dict[str, Callable[[Decimal, Decimal], Decimal]] = {
    "+": lambda x, y: x + y,
    "-": lambda x, y: x - y,
    "*": lambda x, y: x * y,
    "/": lambda x, y: x / (y + Decimal("1e-8")),
    "**": lambda x, y: Decimal(1) if y == 0 or abs(x) == 1 else abs(x) ** y,
    "left": lambda x, y: x,
}


def _decimal_clip(x: Decimal, limit: Decimal) -> Decimal:
    return x if x.is_nan() else max(-limit, min(limit, x))


def _context(digits: int) -> decimal.Context:
    return decimal.Context(prec=digits, Emax=999_999, Emin=-999_999, traps=[])


class ExactJudge(_Judge):
    """Uses 28 points: a value is known if 100 and 150 digits agree.

    A fast judge, which has more points, determines the masks on which a rule depends.
    """

    def __init__(self, seed: int, fast: FastJudge):
        super().__init__()
        self.relevant_sites = fast.relevant_sites
        rng = np.random.default_rng(seed)
        points = _points(rng, 5, 3, 4, zeros=True)
        count = points["g"].size
        self._first_with_zeros = count - len(_VANISHING)
        self._keep = rng.random((_SITES, count)) < 0.6
        self._points = [{name: Decimal(repr(float(points[name][i]))) for name in NAMES} for i in range(count)]

    def _values(self, program: Program, masks: tuple[int, ...]) -> tuple[Decimal | None, ...]:
        return tuple(self._value(program, masks, number) for number in range(len(self._points)))

    def _value(self, program: Program, masks: tuple[int, ...], point: int) -> Decimal | None:
        results = []
        for digits in (100, 150):
            with decimal.localcontext(_context(digits)) as context:
                result = self._evaluate(program, masks, point)
                if result is None:
                    return None
                results.append(result)
                if context.flags[decimal.Overflow] or context.flags[decimal.Underflow]:
                    return None
        short, long = results
        if not (short.is_finite() and long.is_finite()):
            # If no operand is zero, only rounding can hit a pole.
            return long if short.is_finite() == long.is_finite() and point >= self._first_with_zeros else None
        with decimal.localcontext(_context(150)):
            if abs(long - short) <= abs(long) * Decimal("1e-60"):
                return long
            return Decimal(0) if abs(long) <= abs(short) * Decimal("1e-10") else None  # Only rounding errors remain.

    def _evaluate(self, program: Program, masks: tuple[int, ...], point: int) -> Decimal | None:
        inputs = self._points[point]
        values = {name: inputs[name] for name in NAMES} | {"1": Decimal(1), "2": Decimal(2)}
        values |= {"g**2": inputs["g"] ** 2, "g**3": inputs["g"] ** 3}
        values |= {f"sign({name})": _DECIMAL_UNARY["sign"](inputs[name]) for name in ("g", "m")}
        values |= {f"{scale}*w": Decimal(scale) * inputs["w"] for scale in ("1e-4", "1e-3", "1e-2", "1e-1")}
        result = Decimal(0)
        for index in range(program.num_groups):
            tokens = program.tokens[5 * index : 5 * index + 5]
            sides = []
            for side in range(2 if tokens[4] != "left" else 1):
                x, unary = values[tokens[side]], tokens[2 + side]
                if unary in numpy_twin.DROPS:
                    sides.append(x if self._keep[masks[2 * index + side]][point] else Decimal(0))
                else:
                    sides.append(_DECIMAL_UNARY[unary](x))
            sizes = [side.adjusted() for side in sides if side.is_finite() and side != 0]
            if tokens[4] in "+-" and len(sizes) == 2 and abs(sizes[0] - sizes[1]) > _ABSORBED:
                return None  # The smaller term may matter later, if the larger one cancels.
            result = _DECIMAL_BINARY[tokens[4]](sides[0], sides[-1])
            values[f"b{index + 1}"] = result
        return result

    def _compare(self, first: tuple[Decimal | None, ...], second: tuple[Decimal | None, ...]) -> str:
        known = [(a, b) for a, b in zip(first, second, strict=True) if a is not None and b is not None]
        factor = None
        with decimal.localcontext(_context(150)):
            for a, b in known:
                if not (a.is_finite() and b.is_finite()):
                    if not (a == b or (a.is_nan() and b.is_nan())):
                        return DIFFERENT
                elif (a == 0) != (b == 0):
                    return DIFFERENT
                elif a != 0:
                    if factor is None:
                        factor = b / a
                    if factor < 0 or abs(b - factor * a) > abs(b) * Decimal("1e-50"):
                        return DIFFERENT
        return EQUAL if sum(a.is_finite() for a, _ in known) >= 6 else UNDECIDED
