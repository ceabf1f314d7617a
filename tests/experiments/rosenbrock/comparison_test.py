import re

import numpy as np
import pytest

import nos_tf
from experiments.rosenbrock.comparison import ADAM_EPSILONS, FUNCTIONS, Comparison, Run, select
from experiments.rosenbrock.descent import Descent
from nos_tf import optimizers
from nos_tf.common.errors import RunError
from tests.experiments.rosenbrock.runs import make


def chosen(runs: list[Run]) -> list[float]:
    """Returns the rates selected on the deterministic function."""
    other = [make(name, FUNCTIONS[1], 0.1, 1.0) for name in {run.optimizer for run in runs}]
    return sorted({run.learning_rate for run in select([*runs, *other]) if run.function == FUNCTIONS[0]})


def test_lowest_mean_of_the_final_values_wins() -> None:
    finals = {0.1: (5.0, 1.0), 0.01: (2.0, 2.5), 0.001: (0.5, 9.0)}
    runs = [make("a", FUNCTIONS[0], rate, final, seed) for rate in finals for seed, final in enumerate(finals[rate])]
    assert chosen(runs) == [0.01]


def test_each_optimizer_and_each_function_has_its_own_choice() -> None:
    finals = {("a", 0): (0.1, 0.3), ("a", 1): (0.1, 0.05), ("b", 0): (9.0, 8.0), ("b", 1): (2.0, 3.0)}
    runs = [
        make(name, FUNCTIONS[kind], rate, final)
        for (name, kind), both in finals.items()
        for rate, final in zip((1.0, 2.0), both, strict=True)
    ]
    found = {(run.optimizer, FUNCTIONS.index(run.function)): run.learning_rate for run in select(runs)}
    assert found == {("a", 0): 1.0, ("a", 1): 2.0, ("b", 0): 2.0, ("b", 1): 1.0}


def test_epsilon_is_part_of_the_setting() -> None:
    runs = [
        make("a", kind, 0.1, final, 0, epsilon) for kind in FUNCTIONS for epsilon, final in ((1e-3, 2.0), (1e-8, 1.0))
    ]
    assert {run.setting for run in select(runs)} == {(0.1, 1e-8)}


def test_divergence_never_wins() -> None:
    whole = [make("a", FUNCTIONS[0], 0.1, 5.0, seed) for seed in range(3)]
    once = [make("a", FUNCTIONS[0], 0.2, final, seed) for seed, final in enumerate((1.0, None, 1.0))]
    twice = [make("a", FUNCTIONS[0], 0.3, final, seed) for seed, final in enumerate((0.1, None, None))]
    never = [make("a", FUNCTIONS[0], 0.4, None, seed) for seed in range(3)]
    assert chosen([*never, *twice, *once, *whole]) == [0.1]
    assert chosen([*never, *twice, *once]) == [0.2]
    assert chosen([*never, *twice]) == [0.3]


def test_all_runs_diverging_is_an_error() -> None:
    runs = [make(name, kind, rate, 1.0) for name in "ab" for kind in FUNCTIONS for rate in (0.1, 10.0)]
    runs = [
        make("b", run.function, run.learning_rate, None)
        if run.optimizer == "b" and run.function == FUNCTIONS[1]
        else run
        for run in runs
    ]
    with pytest.raises(RunError, match=r"'b' on the stochastic function diverged.*--learning_rates=0.1,10$"):
        select(runs)


def test_intermediate_infinity_is_a_divergence() -> None:
    run = make("a", FUNCTIONS[0], 0.1, 1.0)
    run.values[1] = np.inf
    assert run.diverged
    assert run.to_json(selected=False)["metrics"] == {"final_value": None, "best_value": 1.0}


def test_every_cell_is_run() -> None:
    rates, seeds = (1e-3, 1e-4), (4, 5, 6)
    runs = Comparison(["powersign-cd", "drop(g, 0.5)"], rates, 5, 1.0, seeds).run()
    for name, kind, expected in (
        ("powersign-cd", FUNCTIONS[0], (4,)),  # All seeds would give the same run.
        ("powersign-cd", FUNCTIONS[1], seeds),
        ("drop(g, 0.5)", FUNCTIONS[0], seeds),
        ("drop(g, 0.5)", FUNCTIONS[1], seeds),
    ):
        cells = [(run.learning_rate, run.seed) for run in runs if (run.optimizer, run.function) == (name, kind)]
        assert cells == [(rate, seed) for rate in rates for seed in expected]
    assert all(len(run.values) == 6 and run.values[0] == pytest.approx(24.2) for run in runs)
    assert len({tuple(run.values) for run in runs}) == len(runs)
    rules = {run.optimizer: run.rule for run in runs}
    assert rules.pop("powersign-cd") is None
    assert nos_tf.parse(rules["drop(g, 0.5)"] or "") == nos_tf.parse("drop(g, 0.5)")


def test_adam_is_tuned_over_epsilon_and_is_the_zoos() -> None:
    runs = Comparison(["adam"], [0.1], 20, 1.0, [0]).run()
    assert {run.epsilon for run in runs} == set(ADAM_EPSILONS)
    # Smaller epsilons are lost to rounding this early.
    coarse = [tuple(run.values) for run in runs if run.epsilon in (1e-3, 1e-4, 1e-5)]
    assert len(set(coarse)) == len(coarse)
    (mine,) = [run for run in runs if run.epsilon == 1e-7 and run.function == FUNCTIONS[0]]
    x, y = Descent(optimizers.get("adam"), 20).run(0.1, 0, 0.0).astype(np.float64).T
    np.testing.assert_allclose(mine.values, (1 - x) ** 2 + 100 * (y - x * x) ** 2, rtol=1e-3)


@pytest.mark.parametrize("name", ["powersing", "g +", "keras/adamm"])
def test_unknown_optimizer_is_refused(name: str) -> None:
    with pytest.raises(RunError, match=re.escape(name.rpartition("/")[2])):
        Comparison(["sgd", name], [0.1], 5, 1.0, [0])
