"""Assembles the results of all stages into one table."""

from __future__ import annotations

import datetime
import itertools
import platform
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from experiments.build_table.stages import FINE, SEEDS, TEST_SEEDS, Stages
from nos_tf.common.tensorflow_loading import load_single_threaded
from nos_tf.common.versions import commit, versions
from nos_tf.dsl import SearchSpace, parse
from nos_tf.evaluation.protocol import Protocol
from nos_tf.evaluation.result import SCREENED, STATUSES, TRAINED, Evaluation
from nos_tf.search.executors.setup import EvaluatorSetup
from nos_tf.table import content
from nos_tf.table.content import Content

_TIMED = ("g", "exp(sign(g) * sign(m)) * g", "adam", "rmsprop", "drop(m, 0.1)")
_NOT_TRAINED = "not trained: only a part of the rules was"


def write(stages: Stages, flags: Mapping[str, Any], folder: Path) -> Path:
    """Writes the table and returns its path."""
    return content.write(assemble(stages, flags), folder, flags["task"])


def assemble(stages: Stages, flags: Mapping[str, Any]) -> Content:
    """Makes the arrays of the table."""
    rules, count = stages.rules, len(stages.rules.tokens)
    results: list[Evaluation] = [
        Evaluation(0.0, SCREENED, message=str(reason) or _NOT_TRAINED) for reason in rules.reasons
    ]
    for number, evaluation in zip(stages.classes, stages.first, strict=True):
        results[number] = evaluation
    reasons = sorted({one.message for one in results})
    points = [point for one in results for point in one.sweep]
    more = [[stages.first[place], *others] for place, others in zip(_places(stages), stages.more, strict=True)]
    return Content(
        facts=_facts(stages, flags, reasons),
        rule_class=rules.rule_class,
        keys=rules.keys,
        key_class=rules.key_class,
        tokens=rules.tokens,
        status=np.array([STATUSES.index(one.status) for one in results], np.uint8),
        reason=np.array([reasons.index(one.message) for one in results], np.uint8),
        reward=_floats(one.reward if one.status == TRAINED else 0.0 for one in results),
        learning_rate=_floats(one.learning_rate for one in results),
        accuracy=_floats(one.accuracy for one in results),
        steps=np.array([one.steps for one in results], np.int32),
        sweep_ends=np.fromiter(itertools.accumulate(len(one.sweep) for one in results), np.int32, count),
        sweep_rate=_floats(point.learning_rate for point in points),
        sweep_score=_floats(point.score for point in points),
        best=stages.best.astype(np.int32),
        best_rewards=np.array([[one.reward for one in seeds] for seeds in more], np.float32),
        best_rates=np.array([_floats(one.learning_rate for one in seeds) for seeds in more]),
        fine_rates=stages.fine_rates.astype(np.float32),
        fine_rewards=np.array([[[one.reward for one in s] for s in rates] for rates in stages.fine], np.float32),
        test=np.array([_test(*pair) for pair in zip(stages.test, stages.long_test, strict=True)], np.float32),
        second=stages.second.astype(np.int32),
        second_reward=_floats(one.reward if one.status == TRAINED else 0.0 for one in stages.second_results),
    )


def _places(stages: Stages) -> list[int]:
    """Position of each of the best rules among the trained rules."""
    return [int(place) for place in np.searchsorted(stages.classes, stages.best)]


def _floats(values: Any) -> np.ndarray:
    return np.array([np.nan if value is None else value for value in values], np.float32)


def _test(test: Sequence[Evaluation], long_test: Sequence[Evaluation]) -> list[float]:
    return [
        float(np.mean([getattr(one, name) or 0.0 for one in results]))
        for results in (test, long_test)
        for name in ("reward", "accuracy")
    ]


def _seconds_a_step(flags: Mapping[str, Any]) -> float:
    """Median CPU time per step of a few evaluations, including scoring."""
    load_single_threaded()
    evaluator = EvaluatorSetup(flags["task"], data_dir=flags["data_dir"]).build()
    seconds = []
    for rule in _TIMED * 2:
        start = time.process_time()
        steps = evaluator.evaluate(parse(rule), flags["seed"]).steps
        seconds.append((time.process_time() - start) / steps)
    return round(float(np.median(seconds[len(_TIMED) :])), 6)  # The first evaluations also trace the graphs.


def _facts(stages: Stages, flags: Mapping[str, Any], reasons: list[str]) -> dict[str, Any]:
    space, protocol = SearchSpace(), Protocol()
    return {
        "version": content.VERSION,
        "space": f"the one-group space of the paper's 17 operands ({space.size:,} rules)",
        "vocabulary": [list(space.vocabulary(place)) for place in range(space.length)],
        "statuses": list(STATUSES),
        "reasons": reasons,
        "task": flags["task"],
        "data": EvaluatorSetup(flags["task"], data_dir=flags["data_dir"]).describe_data(),
        "second_task": flags["second_task"],
        "second_data": EvaluatorSetup(flags["second_task"], data_dir=flags["data_dir"]).describe_data(),
        "protocol": {name: getattr(protocol, name) for name in protocol.__dataclass_fields__},
        "seed": flags["seed"],
        "seeds_of_the_best": SEEDS,
        "test_seeds": list(TEST_SEEDS),
        "fine_factors": [round(factor, 4) for factor in FINE],
        "seconds_a_step": _seconds_a_step(flags),
        "machine": platform.machine(),
        "versions": versions(),
        "commit": commit(),
        "made": datetime.date.today().isoformat(),
        "license": "CC-BY-4.0",
    }
