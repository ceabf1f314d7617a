"""An independent controller in NumPy and float64, written from the equations, one program and one token at a time."""

from __future__ import annotations

import itertools
from collections.abc import Iterator

import numpy as np

from nos_tf.controller.policy import Policy
from nos_tf.dsl.search_space import SearchSpace

Weights = list[np.ndarray]
TINY = SearchSpace(1, ("g", "m", "v"), ("identity", "sign"), ("+", "*"))


def tiny_space(*constraints: str) -> SearchSpace:
    return SearchSpace(2, ("g", "m"), ("identity", "sign"), ("+", "*"), frozenset(constraints))


def tiny_policy(space: SearchSpace = TINY, seed: int = 0, scale: float = 8.0) -> Policy:
    """Returns a policy with few weights, scaled up so that it is far from uniform and its gates are nonlinear."""
    policy = Policy(space, units=3, embedding=2, seed=seed)
    for weight in policy.weights:
        weight.assign(scale * weight)
    return policy


def all_tokens(space: SearchSpace) -> Iterator[tuple[int, ...]]:
    """Yields all token sequences, including those that the constraints forbid."""
    return itertools.product(*(range(len(space.vocabulary(position))) for position in range(space.length)))


def weights_of(policy: Policy) -> Weights:
    return [weight.numpy().astype(np.float64) for weight in policy.weights]


def softmaxes(space: SearchSpace, weights: Weights, tokens: np.ndarray) -> list[np.ndarray]:
    """Returns the distribution of each token of a program, over the vocabulary of its position."""
    embeddings, kernel, recurrent_kernel, bias, output_kernels, output_biases = weights
    names = [name for position in range(space.length - 1) for name in space.vocabulary(position)]
    words = ["<start>", *dict.fromkeys(names)]
    units = len(recurrent_kernel)
    h, c, word = np.zeros(units), np.zeros(units), "<start>"
    result = []
    for position in range(space.length):
        gates = embeddings[words.index(word)] @ kernel + h @ recurrent_kernel + bias
        i, f, g, o = (gates[k * units : (k + 1) * units] for k in range(4))
        c = _sigmoid(f) * c + _sigmoid(i) * np.tanh(g)
        h = _sigmoid(o) * np.tanh(c)
        size = len(space.vocabulary(position))
        odds = np.exp(h @ output_kernels[position][:, :size] + output_biases[position][:size])
        odds *= space.mask([int(token) for token in tokens[:position]])
        result.append(odds / odds.sum())
        word = space.vocabulary(position)[tokens[position]]
    return result


def log_probs(space: SearchSpace, weights: Weights, tokens: np.ndarray) -> np.ndarray:
    """Returns the log-probability of each token of each program, `[batch, length]`."""
    return np.array(
        [[np.log(p[t]) for p, t in zip(softmaxes(space, weights, row), row, strict=True)] for row in tokens]
    )


def entropies(space: SearchSpace, weights: Weights, tokens: np.ndarray) -> np.ndarray:
    """Returns the entropy of each softmax of each program, `[batch, length]`."""
    return np.array(
        [[-sum(x * np.log(x) for x in p if x > 0) for p in softmaxes(space, weights, row)] for row in tokens]
    )


def divergence(space: SearchSpace, old: Weights, new: Weights, tokens: np.ndarray) -> float:
    """Returns KL(old || new) in nats per program, averaged over the given programs."""
    total = 0.0
    for row in tokens:
        for p, q in zip(softmaxes(space, old, row), softmaxes(space, new, row), strict=True):
            total += sum(x * np.log(x / y) for x, y in zip(p, q, strict=True) if x > 0)
    return total / len(tokens)


def shifted(weights: Weights, direction: np.ndarray, length: float) -> Weights:
    """Moves the weights along a direction, which concatenates those of all weights."""
    moved, start = [], 0
    for weight in weights:
        moved.append(weight + length * direction[start : start + weight.size].reshape(weight.shape))
        start += weight.size
    return moved


def _sigmoid(x: np.ndarray) -> np.ndarray:
    return 1 / (1 + np.exp(-x))
