"""How reliable rewards are: python -m experiments.reward_study --run_dir=runs/reward_study

Draws random rules that train at all, and trains each on several variants of the digits child network with two seeds at
every learning rate of the sweep. For each variant, and each way to turn these trainings into a reward, prints how well
the two seeds agree on the order of the rules (Spearman's rank correlation), over all rules and within the best fifth.

Trainings are kept in the run folder as JSON lines; continue with --resume.
"""

from __future__ import annotations

import dataclasses
import itertools
import json
import time
from collections.abc import Sequence
from typing import NoReturn

import numpy as np
import scipy.stats
from absl import flags

import nos_tf
from experiments import records
from nos_tf.cli import application, shared_flags
from nos_tf.common import run_folder, style
from nos_tf.common.run_folder import RunFolder
from nos_tf.common.tensorflow_loading import load_single_threaded
from nos_tf.common.text import markdown_table
from nos_tf.evaluation import REWARDS, EpochResult
from nos_tf.evaluation.screening import screen
from nos_tf.tasks import Task, digits

NAME = "reward_study"
TABLE = "rewards.md"
_SEEDS = (1, 2)
_EPOCHS = 5
_VIABLE_ACCURACY = 0.3  # A rule trains if the default child network ever exceeds this accuracy.


@dataclasses.dataclass(frozen=True)
class Child:
    """A variant of the digits child network.

    Attributes:
      filters: Number of filters in each convolution.
      pool: Whether max pooling follows each convolution.
    """

    filters: int = 16
    pool: bool = False

    def task(self) -> Task:
        """The variant as a task."""
        from nos_tf.models import convnet

        return Task(
            str(self),
            "digits",
            digits.load,
            lambda: convnet.build((8, 8, 1), 10, self.filters, self.pool, scale=1 / 16),
            batch_size=50,
        )


CHILDREN = {
    "f16": Child(),
    "f8": Child(filters=8),
    "f32-pool": Child(filters=32, pool=True),
}
Histories = dict[float, list[EpochResult]]  # By learning rate; diverged trainings have fewer epochs.


@dataclasses.dataclass(frozen=True)
class Budget:
    """Turns the trainings of a rule into one reward.

    Attributes:
      sweep_epochs: Epochs of the sweep.
      finalists: Number of best rates of the sweep to train longer; the best of them counts.
      epochs: Epochs of the longer training.
    """

    sweep_epochs: int
    finalists: int
    epochs: int

    def reward(self, histories: Histories, name: str) -> float:
        """Reward of a rule under this budget."""
        measure = REWARDS[name]
        sweep = {
            rate: measure(epochs[: self.sweep_epochs])
            for rate, epochs in histories.items()
            if len(epochs) >= self.sweep_epochs
        }
        best = sorted(sweep, key=lambda rate: -sweep[rate])[: self.finalists]
        finished = [histories[rate][: self.epochs] for rate in best if len(histories[rate]) >= self.epochs]
        return max((measure(epochs) for epochs in finished), default=0.0)

    def epochs_trained(self, rates: int) -> int:
        """Number of epochs per rule if no training diverges; a sweep at full length is not repeated."""
        longer = self.finalists * self.epochs if self.epochs > self.sweep_epochs else 0
        return rates * self.sweep_epochs + longer


BUDGETS = tuple(
    Budget(sweep_epochs, finalists, epochs)
    for sweep_epochs, finalists, epochs in itertools.product((1, 2), (1, 2), (1, 2, 3, 5))
    if epochs > sweep_epochs or epochs == finalists == sweep_epochs
)


def draw_rules(count: int, seed: int, folder: RunFolder) -> list[str]:
    """Random distinct one-group rules that train the default child network, drawn once per folder."""
    path = folder / "rules.json"
    if path.exists():
        return json.loads(path.read_text())
    from nos_tf.evaluation import Evaluator

    evaluator = Evaluator(CHILDREN["f16"].task())
    rng, space = np.random.default_rng(seed), nos_tf.SearchSpace()
    rules: dict[str, str] = {}
    while len(rules) < count:
        program = space.sample(rng)
        key = nos_tf.canonical_key(program)
        if key in rules or screen([program])[0]:
            continue
        history = evaluator.evaluate(program, seed=0).history
        if history and max(epoch.accuracy for epoch in history) > _VIABLE_ACCURACY:
            rules[key] = str(program)
            print(f"rule {len(rules)}: {program}", flush=True)
    run_folder.write_text(path, json.dumps(list(rules.values()), indent=1))
    return list(rules.values())


