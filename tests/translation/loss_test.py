import numpy as np
import pytest
import tensorflow as tf
from tensorflow.python.eager import context

from nos_tf.translation.loss import SmoothedCrossEntropy
from nos_tf.translation.metrics import Perplexity

TARGET = np.array([[3, 1, 4, 2], [2, 0, 0, 0], [1, 2, 0, 0]], np.int32)
LOGITS = 3 * np.random.default_rng(0).standard_normal((3, 4, 6)).astype(np.float32)


def expected(smoothing):
    log_softmax = LOGITS - np.log(np.exp(LOGITS.astype(float)).sum(-1, keepdims=True))
    distribution = (1 - smoothing) * np.eye(6)[TARGET] + smoothing / 6
    return -(distribution * log_softmax).sum(-1) * (TARGET != 0)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_is_the_sum_over_tokens_and_the_mean_over_sentences(smoothing):
    loss = SmoothedCrossEntropy(smoothing)
    np.testing.assert_allclose(loss.call(TARGET, tf.constant(LOGITS)), expected(smoothing).sum(-1), rtol=1e-5)
    np.testing.assert_allclose(loss(TARGET, tf.constant(LOGITS)), expected(smoothing).sum(-1).mean(), rtol=1e-5)


@pytest.mark.parametrize("smoothing", [0.0, 0.1, 0.9])
def test_gradient_is_softmax_minus_the_smoothed_target(smoothing):
    logits = tf.constant(LOGITS)
    with tf.GradientTape() as tape:
        tape.watch(logits)
        loss = SmoothedCrossEntropy(smoothing)(TARGET, logits)
    softmax = np.exp(LOGITS) / np.exp(LOGITS).sum(-1, keepdims=True)
    distribution = (1 - smoothing) * np.eye(6)[TARGET] + smoothing / 6
    np.testing.assert_allclose(
        tape.gradient(loss, logits), (softmax - distribution) * (TARGET != 0)[..., None] / 3, atol=1e-6
    )


def test_loss_and_perplexity_share_one_softmax():
    loss, metric = SmoothedCrossEntropy(), Perplexity()

    @tf.function(input_signature=[tf.TensorSpec([None, None], tf.int32), tf.TensorSpec([None, None, 6])])
    def both(target, logits):
        metric.update_state(target, logits)
        with tf.GradientTape() as tape:
            tape.watch(logits)
            value = loss(target, logits)
        return value, tape.gradient(value, logits)

    context.enable_run_metadata()
    try:
        both(TARGET, LOGITS)
        functions = context.export_run_metadata().function_graphs
    finally:
        context.disable_run_metadata()
    operations = [node.op for function in functions for node in function.post_optimization_graph.node]
    assert operations.count("SparseSoftmaxCrossEntropyWithLogits") == 1
