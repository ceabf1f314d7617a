"""Google's Neural Machine Translation (GNMT) model.

Sources: Wu et al. (2016), "Google's neural machine translation system", and, for what it leaves open, the `gnmt_v2`
attention of github.com/tensorflow/nmt. The first encoder layer is bidirectional, and there are residual connections
from the third layer on. The bottom decoder layer queries the attention: all layers above it receive the context of the
current step, and the bottom layer itself that of the previous step. The initial decoder states are zero.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from typing import NamedTuple

import tensorflow as tf

from nos_tf.models import recurrence
from nos_tf.models.attention import Memory, NormalizedAttention


class LSTM(tf.keras.layers.LSTM):
    """Keras' LSTM layer for time-major sequences, with cuDNN on GPUs and `recurrence.lstm` elsewhere.

    Args:
      units: Dimensionality of the output.
      initializer: Function that returns an initializer; called once for each kernel. Biases are initialized to 0,
        except that of the forget gate, which is initialized to 1.
      **kwargs: Keyword arguments common to all Keras layers.
    """

    def __init__(self, units: int, initializer: Callable[[], tf.keras.initializers.Initializer], **kwargs):
        super().__init__(
            units,
            return_sequences=True,
            kernel_initializer=initializer(),
            recurrent_initializer=initializer(),
            **kwargs,
        )

    def weights_in(self, dtype: tf.DType) -> tuple[tf.Tensor, tf.Tensor, tf.Tensor]:
        """Returns kernel, recurrent kernel and bias, cast to a type."""
        cell = self.cell
        return tuple(tf.cast(weight, dtype) for weight in (cell.kernel, cell.recurrent_kernel, cell.bias))

    def call(self, sequences, initial_state=None, mask=None, training=False) -> tf.Tensor:
        """Maps `[time, batch, features]` to `[time, batch, units]`; Keras' other arguments are ignored."""
        if tf.config.list_logical_devices("GPU"):
            return tf.transpose(super().call(tf.transpose(sequences, [1, 0, 2])), [1, 0, 2])
        kernel, recurrent_kernel, bias = self.weights_in(sequences.dtype)
        return recurrence.lstm(project(sequences, kernel) + bias, recurrent_kernel)

    def step(self, inputs: tf.Tensor, state: LayerState) -> LayerState:
        """Runs one step on inputs of shape `[batch, features]`."""
        kernel, recurrent_kernel, bias = self.weights_in(inputs.dtype)
        gate_inputs = tf.matmul(inputs, kernel) + tf.matmul(state.output, recurrent_kernel) + bias
        return LayerState(*recurrence.cell(gate_inputs, state.carry))


class LayerState(NamedTuple):
    """State of an LSTM layer: output and carry, each of shape `[batch, units]`."""

    output: tf.Tensor
    carry: tf.Tensor


class DecoderState(NamedTuple):
    """State of the decoder between two steps.

    Attributes:
      context: Attention context of the last step, `[batch, units]`.
      layers: State of each layer, from the bottom up.
    """

    context: tf.Tensor
    layers: tuple[LayerState, ...]


