"""Any program of the language as a Keras optimizer."""

from __future__ import annotations

import functools
from collections.abc import Mapping
from typing import Any

from nos_tf.dsl import Program, evaluate, parse
from nos_tf.dsl.algebra.canonical import exact_key
from nos_tf.dsl.primitives import AVERAGES
from nos_tf.dsl.state import Array
from nos_tf.optimizers.keras_compat import dtype_name, precise_dtype, register_serializable, xp
from nos_tf.optimizers.rule_optimizer import RuleOptimizer
from nos_tf.optimizers.update_rule import Randomness, TensorState, updated_averages
from nos_tf.optimizers.validation import check_beta, check_seed, check_total_steps


@register_serializable
class ProgramOptimizer(RuleOptimizer):
    """Trains with an update rule of the language: `w <- w - learning_rate * U(g, w, m, v, gamma, t)`.

    Averages are updated before they are read, and are bias-corrected as in Adam. Slots exist only for the averages that
    the rule depends on. The arithmetic uses the variables' own dtype, except that half-precision variables are computed
    in float32 and rounded once: the language's delta of 1e-8 is 0 in float16.

    Example:
    >>> optimizer = nos_tf.optimizers.ProgramOptimizer("exp(sign(g) * sign(m)) * g", learning_rate=0.1)
    >>> model.compile(optimizer, "sparse_categorical_crossentropy")

    Args:
      program: A `Program` or its text.
      learning_rate: A number or a `LearningRateSchedule`.
      total_steps: Total number of training steps, `T`; required by rules that read a decay (`ld`, `cd`, `rd`).
      beta_1: Decay rate of `m`, in [0, 1). In the operand `nesterov`, `g` always has the weight that belongs to 0.9.
      beta_2: Decay rate of `v`, in [0, 1).
      beta_3: Decay rate of `gamma`, in [0, 1).
      seed: Seed of noise and drop masks, in [0, 2**32); the masks of a step depend only on the seed and the step.
      **kwargs: Keyword arguments common to all Keras optimizers.

    Raises:
      ProgramError: The text is not a program.
      ValueError: The rule reads a decay and no `total_steps` is given, or a number is out of range.

    References:
      Bello et al. (2017), section 4.1.
    """

    def __init__(
        self,
        program: Program | str,
        learning_rate: Any = 0.1,
        total_steps: int | None = None,
        beta_1: float = AVERAGES["m"].beta,
        beta_2: float = AVERAGES["v"].beta,
        beta_3: float = AVERAGES["gamma"].beta,
        seed: int = 0,
        **kwargs: Any,
    ):
        super().__init__(learning_rate, **kwargs)
        self.program = program if isinstance(program, Program) else parse(program)
        self.betas = {
            "m": check_beta("beta_1", beta_1),
            "v": check_beta("beta_2", beta_2),
            "gamma": check_beta("beta_3", beta_3),
        }
        self.seed = check_seed(seed)
        needed_by = f"the rule {self.program}" if self.program.needs_total_steps else None
        self.total_steps = check_total_steps(total_steps, needed_by)

    @property
    def slot_names(self) -> tuple[str, ...]:
        return tuple(name for name in AVERAGES if name in self.program.slots)

    @functools.cached_property
    def takes_sparse_gradients(self) -> bool:
        """True only for the rule `g`: rules that read an average or the weights also move rows without a gradient."""
        return exact_key(self.program) == exact_key(parse("g"))

    def update(
        self, gradient: Array, weights: Array, slots: Mapping[str, Array], step: Array, sizes: Mapping[int, int]
    ) -> tuple[Array, dict[str, Array]]:
        dtype = precise_dtype(dtype_name(gradient))
        gradient = xp.cast(gradient, dtype)
        slots = {name: xp.cast(value, dtype) for name, value in slots.items()}
        averages = updated_averages(self.slot_names, slots, gradient, self.betas)
        state = TensorState(
            g=gradient,
            w=xp.cast(weights, dtype),
            averages=averages,
            step_number=step,
            total_steps=None if self.total_steps is None else xp.convert_to_tensor(self.total_steps, dtype=dtype),
            betas=self.betas,
            randomness=Randomness(self.seed, sizes),
        )
        return evaluate(self.program, state), averages

    def get_config(self) -> dict[str, Any]:
        return super().get_config() | {
            "program": str(self.program),
            "total_steps": self.total_steps,
            "beta_1": self.betas["m"],
            "beta_2": self.betas["v"],
            "beta_3": self.betas["gamma"],
            "seed": self.seed,
        }
