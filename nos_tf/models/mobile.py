"""Mobile classifiers from `tf.keras.applications`, with the regularization that NASNet-A mobile was trained with.

Sources: Zoph et al. (2018), "Learning transferable architectures for scalable image recognition", and the settings of
its mobile model in TensorFlow-Slim (`research/slim/nets/nasnet/nasnet.py`): weight decay 4e-5, dropout 0.5 before the
classifier, an auxiliary head with weight 0.4, and no drop-path (the keep probability is 1). Sandler et al. (2018),
"MobileNetV2"; Howard et al. (2019), "Searching for MobileNetV3".

Keras' NASNet initializes its weights differently: it scales their variance by the number of a layer's inputs, or by
Glorot's rule, instead of the number of its outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from nos_tf.models.normalization import synchronized

_MIDDLE = "normal_concat_8"  # The last cell before NASNet's second reduction; its output is downsampled by 16.
_LEAST, _LEAST_WITH_HEAD = 32, 80  # Pixels per side; with fewer, the head's 5x5 pooling window does not fit.
_REGULARIZERS = ("kernel_regularizer", "depthwise_regularizer", "pointwise_regularizer")


class Mobile(NamedTuple):
    """A mobile architecture.

    Attributes:
      title: Name in the literature.
      body: Function that builds the network without its classifier, given the shape of the images and the width
        multiplier.
      has_width: Whether the width multiplier can differ from 1.
      hidden: Units of the hidden layer before the classifier; 0 if there is none.
      middle: Name of the layer that feeds the auxiliary head; None if the architecture has no such head.
    """

    title: str
    body: Callable[[tuple[int, int, int], float], tf.keras.Model]
    has_width: bool = True
    hidden: int = 0
    middle: str | None = None


def _nasnet(shape: tuple[int, int, int], width: float) -> tf.keras.Model:
    del width
    return tf.keras.applications.NASNetMobile(shape, include_top=False, weights=None, pooling="avg")


def _mobilenet_v2(shape: tuple[int, int, int], width: float) -> tf.keras.Model:
    return tf.keras.applications.MobileNetV2(shape, width, include_top=False, weights=None, pooling="avg")


def _mobilenet_v3_small(shape: tuple[int, int, int], width: float) -> tf.keras.Model:
    return tf.keras.applications.MobileNetV3Small(
        shape, width, include_top=False, weights=None, pooling="avg", include_preprocessing=False
    )


MODELS = {
    "nasnet_mobile": Mobile("NASNet-A mobile", _nasnet, has_width=False, middle=_MIDDLE),
    "mobilenet_v2": Mobile("MobileNetV2", _mobilenet_v2),
    "mobilenet_v3_small": Mobile("MobileNetV3-small", _mobilenet_v3_small, hidden=1024),
}


def require_buildable(name: str, image_size: int, width: float, auxiliary_head: bool) -> None:
    """Raises an error if `build` cannot create this model.

    Args:
      name: Name of the model, a key of `MODELS`.
      image_size: Pixels per side.
      width: Width multiplier.
      auxiliary_head: Whether the model should have an auxiliary head.

    Raises:
      ValueError: The architecture has no auxiliary head or a fixed width, or the images are too small.
    """
    model = MODELS[name]
    if auxiliary_head and model.middle is None:
        raise ValueError(f"{model.title} has no auxiliary head; leave its weight at 0. Received: auxiliary_head=True")
    least = _LEAST_WITH_HEAD if auxiliary_head else _LEAST
    if image_size < least:
        heads = " with an auxiliary head" if auxiliary_head else ""
        raise ValueError(
            f"{model.title}{heads} needs images of at least {least} pixels per side. Received: image_size={image_size}"
        )
    if width != 1.0 and not model.has_width:
        raise ValueError(f"{model.title} has a fixed width; leave it at 1. Received: width={width:g}")


def build(
    name: str,
    image_size: int,
    num_classes: int,
    width: float = 1.0,
    dropout: float = 0.0,
    auxiliary_head: bool = False,
    weight_decay: float = 0.0,
    batch_norm_momentum: float | None = None,
    seed: int | None = None,
) -> tf.keras.Model:
    """Builds a model that maps images to logits.

    Inputs are `[batch, image_size, image_size, 3]` with values from -1 to 1; outputs are `[batch, heads, num_classes]`.
    In the scope of a strategy with several replicas, the statistics of batch normalization are synchronized.

    Args:
      name: Name of the model, a key of `MODELS`.
      image_size: Pixels per side, at least 32, or 80 with an auxiliary head.
      num_classes: Number of logits per head.
      width: Multiplier of the number of filters; 1 for architectures with a fixed width.
      dropout: Dropout rate before the classifier.
      auxiliary_head: Whether to add an auxiliary head.
      weight_decay: Each weight of convolutions and dense layers adds `weight_decay / 2 * weight**2` to the loss.
      batch_norm_momentum: Momentum of the running statistics; by default, that of the architecture.
      seed: Seed of the dropout masks.

    Raises:
      ValueError: The architecture has no auxiliary head or a fixed width, or the images are too small.
    """
    require_buildable(name, image_size, width, auxiliary_head)
    model = MODELS[name]
    decay = tf.keras.regularizers.L2(weight_decay / 2) if weight_decay else None
    statistics: dict[str, Any] = {"synchronized": synchronized()}
    if batch_norm_momentum is not None:
        statistics["momentum"] = batch_norm_momentum
    body = _adapted(model.body((image_size, image_size, 3), width), decay, statistics)
    heads = [_classifier(body.output, num_classes, model.hidden, dropout, decay, seed)]
    if auxiliary_head:
        heads.append(_auxiliary(body.get_layer(model.middle).output, num_classes, decay, statistics))
    stacked = [tf.keras.layers.Reshape((1, num_classes), dtype="float32")(head) for head in heads]
    output = tf.keras.layers.Concatenate(axis=1, dtype="float32")(stacked) if auxiliary_head else stacked[0]
    return tf.keras.Model(body.input, output)


def _adapted(model: tf.keras.Model, decay: Any, statistics: Mapping[str, Any]) -> tf.keras.Model:
    """Copies a model with other regularizers and batch normalization, which Keras' applications do not offer."""

    def copy(layer: tf.keras.layers.Layer) -> tf.keras.layers.Layer:
        config = layer.get_config()
        if isinstance(layer, tf.keras.layers.BatchNormalization):
            config |= statistics
        elif decay is not None:
            config |= {key: decay for key in _REGULARIZERS if key in config}
        return type(layer).from_config(config)

    return tf.keras.models.clone_model(model, clone_function=copy)


