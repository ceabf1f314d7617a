r"""What the sweep's savings save, and what they cost: python -m benchmarks.search_cost [--rules=200] [--json=FILE]

Random one-group rules on the digits, each by the plain fair protocol (every rate trained to the end), by each saving
alone and by all of them (the default protocol), from the same seed in one run. For each: training steps and seconds a
rule as shares of the plain protocol's, Spearman's correlation of the rewards over all rules and within the plain best
fifth, and the share of the plain top 1 % (at least one rule) that is not within the top 5 %.
"""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Sequence

import numpy as np
import scipy.stats
from absl import app, flags

import nos_tf
from benchmarks import figures
from nos_tf.evaluation import Protocol
from nos_tf.evaluation.result import SCREENED
from nos_tf.tensorflow_loading import load_single_threaded

_RULES = flags.DEFINE_integer("rules", 200, "Random rules, those that are screened out not counted.", lower_bound=10)
_GROUPS = flags.DEFINE_integer("num_groups", 1, "Groups of each rule.", lower_bound=1, upper_bound=4)
_SEED = flags.DEFINE_integer("seed", 0, "Seed of the rules and of their trainings.", lower_bound=0)
_TASK = flags.DEFINE_string("task", "digits", "Task.")

_PLAIN = "plain"


def protocols(epochs: int) -> dict[str, Protocol]:
    """The plain fair protocol, each saving alone, and all of them."""
    default = Protocol()
    plain = dataclasses.replace(default, sweep_epochs=epochs, hurdle=0.0, give_up=False)
    return {
        _PLAIN: plain,
        "short sweep": dataclasses.replace(plain, sweep_epochs=default.sweep_epochs),
        "hurdle": dataclasses.replace(plain, hurdle=default.hurdle),
        "giving up": dataclasses.replace(plain, give_up=default.give_up),
        "all": default,
    }


def agreement(plain: np.ndarray, saving: np.ndarray) -> dict[str, float]:
    """How far two lists of rewards rank the same rules alike."""
    order = np.argsort(-plain, kind="stable")
    fifth = order[: max(3, len(order) // 5)]
    top = order[: max(1, len(order) // 100)]
    near = np.argsort(-saving, kind="stable")[: max(1, len(order) // 20)]
    return {
        "Spearman": float(scipy.stats.spearmanr(plain, saving).statistic),
        "Spearman in the best fifth": float(scipy.stats.spearmanr(plain[fifth], saving[fifth]).statistic),
        "share of the top 1 % lost": float(np.mean(~np.isin(top, near))),
    }


def main(argv: Sequence[str]) -> None:
    del argv
    load_single_threaded()
    from nos_tf.evaluation import Evaluator
    from nos_tf.evaluation.trainer import Trainer

    task = nos_tf.tasks.get(_TASK.value)
    trainer = Trainer(task)
    evaluators = {name: Evaluator(task, value, trainer=trainer) for name, value in protocols(task.epochs).items()}
    evaluators["all"].evaluate(nos_tf.parse("g"))  # Traces the graphs.
    space, rng = nos_tf.SearchSpace(num_groups=_GROUPS.value), np.random.default_rng(_SEED.value)
    rewards: dict[str, list[float]] = {name: [] for name in evaluators}
    steps, seconds = dict.fromkeys(evaluators, 0), dict.fromkeys(evaluators, 0.0)
    while len(rewards[_PLAIN]) < _RULES.value:
        program = space.sample(rng)
        for name, evaluator in evaluators.items():
            before, start = trainer.all_steps, time.process_time()
            evaluation = evaluator.evaluate(program, _SEED.value)
            if evaluation.status == SCREENED:
                break
            steps[name] += trainer.all_steps - before
            seconds[name] += time.process_time() - start
            rewards[name].append(evaluation.reward)
        if len(rewards["all"]) % 20 == 0:
            print(f"{len(rewards['all'])} rules", end="\r", flush=True)
    count = len(rewards[_PLAIN])
    for name in evaluators:
        found = {"steps a rule": steps[name] / count, "CPU s a rule": seconds[name] / count}
        if name != _PLAIN:
            found["steps, of plain"] = steps[name] / steps[_PLAIN]
            found["seconds, of plain"] = seconds[name] / seconds[_PLAIN]
            found |= agreement(np.array(rewards[_PLAIN]), np.array(rewards[name]))
        for what, value in found.items():
            figures.record(f"{name}: {what}", value)
        print(f"{name}: " + ", ".join(f"{what} {value:.3f}" for what, value in found.items()), flush=True)
    figures.write()


if __name__ == "__main__":
    app.run(main)
