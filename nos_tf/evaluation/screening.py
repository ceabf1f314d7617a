"""Finds rules that cannot learn, without training them, from their responses to fixed streams of gradients."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np

from nos_tf.dsl import Program, parse
from nos_tf.evaluation.gradient_streams import ORDINARY, SIZES, STEADY, streams
from nos_tf.evaluation.responses import responses

NOT_FINITE = "the update is infinite or NaN on ordinary gradients of every size"
SIGN_BLIND = "the update does not depend on the sign of the loss"
UPHILL = "the update goes uphill on gradients of every size"
REASONS = (NOT_FINITE, SIGN_BLIND, UPHILL)

_ORDINARY_SIZES = [size >= 1e-5 for size in SIZES]
# Standard errors by which a rule must go uphill at every size of gradients, and on average over the sizes. Some rules
# that go uphill by slightly less do learn: those that follow changes of the gradient, such as `clip(m - g, 1e-4)`.
_SOME, _MEAN = 1.0, 2.0


def screen(programs: Iterable[Program | str]) -> list[str | None]:
    """Explains why rules cannot learn at any learning rate.

    A rule is run, without training, on gradients from 1e-5 to 10 of a loss and of its negative. It cannot learn

    - if its update is infinite or NaN at some ordinary gradient of every size: any step would ruin some weights;
    - if its update is the same for both losses, since it then treats climbing and descending alike;
    - if the difference between its two updates points uphill, for every size and on average over weights and steps.

    Example:
    >>> nos_tf.screen(["exp(sign(g) * sign(m)) * g", "g * m", "-adam"])
    [None, 'the update does not depend on the sign of the loss', 'the update goes uphill on gradients of every size']

    Args:
      programs: Rules or their texts.

    Returns:
      None for each rule that may learn, otherwise the reason why it cannot.

    Raises:
      ProgramError: A text is not a program.
    """
    rules = [program if isinstance(program, Program) else parse(program) for program in programs]
    return [reason for values in responses(rules) for reason in of_responses(values)]


def of_responses(values: np.ndarray) -> list[str | None]:
    """Reasons why rules cannot learn, from their responses to the streams, float32 `[rules, entries]`."""
    with np.errstate(all="ignore"):
        return _reasons(values.reshape(-1, *streams().shape))


def _reasons(both: np.ndarray) -> list[str | None]:
    under_loss, under_negative = both[:, 0], both[:, 1]
    same = (under_loss == under_negative) | (np.isnan(under_loss) & np.isnan(under_negative))
    ordinary = both[:, :, _ORDINARY_SIZES, ORDINARY]
    infinite = ~np.isfinite(ordinary).all(axis=(1, 3, 4))
    conditions = (infinite.all(axis=1), same.all(axis=(1, 2, 3)), _goes_uphill(both))
    which = np.select(conditions, range(len(REASONS)), len(REASONS))
    return [(*REASONS, None)[index] for index in which]


def _goes_uphill(both: np.ndarray) -> np.ndarray:
    """Whether responses clearly go uphill for every size of gradients, relative to the gradient and to its mean.

    At weights that are zero, tiny, small or large, they must at least not go downhill on average.
    """
    gradient = streams().state.g.reshape(streams().shape)
    response = both[:, 0].astype(np.float64) - both[:, 1]
    response[~np.isfinite(response)] = 0.0
    uphill = np.ones(len(both), bool)
    for slope in (gradient, streams().signal):
        descent = (response * slope[0])[:, _ORDINARY_SIZES]
        ordinary = descent[:, :, ORDINARY]
        error = ordinary.std(axis=(2, 3)) / np.sqrt(ordinary[0, 0].size)
        errors = ordinary.mean(axis=(2, 3)) / np.where(error > 0.0, error, np.inf)
        uphill &= (errors < -_SOME).all(axis=1) & (errors.mean(axis=1) < -_MEAN)
        uphill &= (np.sign(descent[:, :, STEADY]).mean(axis=(1, 3)) <= 0.0).all(axis=1)
    return uphill
