import pytest

from nos_tf.common.errors import RunError
from nos_tf.dsl import SearchSpace
from nos_tf.search import race
from nos_tf.search.configuration import Configuration, differences


def configuration(**changes) -> Configuration:
    values = {"task": "digits", "searcher": "ppo", "trials": 40, "random_trials": 10, "batch_size": 4} | changes
    return Configuration(**{"space": SearchSpace()} | values)


def test_reference_comes_first_and_the_trials_add_up() -> None:
    assert list(configuration().stages.items()) == [("random", 10), ("ppo", 30)]
    assert configuration(searcher="random", random_trials=0).stages == {"random": 40}


def test_all_seeds_of_a_run_differ() -> None:
    runs = [configuration(seed=seed) for seed in range(20)]
    seeds = [
        seed
        for run in runs
        for seed in (
            *run.training_seeds,
            run.searcher_seed("random"),
            run.searcher_seed("ppo"),
            *(seed for stage in race.STAGES for seed in run.fresh_seeds(stage, 5)),
        )
    ]
    assert len(set(seeds)) == len(seeds) == 20 * (5 + 5 * len(race.STAGES))
    assert all(0 <= seed < 2**31 for seed in seeds)
    again = configuration(seed=3)
    assert again.training_seeds == runs[3].training_seeds
    assert again.fresh_seeds(race.TEST, 5) == runs[3].fresh_seeds(race.TEST, 5)


def test_more_fresh_seeds_keep_the_first_ones() -> None:
    assert configuration().fresh_seeds(race.TEST, 9)[:5] == configuration().fresh_seeds(race.TEST, 5)


def test_impossible_numbers_of_trials_are_refused() -> None:
    with pytest.raises(RunError, match=r"holds 2 rules.*Received: trials=3"):
        configuration(
            trials=3, random_trials=0, space=SearchSpace(1, ("g", "m"), ("neg",), ("left",), {"different_operands"})
        )
    with pytest.raises(RunError, match="Received: random_trials=41"):
        configuration(random_trials=41)


def test_only_flags_that_affect_the_trials_are_fixed() -> None:
    stored = {"task": "digits", "trials": 40, "workers": 1, "seed": 0}
    assert differences(stored, {"trials": 80, "workers": 2, "executor": "processes"}) == []
    assert differences(stored, {"seed": 1, "task": "digits", "units": 3}) == ["seed", "units"]
