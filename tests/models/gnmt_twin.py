"""GNMT in NumPy and float64, one sentence at a time, with a model's weights."""

import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def lstm_step(weights, inputs, state):
    kernel, recurrent_kernel, bias = weights
    output, carry = state
    i, f, g, o = np.split(inputs @ kernel + output @ recurrent_kernel + bias, 4)
    carry = sigmoid(f) * carry + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(carry), carry


def lstm(weights, sequence):
    units = weights[1].shape[0]
    state, outputs = (np.zeros(units), np.zeros(units)), []
    for inputs in sequence:
        state = lstm_step(weights, inputs, state)
        outputs.append(state[0])
    return np.array(outputs)


def weights_of(layer):
    return [np.asarray(weight, np.float64) for weight in layer.get_weights()]


def logits(model, source, target_in):
    """Returns logits `[target, vocabulary]` and attention weights `[target, source]` of a sentence without padding."""
    x = weights_of(model.source_embedding)[0][source]
    forward = lstm(weights_of(model.encoder_forward), x)
    backward = lstm(weights_of(model.encoder_backward), x[::-1])[::-1]
    x = np.hstack([forward, backward])
    for index, layer in enumerate(model.encoder_layers):
        y = lstm(weights_of(layer), x)
        x = y if index == 0 else x + y  # The second layer has no residual, because its input is twice as wide.

    attention = model.attention
    memory_kernel, query_kernel, v, b, scale = (
        np.asarray(weight, np.float64)
        for weight in (attention.memory_kernel, attention.query_kernel, attention.v, attention.b, attention.scale)
    )
    bottom, *upper = map(weights_of, model.decoder_layers)
    states = [(np.zeros(model.units), np.zeros(model.units)) for _ in model.decoder_layers]
    context = np.zeros(model.units)
    outputs, alignments = [], []
    for token in target_in:
        inputs = np.concatenate([weights_of(model.target_embedding)[0][token], context])
        states[0] = lstm_step(bottom, inputs, states[0])
        h = states[0][0]
        scores = [scale * (v / np.linalg.norm(v)) @ np.tanh(s @ memory_kernel + h @ query_kernel + b) for s in x]
        weights = np.exp(scores) / np.exp(scores).sum()
        context = weights @ x
        for index, layer in enumerate(upper, start=1):
            states[index] = lstm_step(layer, np.concatenate([h, context]), states[index])
            h = states[index][0] + (h if index >= 2 else 0)
        outputs.append(h @ weights_of(model.projection)[0])
        alignments.append(weights)
    return np.array(outputs), np.array(alignments)
