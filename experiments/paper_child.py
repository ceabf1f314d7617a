"""Compares the paper's rules with its baselines on its child network.

    python -m experiments.paper_child --run_dir=runs/paper_child --data_dir=~/tensorflow_datasets

Evaluates the rules of the paper's Table 1, PowerSign and AddSign with and without decays, and the four baselines with a
few seeds under two protocols on the same child network: the paper's (one epoch at each decade of learning rates, five
epochs at the best one, final validation accuracy), and the default protocol of searches here, with refined rates and
mean likelihood as the reward. Reports paired differences from the baselines. A stopped run loses only the piece in
progress, six evaluations; rerun the same command to continue, optionally with more seeds. Decide on their number before
looking at results: the p-values do not account for repeated looks.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
from absl import flags

from experiments import pieces
from nos_tf import parse, tasks
from nos_tf.cli import application, shared_flags
from nos_tf.common import run_folder, style
from nos_tf.common.errors import require_known
from nos_tf.common.leaderboard import BETTER
from nos_tf.common.statistics import mean_interval
from nos_tf.common.text import markdown_escaped, markdown_table
from nos_tf.dsl import Program
from nos_tf.dsl.named_rules import NAMED_RULES
from nos_tf.evaluation.protocol import Protocol
from nos_tf.evaluation.result import Evaluation
from nos_tf.paper.cells import TABLE_1
from nos_tf.search import verdicts
from nos_tf.search.executors.job import Job, check_results
from nos_tf.search.executors.setup import EvaluatorSetup
from nos_tf.search.verdicts import Comparison

NAME = "paper_child"
TABLE = "paper_child.md"
BASELINES = ("sgd", "momentum", "adam", "rmsprop")
PROTOCOLS = {"paper": Protocol.plain(epochs=5, reward="final_accuracy"), "fair": Protocol()}
_DECAYS = {"ld": "ld", "cd": "cd", "rd10": "rd"}
RULES: dict[str, str] = {
    **{row.optimizer: NAMED_RULES[row.optimizer].text for row in TABLE_1.rows},
    **{f"powersign-{name}": f"exp({decay} * sign(g) * sign(m)) * g" for name, decay in _DECAYS.items()},
    "addsign": NAMED_RULES["addsign"].text,
    **{f"addsign-{name}": f"(1 + {decay} * sign(g) * sign(m)) * g" for name, decay in _DECAYS.items()},
}
_SIZE = 6  # Evaluations per piece: about ten minutes on two cores for the paper's child network.
_SECONDS = 7_200.0  # Seconds after which a worker counts as hung.
_HEADER = ("name", "rule", "reward", "accuracy", "difference", "above", "p")

Results = dict[str, list[Evaluation]]  # One evaluation per seed, by rule.


def main() -> NoReturn:
    """Runs the study, or as much of it as time permits, and exits."""
    shared_flags.define(NAME)
    pieces.define()
    flags.DEFINE_string("task", "cifar10_convnet", "Task.")
    flags.DEFINE_list("rules", list(RULES), "Names of the rules to evaluate in addition to the baselines.")
    flags.DEFINE_integer(
        "seeds", 3, "Number of seeds per rule, starting at --seed; can be increased later.", lower_bound=2
    )
    application.run(_main, pieces.INTERRUPTED)


def _main() -> None:
    values = shared_flags.values()
    require_known("rule", values["rules"], RULES)
    names = list(dict.fromkeys((*BASELINES, *values["rules"])))
    setups = {
        name: EvaluatorSetup(values["task"], protocol, data_dir=values["data_dir"])
        for name, protocol in PROTOCOLS.items()
    }
    label = setups["paper"].describe_data()
    protocols = {name: {field: str(value) for field, value in vars(each).items()} for name, each in PROTOCOLS.items()}
    work = pieces.Work(NAME, values, {"protocols": protocols, "data": label}, growing=frozenset({"seeds"}))
    seeds = range(values["seed"], values["seed"] + values["seeds"])
    collected: dict[str, Results] = {protocol: {name: [] for name in names} for protocol in PROTOCOLS}
    for seed, (protocol, setup) in itertools.product(seeds, setups.items()):
        jobs = [Job(0, parse(RULES[name]), seed) for name in names]
        evaluations = work.results(f"{protocol}-{seed}", setup, jobs, _SIZE, _SECONDS)
        if evaluations is None:
            print(pieces.UNFINISHED, flush=True)
            return
        check_results(evaluations)
        for name, evaluation in zip(names, evaluations, strict=True):
            collected[protocol][name].append(evaluation)
    results = {
        "experiment": NAME,
        "dataset": label,
        "scale": _scale(values["task"], values["data_dir"]),
        "selected": {},  # Every seed selects its own learning rate.
        "runs": _trainings(collected["paper"], seeds),
        "protocols": {protocol: _summary(each) for protocol, each in collected.items()},
    }
    run_folder.write_json(work.folder / run_folder.RESULTS, results)
    text = report(label, len(seeds), collected)
    run_folder.write_text(work.folder / TABLE, text)
    style.console().print(text, markup=False, highlight=False, soft_wrap=True)


def _scale(task: str, data_dir: str | None) -> dict[str, int | str]:
    """Facts about the paper's protocol, with which the ledger decides whether a run is at its scale."""
    what, protocol = tasks.get(task), PROTOCOLS["paper"]
    splits = what.load(data_dir)
    return {
        "task": task,
        "learning_rates": len(protocol.learning_rates),
        "sweep_epochs": protocol.sweep_epochs,
        "epochs": protocol.epochs or what.epochs,
        "train_examples": what.examples_per_epoch or len(splits.train.inputs),
        "val_examples": len(splits.validation.inputs),
    }


