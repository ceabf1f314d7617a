import numpy as np
import pytest
import tensorflow as tf

from nos_tf.models.heads import HeadsCrossEntropy, top

RNG = np.random.default_rng(0)
LOGITS = RNG.normal(size=(6, 2, 7)).astype(np.float32)
LABELS = RNG.integers(0, 7, 6)


def log_softmax(logits):
    return logits - np.log(np.exp(logits).sum(-1, keepdims=True))


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
def test_loss_is_the_weighted_sum_of_the_heads_smoothed_cross_entropies(smoothing):
    expected = []
    for logits, label in zip(LOGITS.astype(np.float64), LABELS, strict=True):
        logs = log_softmax(logits)
        each = -(1 - smoothing) * logs[:, label] - smoothing * logs.mean(-1)
        expected.append(each[0] + 0.4 * each[1])
    loss = HeadsCrossEntropy([1.0, 0.4], smoothing)(tf.constant(LABELS), tf.constant(LOGITS))
    assert float(loss) == pytest.approx(np.mean(expected), rel=1e-5)


def test_one_head_equals_keras_own_loss():
    keras = tf.keras.losses.CategoricalCrossentropy(from_logits=True, label_smoothing=0.1)
    expected = keras(tf.one_hot(LABELS, 7), LOGITS[:, 0])
    found = HeadsCrossEntropy([1.0], 0.1)(tf.constant(LABELS), tf.constant(LOGITS[:, :1]))
    assert float(found) == pytest.approx(float(expected), rel=1e-5)


@pytest.mark.parametrize("k", [1, 3])
def test_metrics_count_the_hits_of_the_first_head(k):
    best = np.argsort(-LOGITS[:, 0], -1)[:, :k]
    metric = top(k)
    metric.update_state(tf.constant(LABELS[:4]), tf.constant(LOGITS[:4]))
    metric.update_state(tf.constant(LABELS[4:]), tf.constant(LOGITS[4:]))
    assert metric.name == f"top{k}"
    assert float(metric.result()) == pytest.approx(
        np.mean([label in row for label, row in zip(LABELS, best, strict=True)])
    )


def test_nan_logits_hit_nothing():
    metric = top(5)
    metric.update_state(tf.constant([0, 1]), tf.fill([2, 1, 7], float("nan")))
    assert float(metric.result()) == 0.0
