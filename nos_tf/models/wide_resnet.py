"""Wide residual networks with pre-activation.

Sources: Zagoruyko and Komodakis (2016), "Wide residual networks", table 1 and section 2.3; He et al. (2016), "Identity
mappings in deep residual networks", for pre-activation.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import tensorflow as tf

from nos_tf.models.normalization import synchronized

_MOMENTUM, _EPSILON = 0.9, 1e-5  # For batch normalization, as in the authors' code.


def build(
    input_shape: Sequence[int],
    num_classes: int,
    depth: int = 28,
    width: int = 10,
    dropout: float = 0.0,
    weight_decay: float = 0.0,
    seed: int | None = None,
) -> tf.keras.Model:
    """Builds WRN-depth-width, which maps normalized images to logits.

    Args:
      input_shape: Height, width and channels.
      num_classes: Number of logits.
      depth: Number of convolutions, 6n + 4; there are three groups of n blocks with two convolutions each.
      width: Multiplier of the groups' 16, 32 and 64 filters.
      dropout: Dropout rate between the convolutions of a block.
      weight_decay: Each weight, including those of batch normalization, adds `weight_decay / 2 * weight**2` to the
        loss, and thus `weight_decay * weight` to its gradient.
      seed: Seed of the dropout masks.

    Raises:
      ValueError: The depth is not 6n + 4.
    """
    blocks, rest = divmod(depth - 4, 6)
    if blocks < 1 or rest:
        raise ValueError(f"The depth must be 6n + 4, such as 10, 16, 22 or 28. Received: depth={depth}")
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
        # If the shape changes, the shortcut is a convolution of the activated input.
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