def _trainings(results: Results, seeds: Sequence[int]) -> list[dict[str, Any]]:
    """Trainings for the ledger; a rate of 0 stands for none, because the rule diverged at all of them."""
    return [
        {
            "optimizer": name,
            "learning_rate": one.learning_rate or 0.0,
            "seed": seed,
            "selected": one.learning_rate is not None,
            "status": "diverged" if one.accuracy is None else "ok",
            "metrics": {"final_val_accuracy": one.accuracy},
            "seconds": one.seconds,
        }
        for name, evaluations in results.items()
        for seed, one in zip(seeds, evaluations, strict=True)
    ]


def compare(results: Results) -> dict[str, dict[str, Comparison]]:
    """Compares each rule with each baseline, by name; the comparisons of a baseline are empty."""
    programs = {name: parse(RULES[name]) for name in results}
    rewards: dict[Program, dict[int, float]] = {
        programs[name]: {place: one.reward for place, one in enumerate(each)} for name, each in results.items()
    }
    rules = [program for name, program in programs.items() if name not in BASELINES]
    pairs = verdicts.compare(rules, [programs[name] for name in BASELINES], rewards, looks=1)
    return {
        name: {other: pairs[pair] for other in BASELINES if (pair := (program, programs[other])) in pairs}
        for name, program in programs.items()
    }


def _summary(results: Results) -> dict[str, Any]:
    compared = compare(results)
    return {
        name: {
            "rule": RULES[name],
            "rewards": [one.reward for one in each],
            "accuracies": [one.accuracy for one in each],
            "learning_rates": [one.learning_rate for one in each],
            "statuses": [one.status for one in each],
            "against": {other: pair._asdict() for other, pair in compared[name].items()},
        }
        for name, each in results.items()
    }


def report(label: str, seeds: int, collected: Mapping[str, Results]) -> str:
    """Tables for both protocols, with a summary of each, as Markdown."""
    return (
        f"Data: {label}. {seeds} seeds. Mean and 95% Student's t interval. Differences are paired over seeds and refer "
        'to the best baseline. "Above" lists the baselines for which the interval of the difference lies above 0; p is '
        "the largest of the four p-values, each corrected for all comparisons in the table (Holm).\n"
        "\n## The paper's protocol\n\nThe reward is the final validation accuracy.\n\n"
        f"{_table(collected['paper'])}"
        "\n## Finely tuned rates\n\nThe reward is the mean likelihood of the correct label over epochs.\n\n"
        f"{_table(collected['fair'])}"
    )


def _table(results: Results) -> str:
    compared = compare(results)
    means = {name: float(np.mean([one.reward for one in each])) for name, each in results.items()}
    best = max(BASELINES, key=lambda name: means[name])
    winners = [name for name, pairs in compared.items() if _above(pairs) == list(BASELINES)]
    significant = [name for name in winners if all(pair.verdict == BETTER for pair in compared[name].values())]
    rows = []
    for name in sorted(results, key=lambda name: -means[name]):
        rewards, accuracies = ([one.reward for one in results[name]], [one.accuracy or 0.0 for one in results[name]])
        row = [name, markdown_escaped(RULES[name]), _interval(rewards), _interval(accuracies)]
        if pairs := compared[name]:
            row.append(f"{pairs[best].difference:+.4f} ± {pairs[best].half_width:.4f}")
            row += [", ".join(_above(pairs)) or "none", f"{max(pair.p for pair in pairs.values()):.2g}"]
        else:
            row += ["", "", ""]
        rows.append(row)
    return (
        f"Above all four baselines: {', '.join(winners) or 'no rule'}; after correction: "
        f"{', '.join(significant) or 'no rule'}. The best baseline is {best}.\n\n{markdown_table(_HEADER, rows)}"
    )


def _above(pairs: Mapping[str, Comparison]) -> list[str]:
    return [name for name, pair in pairs.items() if pair.half_width is not None and pair.difference > pair.half_width]


def _interval(values: Sequence[float]) -> str:
    mean, half_width = mean_interval(values)
    return f"{mean:.4f} ± {half_width:.4f}"


if __name__ == "__main__":
    main()
