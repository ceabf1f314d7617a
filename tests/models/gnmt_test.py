import numpy as np
import pytest
import tensorflow as tf

from nos_tf.models import gnmt
from nos_tf.models.gnmt import GNMT
from nos_tf.translation.loss import SmoothedCrossEntropy
from nos_tf.translation.metrics import Perplexity
from tests.models import gnmt_twin

VOCABULARY = 11
SOURCE = np.array([[4, 5, 6, 7, 3], [8, 9, 3, 0, 0]], np.int32)
TARGET_IN = np.array([[2, 4, 4, 10], [2, 7, 0, 0]], np.int32)
TARGET = np.array([[4, 4, 10, 3], [7, 3, 0, 0]], np.int32)


def build(num_layers=4, units=6, **kwargs):
    model = GNMT(VOCABULARY, units, num_layers, **({"init_scale": 0.8, "seed": 5} | kwargs))
    for layer in (model.attention, *model.decoder_layers):  # Biases and scale must not have special values.
        rng = np.random.default_rng(7)
        layer.set_weights([weight + 0.3 * rng.standard_normal(weight.shape) for weight in layer.get_weights()])
    return model


@pytest.fixture(scope="module")
def model():
    return build()


def logits(model, source=SOURCE, target_in=TARGET_IN, **kwargs):
    return model({"source": source, "target_in": target_in}, **kwargs).numpy()


@pytest.mark.parametrize("num_layers", [2, 3, 5])
def test_equals_its_numpy_twin(num_layers):
    model = build(num_layers)
    found = logits(model)
    assert found.shape == (2, 4, VOCABULARY)
    assert found.dtype == np.float32
    np.testing.assert_allclose(found[0], gnmt_twin.logits(model, SOURCE[0], TARGET_IN[0])[0], atol=2e-5)
    np.testing.assert_allclose(found[1, :2], gnmt_twin.logits(model, SOURCE[1, :3], TARGET_IN[1, :2])[0], atol=2e-5)


def test_decoding_step_by_step_equals_teacher_forcing(model):
    expected = logits(model)
    memory, state = model.encode(SOURCE), model.initial_state(2)
    _, alignment = gnmt_twin.logits(model, SOURCE[0], TARGET_IN[0])
    for time in range(TARGET_IN.shape[1]):
        found, weights, state = model.step(TARGET_IN[:, time], state, memory)
        np.testing.assert_allclose(found[0], expected[0, time], atol=1e-5)
        if time < 2:
            np.testing.assert_allclose(found[1], expected[1, time], atol=1e-5)
        np.testing.assert_allclose(weights[0], alignment[time], atol=1e-5)
        np.testing.assert_array_equal(weights[1, 3:], 0)


def test_hypotheses_of_a_sentence_share_its_memory(model):
    memory, state = model.encode(SOURCE), model.initial_state(6)
    tokens = np.array([2, 5, 6, 2, 8, 9], np.int32)
    found = model.step(tokens, state, memory)
    for index, token in enumerate(tokens):
        sentence = index // 3
        alone = model.step(np.array([token]), model.initial_state(1), model.encode(SOURCE[sentence : sentence + 1]))
        np.testing.assert_allclose(found[0][index], alone[0][0], atol=1e-5)
        np.testing.assert_allclose(found[1][index], alone[1][0], atol=1e-6)


def test_padding_changes_nothing(model):
    wide = np.pad(SOURCE, [(0, 0), (0, 4)]), np.pad(TARGET_IN, [(0, 0), (0, 3)])
    found = logits(model, *wide)
    np.testing.assert_allclose(found[0, :4], logits(model)[0], atol=1e-5)
    np.testing.assert_allclose(found[1, :2], logits(model)[1, :2], atol=1e-5)


def test_logits_depend_on_earlier_tokens_only(model):
    changed = TARGET_IN.copy()
    changed[0, 2] = 9
    before, after = logits(model)[0], logits(model, target_in=changed)[0]
    np.testing.assert_array_equal(before[:2], after[:2])
    assert (np.abs(before[2:] - after[2:]).max(axis=1) > 1e-3).all()


@pytest.mark.parametrize(("units", "num_layers"), [(6, 2), (5, 4)])
def test_number_of_parameters(units, num_layers):
    def lstm(features):
        return 4 * units * (features + units + 1)

    encoder = 2 * lstm(units) + lstm(2 * units) + (num_layers - 2) * lstm(units)
    decoder = num_layers * lstm(2 * units)
    attention = 2 * units**2 + 2 * units + 1
    assert build(num_layers, units).count_params() == 3 * VOCABULARY * units + encoder + decoder + attention


def test_initial_weights_depend_on_the_seed_and_differ_from_each_other():
    first, same, other = (GNMT(VOCABULARY, 16, 3, seed=seed).get_weights() for seed in (0, 0, 1))
    kernels = [weight for weight in first if weight.ndim == 2]
    assert len({weight.ravel()[0] for weight in kernels}) == len(kernels)
    for a, b, c in zip(first, same, other, strict=True):
        np.testing.assert_array_equal(a, b)
        assert a.ndim < 2 or (a != c).all()


