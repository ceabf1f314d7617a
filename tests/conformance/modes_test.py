"""Eager execution, `tf.function` and XLA take the same step, without tracing twice."""

from __future__ import annotations

from collections.abc import Sequence

import tensorflow as tf

from tests.conformance.subjects import over_groups
from tests.conformance.training import Training, assert_same_step, gradients, plain


@over_groups
def test_eager_graph_and_xla_are_the_same(names: Sequence[str]) -> None:
    training = plain(names)
    compiled = tf.function(training.transition, jit_compile=True)
    states = training.start
    for step in range(3):
        gradient = gradients(step)
        for transition in (training.transition, training.traced_transition, compiled):
            assert_same_step(names, states, gradient, transition(states, gradient))
        states = training.traced_transition(states, gradient)
    assert compiled.experimental_get_tracing_count() == 1


@over_groups
def test_second_call_does_not_trace_again(names: Sequence[str]) -> None:
    training = Training(names)
    training.run(range(3))
    assert training.traced_transition.experimental_get_tracing_count() == 1