def train(child: str, rules: Sequence[str], folder: RunFolder) -> None:
    """Trains every rule at every rate with both seeds, unless the folder already holds the result."""
    path = folder / f"{child}.jsonl"
    done = {(record["rule"], record["seed"]) for record in records.read(path)}
    wanted = [(rule, seed) for rule in rules for seed in _SEEDS if (rule, seed) not in done]
    if not wanted:
        return
    from nos_tf.evaluation import Evaluator

    evaluator = Evaluator(CHILDREN[child].task())
    for number, (rule, seed) in enumerate(wanted, start=1):
        start = time.process_time()
        histories = evaluator.histories(nos_tf.parse(rule), _EPOCHS, seed)
        record = {
            "rule": rule,
            "seed": seed,
            "cpu_seconds": time.process_time() - start,
            "histories": [
                [rate, [dataclasses.astuple(epoch) for epoch in epochs]] for rate, epochs in histories.items()
            ],
        }
        records.append(path, record)
        if number % 20 == 0:
            print(f"{child}: {number} of {len(wanted)} trainings", flush=True)


def agreement(first: np.ndarray, second: np.ndarray) -> tuple[float, float]:
    """Spearman's correlation between two seeds' rewards, over all rules and within the best fifth by mean reward."""
    best = np.argsort(-(first + second))[: max(3, len(first) // 5)]
    overall = scipy.stats.spearmanr(first, second).statistic
    return float(overall), float(scipy.stats.spearmanr(first[best], second[best]).statistic)


def compare(folder: RunFolder) -> list[dict[str, str | int | float]]:
    """Cost and agreement between seeds for every variant, budget and reward."""
    rows: list[dict[str, str | int | float]] = []
    for child in CHILDREN:
        by_rule: dict[str, dict[int, Histories]] = {}
        seconds, finished = 0.0, 0
        for record in records.read(folder / f"{child}.jsonl"):
            by_rule.setdefault(record["rule"], {})[record["seed"]] = {
                rate: [EpochResult(*epoch) for epoch in epochs] for rate, epochs in record["histories"]
            }
            seconds += record["cpu_seconds"]
            finished += sum(len(epochs) for _, epochs in record["histories"])
        pairs = [seeds for seeds in by_rule.values() if len(seeds) == len(_SEEDS)]
        if len(pairs) < 10:
            continue
        rates = len(pairs[0][_SEEDS[0]])
        for budget, reward in itertools.product(BUDGETS, REWARDS):
            rewards = [np.array([budget.reward(seeds[seed], reward) for seeds in pairs]) for seed in _SEEDS]
            overall, best = agreement(*rewards)
            rows.append(
                {
                    "child": child,
                    "sweep epochs": budget.sweep_epochs,
                    "finalists": budget.finalists,
                    "epochs": budget.epochs,
                    "CPU s a rule": round(budget.epochs_trained(rates) * seconds / finished, 2),
                    "reward": reward,
                    "rules": len(pairs),
                    "Spearman": round(overall, 3),
                    "in the best fifth": round(best, 3),
                }
            )
    return rows


def main() -> NoReturn:
    """Runs the study and exits."""
    shared_flags.define(NAME)
    flags.DEFINE_integer("rules", 100, "Number of random rules that train.", lower_bound=10)
    flags.DEFINE_multi_enum("child", list(CHILDREN), list(CHILDREN), "Variants of the child network to train.")
    application.run(_main, "Interrupted. Trainings are saved; rerun the same command with --resume to continue.")


def _main() -> None:
    values = shared_flags.values()
    with RunFolder(shared_flags.run_dir(NAME), resume=values["resume"]) as folder:
        load_single_threaded()
        folder.begin(NAME, values, shared_flags.WITHOUT_NUMBERS)
        print(f"Run folder: {folder.path}", flush=True)
        rules = draw_rules(values["rules"], values["seed"], folder)
        for child in values["child"]:
            train(child, rules, folder)
        rows = compare(folder)
        results = {"experiment": NAME, "dataset": "digits", "scale": {"rules": len(rules)}, "agreement": rows}
        run_folder.write_json(folder / run_folder.RESULTS, results)
        text = markdown_table(list(rows[0]), [[str(value) for value in row.values()] for row in rows])
        run_folder.write_text(folder / TABLE, text)
        style.console().print(text, markup=False, highlight=False, soft_wrap=True)


if __name__ == "__main__":
    main()
