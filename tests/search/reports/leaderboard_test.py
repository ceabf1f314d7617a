import csv
import dataclasses
import io
import json
from pathlib import Path

import numpy as np
import pytest
import scipy.stats

import nos_tf
from nos_tf.evaluation.result import Evaluation
from nos_tf.search import race
from nos_tf.search.reports import leaderboard_files
from nos_tf.search.reports.leaderboard import BASELINE, Leaderboard, leaderboard
from nos_tf.search.reports.run_data import RunData
from nos_tf.search.trial import BASELINES, Training
from tests.search.reports import runs

NAMES = [
    "rule", "name", "found_by", "learning_rate", "reward", "test_mean", "test_interval", "seeds",
    "difference", "difference_interval", "p", "verdict",
]  # fmt: skip


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    return runs.make(tmp_path_factory.mktemp("runs") / "one")


@pytest.fixture(scope="module")
def board(run: RunData) -> Leaderboard:
    found = leaderboard(run)
    assert found is not None
    return found


def rewards(run: RunData, program: nos_tf.Program, stage: str = race.TEST) -> dict[int, float]:
    found = [one for one in run.trainings if (one.stage, one.program) == (stage, program)]
    return {one.seed: one.evaluation.reward for one in found}


@pytest.mark.parametrize("stage", [race.TEST, race.LONG_TEST])
def test_means_and_differences_agree_with_scipy(run: RunData, stage: str) -> None:
    board = leaderboard(run, stage)
    assert board is not None
    best = rewards(run, board.best_baseline.program, stage)
    assert board.best_baseline.reward.mean == max(one.reward.mean for one in board.standings if one.name)
    for one in board.standings:
        own = rewards(run, one.program, stage)
        low, high = scipy.stats.t.interval(
            0.95, len(own) - 1, np.mean(list(own.values())), scipy.stats.sem(list(own.values()))
        )
        assert one.seeds == len(own)
        assert one.reward.mean == pytest.approx((low + high) / 2)
        assert one.reward.half_width == pytest.approx((high - low) / 2)
        if one.difference is not None:
            seeds = sorted(own.keys() & best.keys())
            test = scipy.stats.ttest_rel([own[seed] for seed in seeds], [best[seed] for seed in seeds])
            interval = test.confidence_interval()
            assert one.difference.difference == pytest.approx((interval.low + interval.high) / 2)
            assert one.difference.half_width == pytest.approx((interval.high - interval.low) / 2)
            assert one.difference.p >= test.pvalue


def test_finalists_are_compared_with_every_baseline(run: RunData, board: Leaderboard) -> None:
    tuned = {one.name for one in run.baselines if one.evaluation.learning_rate is not None}
    assert len(board.finalists) == race.FINALISTS
    assert all(set(one.against) == tuned for one in board.finalists)
    assert {one.name for one in board.standings if one.found_by == BASELINE} == tuned
    means = [one.reward.mean for one in board.standings]
    assert means == sorted(means, reverse=True)


def test_winner_is_the_best_rule_that_beats_all_baselines(board: Leaderboard) -> None:
    assert board.winner is not None
    assert board.winner == next(one for one in board.finalists if one.verdict == "better")
    assert all(pair.verdict == "better" for pair in board.winner.against.values())


def test_standings_describe_how_rules_were_found_and_trained(run: RunData, board: Leaderboard) -> None:
    found = {trial.program: trial for trial in run.evaluated}
    for one in board.standings:
        tested = [each for each in run.trainings if (each.stage, each.program) == (race.TEST, one.program)]
        assert {each.learning_rate for each in tested} == {one.learning_rate}
        assert one.accuracy.mean == pytest.approx(np.mean([each.evaluation.accuracy for each in tested]))
        if one.name is None:
            assert (one.found_by, one.searched) == (found[one.program].source, found[one.program].reward)


def test_one_undecided_baseline_prevents_a_winner(run: RunData, board: Leaderboard) -> None:
    # A baseline whose rewards scatter around those of the best finalist.
    best = max(board.finalists, key=lambda one: one.reward.mean)
    rival = next(one for one in run.baselines if one.evaluation.learning_rate is not None)
    own = rewards(run, best.program)
    changed = tuple(
        dataclasses.replace(one, evaluation=Evaluation(own[one.seed] + 0.05 * (-1) ** one.seed, "trained", 0.1))
        if (one.stage, one.program) == (race.TEST, rival.program) and one.seed in own
        else one
        for one in run.trainings
    )
    found = leaderboard(dataclasses.replace(run, trainings=changed))
    assert found is not None
    assert found.winner is None
    assert {one.verdict for one in found.finalists} <= {"undecided", "worse"}