class GNMT(tf.keras.Model):
    """Google's Neural Machine Translation model.

    Inputs are token ids, `{"source": [batch, source], "target_in": [batch, target]}`, padded with 0: each source ends
    with the end-of-sentence id, and each `target_in` starts with the beginning-of-sentence id. Outputs are float32
    logits, `[batch, target, vocabulary_size]`; those at padded positions are meaningless.

    Args:
      vocabulary_size: Number of subwords in the vocabulary, which both languages share.
      units: Number of units in every layer and size of the embeddings; 1,024 in the paper.
      num_layers: Number of layers in the encoder and in the decoder, at least 2; 8 in the paper.
      dropout: Dropout rate for the inputs that each layer receives from below. The masks of a step are derived from
        `seed`, the optimizer's iterations and the replica, so a resumed run draws the same ones.
      init_scale: Weights are initialized uniformly in `[-init_scale, init_scale]`, with 0.04 in the paper. By default
        `3.4 / sqrt(units)`, so that a kernel doubles the standard deviation of its inputs, which learns far faster.
      seed: Seed of the initial weights and the dropout masks.

    Raises:
      ValueError: There are fewer than two layers.
    """

    def __init__(
        self,
        vocabulary_size: int,
        units: int = 1024,
        num_layers: int = 8,
        dropout: float = 0.2,
        init_scale: float | None = None,
        seed: int = 0,
    ):
        if num_layers < 2:
            raise ValueError(f"GNMT needs at least 2 layers in the encoder and the decoder. Received: {num_layers=}")
        super().__init__(name="gnmt")
        scale = 3.4 / math.sqrt(units) if init_scale is None else init_scale
        self.units = units
        self.dropout = dropout
        self.seed = seed
        seeds = iter(range(1000 * seed, 1000 * (seed + 1)))

        def initializer() -> tf.keras.initializers.Initializer:
            return tf.keras.initializers.RandomUniform(-scale, scale, seed=next(seeds))

        def lstm(name: str, features: int) -> LSTM:
            layer = LSTM(units, initializer, name=name)
            layer.build((None, None, features))
            return layer

        def embedding(name: str) -> tf.keras.layers.Embedding:
            layer = tf.keras.layers.Embedding(vocabulary_size, units, initializer(), name=name)
            layer.build((None, None))
            return layer

        self.source_embedding = embedding("source_embedding")
        self.target_embedding = embedding("target_embedding")
        self.encoder_forward = lstm("encoder_0_forward", units)
        self.encoder_backward = lstm("encoder_0_backward", units)
        self.encoder_layers = [
            lstm(f"encoder_{index}", 2 * units if index == 1 else units) for index in range(1, num_layers)
        ]
        self.attention = NormalizedAttention(units, initializer, name="attention")
        self.attention.build()
        self.decoder_layers = [lstm(f"decoder_{index}", 2 * units) for index in range(num_layers)]
        self.projection = tf.keras.layers.Dense(
            vocabulary_size, use_bias=False, kernel_initializer=initializer(), name="projection"
        )
        self.projection.build((None, units))
        self.built = True

    def build(self, input_shape=None) -> None:
        """Does nothing: the constructor creates all weights."""

    def call(self, inputs: Mapping[str, tf.Tensor], training: bool = False) -> tf.Tensor:
        drop = self._dropout(training)
        memory = self.encode(inputs["source"], drop)
        embedded = drop(self.target_embedding(tf.transpose(inputs["target_in"])))
        kernel, recurrent_kernel, bias = self.decoder_layers[0].weights_in(embedded.dtype)
        from_input, from_context = tf.split(kernel, 2)
        x, contexts = recurrence.attention_lstm(
            project(embedded, from_input) + bias,
            tf.concat([from_context, recurrent_kernel], axis=0),
            tf.cast(self.attention.query_kernel, embedded.dtype),
            memory.keys,
            self.attention.direction(embedded.dtype),
            memory.values,
            memory.mask,
        )
        for index, layer in enumerate(self.decoder_layers[1:], start=1):
            y = layer(drop(tf.concat([x, contexts], axis=-1)))
            x = x + y if index >= 2 else y
        return tf.cast(self.projection(tf.transpose(drop(x), [1, 0, 2])), tf.float32)

    def encode(self, source: tf.Tensor, drop=lambda x: x) -> Memory:
        """Encodes source sentences.

        Args:
          source: Token ids, `[batch, source]`, padded with 0.
          drop: Function that applies dropout to a tensor; by default, the identity.

        Returns:
          The memory that the decoder attends to.
        """
        is_real = tf.not_equal(source, 0)
        lengths = tf.reduce_sum(tf.cast(is_real, tf.int32), axis=1)

        def reverse(x: tf.Tensor) -> tf.Tensor:  # Padding stays at the end, so no layer needs a mask.
            return tf.reverse_sequence(x, lengths, seq_axis=0, batch_axis=1)

        embedded = drop(self.source_embedding(tf.transpose(source)))
        backward = reverse(self.encoder_backward(reverse(embedded)))
        x = tf.concat([self.encoder_forward(embedded), backward], axis=-1)
        for index, layer in enumerate(self.encoder_layers, start=1):
            y = layer(drop(x))
            x = x + y if index >= 2 else y
        return self.attention(tf.transpose(x, [1, 0, 2]), is_real)

    def initial_state(self, batch: tf.Tensor) -> DecoderState:
        """Returns the decoder's state before the first step, for `batch` hypotheses."""
        zeros = tf.zeros([batch, self.units], self.compute_dtype)
        return DecoderState(zeros, (LayerState(zeros, zeros),) * len(self.decoder_layers))

    def step(self, tokens: tf.Tensor, state: DecoderState, memory: Memory) -> tuple[tf.Tensor, tf.Tensor, DecoderState]:
        """Runs one step of the decoder, with the same number of hypotheses for each sentence.

        Args:
          tokens: Ids of the last tokens, `[batch * hypotheses]`; the hypotheses of a sentence are adjacent.
          state: State before these tokens.
          memory: Memory of the `batch` sentences.

        Returns:
          Float32 logits, `[batch * hypotheses, vocabulary_size]`; attention weights, `[batch * hypotheses, source]`;
          and the new state.
        """
        embedded = self.target_embedding(tokens)
        bottom = self.decoder_layers[0].step(tf.concat([embedded, state.context], axis=-1), state.layers[0])
        batch, source = tf.unstack(tf.shape(memory.mask))
        contexts, weights = self.attention.attend(tf.reshape(bottom.output, [batch, -1, self.units]), memory)
        context = tf.reshape(contexts, [-1, self.units])
        x, states = bottom.output, [bottom]
        for index, layer in enumerate(self.decoder_layers[1:], start=1):
            states.append(layer.step(tf.concat([x, context], axis=-1), state.layers[index]))
            x = x + states[-1].output if index >= 2 else states[-1].output
        logits = tf.cast(self.projection(x), tf.float32)
        return logits, tf.reshape(weights, [-1, source]), DecoderState(context, tuple(states))

    def _dropout(self, training: bool):
        """Returns a function that applies dropout with a new mask at each call, or does nothing outside training."""
        if not training or not self.dropout:
            return lambda x: x
        optimizer = getattr(self, "optimizer", None)
        iterations = tf.cast(optimizer.iterations, tf.int32) if optimizer is not None else 0
        replica = tf.distribute.get_replica_context().replica_id_in_sync_group
        base = tf.random.experimental.stateless_fold_in([self.seed, iterations], replica)
        sites = iter(range(1000))

        def drop(x: tf.Tensor) -> tf.Tensor:
            seed = tf.random.experimental.stateless_fold_in(base, next(sites))
            return tf.nn.experimental.stateless_dropout(x, self.dropout, seed)

        return drop


def project(sequences: tf.Tensor, kernel: tf.Tensor) -> tf.Tensor:
    """Multiplies sequences, `[time, batch, features]`, by a kernel, `[features, outputs]`."""
    flat = tf.matmul(tf.reshape(sequences, [-1, kernel.shape[0]]), kernel)
    return tf.reshape(flat, [*tf.unstack(tf.shape(sequences)[:2]), kernel.shape[1]])
