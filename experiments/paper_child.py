"""Which of the paper's rules beat its baselines on its own child.

    python -m experiments.paper_child --run_dir=runs/paper_child --data_dir=~/tensorflow_datasets

Each rule of the paper's Table 1, PowerSign and AddSign with and without decays, and the four baselines are evaluated
from a few seeds by two protocols on the same child: the paper's (decades of learning rates with one epoch each, five
epochs at the best one, final validation accuracy), and the search's own, whose rates are refined and whose reward is
the mean likelihood. Shown are paired differences to the baselines. A run that is stopped loses the trainings under way
and no more; the same command goes on with it, with more seeds too.
"""

from __future__ import annotations

import itertools
from collections.abc import Mapping, Sequence
from typing import Any, NoReturn

import numpy as np
from absl import flags

from experiments import pieces
from nos_tf import parse, run_folder, style
from nos_tf.cli import application, shared_flags
from nos_tf.dsl import Program
from nos_tf.dsl.named_rules import NAMED_RULES
from nos_tf.errors import require_known
from nos_tf.evaluation.protocol import Protocol
from nos_tf.evaluation.result import FAILED, Evaluation
from nos_tf.leaderboard import BETTER
from nos_tf.paper.cells import TABLE_1
from nos_tf.search import verdicts
from nos_tf.search.executors.job import Job
from nos_tf.search.executors.setup import EvaluatorSetup
from nos_tf.search.verdicts import Comparison
from nos_tf.statistics import mean_interval
from nos_tf.text import markdown_escaped, markdown_table

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
_SIZE = 6  # Evaluations of a piece: some ten minutes of two cores on the paper's child.
_SECONDS = 7_200.0  # Until a worker counts as hanging.
_HEADER = ("name", "rule", "reward", "accuracy", "difference", "above", "p")

Results = dict[str, list[Evaluation]]  # By rule, one a seed.


def main() -> NoReturn:
    """Runs the study, or as much of it as there is time for, and exits."""
    shared_flags.define(NAME)
    pieces.define()
    flags.DEFINE_string("task", "cifar10_convnet", "Task.")
    flags.DEFINE_list("rules", list(RULES), "Names of the rules to evaluate, besides the baselines.")
    flags.DEFINE_integer("seeds", 3, "Seeds of each rule, from --seed on; may grow.", lower_bound=2)
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
    work = pieces.Work(NAME, values, {"protocols": protocols}, growing=frozenset({"seeds"}))
    seeds = range(values["seed"], values["seed"] + values["seeds"])
    found: dict[str, Results] = {protocol: {name: [] for name in names} for protocol in PROTOCOLS}
    for seed, (protocol, setup) in itertools.product(seeds, setups.items()):
        jobs = [Job(0, parse(RULES[name]), seed) for name in names]
        evaluations = work.results(f"{protocol}-{seed}", setup, jobs, _SIZE, _SECONDS)
        if evaluations is None:
            print(pieces.UNFINISHED, flush=True)
            return
        for name, evaluation in zip(names, evaluations, strict=True):
            found[protocol][name].append(evaluation)
    results = {
        "experiment": NAME,
        "dataset": label,
        "scale": {"seeds": list(seeds), "task": values["task"]},
        "protocols": {protocol: _summary(each) for protocol, each in found.items()},
    }
    run_folder.write_json(work.folder / run_folder.RESULTS, results)
    text = report(label, len(seeds), found)
    run_folder.write_text(work.folder / TABLE, text)
    style.console().print(text, markup=False, highlight=False, soft_wrap=True)


def compare(results: Results) -> dict[str, dict[str, Comparison]]:
    """Each rule against each baseline, by their names; nothing for a baseline."""
    programs = {name: parse(RULES[name]) for name in results}
    rewards: dict[Program, dict[int, float]] = {
        programs[name]: {place: one.reward for place, one in enumerate(each) if one.status != FAILED}
        for name, each in results.items()
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


def report(label: str, seeds: int, found: Mapping[str, Results]) -> str:
    """The tables of both protocols as Markdown, and what they say."""
    return (
        f"Data: {label}. {seeds} seeds. Mean and 95% Student's t interval; differences are paired over seeds, and to "
        "the best baseline. A rule is above a baseline where the interval of their difference is; p is the largest of "
        "its four p-values, each corrected for all comparisons of the table (Holm).\n"
        "\n## The paper's protocol\n\nThe reward is the final validation accuracy.\n\n"
        f"{_table(found['paper'])}"
        "\n## Rates tuned finely\n\nThe reward is the mean likelihood of the right label over the epochs.\n\n"
        f"{_table(found['fair'])}"
    )


def _table(results: Results) -> str:
    compared = compare(results)
    means = {name: float(np.mean([one.reward for one in each])) for name, each in results.items()}
    best = max(BASELINES, key=lambda name: means[name])
    winners = [name for name, pairs in compared.items() if _above(pairs) == list(BASELINES)]
    sure = [name for name in winners if all(pair.verdict == BETTER for pair in compared[name].values())]
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
        f"{', '.join(sure) or 'no rule'}. The best baseline is {best}.\n\n{markdown_table(_HEADER, rows)}"
    )


def _above(pairs: Mapping[str, Comparison]) -> list[str]:
    return [name for name, pair in pairs.items() if pair.half_width is not None and pair.difference > pair.half_width]


def _interval(values: Sequence[float]) -> str:
    mean, half_width = mean_interval(values)
    return f"{mean:.4f} ± {half_width:.4f}"


if __name__ == "__main__":
    main()
