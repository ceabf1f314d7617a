"""A rule as a Keras 3 optimizer, for all its backends."""

from __future__ import annotations

import dataclasses

from nos_tf.exporters.expression import STEP, WEIGHTS
from nos_tf.exporters.layout import arguments, assignments, call, common, draw_names, fill, signature
from nos_tf.exporters.printing import Dialect, functions
from nos_tf.exporters.recipe import Recipe
from nos_tf.exporters.subject import Subject

_TEMPLATE = '''\
$header
"""$name for Keras 3 on TensorFlow, JAX and PyTorch."""

$math

import keras
from keras import ops


@keras.saving.register_keras_serializable()
class $name(keras.optimizers.Optimizer):
    """Trains with the rule $rule.

        $equations
        w = w - learning_rate * update

    $legend

    Example:

        model.compile($name(learning_rate=$rate$and_example), "mse")

    Args:
        learning_rate: A number or a `LearningRateSchedule`$measured.
        $explained
        **kwargs: Keyword arguments common to all Keras optimizers.
    """

    $init
        super().__init__(learning_rate=learning_rate, **kwargs)
        $attributes

    $build

    def update_step(self, gradient, variable, learning_rate):
        """Updates one variable with its gradient."""
        $step
        self.assign_sub(variable, ops.cast(learning_rate, variable.dtype) * update)

    $get_config
'''
_BUILD = '''\
def build(self, variables):
    """Creates the running averages, which start at zero."""
    if self.built:
        return
    super().build(variables)
    $made
'''
_GET_CONFIG = '''\
def get_config(self):
    """Returns the arguments of the constructor."""
    config = super().get_config()
    $config
    return config
'''


def source(subject: Subject, recipe: Recipe) -> str:
    """Text of the file."""
    names = list(arguments(recipe))
    made = [
        f'self.{slot.name} = [self.add_variable_from_reference(v, name="{slot.name}") for v in variables]'
        for slot in recipe.slots
    ]
    if recipe.draws:
        # Attributes that are variables are saved with the optimizer.
        made += ["self.random_state = self.seed_generator.state"]
    step = _step(recipe)
    return fill(
        _TEMPLATE,
        **common(subject, recipe),
        math=["import math"] if any("math." in line for line in step) else [],
        init=call("def __init__(", ["self", "learning_rate: float", *signature(recipe), "**kwargs"], "):", indent=4),
        attributes=[f"self.{name} = {name}" for name in names]
        + ["self.seed_generator = keras.random.SeedGenerator(seed)"] * bool(recipe.draws),
        build=fill(_BUILD, made=made).rstrip() if made else [],
        step=step,
        get_config=fill(
            _GET_CONFIG, config=call("config.update(", [f"{name}=self.{name}" for name in names], indent=8)
        ).rstrip()
        if names
        else [],
    )


def _step(recipe: Recipe) -> list[str]:
    lines = ["g = ops.cast(ops.convert_to_tensor(gradient, sparse=False), variable.dtype)"]
    lines += ["w = ops.convert_to_tensor(variable)"] if recipe.reads(WEIGHTS) else []
    lines += ["t = ops.cast(self.iterations, variable.dtype)"] if recipe.reads(STEP) else []
    lines += ["index = self._get_variable_index(variable)"] if recipe.slots else []
    for draw, name in draw_names(recipe).items():
        drawn = ["ops.shape(g)", "dtype=g.dtype", "seed=self.seed_generator"]
        lines += call(f"{name} = keras.random.{draw.op}(", drawn, indent=8)
    dialect = _dialect(recipe)
    for slot in recipe.slots:
        before = dataclasses.replace(
            dialect, names={**dialect.names, slot.name: f"ops.convert_to_tensor(self.{slot.name}[index])"}
        )
        lines += [
            f"{slot.name} = {before.write(slot.updated)}",
            f"self.assign(self.{slot.name}[index], {slot.name})",
        ]
    return [*lines, *assignments(recipe, dialect)]


def _dialect(recipe: Recipe) -> Dialect:
    return Dialect(
        functions("ops.") | {"full": "ops.full_like(g, %s)"},
        names={name: f"self.{name}" for name in arguments(recipe)},
        draw=draw_names(recipe).__getitem__,
    )
