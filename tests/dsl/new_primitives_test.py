"""A single entry in a table defines a primitive that works everywhere."""

from __future__ import annotations

import numpy as np
import pytest
import tensorflow as tf

from nos_tf.dsl import Program, SearchSpace, canonical_key, evaluate, parse
from nos_tf.dsl.entries import PRODUCT, Average, Binary, Meaning, Operand, Unary
from nos_tf.dsl.numpy_state import NumpyState
from nos_tf.dsl.primitives import AVERAGES, BINARY, OPERANDS, UNARY, noise
from nos_tf.evaluation.interpreter import Interpreter, encode, encode_slots
from nos_tf.evaluation.screening import SIGN_BLIND, screen
from nos_tf.optimizers import ProgramOptimizer
from nos_tf.optimizers.update_rule import Randomness, TensorState, updated_averages

SIZE, STEPS, TOTAL_STEPS, SEED = 6, 3, 20, 5
ADDED = [
    (AVERAGES, Average("spread", abs, beta=0.5, even=True, low=0.0, extra=True)),
    (
        OPERANDS,
        Operand(
            "spread",
            r"\hat{d}",
            lambda s: s.average("spread") / s.bias("spread"),
            frozenset({"spread"}),
            meaning=Meaning("spread", sign=0, low=0.0),
            extra=True,
        ),
    ),
    (
        OPERANDS,
        Operand(
            "1e1*w",
            "10 w",
            lambda s: s.constant(10.0) * s.w,
            meaning=Meaning("w", 10.0),
            binding=PRODUCT,
            extra=True,
        ),
    ),
    (OPERANDS, Operand("tilt", r"\theta", lambda s: s.xp.cos(s.w) * s.g, extra=True)),
    (OPERANDS, noise("loud_noise", r"\epsilon_3", lambda s: s.constant(3.0), stream=2)),
    (UNARY, Unary("tanh", "tanh(%s)", r"\tanh\left(%s\right)", lambda s, x: s.xp.tanh(x), extra=True)),
    (
        UNARY,
        Unary(
            "scale_0.2",
            "scale(%s, 0.2)",
            r"\operatorname{scale}\left(%s, 0.2\right)",
            lambda s, x: x * (s.constant(1.0) + s.constant(0.2) * s.uniform()),
            stochastic=True,
            function="scale",
            parameter=0.2,
            extra=True,
        ),
    ),
    (
        BINARY,
        Binary(
            "max",
            "max(%s, %s)",
            r"\max\left(%s, %s\right)",
            lambda s, x, y: s.xp.maximum(x, y),
            commutes=True,
            extra=True,
        ),
    ),
    (BINARY, Binary("%", "%s %% %s", r"%s \bmod %s", lambda s, x, y: x % y, PRODUCT, PRODUCT, extra=True)),
]
TEXTS = {
    "max(g, m)": ("g", "m", "identity", "identity", "max"),
    "max(tanh(g), sign(m)) * 1": None,
    "tilt % m * 2": None,
    "g % (m * 2)": None,
    "tanh(g) * 1": ("g", "1", "tanh", "identity", "*"),
    "tanh(1e1*w) + g": ("1e1*w", "g", "tanh", "identity", "+"),
    "b1 = tanh(g) * 1; tanh(b1) - neg(b1)": None,
    "g * loud_noise": ("g", "loud_noise", "identity", "identity", "*"),
    "g / spread": ("g", "spread", "identity", "identity", "/"),
    "scale(g, 0.2) - tilt": ("g", "tilt", "scale_0.2", "identity", "-"),
    "tilt - scale(spread, 0.2)": None,
}


@pytest.fixture(autouse=True)
def added(monkeypatch):
    for table, entry in ADDED:
        monkeypatch.setitem(table, entry.name, entry)


@pytest.mark.parametrize("text", TEXTS)
def test_is_parsed_and_printed(text):
    program = parse(text)
    if TEXTS[text] is not None:
        assert program.tokens == TEXTS[text]
    assert parse(str(program)) == program
    assert Program.from_tokens(program.tokens) == program


def test_has_a_formula():
    assert parse("max(tanh(g), spread)").to_latex() == r"\max\left(\tanh\left(g\right), \hat{d}\right)"
    assert parse("(g + 1e1*w) % loud_noise").to_latex() == r"\left(g + 10 w\right) \bmod \epsilon_3"


def test_does_not_change_the_default_search_space():
    space = SearchSpace()
    assert (len(space.operands), len(space.unary), len(space.binary)) == (17, 12, 6)
    wide = SearchSpace(operands=tuple(OPERANDS), unary=tuple(UNARY), binary=tuple(BINARY))
    assert parse("max(tanh(spread), loud_noise)") in wide


