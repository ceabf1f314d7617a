"""The interface through which primitives read a training step."""

from __future__ import annotations

from typing import Any, Protocol

Array = Any  # A tensor, a NumPy array or a scalar of either.


class State(Protocol):
    """What an operand may read: one weight tensor at one step.

    Attributes:
      xp: Element-wise functions under NumPy's names, such as `abs`, `maximum` and `where`.
      g: Gradient, shaped like the weights.
      w: Weights.
      step: Steps completed before this one, `t`, as in the authors' TensorFlow code; a scalar of the gradient's dtype.
      total_steps: Total number of training steps, `T`; a scalar of the gradient's dtype.
    """

    @property
    def xp(self) -> Any: ...

    @property
    def g(self) -> Array: ...

    @property
    def w(self) -> Array: ...

    @property
    def step(self) -> Array: ...

    @property
    def total_steps(self) -> Array: ...

    def constant(self, value: float) -> Array:
        """A scalar of the gradient's dtype."""

    def average(self, name: str) -> Array:
        """Running average of that name, including this step's gradient, without bias correction."""

    def bias(self, name: str) -> Array:
        """The correction `1 - beta**(t+1)` that divides the average of that name."""

    def normal(self, stream: int) -> Array:
        """Standard normal draws shaped like the gradient; all reads of a stream in one step give the same draws."""

    def uniform(self) -> Array:
        """Draws from [0, 1) shaped like the gradient, specific to this site."""

    def at_site(self, site: int) -> State:
        """The same state with the random draws of another position in the program."""
