"""The controller: a recurrent network that writes programs token by token.

Source: Bello et al. (2017), section 4.2: a `<start>` token, an embedding, one LSTM layer and one softmax per token,
whose sample is embedded and fed back; forbidden tokens have a logit of -infinity; weights are initialized uniformly in
[-0.08, 0.08].
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TypeAlias

import numpy as np
import tensorflow as tf

from nos_tf.dsl.program import TOKENS_PER_GROUP
from nos_tf.dsl.search_space import SearchSpace

# One trace serves every batch, so that a resumed search computes in the same graphs. This package turns AutoGraph off:
# nothing needs it, and converting the code takes longer than tracing it.
TOKENS = tf.TensorSpec([None, None], tf.int32, "tokens")

_INITIAL_LIMIT = 0.08

Cell: TypeAlias = "tuple[tf.Tensor, tf.Tensor]"  # Output and memory of the LSTM, each [batch, units].


class Policy(tf.Module):
    """A distribution over the programs of a search space.

    With `x_t` the embedding of the token before position `t`:

        i, f, g, o = split(x_t K + h_{t-1} R + a)
        c_t = sigmoid(f) * c_{t-1} + sigmoid(i) * tanh(g)
        h_t = sigmoid(o) * tanh(c_t)
        p_t = softmax(h_t W_t + b_t), over the tokens allowed at `t` after the previous one

    Every position has its own `W_t` and `b_t`, padded to the largest vocabulary. A token's embedding is the same at all
    positions, since the LSTM knows the position.

    Attributes:
      space: The search space.
      embeddings: `[1 + tokens, embedding]`; row 0 is `<start>`, followed by the tokens in order of first appearance.
      kernel: `K`, `[embedding, 4 * units]`.
      recurrent_kernel: `R`, `[units, 4 * units]`.
      bias: `a`, `[4 * units]`.
      output_kernels: `W`, `[length, units, largest vocabulary]`.
      output_biases: `b`, `[length, largest vocabulary]`.
    """

    def __init__(self, space: SearchSpace, units: int, embedding: int, seed: int):
        """Creates the weights.

        Args:
          space: Search space to draw from.
          units: Number of LSTM units.
          embedding: Size of the token embeddings, which the paper does not state.
          seed: Seed of the initial weights.
        """
        super().__init__(name="policy")
        self.space = space
        self._words = word_table(space)
        self._allowed = successor_table(space)
        largest = self._words.shape[1]
        rng = np.random.default_rng(seed)

        def weights(name: str, *shape: int) -> tf.Variable:
            initial = rng.uniform(-_INITIAL_LIMIT, _INITIAL_LIMIT, shape).astype(np.float32)
            return tf.Variable(initial, name=name)

        self.embeddings = weights("embeddings", 1 + int(self._words.max()), embedding)
        self.kernel = weights("kernel", embedding, 4 * units)
        self.recurrent_kernel = weights("recurrent_kernel", units, 4 * units)
        self.bias = weights("bias", 4 * units)
        self.output_kernels = weights("output_kernels", space.length, units, largest)
        self.output_biases = weights("output_biases", space.length, largest)

    @property
    def weights(self) -> tuple[tf.Variable, ...]:
        """All variables; stored states rely on their order."""
        return (
            self.embeddings,
            self.kernel,
            self.recurrent_kernel,
            self.bias,
            self.output_kernels,
            self.output_biases,
        )

    def sample(self, count: int, seed: Sequence[int]) -> np.ndarray:
        """Draws programs; the same weights and seed give the same programs.

        Args:
          count: Number of programs.
          seed: Two int32 values.

        Returns:
          Token indices for `SearchSpace.decode`, int32 `[count, length]`.
        """
        return self._sample(tf.constant(count, tf.int32), tf.constant(seed, tf.int32)).numpy()

    @tf.function(input_signature=[tf.TensorSpec([], tf.int32), tf.TensorSpec([2], tf.int32)], autograph=False)
    def _sample(self, count: tf.Tensor, seed: tf.Tensor) -> tf.Tensor:
        inputs, cell = self._inputs(), self._initial_cell(count)
        seeds = tf.random.split(seed, self.space.length)
        tokens = [tf.zeros([count], tf.int32)]
        for position in range(self.space.length):
            cell = self._next_cell(tf.gather(inputs, tf.gather(self._words[position], tokens[-1])), cell)
            logits = tf.matmul(cell[0], self.output_kernels[position]) + self.output_biases[position]
            logits = tf.where(tf.gather(self._allowed[position], tokens[-1]), logits, -np.inf)
            tokens.append(tf.random.stateless_categorical(logits, 1, seeds[position], dtype=tf.int32)[:, 0])
        return tf.stack(tokens[1:], axis=1)

    def log_softmax(self, tokens: tf.Tensor) -> tf.Tensor:
        """Log-probabilities of every softmax along the given programs, in nats.

        Args:
          tokens: Token indices, int32 `[batch, length]`.

        Returns:
          `[batch, length, largest vocabulary]`, -infinity for forbidden tokens.
        """
        # With all tokens known, only the recurrence itself is sequential; the position axis precedes the batch axis.
        previous = tf.pad(tf.transpose(tokens)[:-1], [[1, 0], [0, 0]])
        gates = tf.gather(self._inputs(), tf.gather(self._words, previous, batch_dims=1))
        cell = self._initial_cell(tf.shape(tokens)[0])
        outputs = []
        for position in range(self.space.length):
            cell = self._next_cell(gates[position], cell)
            outputs.append(cell[0])
        logits = tf.matmul(tf.stack(outputs), self.output_kernels) + self.output_biases[:, tf.newaxis]
        logits = tf.where(tf.gather(self._allowed, previous, batch_dims=1), logits, -np.inf)
        return tf.nn.log_softmax(tf.transpose(logits, [1, 0, 2]))

    @tf.function(input_signature=[TOKENS], autograph=False)
    def log_probs(self, tokens: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Log-probabilities of the given programs' tokens, and entropies of the softmaxes that they are drawn from.

        Args:
          tokens: Token indices, int32 `[batch, length]`.

        Returns:
          Both as `[batch, length]`, in nats. Forbidden tokens have a log-probability of -infinity.
        """
        log_softmax = self.log_softmax(tokens)
        return chosen(log_softmax, tokens), entropy(log_softmax)

    def _inputs(self) -> tf.Tensor:
        """Contribution of each token to the gates, `[1 + tokens, 4 * units]`."""
        return tf.matmul(self.embeddings, self.kernel) + self.bias

    def _initial_cell(self, batch: tf.Tensor) -> Cell:
        zeros = tf.zeros([batch, self.recurrent_kernel.shape[0]])
        return zeros, zeros

    def _next_cell(self, gates: tf.Tensor, cell: Cell) -> Cell:
        output, memory = cell
        gates += tf.matmul(output, self.recurrent_kernel)
        input_gate, forget_gate, candidate, output_gate = tf.split(gates, 4, axis=1)
        memory = tf.sigmoid(forget_gate) * memory + tf.sigmoid(input_gate) * tf.tanh(candidate)
        return tf.sigmoid(output_gate) * tf.tanh(memory), memory