def test_dropout_differs_between_iterations_and_is_repeatable():
    model = build(dropout=0.5)
    model.compile(tf.keras.optimizers.SGD(0.1), SmoothedCrossEntropy())
    first = logits(model, training=True)
    np.testing.assert_array_equal(logits(model, training=True), first)
    assert np.abs(first - logits(model)).max() > 0.01
    model.optimizer.iterations.assign(1)
    assert np.abs(logits(model, training=True) - first).max() > 0.01


def test_dropout_keeps_the_mean():
    model = build(num_layers=2, dropout=0.3)
    drop = model._dropout(training=True)
    dropped = [drop(tf.ones([20, 10])).numpy() for _ in range(200)]
    assert np.mean(dropped) == pytest.approx(1, abs=0.02)
    assert set(np.unique(dropped)) == {0.0, np.float32(1 / 0.7)}


def test_keras_lstm_gives_the_same_outputs_and_gradients(monkeypatch):
    seeds = iter(range(2))
    layer = gnmt.LSTM(5, lambda: tf.keras.initializers.RandomUniform(-1, 1, seed=next(seeds)))
    inputs = tf.random.stateless_normal([6, 3, 4], [0, 1])
    results = []
    for gpus in ([], ["GPU"]):
        monkeypatch.setattr(tf.config, "list_logical_devices", lambda kind, gpus=gpus: gpus)
        with tf.GradientTape() as tape:
            tape.watch(inputs)
            outputs = layer(inputs)
            loss = tf.reduce_sum(outputs**2)
        results.append([outputs, *tape.gradient(loss, [inputs, *layer.trainable_variables])])
    for ours, theirs in zip(*results, strict=True):
        np.testing.assert_allclose(ours, theirs, atol=1e-5)


def fit(epochs):
    model = GNMT(VOCABULARY, 24, 2, dropout=0.1, init_scale=0.1)
    model.compile(tf.keras.optimizers.Adam(0.02), SmoothedCrossEntropy(0.1), metrics=[Perplexity()], jit_compile=False)
    data = tf.data.Dataset.from_tensors(({"source": SOURCE, "target_in": TARGET_IN}, TARGET)).repeat(10)
    return model.fit(data, epochs=epochs, shuffle=False, verbose=0).history["perplexity"]


def test_learns_with_fit():
    perplexities = fit(8)
    assert perplexities[0] > 5
    assert perplexities[-1] < 1.5


@pytest.mark.slow
def test_trains_similarly_in_mixed_precision():
    single = fit(2)
    tf.keras.mixed_precision.set_global_policy("mixed_bfloat16")
    try:
        half = fit(2)
    finally:
        tf.keras.mixed_precision.set_global_policy("float32")
    np.testing.assert_allclose(half, single, rtol=0.1)
    assert half != pytest.approx(single, rel=1e-4)


@pytest.mark.slow
def test_two_replicas_train_like_one():
    devices = [device.name for device in tf.config.list_logical_devices("CPU")]
    if len(devices) < 2:
        pytest.skip("only one logical CPU: tests/conftest.py could not split it")
    source, target_in, target = (np.repeat(ids, 2, axis=0) for ids in (SOURCE, TARGET_IN, TARGET))
    results = []
    # On CPUs, TensorFlow's default, collective operations, confuses sums of different shapes.
    mirrored = tf.distribute.MirroredStrategy(devices[:2], tf.distribute.ReductionToOneDevice())
    for strategy in (tf.distribute.get_strategy(), mirrored):
        with strategy.scope():
            model = GNMT(VOCABULARY, 6, 2, dropout=0.0, init_scale=0.5)
            model.compile(
                tf.keras.optimizers.SGD(0.5), SmoothedCrossEntropy(), metrics=[Perplexity()], jit_compile=False
            )
        data = tf.data.Dataset.from_tensors(({"source": source, "target_in": target_in}, target)).repeat(3)
        history = model.fit(data, epochs=1, shuffle=False, verbose=0).history
        results.append([history["loss"], history["perplexity"], *model.get_weights()])
    for one, two in zip(*results, strict=True):
        np.testing.assert_allclose(one, two, rtol=1e-4, atol=1e-5)


def test_too_few_layers_are_refused():
    with pytest.raises(ValueError, match="Received: num_layers=1"):
        GNMT(VOCABULARY, num_layers=1)


@pytest.mark.parametrize(("init_scale", "bound"), [(None, 3.4 / 8), (0.04, 0.04)])
def test_bound_of_the_initial_weights(init_scale, bound):
    kernels = [weight for weight in GNMT(50, 64, 2, init_scale=init_scale).get_weights() if weight.ndim == 2]
    for kernel in kernels:
        assert np.abs(kernel).max() == pytest.approx(bound, rel=0.01)
