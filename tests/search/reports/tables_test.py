import ast
import dataclasses

import numpy as np
import pytest
import scipy.stats

import nos_tf
from nos_tf.evaluation.result import Evaluation
from nos_tf.search.reports import tables
from nos_tf.search.reports.run_data import RunData, simplified, text
from nos_tf.search.trial import BASELINES, Baseline, Trial
from tests.search.reports import runs


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    return runs.make(tmp_path_factory.mktemp("runs") / "one")


def test_leaderboard_ranks_rules_and_baselines_together(run: RunData) -> None:
    board = tables.leaderboard(run)
    assert [entry.rank for entry in board] == list(range(1, len(board) + 1))
    rewards = [entry.reward for entry in board]
    assert rewards == sorted(rewards, reverse=True)
    assert sum(entry.source == "baseline" for entry in board) == len(BASELINES)
    best = max(trial.reward for trial in run.trials)
    assert max(entry.reward for entry in board if entry.source != "baseline") == best


def test_test_table_agrees_with_scipy(run: RunData) -> None:
    entry = tables.tests(run)[0]
    winner = run.ranking[0].program
    accuracies = [test.evaluation.test_accuracy for test in run.tests if test.program == winner]
    assert len(accuracies) == entry.trainings == 3
    low, high = scipy.stats.t.interval(0.95, 2, np.mean(accuracies), scipy.stats.sem(accuracies))
    assert entry.accuracy.mean - (entry.accuracy.half_width or 0) == pytest.approx(low)
    assert entry.accuracy.mean + (entry.accuracy.half_width or 0) == pytest.approx(high)


def test_random_search_is_among_the_tested(run: RunData) -> None:
    assert any(entry.source == "random" for entry in tables.tests(run))


def test_training_that_diverged_counts(run: RunData) -> None:
    first = run.tests[0]
    diverged = dataclasses.replace(first, evaluation=Evaluation(0.0, "diverged"))
    changed = dataclasses.replace(run, tests=(diverged, *run.tests[1:]))
    entry = next(entry for entry in tables.tests(changed) if entry.failed)
    assert entry.trainings == 3
    assert entry.accuracy.mean < 0.75


def test_snippet_is_python_that_names_the_winner(run: RunData) -> None:
    snippet = tables.snippet(run)
    assert snippet is not None
    call = next(
        node
        for node in ast.walk(ast.parse(snippet))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "nos_tf.optimizers.ProgramOptimizer"
    )
    rule = ast.literal_eval(call.args[0])
    assert nos_tf.canonical_key(nos_tf.parse(rule)) == run.ranking[0].key
    assert {word.arg: ast.literal_eval(word.value) for word in call.keywords} == {"learning_rate": 0.1}


@pytest.mark.parametrize(
    ("text", "rate"),
    [("g * m", 10.0**exponent) for exponent in range(-5, 2)]
    + [("ld * g", 1.0), ("clip(adam, 1e-4) - drop(m, 0.3)", 10.0), ("noise + annealed_noise", 2.0)],
)
def test_snippet_runs_at_every_rate_of_the_sweep(run: RunData, text: str, rate: float) -> None:
    import tensorflow as tf

    program = nos_tf.parse(text)
    best = Trial(999, "ppo", 99, program, nos_tf.canonical_key(program), 1.0, Evaluation(1.0, "trained", rate, 0.9))
    snippet = tables.snippet(dataclasses.replace(run, trials=(*run.trials, best)))
    assert snippet is not None
    model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(2)])
    exec(snippet, {"model": model, "EPOCHS": 1, "STEPS_PER_EPOCH": 1})
    np.testing.assert_allclose(float(model.optimizer.learning_rate), rate, rtol=1e-6)
    model.fit(np.ones((4, 3)), np.zeros(4), verbose=0)


def test_winner_that_is_a_known_optimizer_is_called_by_its_name(run: RunData) -> None:
    program = nos_tf.parse("g + g")
    evaluation = Evaluation(0.99, "trained", 0.1, 0.9)
    trial = Trial(999, "ppo", 99, program, nos_tf.canonical_key(program), 0.99, evaluation)
    baseline = Baseline("SGD", nos_tf.parse("g"), evaluation)
    changed = dataclasses.replace(run, trials=(*run.trials, trial), baselines=(baseline,))
    assert any("which is SGD" in sentence for sentence in tables.verdict(changed))
    assert tables.leaderboard(changed)[0].rule == "SGD: g + g"


def test_run_in_which_nothing_trained_is_told_as_such(run: RunData) -> None:
    nothing = dataclasses.replace(run, trials=(), baselines=(), tests=())
    assert tables.leaderboard(nothing) == []
    assert tables.tests(nothing) == []
    assert tables.snippet(nothing) is None
    assert any("No rule trained" in sentence for sentence in tables.verdict(nothing))


@pytest.mark.parametrize("seed", range(200))
def test_simplified_rule_is_the_same_function(seed: int) -> None:
    space = nos_tf.SearchSpace(num_groups=4, unary=("identity", "neg", "exp"), operands=("g", "m", "v"))
    program = space.sample(np.random.default_rng(seed))
    short = simplified(program)
    assert short.num_groups == len(program.live_groups)
    assert "left" not in short.tokens
    assert nos_tf.canonical_key(short) == nos_tf.canonical_key(program)
    assert nos_tf.parse(text(program)) == short


def test_rule_of_one_operand_is_written_as_such() -> None:
    assert text(nos_tf.parse("m")) == "m"
    assert text(nos_tf.parse("b1 = g + v; left(drop(adam, 0.5), b1)")) == "drop(adam, 0.5)"
