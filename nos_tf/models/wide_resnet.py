"""Wide residual networks, pre-activation.

Source: Zagoruyko and Komodakis (2016), "Wide residual networks", table 1 and section 2.3; pre-activation after He et
al. (2016), "Identity mappings in deep residual networks".
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from nos_tf.models.normalization import synchronized

_MOMENTUM, _EPSILON = 0.9, 1e-5  # Of the batch normalization, as in the authors' code.


def build(
    input_shape: Sequence[int],
    num_classes: int,
    depth: int = 28,
    width: int = 10,
    dropout: float = 0.0,
    weight_decay: float = 0.0,
    seed: int | None = None,
) -> tf.keras.Model:
    """WRN-depth-width from normalized images to logits.

    Args:
      input_shape: Height, width and channels.
      num_classes: Number of logits.
      depth: Convolutions, 6n + 4: three groups of n blocks of two.
      width: Factor of the 16, 32 and 64 filters of the groups.
      dropout: Rate between the convolutions of a block.
      weight_decay: Each weight adds `weight_decay / 2 * weight**2` to the loss, batch normalization's included, so that
        `weight_decay * weight` is added to its gradient.
      seed: Of the dropout's masks.

    Raises:
      ValueError: The depth is not 6n + 4.
    """
    blocks, rest = divmod(depth - 4, 6)
    if blocks < 1 or rest:
        raise ValueError(f"The depth must be 6n + 4, as 10, 16, 22 or 28. Received: depth={depth}")
    layers = tf.keras.layers
    decay = tf.keras.regularizers.L2(weight_decay / 2) if weight_decay else None

    def convolution(x: Any, filters: int, kernel: int, stride: int = 1) -> Any:
        return layers.Conv2D(
            filters, kernel, stride, "same", use_bias=False, kernel_initializer="he_normal", kernel_regularizer=decay
        )(x)

    def activation(x: Any) -> Any:
        normalized = layers.BatchNormalization(
            momentum=_MOMENTUM,
            epsilon=_EPSILON,
            gamma_regularizer=decay,
            beta_regularizer=decay,
            synchronized=synchronized(),
        )(x)
        return layers.ReLU()(normalized)

    def block(x: Any, filters: int, stride: int, index: int) -> Any:
        active = activation(x)
        # Where the shape changes, the shortcut is a convolution of the activated input.
        shortcut = x if x.shape[-1] == filters and stride == 1 else convolution(active, filters, 1, stride)
        y = activation(convolution(active, filters, 3, stride))
        if dropout:
            y = layers.Dropout(dropout, seed=None if seed is None else seed + index)(y)
        return layers.Add()([shortcut, convolution(y, filters, 3)])

    inputs = tf.keras.Input(tuple(input_shape))
    x = convolution(inputs, 16, 3)
    index = 0
    for group, filters in enumerate((16, 32, 64)):
        for first in range(blocks):
            x = block(x, filters * width, 2 if group and not first else 1, index)
            index += 1
    pooled = layers.GlobalAveragePooling2D()(activation(x))
    logits = layers.Dense(
        num_classes, kernel_regularizer=decay, bias_regularizer=decay, dtype="float32", name="logits"
    )(pooled)
    return tf.keras.Model(inputs, logits)
