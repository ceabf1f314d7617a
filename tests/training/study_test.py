import dataclasses
import json

import pytest
import tensorflow as tf

from nos_tf import optimizers
from nos_tf.common.errors import RunError
from nos_tf.training import figures, report
from nos_tf.training.interruption import Interruption, Preempted
from nos_tf.training.progress import Progress
from nos_tf.training.runtime import Runtime
from nos_tf.training.study import Plan, Study, Training, summary
from tests.training import study_case


def invented(tmp_path, results, names=("a", "b"), rates=(0.1, 1.0), seeds=(0, 1), **changes):
    """Creates a study with the given best validation accuracies, or None for diverged trainings."""
    plan = Plan(names, lambda *_: None, dict.fromkeys(names), rates, seeds)
    study = Study(study_case.experiment(**changes), plan, tmp_path)
    for (name, rate, seed), value in results.items():
        metrics = {} if value is None else {"best_val_accuracy": value}
        training = Training(name, rate, seed, "diverged" if value is None else "ok", metrics, 1.0)
        study.trainings[training.key] = training
    return study


def test_validation_of_the_first_seed_chooses_the_rate(tmp_path):
    results = {("a", 0.1, 0): 0.5, ("a", 1.0, 0): 0.7, ("a", 0.1, 1): 0.9, ("b", 0.1, 0): 0.2, ("b", 1.0, 0): None}
    assert invented(tmp_path, results).selected() == {"a": 1.0, "b": 0.1}
    lower = invented(tmp_path, results, maximize=False)
    assert lower.selected() == {"a": 0.1, "b": 0.1}


def test_an_optimizer_that_always_diverges_is_named(tmp_path):
    results = {("a", 0.1, 0): 0.5, ("a", 1.0, 0): 0.7, ("b", 0.1, 0): None, ("b", 1.0, 0): None}
    study = invented(tmp_path, results)
    assert study.selected() == {"a": 1.0}
    with pytest.raises(RunError, match=r"diverged for b; .*Received: learning_rates=0\.1,1"):
        study.check_trained()


def test_plans_the_sweep_then_the_other_seeds_and_repeats_nothing(tmp_path):
    study = invented(tmp_path, {("a", 0.1, 0): 0.5})
    planned = []
    for training in study._missing():
        planned.append(training.key)
        value = None if training.optimizer == "b" else training.learning_rate
        study.trainings[training.key] = invented(tmp_path, {training.key: value}).trainings[training.key]
    assert planned == [("a", 1.0, 0), ("a", 1.0, 1), ("b", 0.1, 0), ("b", 1.0, 0)]
    assert study.count == 6


def test_best_epoch_is_chosen_by_validation_for_all_measurements():
    rows = [
        {"epoch": 1, "loss": 3.0, "val_accuracy": 0.5, "test_accuracy": 0.4},
        {"epoch": 2, "loss": 2.0, "val_accuracy": 0.7, "test_accuracy": 0.3},
        {"epoch": 3, "loss": 1.0, "val_accuracy": 0.6, "test_accuracy": 0.9},
    ]
    found = summary(study_case.experiment(), rows, {"test_bleu": 25.0})
    assert found["best_epoch"] == 2
    assert (found["best_val_accuracy"], found["best_test_accuracy"], found["best_loss"]) == (0.7, 0.3, 2.0)
    assert found["final_test_bleu"] == 25.0
    assert (found["final_val_accuracy"], found["final_test_accuracy"], found["final_loss"]) == (0.6, 0.9, 1.0)


class Stop(Interruption):
    """Asks to stop after some steps in this process."""

    def __init__(self, steps):
        super().__init__()
        self._left = steps

    def should_stop(self):
        self._left -= 1
        return self._left <= 0

    def stop(self):
        if self._left <= 0:
            raise Preempted


@pytest.fixture
def run(monkeypatch):
    def run(folder, steps=None, plan=None):
        study = Study(study_case.experiment(), plan or study_case.plan(), folder)
        if steps is not None:
            monkeypatch.setattr("nos_tf.training.study.Interruption", lambda: Stop(steps))
        with Progress(study.experiment, study.count, len(study.trainings)) as progress:
            try:
                study.run(Runtime(), progress, tensorboard=False)
            except Preempted:
                return None
            finally:
                monkeypatch.undo()
        return Study(study_case.experiment(), plan or study_case.plan(), folder)

    return run


def test_stopped_study_continues_and_ends_with_the_same_numbers(tmp_path, run, capsys):
    whole = run(tmp_path / "whole")
    assert len(whole.trainings) == 6
    for steps in (57, 90):
        assert run(tmp_path / "parts", steps) is None
    assert study_case.numbers(run(tmp_path / "parts")) == study_case.numbers(whole)
    shown = capsys.readouterr().out
    assert "[1/6] adam lr=0.01 seed=3  epoch 1/4" in shown
    assert "ETA" in shown
    stored = json.loads((tmp_path / "whole" / "results.json").read_text())
    assert stored["selected"] == whole.selected()
    assert stored["dataset"] == "invented points"
    assert {"optimizer", "rule", "learning_rate", "seed", "status", "metrics", "seconds"} <= set(stored["runs"][0])


def test_trained_numbers_are_in_table_and_figure(tmp_path, run):
    names = ("adam", "sgd")
    plan = dataclasses.replace(
        study_case.plan(names),
        make_optimizer=lambda name, rate, _: optimizers.get(name, learning_rate=rate if name == "adam" else 1e30),
    )
    study = run(tmp_path, plan=plan)
    values = [training.metrics["final_val_accuracy"] for training in study.chosen_trainings("adam")]
    assert len(values) == 2
    adam, sgd = report.rows(study, ["final_val_accuracy"])
    assert adam[:3] == ["adam", f"{study.selected()['adam']:g}", "2 of 2"]
    assert adam[3].startswith(f"{sum(values) / 2:.4f} ± ")
    assert sgd == ["sgd", "none: every rate diverged", "0 of 2", "-"]
    assert "| adam |" in report.to_markdown(study, ["final_val_accuracy"])
    axes = figures.figure(study, ["loss", "val_accuracy"]).axes
    histories = study.histories("adam")
    for panel, column in zip(axes, ("loss", "val_accuracy"), strict=True):
        (line,) = panel.lines
        means = [sum(row[column] for row in rows) / 2 for rows in zip(*histories, strict=True)]
        assert line.get_ydata() == pytest.approx(means)


def test_folders_of_different_rules_differ(tmp_path):
    folders = {Training(name, 0.1, 0).folder(tmp_path) for name in ("m * g", "m / g", "m_g", "keras/adam")}
    assert len(folders) == 4
    assert all(folder.parent == tmp_path / "trainings" for folder in folders)


def test_metrics_are_created_anew_for_each_training():
    first, second = study_case.experiment().metrics(), study_case.experiment().metrics()
    assert isinstance(first[0], tf.keras.metrics.Metric)
    assert first[0] is not second[0]


@pytest.mark.parametrize("runs", [[{}], [{"optimizer": "adam"}], [7], 7, [None]])
def test_damaged_results_are_one_clear_error(tmp_path, runs):
    (tmp_path / "results.json").write_text(json.dumps({"runs": runs}))
    with pytest.raises(RunError, match=r"damaged.*Received: .*results\.json"):
        Study(study_case.experiment(), study_case.plan(), tmp_path)
