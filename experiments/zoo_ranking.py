r"""Whether a cheap task ranks rules like a dear one.

    python -m experiments.zoo_ranking --task=cifar10_convnet --task=cifar10_small --run_dir=runs/zoo_ranking

Evaluates every rule of the zoo that is a program, and PowerSign and AddSign, on each task by the search's own protocol,
and prints the rewards and Spearman's rank correlation of each task with the first, with a bootstrap confidence interval
over rules. Evaluations are kept in the run folder as JSON lines; a run that was stopped goes on where it was.
"""

from __future__ import annotations

import json
import pathlib
from collections.abc import Sequence

import numpy as np
import scipy.stats
from absl import app, flags

import nos_tf
from nos_tf.dsl.named_rules import NAMED_RULES
from nos_tf.errors import unknown
from nos_tf.tensorflow_loading import load_single_threaded

_TASKS = flags.DEFINE_multi_string("task", ["cifar10_convnet", "cifar10_small"], "Tasks; the first is compared with.")
_RUN_DIR = flags.DEFINE_string("run_dir", "runs/zoo_ranking", "Folder of the evaluations.")
_DATA_DIR = flags.DEFINE_string("data_dir", None, "TensorFlow Datasets folder.")
_RULES = flags.DEFINE_list("rules", None, "Names of the rules to compare; all of them by default.")
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the children.")

_RESAMPLES = 10_000


def rules() -> dict[str, str]:
    """Texts of the rules, by name."""
    known = {name: rule.text for name, rule in NAMED_RULES.items()}
    chosen = _RULES.value or list(known)
    if names := [name for name in chosen if name not in known]:
        raise app.UsageError(unknown("rule", names[0], known))
    return {name: known[name] for name in chosen}


def evaluate(task: str, path: pathlib.Path) -> dict[str, float]:
    """Reward of each rule on a task, those already in the file taken from it."""
    done = {}
    if path.exists():
        done = {record["name"]: record["reward"] for record in map(json.loads, path.read_text().splitlines())}
    missing = {name: text for name, text in rules().items() if name not in done}
    if missing:
        from nos_tf.evaluation import Evaluator

        evaluator = Evaluator(nos_tf.tasks.get(task), data_dir=_DATA_DIR.value)
        with path.open("a") as file:
            for name, text in missing.items():
                evaluation = evaluator.evaluate(nos_tf.parse(text), _SEED.value)
                done[name] = evaluation.reward
                print(json.dumps({"name": name, **evaluation.to_json()}), file=file, flush=True)
                print(f"{task}: {name}: {evaluation.reward:.4f} in {evaluation.seconds:.0f} s", flush=True)
    return {name: done[name] for name in rules()}


def correlation(first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
    """Spearman's correlation, and its 95% bootstrap interval over rules."""
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(first), (_RESAMPLES, len(first)))
    resampled = [scipy.stats.spearmanr(first[draw], second[draw]).statistic for draw in draws]
    low, high = np.nanpercentile(resampled, [2.5, 97.5])
    return float(scipy.stats.spearmanr(first, second).statistic), float(low), float(high)


def main(argv: Sequence[str]) -> None:
    del argv
    load_single_threaded()
    folder = pathlib.Path(_RUN_DIR.value)
    folder.mkdir(parents=True, exist_ok=True)
    rewards = {task: evaluate(task, folder / f"{task}-{_SEED.value}.jsonl") for task in _TASKS.value}
    labels = {task: nos_tf.tasks.get(task).describe_data(_DATA_DIR.value) for task in _TASKS.value}
    print(f"| rule | {' | '.join(f'{task} ({labels[task]})' for task in _TASKS.value)} |")
    print("| --- " * (1 + len(_TASKS.value)) + "|")
    first = rewards[_TASKS.value[0]]
    for name in sorted(first, key=lambda name: -first[name]):
        print(f"| {name} | {' | '.join(f'{rewards[task][name]:.4f}' for task in _TASKS.value)} |")
    for task in _TASKS.value[1:]:
        value, low, high = correlation(np.array(list(first.values())), np.array(list(rewards[task].values())))
        print(f"\nSpearman of {task} with {_TASKS.value[0]}: {value:.3f} (95% interval {low:.3f} to {high:.3f})")


if __name__ == "__main__":
    app.run(main)
