"""Rules with names: the paper's, the baselines of a search, and those found here. Does not need TensorFlow.

Sources: Bello et al. (2017), Table 1 (rules found, and the baselines that the language can express); its
2018 arXiv extension (PowerSign with a cosine decay, AddSign). AdamW: Loshchilov and Hutter (2019). Lion: Chen et al.
(2023).
"""

from __future__ import annotations

from typing import NamedTuple

BASELINE = "baseline"  # Not from a search.
PAPER = "paper"  # Found by the paper's search.
FOUND = "found"  # Found by this package: better than every tuned baseline on the mean of unseen tasks.


class NamedRule(NamedTuple):
    """A rule with a name.

    Attributes:
      text: The rule in the language.
      title: Display name, if any; the rules that have one are the baselines of a search.
      origin: `BASELINE`, `PAPER` or `FOUND`.
      has_own_class: Whether it has an optimizer class of its own.
      is_approximate: Whether the text only approximates the optimizer of that name.
    """

    text: str
    title: str | None = None
    origin: str = PAPER
    has_own_class: bool = False
    is_approximate: bool = False


NAMED_RULES: dict[str, NamedRule] = {
    "sgd": NamedRule("g", "SGD", BASELINE),
    # Momentum sums gradients; the language only has averages.
    "momentum": NamedRule("m", "Momentum", BASELINE, has_own_class=True, is_approximate=True),
    "nesterov": NamedRule("nesterov", "Nesterov", BASELINE),
    "adam": NamedRule("adam", "Adam", BASELINE),
    "adamw": NamedRule("adam + 1e-2*w", "AdamW", BASELINE),
    "rmsprop": NamedRule("rmsprop", "RMSProp", BASELINE),
    "lion": NamedRule("lion", "Lion", BASELINE),
    "powersign": NamedRule("exp(sign(g) * sign(m)) * g", "PowerSign", has_own_class=True),
    "powersign-cd": NamedRule("exp(cd * sign(g) * sign(m)) * g", has_own_class=True),
    "addsign": NamedRule("(1 + sign(g) * sign(m)) * g", "AddSign", has_own_class=True),
    "powersign-plus-clip-g": NamedRule("(exp(sign(g) * sign(m)) + clip(g, 1e-4)) * g"),
    "clip-m-exp-v": NamedRule("clip(m, 1e-4) * exp(v)"),
    "m-exp-v": NamedRule("m * exp(v)"),
    "powersign-drop-0.3": NamedRule("exp(sign(g) * sign(m)) * drop(g, 0.3)"),
    "m-exp-g2": NamedRule("m * exp(g**2)"),
    "drop-m-over-exp-g2": NamedRule("drop(m, 0.1) / exp(g**2)"),
    "powersign-drop-0.1": NamedRule("exp(sign(g) * sign(m)) * drop(g, 0.1)"),
    "clip-rmsprop-plus-drop-m": NamedRule("clip(rmsprop, 1e-5) + drop(m, 0.3)"),
    "adam-powersign": NamedRule("exp(sign(g) * sign(m)) * adam"),
    "adam-exp-m": NamedRule("adam * exp(m)"),
    "g-plus-drop-m": NamedRule("g + drop(m, 0.3)"),
    "drop-m-exp-g3": NamedRule("drop(m, 0.1) * exp(g**3)"),
    "g-minus-clip-g2": NamedRule("g - clip(g**2, 1e-4)"),
    "exp-g-minus-exp-m": NamedRule("exp(g) - exp(m)"),
    "drop-m-exp-w": NamedRule("drop(m, 0.3) * exp(1e-3*w)"),
    "found-sign-m-drop-rmsprop": NamedRule("sign(m) + drop(rmsprop, 0.3)", origin=FOUND),
}
