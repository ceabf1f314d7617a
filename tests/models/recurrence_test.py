import numpy as np
import pytest
import tensorflow as tf

from nos_tf.models import recurrence

TIME, BATCH, UNITS, SOURCE, DEPTH = 4, 3, 5, 6, 7


def normal(rng, *shape):
    return tf.constant(rng.standard_normal(shape) * 0.7)


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def numpy_cell(gate_inputs, carry):
    i, f, g, o = np.split(gate_inputs, 4, axis=-1)
    carry = sigmoid(f) * carry + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(carry), carry


def numpy_lstm(gate_inputs, recurrent_kernel):
    output = carry = np.zeros((gate_inputs.shape[1], recurrent_kernel.shape[0]))
    outputs = []
    for inputs in gate_inputs:
        output, carry = numpy_cell(inputs + output @ recurrent_kernel, carry)
        outputs.append(output)
    return np.stack(outputs)


def numpy_attention_lstm(gate_inputs, feedback_kernel, query_kernel, keys, direction, values, mask):
    output = carry = np.zeros((gate_inputs.shape[1], query_kernel.shape[0]))
    context = np.zeros((gate_inputs.shape[1], values.shape[-1]))
    outputs, contexts = [], []
    for inputs in gate_inputs:
        output, carry = numpy_cell(inputs + np.hstack([context, output]) @ feedback_kernel, carry)
        context = np.empty_like(context)
        for sentence in range(len(context)):
            scores = np.tanh(keys[sentence] + output[sentence] @ query_kernel) @ direction + mask[sentence]
            weights = np.exp(scores - scores.max())
            context[sentence] = (weights / weights.sum()) @ values[sentence]
        outputs.append(output)
        contexts.append(context)
    return np.stack(outputs), np.stack(contexts)


def lstm_arguments(rng):
    return [normal(rng, TIME, BATCH, 4 * UNITS), normal(rng, UNITS, 4 * UNITS)]


def attention_arguments(rng):
    value_depth = UNITS + 1
    mask = np.zeros((BATCH, SOURCE))
    mask[1, 4:] = -1e4
    return [
        normal(rng, TIME, BATCH, 4 * UNITS),
        normal(rng, value_depth + UNITS, 4 * UNITS),
        normal(rng, UNITS, DEPTH),
        normal(rng, BATCH, SOURCE, DEPTH),
        normal(rng, DEPTH),
        normal(rng, BATCH, SOURCE, value_depth),
        tf.constant(mask),
    ]


CASES = [
    (recurrence.lstm, numpy_lstm, lstm_arguments, 2),
    (recurrence.attention_lstm, numpy_attention_lstm, attention_arguments, 6),
]


@pytest.mark.parametrize(("function", "twin", "arguments", "_"), CASES)
@pytest.mark.parametrize("compiled", [False, True])
def test_equals_its_numpy_twin(function, twin, arguments, _, compiled):
    arguments = arguments(np.random.default_rng(0))
    found = (tf.function(function) if compiled else function)(*arguments)
    expected = twin(*[argument.numpy() for argument in arguments])
    for a, b in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        np.testing.assert_allclose(a, b, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(("function", "twin", "arguments", "differentiable"), CASES)
def test_gradients_match_slopes_of_the_numpy_twin(function, twin, arguments, differentiable):
    rng = np.random.default_rng(1)
    arguments = arguments(rng)
    weights = [rng.standard_normal(output.shape) for output in tf.nest.flatten(function(*arguments))]

    @tf.function
    def gradients(*arguments):
        with tf.GradientTape() as tape:
            tape.watch(arguments)
            outputs = tf.nest.flatten(function(*arguments))
            loss = tf.add_n([tf.reduce_sum(w * output) for w, output in zip(weights, outputs, strict=True)])
        return tape.gradient(loss, arguments[:differentiable])

    def loss(values):
        outputs = tf.nest.flatten(twin(*values))
        return sum((w * output).sum() for w, output in zip(weights, outputs, strict=True))

    values = [argument.numpy() for argument in arguments]
    for index, gradient in enumerate(gradients(*arguments)):
        # The slope along a random direction takes only two evaluations, however many entries there are.
        for _ in range(3):
            along = rng.standard_normal(values[index].shape)
            ends = [
                loss([*values[:index], values[index] + step * along, *values[index + 1 :]]) for step in (1e-5, -1e-5)
            ]
            np.testing.assert_allclose(np.sum(gradient * along), (ends[0] - ends[1]) / 2e-5, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
def test_runs_in_half_precision(dtype):
    for function, twin, arguments, differentiable in CASES:
        exact = arguments(np.random.default_rng(2))
        rounded = [tf.cast(argument, dtype) for argument in exact]
        with tf.GradientTape() as tape:
            tape.watch(rounded)
            outputs = tf.nest.flatten(function(*rounded))
            loss = tf.add_n([tf.reduce_sum(output) for output in outputs])
        gradients = tape.gradient(loss, rounded[:differentiable])
        assert {value.dtype.name for value in (*outputs, *gradients)} == {dtype}
        expected = tf.nest.flatten(twin(*[argument.numpy() for argument in exact]))
        for a, b in zip(outputs, expected, strict=True):
            np.testing.assert_allclose(tf.cast(a, tf.float64), b, atol=0.1)