def chosen(log_softmax: tf.Tensor, tokens: tf.Tensor) -> tf.Tensor:
    """Log-probabilities of the tokens, `[batch, length]`, picked from those of the whole vocabularies."""
    return tf.gather(log_softmax, tokens, batch_dims=2)


def probabilities(log_softmax: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
    """Probabilities and their logarithms; the latter are 0 for forbidden tokens, so that no product is NaN."""
    log_probabilities = tf.where(tf.math.is_finite(log_softmax), log_softmax, 0.0)
    return tf.exp(log_softmax), log_probabilities


def entropy(log_softmax: tf.Tensor) -> tf.Tensor:
    """Entropies, `[batch, length]`, in nats."""
    probability, log_probability = probabilities(log_softmax)
    return -tf.reduce_sum(probability * log_probability, axis=-1)


def word_table(space: SearchSpace) -> np.ndarray:
    """Embedding row of each token at the previous position, int32 `[length, largest vocabulary]`.

    At position 0, it is that of `<start>` for every token.
    """
    words: dict[str, int] = {}
    table = np.zeros((space.length, _largest_vocabulary(space)), np.int32)
    for position in range(1, space.length):
        vocabulary = space.vocabulary(position - 1)
        table[position, : len(vocabulary)] = [words.setdefault(token, 1 + len(words)) for token in vocabulary]
    return table


def successor_table(space: SearchSpace) -> np.ndarray:
    """Whether a token may follow another, as booleans `[length, largest vocabulary, largest vocabulary]`.

    The axes are the position, the token at the previous position, and the token at the position. No constraint of a
    search space looks back further.
    """
    largest = _largest_vocabulary(space)
    table = np.zeros((space.length, largest, largest), bool)
    for position in range(space.length):
        group, place = divmod(position, TOKENS_PER_GROUP)
        size = len(space.vocabulary(position))
        if place == 1:
            table[position, :size, :size] = space.operand_masks[group]
        else:
            table[position, :, :size] = space.mask([0] * position)
    return table


def _largest_vocabulary(space: SearchSpace) -> int:
    return max(len(space.vocabulary(position)) for position in range(space.length))