def _classifier(pooled: Any, num_classes: int, hidden: int, dropout: float, decay: Any, seed: int | None) -> Any:
    layers = tf.keras.layers
    x = pooled
    if hidden:
        x = layers.Dense(hidden, kernel_regularizer=decay)(x)
        # Hard swish, which Keras 2 does not provide.
        x = layers.Multiply()([x, layers.ReLU(6.0)(layers.Rescaling(1.0, 3.0)(x))])
        x = layers.Rescaling(1 / 6)(x)
    if dropout:
        x = layers.Dropout(dropout, seed=seed)(x)
    return layers.Dense(num_classes, kernel_regularizer=decay, dtype="float32", name="logits")(x)


def _auxiliary(middle: Any, num_classes: int, decay: Any, statistics: Mapping[str, Any]) -> Any:
    layers = tf.keras.layers
    x = layers.AveragePooling2D(5, 3)(layers.ReLU()(middle))
    for filters, kernel in ((128, 1), (768, None)):
        convolution = layers.Conv2D(filters, kernel or x.shape[1], use_bias=False, kernel_regularizer=decay)
        normalized = layers.BatchNormalization(**{"momentum": 0.9997, "epsilon": 1e-3, **statistics})(convolution(x))
        x = layers.ReLU()(normalized)
    flat = layers.Flatten()(x)
    return layers.Dense(num_classes, kernel_regularizer=decay, dtype="float32", name="auxiliary_logits")(flat)
