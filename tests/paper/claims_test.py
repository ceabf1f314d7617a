from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from nos_tf.paper import results, wording
from nos_tf.paper.cells import BEST_RULE, TABLES, Column
from nos_tf.paper.claims import CLAIMS, Claim, ClaimResult, compare_with_runs
from nos_tf.paper.entry import numbered
from tests.paper.run_folders import CIFAR10_SCALE, SMALL_DATA, SMALL_SCALE, accuracies, swept, training, write


def claims(directory: Path, text: str) -> list[ClaimResult]:
    (claim,) = (claim for claim in CLAIMS if text in claim.text)
    return compare_with_runs(claim, numbered(results.find(directory)))


def statuses(directory: Path, text: str) -> list[str]:
    return [wording.claim_status(result) for result in claims(directory, text)]


def table_1(folder: Path, rule: tuple[float, ...], baseline: tuple[float, ...], **changes: Any) -> None:
    write(folder, [*swept("powersign", accuracies(*rule)), *swept("momentum", accuracies(*baseline))], **changes)


ABOVE_MOMENTUM = "validation is above Momentum"


@pytest.mark.parametrize(
    ("rule", "baseline", "status"),
    [
        ((0.930, 0.931), (0.900, 0.901), "holds"),
        ((0.900, 0.901), (0.930, 0.931), "does not hold"),
        ((0.90, 0.93), (0.89, 0.92), "holds"),  # Paired: ahead by 0.01 with each seed.
        ((0.92, 0.93), (0.93, 0.91), "not decided (intervals overlap)"),
        ((0.92, 0.93), (0.91, 0.92, 0.915), "not decided (intervals overlap)"),  # Different seeds: not paired.
        ((0.93,), (0.90,), "not decided (fewer than 2 seeds)"),
        ((0.930, 0.931), (0.90,), "not decided (fewer than 2 seeds)"),
    ],
)
def test_ordering(tmp_path: Path, rule: tuple[float, ...], baseline: tuple[float, ...], status: str) -> None:
    table_1(tmp_path / "run", rule, baseline)
    assert statuses(tmp_path, ABOVE_MOMENTUM) == [status]
    assert statuses(tmp_path, "validation is above Adam") == ["not run"]


@pytest.mark.parametrize("status", ["holds", "does not hold"])
def test_smaller_scale_is_reported(tmp_path: Path, status: str) -> None:
    values = ((0.930, 0.931), (0.900, 0.901))
    table_1(tmp_path / "run", *(values if status == "holds" else values[::-1]), dataset=SMALL_DATA, scale=SMALL_SCALE)
    (result,) = claims(tmp_path, ABOVE_MOMENTUM)
    assert wording.claim_status(result) == "not comparable (smaller scale)"
    assert wording.evidence(result).startswith(f"at smaller scale: {status}; Final Test: R1 powersign 9")


def test_one_side_at_smaller_scale_is_enough(tmp_path: Path) -> None:
    runs = [*swept("powersign", accuracies(0.93, 0.931)), training("momentum", 0.1, 0, accuracies(0.9)[0])]
    write(tmp_path / "run", [*runs, training("momentum", 0.1, 1, accuracies(0.9)[0])])
    assert statuses(tmp_path, ABOVE_MOMENTUM) == ["not comparable (smaller scale)"]


def translations(folder: Path, powersign: tuple[float, ...], adam: tuple[float, ...]) -> None:
    scale = {"layers": 8, "units": 1024, "steps": 340_000, "train_examples": 4_508_785, "test_examples": 3_003}

    def metrics(values: tuple[float, ...]) -> list[Mapping[str, float]]:
        return [{"final_test_bleu": value, "final_val_bleu": value, "final_perplexity": 30 / value} for value in values]

    runs = [*swept("powersign", metrics(powersign)), *swept("adam", metrics(adam))]
    write(folder, runs, "wmt14_gnmt", "WMT 2014 en-de", scale)


@pytest.mark.parametrize(
    ("ahead", "status"),
    [
        (0.9, "holds"),
        (0.7, "holds"),
        (0.66, "holds"),  # Rounds to 0.7.
        (0.6, "does not hold"),  # Ahead, but not by this much.
        (-0.5, "does not hold"),
    ],
)
def test_delta(tmp_path: Path, ahead: float, status: str) -> None:
    translations(tmp_path / "run", (24.0 + ahead, 24.001 + ahead), (24.0, 24.001))
    assert statuses(tmp_path, "+0.7 BLEU") == [status]
    expected = "holds" if ahead > 0 else "does not hold"
    assert statuses(tmp_path, "lower training perplexity") == [expected]


