"""Tests whether a cheap task ranks rules like an expensive one.

    python -m experiments.zoo_ranking --task=cifar10_convnet --task=cifar10_small --run_dir=runs/zoo_ranking

Evaluates all named rules on each task by the search's protocol, and prints the rewards and Spearman's rank correlation
of each task with the first, with a bootstrap confidence interval over rules. Evaluations are kept in the run folder as
JSON lines; continue with --resume.
"""

from __future__ import annotations

import pathlib
from typing import NoReturn

import numpy as np
import scipy.stats
from absl import flags

import nos_tf
from experiments import records
from nos_tf.cli import application, shared_flags
from nos_tf.common import run_folder, style
from nos_tf.common.errors import RunError, require_known
from nos_tf.common.run_folder import RunFolder
from nos_tf.common.tensorflow_loading import load_single_threaded
from nos_tf.common.text import markdown_table
from nos_tf.dsl.named_rules import NAMED_RULES

NAME = "zoo_ranking"
TABLE = "ranking.md"
_RESAMPLES = 10_000
_MIN_RULES = 3  # With fewer, most bootstrap samples have no correlation.


def main() -> NoReturn:
    """Runs the comparison and exits."""
    shared_flags.define(NAME)
    flags.DEFINE_multi_string(
        "task", ["cifar10_convnet", "cifar10_small"], "Tasks; the others are compared with the first."
    )
    flags.DEFINE_list("rules", None, "Names of the rules to compare; by default all.")
    application.run(_main, "Interrupted. Everything is saved; rerun the same command with --resume to continue.")


def _main() -> None:
    values = shared_flags.values()
    rules = _rules(values["rules"])
    with RunFolder(shared_flags.run_dir(NAME), resume=values["resume"]) as folder:
        load_single_threaded()
        labels = {task: _describe(task, values["data_dir"]) for task in values["task"]}
        folder.begin(NAME, values | {"data": labels}, shared_flags.WITHOUT_NUMBERS)
        print(f"Run folder: {folder.path}", flush=True)
        rewards = {task: _evaluate(task, rules, folder / f"{task}.jsonl") for task in values["task"]}
        reference, *others = values["task"]
        correlations = {
            task: correlation(np.array(list(rewards[reference].values())), np.array(list(rewards[task].values())))
            for task in others
        }
        results = {
            "experiment": NAME,
            "dataset": labels,
            "scale": {"rules": len(rules)},
            "rewards": rewards,
            "spearman": correlations,
        }
        run_folder.write_json(folder / run_folder.RESULTS, results)
        ranking = sorted(rules, key=lambda name: -rewards[reference][name])
        text = markdown_table(
            ["rule", *(f"{task} ({label})" for task, label in labels.items())],
            [[name, *(f"{rewards[task][name]:.4f}" for task in labels)] for name in ranking],
        )
        for task, (value, low, high) in correlations.items():
            text += f"\nSpearman of {task} with {reference}: {value:.3f} (95% interval {low:.3f} to {high:.3f})\n"
        run_folder.write_text(folder / TABLE, text)
        style.console().print(text, markup=False, highlight=False, soft_wrap=True)


def _rules(chosen: list[str] | None) -> dict[str, str]:
    """Texts of the rules, by name."""
    known = {name: rule.text for name, rule in NAMED_RULES.items()}
    names = known if chosen is None else list(dict.fromkeys(chosen))
    require_known("rule", names, known)
    if len(names) < _MIN_RULES:
        raise RunError(f"A ranking needs at least {_MIN_RULES} rules. Received: --rules={','.join(names)}")
    return {name: known[name] for name in names}


def _describe(task: str, data_dir: str | None) -> str:
    try:
        return nos_tf.tasks.get(task).describe_data(data_dir)
    except (ValueError, OSError) as error:
        raise RunError(str(error)) from None


def _evaluate(task: str, rules: dict[str, str], path: pathlib.Path) -> dict[str, float]:
    """Reward of each rule on a task; rewards already in the file are not computed again."""
    done = {record["name"]: record["reward"] for record in records.read(path)}
    missing = {name: text for name, text in rules.items() if name not in done}
    if missing:
        from nos_tf.evaluation import Evaluator

        evaluator = Evaluator(nos_tf.tasks.get(task), data_dir=flags.FLAGS.data_dir)
        for name, text in missing.items():
            evaluation = evaluator.evaluate(nos_tf.parse(text), flags.FLAGS.seed)
            done[name] = evaluation.reward
            records.append(path, {"name": name, **evaluation.to_json()})
            print(f"{task}: {name}: {evaluation.reward:.4f} in {evaluation.seconds:.0f} s", flush=True)
    return {name: done[name] for name in rules}


def correlation(first: np.ndarray, second: np.ndarray) -> tuple[float, float, float]:
    """Spearman's correlation, and its 95% bootstrap interval over rules."""
    rng = np.random.default_rng(0)
    draws = rng.integers(0, len(first), (_RESAMPLES, len(first)))
    resampled = [scipy.stats.spearmanr(first[draw], second[draw]).statistic for draw in draws]
    low, high = np.nanpercentile(resampled, [2.5, 97.5])
    return float(scipy.stats.spearmanr(first, second).statistic), float(low), float(high)


if __name__ == "__main__":
    main()