def test_diverged_training_counts_as_zero(run: RunData, board: Leaderboard) -> None:
    finalist = board.finalists[0]
    found = [one for one in run.trainings if (one.stage, one.program) == (race.TEST, finalist.program)]
    lost = dataclasses.replace(found[0], evaluation=Evaluation(0.0, "diverged"))
    changed = tuple(lost if one is found[0] else one for one in run.trainings)
    again = leaderboard(dataclasses.replace(run, trainings=changed))
    assert again is not None
    one = next(one for one in again.standings if one.program == finalist.program)
    assert (one.seeds, one.diverged) == (finalist.seeds, 1)
    rest = finalist.reward.mean * finalist.seeds - found[0].evaluation.reward
    assert one.reward.mean == pytest.approx(rest / finalist.seeds)


def test_contenders_are_ranked_by_the_seeds_that_all_share(run: RunData) -> None:
    """The undecided have further seeds, which here are kinder to all."""
    better, other = (one for one in run.baselines[:2] if one.evaluation.learning_rate is not None)
    finalist = run.finalists[0]

    def tested(program: nos_tf.Program, seeds: int, ahead: float) -> list[Training]:
        rewards = [0.5 + 0.02 * (seed >= 20) + 0.001 * (seed % 5) + ahead + 1e-5 * (seed % 3) for seed in range(seeds)]
        evaluations = [Evaluation(reward, "trained", 0.1, accuracy=reward) for reward in rewards]
        return [Training(race.TEST, program, seed, 0.1, one) for seed, one in enumerate(evaluations)]

    trainings = (*tested(better.program, 20, 0.001), *tested(other.program, 40, 0.0), *tested(finalist, 40, 0.0002))
    changed = dataclasses.replace(run, baselines=(better, other), finalists=(finalist,), trainings=trainings)
    board = leaderboard(changed)
    assert board is not None
    assert [one.name for one in board.standings] == [better.name, None, other.name]
    assert board.best_baseline.name == better.name
    assert board.finalists[0].difference is not None
    assert board.finalists[0].difference.difference == pytest.approx(-0.0008)
    apart = tuple(one for one in trainings if (one.seed < 20) == (one.program == better.program))
    assert leaderboard(dataclasses.replace(changed, trainings=apart)) is None


def test_further_looks_raise_the_p_values(run: RunData, board: Leaderboard) -> None:
    again = leaderboard(dataclasses.replace(run, looks=2 * run.looks))
    assert again is not None
    for before, after in zip(board.finalists, again.finalists, strict=True):
        for name, pair in before.against.items():
            assert after.against[name].p == pytest.approx(min(1.0, 2 * pair.p))


def test_unfinished_race_has_no_leaderboard(run: RunData) -> None:
    early = tuple(one for one in run.trainings if one.stage != race.TEST)
    assert leaderboard(dataclasses.replace(run, trainings=early)) is None
    assert leaderboard(dataclasses.replace(run, trainings=(), finalists=())) is None


def test_json_has_the_fixed_names(run: RunData, board: Leaderboard, tmp_path: Path) -> None:
    leaderboard_files.write(run, tmp_path)
    content = json.loads((tmp_path / "leaderboard.json").read_text("utf-8"))
    assert list(content) == ["winner", "rules"]
    assert board.winner is not None
    assert nos_tf.canonical_key(nos_tf.parse(content["winner"])) == nos_tf.canonical_key(board.winner.program)
    assert len(content["rules"]) == len(board.standings)
    for row in content["rules"]:
        assert list(row) == NAMES
        nos_tf.parse(row["rule"])
        assert (row["found_by"] == "baseline") == (row["name"] in BASELINES)
        assert row["verdict"] in ("better", "worse", "undecided")
        assert row["test_interval"][0] <= row["test_mean"] <= row["test_interval"][1]
        assert row["difference_interval"][0] <= row["difference"] <= row["difference_interval"][1]
    best = max((row for row in content["rules"] if row["name"]), key=lambda row: row["test_mean"])
    assert best["difference"] == 0.0
    full = [row for row in content["rules"] if row["seeds"] == best["seeds"]]
    assert all(row["difference"] == pytest.approx(row["test_mean"] - best["test_mean"]) for row in full)


def test_csv_has_the_same_numbers_for_both_lengths(run: RunData, board: Leaderboard, tmp_path: Path) -> None:
    leaderboard_files.write(run, tmp_path)
    rows = list(csv.DictReader(io.StringIO((tmp_path / "leaderboard.csv").read_text("utf-8"))))
    assert [float(row["test_mean"]) for row in rows] == [one.reward.mean for one in board.standings]
    assert all(float(row["test_low"]) <= float(row["test_mean"]) <= float(row["test_high"]) for row in rows)
    assert all(row["long_test_mean"] and row["test_accuracy"] and row["long_test_accuracy"] for row in rows)
    pairs = list(csv.DictReader(io.StringIO((tmp_path / "differences.csv").read_text("utf-8"))))
    assert len(pairs) == 2 * sum(len(one.against) for one in board.finalists)
    assert {row["length"] for row in pairs} == {"task", "long"}


def test_nothing_is_written_before_the_race_is_over(run: RunData, tmp_path: Path) -> None:
    leaderboard_files.write(dataclasses.replace(run, trainings=()), tmp_path)
    assert list(tmp_path.iterdir()) == []
