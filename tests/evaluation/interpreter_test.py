import numpy as np
import pytest
import tensorflow as tf

from nos_tf.dsl import SearchSpace, parse
from nos_tf.dsl.primitives import AVERAGES, OPERANDS
from nos_tf.evaluation.interpreter import Interpreter, encode, encode_slots
from nos_tf.optimizers import ProgramOptimizer

SHAPES = ((4, 3), (5,))
SIZES = (12, 5)
STEPS = 4
TOTAL_STEPS = 20
SEED = 11


@pytest.fixture(scope="module")
def graph():
    interpreter = Interpreter(SIZES)

    def step(tokens, slots, step, gradient, weights, *averages):
        """Takes one interpreted step at a learning rate of 0.01."""
        averages = interpreter.averages(slots, averages, gradient)
        seed = tf.constant(SEED, tf.int64)
        update = interpreter.update(tokens, gradient, weights, averages, step, tf.constant(float(TOTAL_STEPS)), seed)
        return weights - 0.01 * update, averages

    scalar = tf.TensorSpec([], tf.int32)
    signature = [tf.TensorSpec([None, 5], tf.int32), scalar, scalar, *[tf.TensorSpec([17])] * (2 + len(AVERAGES))]
    return tf.function(step, autograph=False, input_signature=signature)


def _interpreted(graph, program, start, gradients):
    weights, averages = start, [np.zeros(17, np.float32) for _ in AVERAGES]
    path = []
    for step, gradient in enumerate(gradients):
        weights, averages = graph(encode(program), encode_slots(program), step, gradient, weights, *averages)
        path.append(weights.numpy())
    return np.array(path)


def _optimized(program, start, gradients):
    optimizer = ProgramOptimizer(program, learning_rate=0.01, total_steps=TOTAL_STEPS, seed=SEED)
    parts = np.split(start, [12])
    variables = [tf.Variable(part.reshape(shape)) for part, shape in zip(parts, SHAPES, strict=True)]
    path = []
    for gradient in gradients:
        pieces = [
            tf.constant(part.reshape(shape)) for part, shape in zip(np.split(gradient, [12]), SHAPES, strict=True)
        ]
        optimizer.apply_gradients(zip(pieces, variables, strict=True))
        path.append(np.concatenate([variable.numpy().ravel() for variable in variables]))
    return np.array(path)


def _programs(count, seed):
    rng = np.random.default_rng(seed)
    spaces = [SearchSpace(num_groups=groups, operands=tuple(OPERANDS)) for groups in (1, 2, 3, 4)]
    return [spaces[index % 4].sample(rng) for index in range(count)]


def _assert_same_paths(graph, programs, rng):
    for program in programs:
        start = rng.normal(size=17).astype(np.float32)
        gradients = rng.normal(size=(STEPS, 17)).astype(np.float32)
        gradients[1:, 0] = 0.0
        expected = _optimized(program, start, gradients)
        np.testing.assert_allclose(
            _interpreted(graph, program, start, gradients), expected, rtol=2e-5, atol=1e-6, err_msg=str(program)
        )


def test_follows_the_path_of_the_optimizer(graph):
    _assert_same_paths(graph, _programs(40, seed=0), np.random.default_rng(0))


@pytest.mark.slow
def test_follows_the_path_of_the_optimizer_for_many_programs(graph):
    _assert_same_paths(graph, _programs(400, seed=1), np.random.default_rng(1))


def test_one_graph_serves_every_program(graph):
    _assert_same_paths(graph, _programs(4, seed=2), np.random.default_rng(2))
    assert graph.experimental_get_tracing_count() == 1


def test_averages_that_a_rule_does_not_read_stay_unchanged(graph):
    old = [np.full(17, value, np.float32) for value in (1.0, 2.0, 3.0, 4.0)]
    gradient = np.full(17, 0.5, np.float32)
    program = parse("g / sqrt(v)")
    _, (m, v, gamma, m_slow) = graph(encode(program), encode_slots(program), 0, gradient, gradient, *old)
    np.testing.assert_array_equal(m, old[0])
    np.testing.assert_allclose(v, 0.999 * 2.0 + 0.001 * 0.25, rtol=1e-6)
    np.testing.assert_array_equal(gamma, old[2])
    np.testing.assert_array_equal(m_slow, old[3])


def test_unused_parts_are_not_computed():
    np.testing.assert_array_equal(encode(parse("left(g, exp(adam))")), encode(parse("left(g, log(noise))")))
