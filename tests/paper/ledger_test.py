import math
from pathlib import Path
from typing import Any

import pytest
import scipy.stats

from nos_tf.paper import results
from nos_tf.paper.ledger import Ledger, Line, Status, compare
from tests.paper import run_folders
from tests.paper.run_folders import CIFAR10_SCALE, SMALL_DATA, SMALL_SCALE, accuracies, swept, training, write


def ledger(directory: Path) -> Ledger:
    return compare(results.find(directory))


def lines(found: Ledger, table: str, optimizer: str) -> tuple[Line, ...]:
    rows = next(result.rows for result in found.tables if result.table.key == table)
    return next(row.lines for row in rows if row.row.optimizer == optimizer)


def statuses(line: Line) -> list[str]:
    return [cell.status.value for cell in line.cells]


def status_of_test(directory: Path, *values: float, **changes: Any) -> str:
    """Returns the status of PowerSign's final test accuracy, which is 92.8 in the paper."""
    write(directory, swept("powersign", accuracies(*values)), **changes)
    (line,) = lines(ledger(directory), "table_1", "powersign")
    return statuses(line)[1]


@pytest.mark.parametrize(
    ("values", "status"),
    [
        ((0.928,), "reproduced"),
        ((0.9275,), "reproduced"),  # Rounds to 92.8.
        ((0.97,), "reproduced"),
        ((0.9274,), "not reproduced"),  # One seed has no interval.
        ((0.925, 0.931), "reproduced"),
        ((0.92, 0.93), "within the confidence interval"),
        ((0.9200, 0.9201), "not reproduced"),
    ],
)
def test_status_at_the_papers_scale(tmp_path: Path, values: tuple[float, ...], status: str) -> None:
    assert status_of_test(tmp_path / "run", *values) == status


@pytest.mark.parametrize("spread", [0.0005, 0.001, 0.002, 0.004])
def test_interval_is_students(tmp_path: Path, spread: float) -> None:
    values = [0.92 - spread, 0.92, 0.92 + spread]
    low, high = scipy.stats.t.interval(0.95, 2, 0.92, spread / math.sqrt(3))
    reached = high >= 0.9275
    expected = "within the confidence interval" if reached else "not reproduced"
    assert status_of_test(tmp_path / "run", *values) == expected
    (line,) = lines(ledger(tmp_path), "table_1", "powersign")
    measured = line.cells[1].measured
    assert measured is not None
    assert measured.half_width is not None
    assert measured.mean == pytest.approx(92.0)
    assert measured.half_width == pytest.approx(50 * (high - low))


def test_lower_is_better_for_perplexity(tmp_path: Path) -> None:
    scale = {"layers": 8, "units": 1024, "steps": 340_000, "train_examples": 4_508_785, "test_examples": 3_003}
    for name, perplexity in (("low", 1.2), ("same", 1.494), ("high", 1.496)):
        runs = swept("adam", [{"final_perplexity": perplexity, "final_test_bleu": 24.5}])
        write(tmp_path / name, runs, "wmt14_gnmt", "WMT 2014 en-de", scale, config_hash=name)
    assert [statuses(line) for line in lines(ledger(tmp_path), "gnmt", "adam")] == [
        ["not reproduced", "reproduced"],
        ["reproduced", "reproduced"],
        ["reproduced", "reproduced"],
    ]


@pytest.mark.parametrize("fact", CIFAR10_SCALE)
@pytest.mark.parametrize("value", ["missing", None, 2, 299, 301, "300", "WRN-16-4", True, [300], 300.5])
def test_run_at_another_scale_is_not_comparable(tmp_path: Path, fact: str, value: Any) -> None:
    scale = {name: known for name, known in CIFAR10_SCALE.items() if name != fact}
    if value != "missing":
        scale[fact] = value
    assert status_of_test(tmp_path / "run", 0.95, scale=scale) == "not comparable (smaller scale)"