def test_wide_intervals_decide_no_delta(tmp_path: Path) -> None:
    translations(tmp_path / "run", (24.5, 25.5), (24.5, 23.5))
    assert statuses(tmp_path, "+0.7 BLEU") == ["not decided (intervals overlap)"]


def test_imagenet_claim_uses_the_better_of_the_two_rules(tmp_path: Path) -> None:
    runs = []
    for name, top1 in (("rmsprop-nasnet", 0.735), ("powersign-cd", 0.736), ("addsign-rd10", 0.739)):
        runs += swept(name, [{"final_test_top1": top1 + more, "final_test_top5": 0.91} for more in (0.0, 1e-5)])
    write(tmp_path / "run", runs, "imagenet_mobile")
    (result,) = claims(tmp_path, "+0.4 top-1")
    assert result.pair is not None
    assert [entry.optimizer for entry in result.pair] == ["addsign-rd10", "rmsprop-nasnet"]
    assert result.at_smaller_scale is not None
    assert (result.status.value, result.at_smaller_scale.value) == ("not comparable (smaller scale)", "holds")


def test_divergence_decides_nothing(tmp_path: Path) -> None:
    runs = [*swept("powersign", accuracies(0.93, 0.93)), *swept("momentum", accuracies(0.9, 0.9))]
    for run in runs:
        if (run["optimizer"], run["seed"]) == ("momentum", 1):
            run |= {"status": "diverged"}
    write(tmp_path / "run", runs)
    assert statuses(tmp_path, ABOVE_MOMENTUM) == ["not decided (a number is missing)"]
    (result,) = claims(tmp_path, ABOVE_MOMENTUM)
    assert "1 of 2 seeds diverged" in wording.evidence(result)


def test_comparable_runs_of_one_optimizer_each_are_compared(tmp_path: Path) -> None:
    write(tmp_path / "rule", swept("powersign", accuracies(0.93, 0.931)), config_hash="a")
    write(tmp_path / "rule_2", swept("m-exp-v", accuracies(0.94, 0.941)), config_hash="b")
    write(tmp_path / "momentum", swept("momentum", accuracies(0.9, 0.901)), config_hash="c")
    write(tmp_path / "other_scale", swept("momentum", accuracies(0.1)), config_hash="d", scale=SMALL_SCALE)
    (result,) = claims(tmp_path, ABOVE_MOMENTUM)
    assert result.pair is not None
    assert [entry.optimizer for entry in result.pair] == ["m-exp-v", "momentum"]
    assert [entry.run.folders for entry in result.pair] == [("rule_2",), ("momentum",)]
    assert result.status.value == "holds"


def test_runs_with_both_are_not_mixed(tmp_path: Path) -> None:
    table_1(tmp_path / "a", (0.93, 0.931), (0.90, 0.901), config_hash="a")
    table_1(tmp_path / "b", (0.90, 0.901), (0.93, 0.931), config_hash="b")
    assert statuses(tmp_path, ABOVE_MOMENTUM) == ["holds", "does not hold"]


def rosenbrock(folder: Path, finals: Mapping[tuple[str, str], float]) -> None:
    """Writes a run in which Adam does better with an epsilon that was not chosen, which must be ignored."""
    runs = []
    for (function, name), final in finals.items():
        for rate in (1e-4, 1e-3, 1e-2, 1e-1):
            for epsilon in (1e-8, 1e-3) if name == "adam" else (None,):
                chosen = rate == 1e-1 and epsilon != 1e-3
                for seed in range(1 if function == "deterministic" else 2):
                    value = final * (1 + 0.001 * seed) if chosen else 0.0
                    extra = {"function": function, "epsilon": epsilon, "selected": chosen}
                    runs.append(training(name, rate, seed, {"final_value": value}, **extra))
    selected = {function: {name: 0.1 for _, name in finals} for function in ("deterministic", "stochastic")}
    dataset = "Rosenbrock function of two variables, from (-1.2, 1)"
    write(folder, runs, "rosenbrock", dataset, {"iterations": 4_000, "learning_rates": [0.1]}, selected=selected)


def test_rosenbrock_is_checked_on_each_function(tmp_path: Path) -> None:
    rosenbrock(
        tmp_path / "run",
        {
            ("deterministic", "powersign"): 1e-9,
            ("deterministic", "adam"): 1e-3,
            ("deterministic", "momentum"): 1e-9,
            ("stochastic", "powersign"): 0.5,
            ("stochastic", "adam"): 0.1,
        },
    )
    assert statuses(tmp_path, "ends below Adam") == ["holds", "does not hold"]
    assert statuses(tmp_path, "close to Momentum") == ["not decided (the paper gives no number)"]
    runs = results.find(tmp_path)
    assert [run.function for run in runs] == ["deterministic", "stochastic"]
    evidence = wording.evidence(
        compare_with_runs(next(claim for claim in CLAIMS if "below Adam" in claim.text), numbered(runs))[0]
    )
    assert evidence == (
        "final value: R1 powersign 1e-09 ± 0 (1 seed) vs. R1 adam 0.001 ± 0 (1 seed); ahead by 0.001 ± 0"
    )


