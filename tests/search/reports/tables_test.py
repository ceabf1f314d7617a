import ast
import dataclasses

import numpy as np
import pytest

import nos_tf
from nos_tf.dsl.algebra.simplest import simplest_text
from nos_tf.evaluation.result import Evaluation
from nos_tf.search import race
from nos_tf.search.reports import tables
from nos_tf.search.reports.leaderboard import leaderboard
from nos_tf.search.reports.run_data import RunData
from nos_tf.search.trial import BASELINES, Baseline, Training, Trial
from tests.search.reports import runs


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    return runs.make(tmp_path_factory.mktemp("runs") / "one")


def test_table_of_rewards_ranks_rules_and_baselines_together(run: RunData) -> None:
    board = tables.rewards(run)
    assert [entry.rank for entry in board] == list(range(1, len(board) + 1))
    rewards = [entry.reward for entry in board]
    assert rewards == sorted(rewards, reverse=True)
    assert sum(entry.source == "baseline" for entry in board) == len(BASELINES)
    best = max(trial.reward for trial in run.trials)
    assert max(entry.reward for entry in board if entry.source != "baseline") == best


def test_snippet_is_python_that_names_the_winner(run: RunData) -> None:
    snippet, board = tables.snippet(run), leaderboard(run)
    assert snippet is not None
    assert board is not None
    assert board.winner is not None
    call = next(
        node
        for node in ast.walk(ast.parse(snippet))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "nos_tf.optimizers.ProgramOptimizer"
    )
    rule = ast.literal_eval(call.args[0])
    assert nos_tf.canonical_key(nos_tf.parse(rule)) == nos_tf.canonical_key(board.winner.program)
    (rate,) = (ast.literal_eval(word.value) for word in call.keywords)
    assert rate == pytest.approx(board.winner.learning_rate, rel=1e-5)
    assert tables.heading(run) == "Use the winner"


def test_without_a_winner_the_snippet_uses_the_best_baseline(run: RunData) -> None:
    lost = dataclasses.replace(run, finalists=())
    snippet, board = tables.snippet(lost), leaderboard(lost)
    assert snippet is not None
    assert board is not None
    assert simplest_text(board.best_baseline.program) in snippet
    assert tables.heading(lost) == "Use the best baseline"


@pytest.mark.parametrize(
    ("rule", "rate"),
    [("g * m", 10.0**exponent) for exponent in range(-5, 2)]
    + [("ld * g", 1.0), ("clip(adam, 1e-4) - drop(m, 0.3)", 10.0), ("noise + annealed_noise", 2.0)],
)
def test_snippet_runs_at_every_rate_of_the_sweep(run: RunData, rule: str, rate: float) -> None:
    import tensorflow as tf

    snippet = tables.snippet(won(run, nos_tf.parse(rule), rate))
    assert snippet is not None
    model = tf.keras.Sequential([tf.keras.Input((3,)), tf.keras.layers.Dense(2)])
    exec(
        snippet,
        {
            "model": model,
            "LOSS": tf.keras.losses.SparseCategoricalCrossentropy(True),
            "EPOCHS": 1,
            "STEPS_PER_EPOCH": 1,
        },
    )
    np.testing.assert_allclose(float(model.optimizer.learning_rate), rate, rtol=1e-6)
    model.fit(np.ones((4, 3)), np.zeros(4), verbose=0)


def won(run: RunData, program: nos_tf.Program, rate: float) -> RunData:
    """Adds a rule to the run that wins by far."""
    key = nos_tf.canonical_key(program)
    trial = Trial(999, "ppo", 99, program, key, 1.0, Evaluation(1.0, "trained", rate, 0.9))
    seeds = {one.seed for one in run.trainings if one.stage == race.TEST}
    results = [
        Training(race.TEST, program, seed, rate, Evaluation(2.0 + number / 1_000, "trained", rate, 0.9))
        for number, seed in enumerate(sorted(seeds))
    ]
    return dataclasses.replace(
        run, trials=(*run.trials, trial), finalists=(program,), trainings=(*run.trainings, *results)
    )


def test_winner_that_is_a_known_optimizer_is_called_by_its_name(run: RunData) -> None:
    program = nos_tf.parse("g + g")
    evaluation = Evaluation(0.99, "trained", 0.1, 0.9)
    trial = Trial(999, "ppo", 99, program, nos_tf.canonical_key(program), 0.99, evaluation)
    baseline = Baseline("SGD", nos_tf.parse("g"), evaluation)
    changed = dataclasses.replace(run, trials=(*run.trials, trial), baselines=(baseline,))
    assert tables.rewards(changed)[0].rule == "SGD: g + g"


def test_seeds_of_confirmed_rules_are_counted(run: RunData) -> None:
    confirmed, single = Evaluation(0.9, "trained", 0.1, seed_rewards=(0.95, 0.9, 0.85)), Evaluation(0.8, "trained", 0.1)
    baselines = tuple(
        Baseline(name, nos_tf.parse(name.lower()), one) for name, one in (("M", confirmed), ("V", single))
    )
    board = tables.rewards(dataclasses.replace(run, trials=(), baselines=baselines))
    assert [entry.seeds for entry in board] == [3, 1]


def test_run_without_trained_rules_has_no_rewards_or_snippet(run: RunData) -> None:
    nothing = dataclasses.replace(run, trials=(), baselines=(), trainings=(), finalists=())
    assert tables.rewards(nothing) == []
    assert tables.snippet(nothing) is None
