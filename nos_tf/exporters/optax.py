"""A rule as an Optax gradient transformation."""

from __future__ import annotations

import dataclasses

from nos_tf.exporters.expression import STEP, WEIGHTS
from nos_tf.exporters.layout import arguments, assignments, call, common, draw_names, fill, signature
from nos_tf.exporters.printing import Dialect, functions
from nos_tf.exporters.recipe import Recipe, Slot
from nos_tf.exporters.subject import Subject

_TEMPLATE = '''\
$header
"""$name for Optax.

    $equations

$legend

Example:

    optimizer = optax.chain(
        scale_by_$function($example), optax.scale_by_learning_rate($rate)
    )
"""

$imports


$state_class


$scale_by
    """Rescales gradients with the rule $rule.

    $scale_by_args
        $explained
    """

    def init_fn(params):
        $init

    def update_fn(updates, state, params=None):
        $before
        $averages

        $direction

        $after

    return optax.GradientTransformation(init_fn, update_fn)


$maker
    """Trains with the rule $rule.

    Args:
        learning_rate: A number or a schedule$measured.
        $explained
    """
    return optax.chain(
        scale_by_$function($passed),
        optax.scale_by_learning_rate(learning_rate),
    )
'''
_STATE = '''\
class $state(NamedTuple):
    """State of $name: $held."""

    $fields
'''
_RETURNS = ") -> optax.GradientTransformation:"


def source(subject: Subject, recipe: Recipe) -> str:
    """Text of the file."""
    parts = common(subject, recipe)
    counts = recipe.reads(STEP) or bool(recipe.draws)
    has_state = counts or bool(recipe.slots)
    state = f"ScaleBy{subject.class_name}State" if has_state else "optax.EmptyState"
    if has_state:
        fields = ["count: jax.Array"] if counts else []
        fields += [f"{slot.name}: optax.Updates" for slot in recipe.slots]
        held = ["the number of steps"] if counts else []
        held += [f"the running average {slot.name}" for slot in recipe.slots]
        parts["state_class"] = fill(_STATE, state=state, name=subject.class_name, held=", ".join(held), fields=fields)
    else:
        parts["state_class"] = []
    direction = _direction(recipe)
    return fill(
        _TEMPLATE,
        **parts,
        imports=[
            *(["from typing import NamedTuple\n"] if has_state else []),
            "import jax",
            *(["import jax.numpy as jnp"] if counts or any("jnp." in line for line in direction) else []),
            "import optax",
        ],
        scale_by=call(f"def scale_by_{subject.function_name}(", signature(recipe), _RETURNS),
        scale_by_args=["Args:"] if arguments(recipe) else [],
        init=_init(recipe, state, counts),
        before=_before(recipe),
        averages=[line for slot in recipe.slots for line in _average(slot)],
        direction=direction,
        after=_after(recipe, state, counts),
        maker=call(
            f"def {subject.function_name}(",
            ["learning_rate: optax.ScalarOrSchedule", *signature(recipe)],
            _RETURNS,
        ),
        passed=", ".join(f"{name}={name}" for name in arguments(recipe)),
    )


def _init(recipe: Recipe, state: str, counts: bool) -> list[str]:
    fields = ["count=jnp.zeros([], jnp.int32)"] if counts else []
    fields += [f"{slot.name}=optax.tree.zeros_like(params)" for slot in recipe.slots]
    unused = [] if recipe.slots else ["del params"]
    return [*unused, *call(f"return {state}(", fields, indent=8)]


def _before(recipe: Recipe) -> list[str]:
    """Statements before the averages."""
    if recipe.reads(WEIGHTS):
        lines = ["if params is None:", '    raise ValueError("The rule reads the weights: call update with params")']
    else:
        lines = ["del params"]
    lines += ["t = state.count.astype(float)"] if recipe.reads(STEP) else []
    return [*lines, *(line for line in assignments(recipe, _dialect(recipe), arrays=False) if not _is_update(line))]


def _average(slot: Slot) -> list[str]:
    value = f"lambda {slot.name}, g: {_DIALECT.write(slot.updated)}"
    return call(f"{slot.name} = jax.tree.map(", [value, f"state.{slot.name}", "updates"], indent=8)


def _direction(recipe: Recipe) -> list[str]:
    """The function that computes the update of one array."""
    lines = []
    if len(recipe.draws) > 1:
        keys = ", ".join(f"key_{n}" for n in range(1, len(recipe.draws) + 1))
        lines.append(f"{keys} = jax.random.split(key, {len(recipe.draws)})")
    for n, (draw, name) in enumerate(draw_names(recipe).items(), start=1):
        key = f"key_{n}" if len(recipe.draws) > 1 else "key"
        lines.append(f"{name} = jax.random.{draw.op}({key}, g.shape, g.dtype)")
    dialect = _dialect(recipe)
    lines += [line for line in assignments(recipe, dialect, arrays=True) if not _is_update(line)]
    update = dialect.write(recipe.update)
    if recipe.reads(STEP) or recipe.reads(WEIGHTS):
        lines += [f"update = {update}", "return update.astype(g.dtype)"]
    else:
        lines.append(f"return {update}")
    return [f"def direction({', '.join(_names(recipe))}):", *(f"    {line}" for line in lines)]


def _after(recipe: Recipe, state: str, counts: bool) -> list[str]:
    lines = []
    if recipe.draws:
        lines += [
            "key = jax.random.fold_in(jax.random.key(seed), state.count)",
            "tree = jax.tree.structure(updates)",
            "keys = jax.tree.unflatten(tree, list(jax.random.split(key, tree.num_leaves)))",
        ]
    given = {"g": "updates", "w": "params", "key": "keys"}
    lines.append(f"updates = jax.tree.map(direction, {', '.join(given.get(name, name) for name in _names(recipe))})")
    fields = ["count=optax.safe_increment(state.count)"] if counts else []
    fields += [f"{slot.name}={slot.name}" for slot in recipe.slots]
    return [*lines, *(call(f"return updates, {state}(", fields, indent=8) if fields else ["return updates, state"])]


def _names(recipe: Recipe) -> list[str]:
    """Arguments of that function: the gradient, weights, averages and random key."""
    weights, key = [WEIGHTS] if recipe.reads(WEIGHTS) else [], ["key"] if recipe.draws else []
    return ["g", *weights, *(slot.name for slot in recipe.slots), *key]


def _is_update(line: str) -> bool:
    return line.startswith("update = ")


_DIALECT = Dialect(functions("jnp.") | {"full": "jnp.full_like(g, %s)"}, pi="jnp.pi")


def _dialect(recipe: Recipe) -> Dialect:
    return dataclasses.replace(_DIALECT, draw=draw_names(recipe).__getitem__)