@pytest.mark.parametrize("dataset", [SMALL_DATA, "cifar10", "CIFAR-10 ", "a sample of CIFAR-10", "CIFAR-100"])
def test_run_on_other_data_is_not_comparable(tmp_path: Path, dataset: str) -> None:
    assert status_of_test(tmp_path / "run", 0.95, dataset=dataset) == "not comparable (smaller scale)"


def test_flags_that_contradict_the_scale_make_a_run_not_comparable(tmp_path: Path) -> None:
    assert status_of_test(tmp_path / "run", 0.95, flags={"epochs": 2}) == "not comparable (smaller scale)"
    (run,) = results.find(tmp_path)
    (line,) = lines(compare([run]), "table_1", "powersign")
    assert line.entry is not None
    assert line.entry.obstacles == ("300 epochs by its results, 2 by its flags",)


def test_reasons_are_given(tmp_path: Path) -> None:
    write(tmp_path / "run", swept("powersign", accuracies(0.5)), dataset=SMALL_DATA, scale=SMALL_SCALE)
    (line,) = lines(ledger(tmp_path), "table_1", "powersign")
    assert line.entry is not None
    assert line.entry.obstacles == (
        "model WRN-10-1 instead of WRN-28-10",
        "2 of 300 epochs",
        "1,000 of 45,000 training examples",
        SMALL_DATA,
    )


def test_fewer_learning_rates_or_no_choice_are_not_comparable(tmp_path: Path) -> None:
    one = [training("powersign", 0.1, 0, accuracies(0.95)[0])]
    write(tmp_path / "one_rate", one)
    write(tmp_path / "no_choice", swept("powersign", accuracies(0.95)), selected={}, config_hash="b")
    write(
        tmp_path / "untrained_choice", swept("powersign", accuracies(0.95)), selected={"powersign": 3}, config_hash="c"
    )
    found = lines(ledger(tmp_path), "table_1", "powersign")
    assert [line.status for line in found] == [Status.NOT_COMPARABLE] * 3
    assert [line.entry.obstacles for line in found if line.entry] == [
        ("no learning rate selected on validation data",),
        ("1 of 7 learning rates",),
        ("no learning rate selected on validation data",),
    ]


def test_divergence_at_full_scale_is_not_reproduced(tmp_path: Path) -> None:
    runs = swept("powersign", accuracies(0.95, 0.95))
    lost = next(run for run in runs if run["seed"] == 1 and run["learning_rate"] == 0.1)
    lost |= {"status": "diverged", "metrics": {"final_test_accuracy": 0.99}}
    write(tmp_path / "one_seed", runs)
    every = [run | {"status": "diverged"} for run in swept("powersign", accuracies(0.95))]
    write(tmp_path / "everything", every, selected={}, config_hash="b")
    found = lines(ledger(tmp_path), "table_1", "powersign")
    assert [line.status for line in found] == [Status.NOT_REPRODUCED] * 2


def test_number_missing_for_a_seed_is_not_comparable(tmp_path: Path) -> None:
    metrics = accuracies(0.95, 0.95)
    del metrics[1]["best_val_accuracy"]
    write(tmp_path / "run", swept("powersign", metrics))
    (line,) = lines(ledger(tmp_path), "table_1", "powersign")
    assert statuses(line) == ["reproduced", "reproduced", "not comparable (smaller scale)", "reproduced"]


def test_nothing_is_compared_with_what_was_not_run(tmp_path: Path) -> None:
    write(tmp_path / "run", swept("powersign", accuracies(0.95)))
    found = ledger(tmp_path)
    assert found.count(Status.REPRODUCED) == 4
    assert found.count(Status.NOT_RUN) == 5 + 76 + 6 + 4 + 4