def test_claims_hold_for_the_papers_own_numbers() -> None:
    """The claims must follow from the tables wherever both sides are printed."""

    def value(claim: Claim, names: tuple[str, ...], column: Column) -> float | None:
        for table in TABLES:
            if table.experiment == claim.experiment and column in table.columns:
                values = [row.values[table.columns.index(column)] for row in table.rows if row.optimizer in names]
                return (max if column.higher_is_better else min)(values) if values else None
        return None

    checked = 0
    for claim in CLAIMS:
        better, worse = value(claim, claim.better, claim.column), value(claim, (claim.worse,), claim.column)
        if better is not None and worse is not None and claim.delta is not None:
            lead = (better - worse) * (1 if claim.column.higher_is_better else -1)
            assert lead > 0
            assert round(lead, 6) >= claim.delta
            checked += 1
    assert checked == 4 + 4 + 2 + 2


def test_claims_are_complete() -> None:
    for experiment, first in (("cifar10_convnet", (BEST_RULE,)), ("cifar10_wide_resnet", None)):
        mine = [claim for claim in CLAIMS if claim.experiment == experiment]
        assert {claim.worse for claim in mine} == {"sgd", "momentum", "adam", "rmsprop"}
        assert all(first is None or claim.better == first for claim in mine)
    rules = next(claim.better for claim in CLAIMS if claim.experiment == "cifar10_wide_resnet")
    assert len(rules) == 16
    deltas = [(claim.column.metric, claim.delta, claim.trust.value) for claim in CLAIMS if claim.delta]
    tops = [("final_test_top1", 0.4, "A"), ("final_test_top5", 0.4, "A")]
    assert deltas == [*tops, ("final_val_bleu", 0.7, "A"), ("final_test_bleu", 0.5, "C")]
    rosenbrock = {claim.worse for claim in CLAIMS if claim.experiment == "rosenbrock"}
    assert rosenbrock == {"sgd", "momentum", "adam", "rmsprop"}


CHILD_SCALE = {
    "task": "cifar10_convnet",
    "learning_rates": 7,
    "sweep_epochs": 1,
    "epochs": 5,
    "train_examples": 10_000,
    "val_examples": 5_000,
}


@pytest.mark.parametrize(
    ("changes", "status"), [({}, "holds"), ({"train_examples": 1_000}, "not comparable (smaller scale)")]
)
def test_each_seed_of_the_child_selects_its_own_rate(tmp_path: Path, changes: dict[str, int], status: str) -> None:
    accuracy = {"powersign": (0.60, 0.63, 0.66), "sgd": (0.50, 0.54, 0.55)}
    runs = [
        training(name, 10.0**-seed, seed, {"final_val_accuracy": value}, selected=True)
        for name, values in accuracy.items()
        for seed, value in enumerate(values)
    ]
    write(tmp_path / "run", runs, "paper_child", "JPEG-recompressed CIFAR-10", CHILD_SCALE | changes, selected={})
    text = "g * e^{sign(g)sign(m)}, found by it, is above SGD"
    assert statuses(tmp_path, text) == [status]
    (result,) = claims(tmp_path, text)
    assert result.lead is not None
    # By hand: differences 0.10, 0.09, 0.11 have a standard deviation of 0.01; t(2) = 4.3027; 4.3027 * 0.01 / sqrt(3).
    assert result.lead.mean == pytest.approx(10.0)
    assert result.lead.half_width == pytest.approx(2.4842, abs=1e-4)
    assert result.pair is not None
    assert wording.entry(result.pair[0]) == "R1: powersign, lr 0.01, 0.1, 1, 3 seeds"


def test_convnet_rule_of_any_kind_counts(tmp_path: Path) -> None:
    scale = CIFAR10_SCALE | {"model": "ConvNet-32"}
    runs = [*swept("exp(g) * m", accuracies(0.7, 0.7001)), *swept("keras/adam", accuracies(0.6, 0.6001))]
    write(tmp_path / "run", [*runs, *swept("keras/lion", accuracies(0.9, 0.9))], "cifar10_convnet", scale=scale)
    assert statuses(tmp_path, "ConvNet: the best rule is above Adam") == ["holds"]
