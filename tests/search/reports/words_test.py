import dataclasses

import pytest

import nos_tf
from nos_tf.evaluation.result import Evaluation
from nos_tf.search.reports import words
from nos_tf.search.reports.run_data import RunData
from nos_tf.search.trial import Baseline, Trial
from tests.search.reports import runs


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    return runs.make(tmp_path_factory.mktemp("runs") / "one")


def test_winner_is_named_first(run: RunData) -> None:
    first, second, *_ = words.sentences(run)
    assert first.startswith("Winner: on test data ")
    assert "better than every tuned baseline (+" in first
    assert second.startswith("In long trainings, it is ")


def test_absence_of_a_winner_is_stated_in_one_line(run: RunData) -> None:
    known = next(one for one in run.baselines if one.evaluation.learning_rate is not None)
    level = tuple(
        dataclasses.replace(one, evaluation=Evaluation(0.5 + one.seed % 2 / 10, "trained", 0.1))
        if one.program != known.program
        else dataclasses.replace(one, evaluation=Evaluation(0.5 + one.seed % 3 / 10, "trained", 0.1))
        for one in run.trainings
    )
    first = words.sentences(dataclasses.replace(run, trainings=level))[0]
    assert first.startswith("No winner: on test data no rule is better than every tuned baseline. The best rule, ")
    assert "not clearly different from" in first
    assert "\n" not in first


def test_search_that_found_only_baselines_has_no_winner(run: RunData) -> None:
    assert words.sentences(dataclasses.replace(run, finalists=()))[0].startswith("No winner: the search found no rule")


def test_best_reward_of_a_known_optimizer_is_called_by_its_name(run: RunData) -> None:
    program = nos_tf.parse("g + g")
    evaluation = Evaluation(0.99, "trained", 0.1, 0.9)
    trial = Trial(999, "ppo", 99, program, nos_tf.canonical_key(program), 0.99, evaluation)
    baseline = Baseline("SGD", nos_tf.parse("g"), evaluation)
    changed = dataclasses.replace(run, trials=(*run.trials, trial), baselines=(baseline,))
    assert any("which is SGD" in sentence for sentence in words.sentences(changed))


def test_run_without_trained_rules_is_reported(run: RunData) -> None:
    nothing = dataclasses.replace(run, trials=(), baselines=(), trainings=(), finalists=())
    assert any("No rule trained" in sentence for sentence in words.sentences(nothing))


def test_unfinished_run_says_how_far_it_is(run: RunData) -> None:
    early = dataclasses.replace(run, trials=run.trials[:10], trainings=(), finalists=())
    assert any("so far" in sentence for sentence in words.sentences(early))


@pytest.mark.parametrize(("fewer", "state"), [(0, "; after that, the searcher only repeated itself."), (7, " so far.")])
def test_a_run_that_is_being_extended_is_not_called_exhausted(run: RunData, fewer: int, state: str) -> None:
    """The finalists are those of the race before the extension."""
    count = len(run.evaluated)
    assert run.raced == count
    extended = dataclasses.replace(run, flags={**run.flags, "trials": 1_000}, raced=count - fewer)
    assert f"{count} of 1000 distinct rules were evaluated{state}" in words.sentences(extended)


def test_busy_workers_are_averaged_over_the_time_in_which_any_trains(run: RunData) -> None:
    # One worker from 0 to 4 s, another from 2 to 6 s, and after a stop one from 10 to 12 s: 10 s of work in 8 s.
    spans = [(0.0, 4.0), (2.0, 6.0), (10.0, 12.0)]
    trials = tuple(
        dataclasses.replace(
            trial,
            evaluation=Evaluation(0.5, "trained", seconds=stop - start),
            created=stop,
            duplicate_of=None,
            staleness=3,
        )
        for trial, (start, stop) in zip(run.trials, spans, strict=False)
    )
    flags = {**run.flags, "workers": 2, "in_flight": 2}
    changed = dataclasses.replace(run, trials=trials, flags=flags, trainings=(), finalists=())
    assert changed.busy_workers == pytest.approx(10 / 8)
    busy = "While rules were training, 1.2 of 2 workers were busy on average."
    assert f"{busy} The searcher learned from rules 3.0 updates late." in words.sentences(changed)
    alone = dataclasses.replace(changed, flags={**flags, "workers": 1})
    assert not any("busy" in sentence for sentence in words.sentences(alone))
