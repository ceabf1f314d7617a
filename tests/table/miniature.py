"""Tables with made-up results, for seven rules and for the whole space."""

from __future__ import annotations

import numpy as np

import nos_tf
from nos_tf.dsl import SearchSpace
from nos_tf.dsl.algebra.canonical import key_number
from nos_tf.evaluation.result import DIVERGED, SCREENED, STATUSES, TRAINED
from nos_tf.table import Table
from nos_tf.table.content import VERSION, Content

# Rule, status, reward with the first seed, learning rate and, for the best rules, fine rewards by rate and seed.
RULES = [
    ("g", TRAINED, 0.80, 0.1, None),
    ("m", TRAINED, 0.81, 0.2, None),
    ("adam", TRAINED, 0.83, 0.003, [[0.82, 0.84], [0.83, 0.85]]),
    ("sign(g) * m", TRAINED, 0.86, 0.01, [[0.80, 0.82], [0.83, 0.81]]),
    ("rmsprop", TRAINED, 0.85, 0.004, [[0.84, 0.86], [0.80, 0.80]]),
    ("exp(m) * g", DIVERGED, 0.0, None, None),
    ("g * m", SCREENED, 0.0, None, None),
]
BEST = [3, 4, 2]  # By the first seed.


def content() -> Content:
    space = SearchSpace()
    programs = [nos_tf.parse(rule) for rule, *_ in RULES]
    numbers = np.array([key_number(nos_tf.canonical_key(program)) for program in programs], np.uint64)
    order = np.argsort(numbers)
    count = len(RULES)
    fine = np.array([RULES[number][4] for number in BEST], np.float32)
    return Content(
        facts={
            "version": VERSION,
            "space": "seven rules",
            "vocabulary": [list(space.vocabulary(place)) for place in range(space.length)],
            "statuses": list(STATUSES),
            "reasons": [""],
            "seconds_a_step": 0.01,
        },
        rule_class=np.zeros(space.size, np.int32),
        keys=numbers[order],
        key_class=order.astype(np.int32),
        tokens=np.array([space.encode(program) for program in programs], np.uint8),
        status=np.array([STATUSES.index(status) for _, status, *_ in RULES], np.uint8),
        reason=np.zeros(count, np.uint8),
        reward=np.array([reward for _, _, reward, *_ in RULES], np.float32),
        learning_rate=np.array([np.nan if rate is None else rate for *_, rate, _ in RULES], np.float32),
        accuracy=np.full(count, 0.9, np.float32),
        steps=np.arange(100, 100 * (count + 1), 100, dtype=np.int32),
        sweep_ends=np.arange(1, count + 1, dtype=np.int32),
        sweep_rate=np.full(count, 0.1, np.float32),
        sweep_score=np.full(count, 0.5, np.float32),
        best=np.array(BEST, np.int32),
        best_rewards=np.zeros((3, 2), np.float32),
        best_rates=np.zeros((3, 2), np.float32),
        fine_rates=np.zeros((3, 2), np.float32),
        fine_rewards=fine,
        test=np.arange(12, dtype=np.float32).reshape(3, 4) / 12,
        second=np.array([3, 0], np.int32),
        second_reward=np.array([0.5, 0.4], np.float32),
    )


def of_the_whole_space(rule_class: np.ndarray, rewards: np.ndarray) -> Table:
    """Creates a table of the whole space with one seed, from the class of each rule and the reward of each class."""
    seven = content()
    none = {"best": np.zeros(0, int), "test": np.zeros((0, 4), np.float32)}
    steps = np.arange(len(rewards), dtype=np.int32) % 7
    values = vars(seven) | {"rule_class": rule_class, "reward": rewards, "steps": steps, **none}
    return Table(Content(**values))
