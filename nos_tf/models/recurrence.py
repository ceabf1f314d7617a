"""LSTM recurrences with handwritten gradients.

Automatic differentiation of a `tf.while_loop` accumulates the gradient of every weight at each time step. Here, the
backward loops compute only the gradients of the gate inputs, and a single matrix product over all time steps then gives
those of the weights. Sequences are time-major, gates are in Keras' order (input, forget, cell, output), and the initial
states are zero.
"""

from __future__ import annotations

import tensorflow as tf


def cell(gate_inputs: tf.Tensor, carry: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Runs one step of an LSTM.

    Args:
      gate_inputs: Inputs of the gates' activation functions, `[batch, 4 * units]`.
      carry: Carry (cell) state before the step, `[batch, units]`.

    Returns:
      Output and carry state after the step, each `[batch, units]`.
    """
    *_, output_gate, carry = _gates(gate_inputs, carry)
    return output_gate * tf.tanh(carry), carry


def _gates(gate_inputs: tf.Tensor, carry: tf.Tensor) -> tuple[tf.Tensor, ...]:
    i, f, g, o = tf.split(gate_inputs, 4, axis=-1)
    i, f, g, o = tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)
    return i, f, g, o, f * carry + i * g


def _cell_gradient(
    d_output: tf.Tensor, d_carry: tf.Tensor, gates: tuple[tf.Tensor, ...], carry_before: tf.Tensor
) -> tuple[tf.Tensor, tf.Tensor]:
    """Returns the gradients of the gate inputs and of the carry state before the step."""
    i, f, g, o, carry = gates
    squashed = tf.tanh(carry)
    d_carry += d_output * o * (1 - squashed * squashed)
    d_gate_inputs = tf.concat(
        [
            d_carry * g * i * (1 - i),
            d_carry * carry_before * f * (1 - f),
            d_carry * i * (1 - g * g),
            d_output * squashed * o * (1 - o),
        ],
        axis=-1,
    )
    return d_gate_inputs, d_carry * f


def _array(like: tf.Tensor, size: tf.Tensor) -> tf.TensorArray:
    return tf.TensorArray(like.dtype, size, clear_after_read=False, element_shape=[None, None])


def _arrays(like: tf.Tensor, size: tf.Tensor, number: int) -> tuple[tf.TensorArray, ...]:
    return tuple(_array(like, size) for _ in range(number))


def _unstack(values: tf.Tensor) -> tf.TensorArray:
    return _array(values, tf.shape(values)[0]).unstack(values)


def _shifted(values: tf.Tensor) -> tf.Tensor:
    """Shifts values by one time step, starting with zeros."""
    return tf.concat([tf.zeros_like(values[:1]), values[:-1]], axis=0)


def _weight_gradient(inputs: tf.Tensor, d_outputs: tf.Tensor) -> tf.Tensor:
    """Returns the gradient of the kernel of a matrix product, summed over time and batch."""
    flat = [tf.reshape(values, [-1, values.shape[-1]]) for values in (inputs, d_outputs)]
    return tf.matmul(*flat, transpose_a=True)


@tf.custom_gradient
def lstm(gate_inputs: tf.Tensor, recurrent_kernel: tf.Tensor) -> tf.Tensor:
    """Runs an LSTM layer on projected inputs.

    Args:
      gate_inputs: Inputs times kernel plus bias, `[time, batch, 4 * units]`.
      recurrent_kernel: Kernel of the previous step's output, `[units, 4 * units]`.

    Returns:
      Outputs, `[time, batch, units]`.
    """
    steps, batch = tf.unstack(tf.shape(gate_inputs)[:2])
    zeros = tf.zeros([batch, recurrent_kernel.shape[0]], gate_inputs.dtype)
    projected = _unstack(gate_inputs)

    def forward(time, output, carry, outputs, saved):
        gates = _gates(projected.read(time) + tf.matmul(output, recurrent_kernel), carry)
        output = gates[3] * tf.tanh(gates[4])
        saved = tuple(array.write(time, gate) for array, gate in zip(saved, gates, strict=True))
        return time + 1, output, gates[4], outputs.write(time, output), saved

    *_, outputs, saved = tf.while_loop(
        lambda time, *_: time < steps,
        forward,
        (0, zeros, zeros, _array(zeros, steps), _arrays(zeros, steps, 5)),
    )
    outputs = tf.ensure_shape(outputs.stack(), [None, None, recurrent_kernel.shape[0]])

    def gradient(d_outputs: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        from_above = _unstack(d_outputs)
        transposed = tf.transpose(recurrent_kernel)

        def backward(time, d_output, d_carry, d_projected):
            gates = tuple(array.read(time) for array in saved)
            before = saved[4].read(tf.maximum(time - 1, 0)) * tf.cast(time > 0, zeros.dtype)
            d_gates, d_carry = _cell_gradient(from_above.read(time) + d_output, d_carry, gates, before)
            return time - 1, tf.matmul(d_gates, transposed), d_carry, d_projected.write(time, d_gates)

        *_, d_projected = tf.while_loop(
            lambda time, *_: time >= 0, backward, (steps - 1, zeros, zeros, _array(zeros, steps))
        )
        d_gate_inputs = tf.ensure_shape(d_projected.stack(), gate_inputs.shape)
        return d_gate_inputs, _weight_gradient(_shifted(outputs), d_gate_inputs)

    return outputs, gradient


@tf.custom_gradient
def attention_lstm(
    gate_inputs: tf.Tensor,
    feedback_kernel: tf.Tensor,
    query_kernel: tf.Tensor,
    keys: tf.Tensor,
    direction: tf.Tensor,
    values: tf.Tensor,
    mask: tf.Tensor,
) -> tuple[tf.Tensor, tf.Tensor]:
    """Runs an LSTM layer with attention, which feeds the context of each step into the next one.

    The attention scores of a step are `direction . tanh(keys + output @ query_kernel) + mask`; the context is the sum
    of `values`, weighted by the softmax of the scores. The gradient recomputes the tanh, because storing it would take
    memory for `time * batch * source * depth` numbers.

    Args:
      gate_inputs: Inputs times kernel plus bias, `[time, batch, 4 * units]`.
      feedback_kernel: Kernel of the previous step's context (upper rows) and output (lower rows),
        `[value_depth + units, 4 * units]`.
      query_kernel: Kernel that maps outputs to queries, `[units, depth]`.
      keys: Keys, `[batch, source, depth]`.
      direction: Score vector, `[depth]`.
      values: Values, `[batch, source, value_depth]`.
      mask: 0 for tokens and a large negative number for padding, `[batch, source]`; not differentiable.

    Returns:
      Outputs, `[time, batch, units]`, and contexts, `[time, batch, value_depth]`.
    """
    steps, batch = tf.unstack(tf.shape(gate_inputs)[:2])
    units, value_depth = query_kernel.shape[0], values.shape[-1]
    depth = keys.shape[-1]
    zeros = tf.zeros([batch, units], gate_inputs.dtype)
    no_context = tf.zeros([batch, value_depth], gate_inputs.dtype)
    projected = _unstack(gate_inputs)

    def forward(time, context, output, carry, outputs, contexts, weights, saved):
        feedback = tf.matmul(tf.concat([context, output], axis=-1), feedback_kernel)
        gates = _gates(projected.read(time) + feedback, carry)
        output = gates[3] * tf.tanh(gates[4])
        weight = attention_weights(tf.matmul(output, query_kernel), keys, direction, mask)
        context = tf.squeeze(tf.matmul(weight[:, None], values), axis=1)
        saved = tuple(array.write(time, gate) for array, gate in zip(saved, gates, strict=True))
        outputs, contexts = outputs.write(time, output), contexts.write(time, context)
        return time + 1, context, output, gates[4], outputs, contexts, weights.write(time, weight), saved

    *_, outputs, contexts, weights, saved = tf.while_loop(
        lambda time, *_: time < steps,
        forward,
        (0, no_context, zeros, zeros, *_arrays(zeros, steps, 3), _arrays(zeros, steps, 5)),
    )
    outputs = tf.ensure_shape(outputs.stack(), [None, None, units])
    contexts = tf.ensure_shape(contexts.stack(), [None, None, value_depth])

    def gradient(d_outputs: tf.Tensor, d_contexts: tf.Tensor) -> tuple[tf.Tensor | None, ...]:
        outputs_from_above, contexts_from_above = _unstack(d_outputs), _unstack(d_contexts)
        queries = _unstack(tf.reshape(tf.matmul(_rows(outputs), query_kernel), [steps, batch, depth]))
        transposed, query_transposed = tf.transpose(feedback_kernel), tf.transpose(query_kernel)

        def backward(time, d_context, d_output, d_carry, d_keys, d_direction, arrays):
            weight = weights.read(time)
            d_context += contexts_from_above.read(time)
            d_weight = tf.squeeze(tf.matmul(values, d_context[:, :, None]), axis=2)
            d_score = weight * (d_weight - tf.reduce_sum(weight * d_weight, axis=-1, keepdims=True))
            squashed = tf.tanh(keys + queries.read(time)[:, None])
            d_direction += tf.reshape(tf.matmul(tf.reshape(d_score, [1, -1]), _rows(squashed)), [depth])
            d_sum = d_score[:, :, None] * (direction * (1 - squashed * squashed))
            d_query = tf.reduce_sum(d_sum, axis=1)
            d_output += outputs_from_above.read(time) + tf.matmul(d_query, query_transposed)
            gates = tuple(array.read(time) for array in saved)
            before = saved[4].read(tf.maximum(time - 1, 0)) * tf.cast(time > 0, zeros.dtype)
            d_gates, d_carry = _cell_gradient(d_output, d_carry, gates, before)
            arrays = tuple(
                array.write(time, value) for array, value in zip(arrays, (d_gates, d_query, d_context), strict=True)
            )
            d_context, d_output = tf.split(tf.matmul(d_gates, transposed), [value_depth, units], axis=-1)
            return time - 1, d_context, d_output, d_carry, d_keys + d_sum, d_direction, arrays

        *_, d_keys, d_direction, arrays = tf.while_loop(
            lambda time, *_: time >= 0,
            backward,
            (
                steps - 1,
                no_context,
                zeros,
                zeros,
                tf.zeros_like(keys),
                tf.zeros_like(direction),
                _arrays(zeros, steps, 3),
            ),
        )
        d_gate_inputs = tf.ensure_shape(arrays[0].stack(), gate_inputs.shape)
        d_queries = tf.ensure_shape(arrays[1].stack(), [None, None, depth])
        # Sum over time of the outer products of weights and context gradients, for each sentence.
        d_values = tf.matmul(tf.transpose(weights.stack(), [1, 2, 0]), tf.transpose(arrays[2].stack(), [1, 0, 2]))
        feedback = tf.concat([_shifted(contexts), _shifted(outputs)], axis=-1)
        return (
            d_gate_inputs,
            _weight_gradient(feedback, d_gate_inputs),
            _weight_gradient(outputs, d_queries),
            d_keys,
            d_direction,
            d_values,
            None,
        )

    return (outputs, contexts), gradient


def attention_weights(queries: tf.Tensor, keys: tf.Tensor, direction: tf.Tensor, mask: tf.Tensor) -> tf.Tensor:
    """Computes the weights of additive attention: the softmax of `direction . tanh(keys + queries) + mask`.

    Args:
      queries: Queries, `[..., depth]`.
      keys: Keys, `[..., source, depth]`.
      direction: Score vector, `[depth]`.
      mask: 0 for tokens and a large negative number for padding, `[..., source]`.

    Returns:
      Weights, `[..., source]`.
    """
    squashed = tf.tanh(keys + queries[..., None, :])
    scores = tf.reshape(tf.matmul(_rows(squashed), direction[:, None]), tf.shape(squashed)[:-1])
    return tf.nn.softmax(scores + mask)


def _rows(values: tf.Tensor) -> tf.Tensor:
    return tf.reshape(values, [-1, values.shape[-1]])
