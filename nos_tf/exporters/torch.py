"""A rule as a PyTorch optimizer whose arithmetic runs on lists of tensors."""

from __future__ import annotations

from nos_tf.exporters.expression import STEP, WEIGHTS
from nos_tf.exporters.foreach import Foreach
from nos_tf.exporters.layout import arguments, call, common, fill, signature
from nos_tf.exporters.printing import TEXT
from nos_tf.exporters.recipe import Recipe
from nos_tf.exporters.subject import Subject

_TEMPLATE = '''\
$header
"""$name for PyTorch."""

$math

import torch


class $name(torch.optim.Optimizer):
    """Trains with the rule $rule.

        $equations
        w = w - lr * update

    $legend

    Example:

        optimizer = $name(model.parameters(), lr=$rate$and_example)

    Args:
        params: Parameters to train, or dicts that define parameter groups.
        lr: Learning rate$measured.
        $explained
    """

    $init
        $checks
        $defaults
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure=None):
        """Performs one step.

        Args:
            closure: Optional function that reevaluates the model and returns the loss.
        """
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            params = [p for p in group["params"] if p.grad is not None]
            if not params:
                continue
            grads = [p.grad for p in params]
            if any(g.is_sparse for g in grads):
                raise RuntimeError("$name does not support sparse gradients")
            $state
            $update
        return loss
'''
_STATE = """\
for p in params:
    if not self.state[p]:
        $made
"""


def source(subject: Subject, recipe: Recipe) -> str:
    """Text of the file."""
    names = [name for name in arguments(recipe) if name != "seed"]
    parts = common(subject, recipe)
    parts["explained"] = [line for line in parts["explained"] if not line.startswith("seed:")]
    update = _update(recipe)
    defaults = ["lr=lr", *(f"{name}={name}" for name in names), *(["step=0"] if recipe.reads(STEP) else [])]
    return fill(
        _TEMPLATE,
        **parts,
        math=["import math"] if any("math." in line for line in update) else [],
        init=call(
            "def __init__(",
            ["self", "params", "lr: float", *(one for one in signature(recipe) if not one.startswith("seed:"))],
            "):",
            indent=4,
        ),
        checks=_checks(recipe),
        defaults=call("defaults = dict(", defaults, indent=8),
        state=_state(recipe),
        update=update,
    )


def _checks(recipe: Recipe) -> list[str]:
    lines = ["if lr < 0:", '    raise ValueError(f"Invalid learning rate: {lr}")']
    for slot in recipe.slots:
        name = slot.beta_name
        lines += [f"if not 0 <= {name} < 1:", f'    raise ValueError(f"Invalid {name}: {{{name}}}")']
    return lines


def _state(recipe: Recipe) -> list[str]:
    if not recipe.slots:
        return []
    made = [f'self.state[p]["{slot.name}"] = torch.zeros_like(p)' for slot in recipe.slots]
    read = [f'{_list_name(slot.name)} = [self.state[p]["{slot.name}"] for p in params]' for slot in recipe.slots]
    return [fill(_STATE, made=made).rstrip(), *read]


def _list_name(slot: str) -> str:
    return f"{slot}s"


def _update(recipe: Recipe) -> list[str]:
    lists = {"g": "grads", WEIGHTS: "params"} | {slot.name: _list_name(slot.name) for slot in recipe.slots}
    writer, variable = Foreach(lists), ""
    for slot in recipe.slots:
        writer.average(slot.name, slot.beta_name, slot.averaged)
    for statement in recipe.statements:
        before = len(writer.lines)
        variable = writer.assign(statement.name, statement.expression)
        if len(writer.lines) - before > 1:
            writer.lines.insert(before, f"# {statement.name} = {TEXT.write(statement.expression)}")
    numbers = [f'{name} = group["{name}"]' for name in arguments(recipe) if name != "seed"]
    numbers += ['t = group["step"]', 'group["step"] += 1'] if recipe.reads(STEP) else []
    return [*numbers, *writer.numbered(), f'torch._foreach_add_(params, {variable}, alpha=-group["lr"])']