def test_rows_and_claims_with_runs_come_first_and_the_others_can_be_left_out(tmp_path: Path) -> None:
    write(tmp_path / "run", [*swept("rmsprop", accuracies(0.9)), *swept("drop-m-exp-w", accuracies(0.9))])
    whole = ledger(tmp_path)
    table = whole.tables[1]
    assert [row.row.optimizer for row in table.rows][:4] == ["rmsprop", "drop-m-exp-w", "sgd", "momentum"]
    assert [claim.pair is not None for claim in whole.claims].index(False) == 1  # RMSProp's claim is first.
    short = whole.of_what_was_run()
    assert [row.row.optimizer for row in short.tables[1].rows] == ["rmsprop", "drop-m-exp-w"]
    assert [each.left_out for each in short.tables] == [5, 18, 3, 2, 4]
    assert (len(short.claims), short.claims_left_out) == (1, len(whole.claims) - 1)
    for status in Status:
        assert short.count(status) == whole.count(status)
    assert short.of_what_was_run() == short


def test_best_rule_is_chosen_by_validation(tmp_path: Path) -> None:
    scale = CIFAR10_SCALE | {"model": "ConvNet-32"}
    runs = swept("momentum", accuracies(0.9)) + swept("keras/adam", accuracies(0.9))
    for name, val, test in (("addsign", 0.7, 0.671), ("exp(g) * m", 0.6, 0.9)):
        runs += swept(name, [{"final_val_accuracy": val, "final_test_accuracy": test}])
    write(tmp_path / "run", runs, "cifar10_convnet", scale=scale)
    (line,) = lines(ledger(tmp_path), "convnet", "best rule")
    assert line.entry is not None
    assert (line.entry.optimizer, line.status) == ("addsign", Status.REPRODUCED)
    (adam,) = lines(ledger(tmp_path), "convnet", "adam")
    assert adam.entry is not None
    assert adam.entry.optimizer == "keras/adam"


def test_best_rule_without_validation_is_not_comparable(tmp_path: Path) -> None:
    runs = [*swept("addsign", [{"final_test_accuracy": 0.7}]), *swept("powersign", accuracies(0.7))]
    write(tmp_path / "run", runs, "cifar10_convnet", scale=CIFAR10_SCALE | {"model": "ConvNet-32"})
    found = lines(ledger(tmp_path), "convnet", "best rule")
    assert [line.status for line in found] == [Status.NOT_COMPARABLE] * 2


def test_runs_are_never_merged_silently(tmp_path: Path) -> None:
    def seeds(name: str, first: int, **changes: Any) -> None:
        write(tmp_path / name, swept("powersign", accuracies(0.93), first), **changes)

    seeds("a", 0)
    seeds("b", 1)  # The same except for its seed.
    seeds("c", 0)  # The same seed again, which is not independent.
    seeds("d", 2, config_hash="ffffffffffff")
    seeds("e", 2, scale=CIFAR10_SCALE | {"batch_size": 64})
    seeds("f", 2, dataset=SMALL_DATA)
    seeds("g", 2, selected={"powersign": 0.01})
    runs = results.find(tmp_path)
    assert [run.folders for run in runs] == [("a", "b"), ("c",), ("d",), ("e",), ("f",), ("g",)]
    assert runs[0].seeds == (0, 1)
    found = lines(compare(runs), "table_1", "powersign")
    assert [line.entry.number for line in found if line.entry] == [1, 2, 3, 4, 5, 6]
    assert [len(line.entry.trainings) for line in found if line.entry] == [2, 1, 1, 1, 1, 1]


def test_paper_scale_can_be_reached_in_every_experiment(tmp_path: Path) -> None:
    """The facts of each of the paper's experiments meet its scale."""
    from nos_tf.paper.scale import PAPER_SCALES, obstacles

    for name, paper in PAPER_SCALES.items():
        scale = {fact.key: fact.values[0] for fact in paper.facts}
        assert obstacles(name, paper.datasets[0], scale, {}) == ()
        for key in scale:
            assert len(obstacles(name, paper.datasets[0], scale | {key: None}, {})) == 1
    assert obstacles("zoo_ranking", "CIFAR-10", {}, {})
    assert run_folders.RATES == (1e-5, 1e-4, 1e-3, 1e-2, 1e-1, 1.0, 10.0)
