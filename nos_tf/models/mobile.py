"""Mobile classifiers of `tf.keras.applications`, with the training recipe that NASNet-A mobile had.

Sources: Zoph et al. (2018), "Learning transferable architectures for scalable image recognition", and the settings of
its mobile model in TensorFlow-Slim (`research/slim/nets/nasnet/nasnet.py`): weight decay 4e-5, dropout 0.5 before the
classifier, an auxiliary head of weight 0.4, no drop-path (its probability to keep a path is 1). Sandler et al. (2018),
"MobileNetV2"; Howard et al. (2019), "Searching for MobileNetV3".

Keras' NASNet differs from that one in its initial weights: their variance is scaled by a layer's inputs, or by Glorot's
rule, instead of by its outputs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import tensorflow as tf

from nos_tf.models.normalization import synchronized

_MIDDLE = "normal_concat_8"  # Output of NASNet's last cell before the second reduction, 1/16 of the input's side.
_LEAST, _LEAST_WITH_HEAD = 32, 80  # Pixels; with fewer, the head's first pooling finds less than its 5x5 values.
_REGULARIZERS = ("kernel_regularizer", "depthwise_regularizer", "pointwise_regularizer")


class Mobile(NamedTuple):
    """A family member.

    Attributes:
      title: Its name in the literature.
      body: Makes it without its classifier, from the shape of the images and the factor of its filters.
      has_width: Whether there is such a factor.
      hidden: Units of a layer before the classifier; 0 for none.
      middle: Layer that feeds an auxiliary head; None where it has none.
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
    """Refuses what `build` cannot make, at once.

    Raises:
      ValueError: The model has no auxiliary head or no width, or the images are too small.
    """
    model = MODELS[name]
    if auxiliary_head and model.middle is None:
        raise ValueError(f"{model.title} has no auxiliary head; leave its weight at 0. Received: auxiliary_head=True")
    least = _LEAST_WITH_HEAD if auxiliary_head else _LEAST
    if image_size < least:
        heads = " with an auxiliary head" if auxiliary_head else ""
        raise ValueError(
            f"{model.title}{heads} needs images of at least {least} pixels a side. Received: image_size={image_size}"
        )
    if width != 1.0 and not model.has_width:
        raise ValueError(f"{model.title} has one width only. Received: width={width:g}")


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
    """A model from images `[batch, image_size, image_size, 3]`, -1 to 1, to logits `[batch, heads, num_classes]`.

    Within the scope of a strategy of several replicas, batch normalization takes its statistics over all of them.

    Args:
      name: One of `MODELS`.
      image_size: Pixels of a side, at least 32; at least 80 with an auxiliary head.
      num_classes: Number of logits.
      width: Factor of the filters; 1 for models that have none.
      dropout: Rate before the classifier.
      auxiliary_head: Whether there is a second head.
      weight_decay: Each weight of convolutions and dense layers adds `weight_decay / 2 * weight**2` to the loss.
      batch_norm_momentum: Of the running statistics; the model's own by default.
      seed: Of the dropout's masks.

    Raises:
      ValueError: As `check`.
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
    """A copy with other regularizers and batch normalization; Keras' applications offer no such choice."""

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
        x = layers.Multiply()([x, layers.ReLU(6.0)(layers.Rescaling(1.0, 3.0)(x))])  # Hard swish, ...
        x = layers.Rescaling(1 / 6)(x)  # ... which Keras 2 does not name.
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