@pytest.mark.parametrize(
    ("text", "other", "is_equal"),
    [
        ("max(g, m)", "max(m, g)", True),
        ("max(g, m)", "max(g, v)", False),
        ("tanh(g) + tanh(g)", "2 * tanh(g)", True),
        ("tanh(g) * 1", "g * 1", False),
        ("1e1*w + g", "g + 1e1*w", True),
        ("1e1*w * g", "1e-1*w * g", True),
        ("loud_noise * g", "noise * g", False),
        ("sqrt(spread * spread)", "spread * 1", True),
        ("sign(spread) * spread", "spread * 1", True),
        ("tilt * g", "g * tilt", True),
        ("tilt * g", "g * g", False),
        ("g % m", "m % g", False),
        ("scale(g, 0.2) - m", "-(m - scale(g, 0.2))", True),
        ("scale(g, 0.2) - scale(g, 0.2)", "g - g", False),
        ("scale(g, 0.2) * m", "drop(g, 0.3) * m", False),
        ("b1 = scale(g, 0.2) * 1; b1 + b1", "scale(g, 0.2) * 2", True),
    ],
)
def test_has_canonical_keys(text, other, is_equal):
    assert (canonical_key(parse(text)) == canonical_key(parse(other))) == is_equal


def test_additions_do_not_change_the_keys_of_other_rules(monkeypatch):
    rng = np.random.default_rng(0)
    programs = [SearchSpace(num_groups=2).sample(rng) for _ in range(200)]
    keys = [canonical_key(program) for program in programs]
    monkeypatch.undo()
    assert [canonical_key(program) for program in programs] == keys


@pytest.mark.parametrize(
    ("text", "is_blind"),
    [("spread * 1", True), ("tanh(1e1*w) * loud_noise", True), ("max(g, m)", False), ("tilt / spread", False)],
)
def test_is_screened(text, is_blind):
    assert screen([text]) == [SIGN_BLIND if is_blind else None]


def _expected_path(program, start, gradients):
    """Returns the weights after each step at a learning rate of 0.01, with the random draws of the optimizer."""
    weights, averages, path = start.astype(float), dict.fromkeys(AVERAGES, np.zeros(SIZE)), []
    source = Randomness(SEED, {0: SIZE})
    for step, gradient in enumerate(gradients):
        for name, entry in AVERAGES.items():
            averages[name] = entry.beta * averages[name] + (1.0 - entry.beta) * entry.compute(gradient.astype(float))

        def draw(site, normal, step=step):
            return source.draw(site, tf.constant(step), tf.float32, normal).numpy().astype(float)

        state = NumpyState(
            g=gradient.astype(float),
            w=weights,
            averages=dict(averages),
            step=float(step),
            total_steps=float(TOTAL_STEPS),
            normals={stream: draw(8 + stream, normal=True) for stream in range(3)},
            uniforms=[draw(site, normal=False) for site in range(8)],
        )
        weights = weights - 0.01 * evaluate(program, state)
        path.append(weights)
    return np.array(path)


@pytest.fixture
def training():
    rng = np.random.default_rng(0)
    return rng.normal(size=SIZE).astype(np.float32), rng.normal(size=(STEPS, SIZE)).astype(np.float32)


def test_is_interpreted_in_a_graph(training):
    start, gradients = training
    interpreter = Interpreter([SIZE])

    @tf.function(autograph=False, input_signature=[tf.TensorSpec([None, 5], tf.int32), tf.TensorSpec([], tf.int32)])
    def path(tokens, slots):
        weights, averages, path = tf.constant(start), [tf.zeros(SIZE)] * len(AVERAGES), []
        total, seed = tf.constant(float(TOTAL_STEPS)), tf.constant(SEED, tf.int64)
        for step, gradient in enumerate(tf.unstack(tf.constant(gradients))):
            averages = interpreter.averages(slots, averages, gradient)
            update = interpreter.update(tokens, gradient, weights, averages, tf.constant(step), total, seed)
            weights = weights - 0.01 * update
            path.append(weights)
        return tf.stack(path)

    for program in map(parse, TEXTS):
        expected = _expected_path(program, start, gradients)
        np.testing.assert_allclose(
            path(encode(program), encode_slots(program)), expected, rtol=1e-5, atol=1e-6, err_msg=str(program)
        )


@pytest.mark.parametrize("text", TEXTS)
def test_trains_as_a_keras_optimizer(text, training):
    program, (start, gradients) = parse(text), training
    optimizer = ProgramOptimizer(program, learning_rate=0.01, total_steps=TOTAL_STEPS, seed=SEED)
    variable, path = tf.Variable(start), []
    for gradient in gradients:
        optimizer.apply_gradients([(tf.constant(gradient), variable)])
        path.append(variable.numpy())
    np.testing.assert_allclose(path, _expected_path(program, start, gradients), rtol=1e-5, atol=1e-6)


def test_a_function_missing_from_tensorflow_is_named():
    with pytest.raises(AttributeError, match="no_such_function"):
        _ = TensorState.xp.no_such_function


def test_averages_have_their_default_rate():
    first = updated_averages(["spread"], {"spread": tf.zeros(1)}, tf.constant([-2.0]), {})
    assert float(first["spread"][0]) == pytest.approx(1.0)


def test_a_noise_stream_of_another_variable_is_refused():
    with pytest.raises(ValueError, match=r"0 to 7\. Received: stream=8"):
        noise("faint_noise", "e", lambda s: s.constant(0.1), stream=8)
