"""Retrains random rules of a table: python -m experiments.verify_table --sample=50

Each rule is evaluated as for the table, with the same task, protocol and seed. The status must be the same; rewards may
differ by rounding, which depends on the processor and can be amplified by training. Exits with 2 if more than one rule
in 20 is off.
"""

from __future__ import annotations

from typing import NoReturn

import numpy as np
from absl import flags

from experiments import tables
from nos_tf.cli import application, path_flags
from nos_tf.common.errors import RunError
from nos_tf.common.text import markdown_table
from nos_tf.dsl import SearchSpace
from nos_tf.evaluation.result import TRAINED
from nos_tf.search.executors.setup import EvaluatorSetup
from nos_tf.table import Table

TOLERANCE = 0.005  # Tolerance of rewards; for comparison, rewards of one rule vary by about 0.01 between seeds.
ALLOWED = 0.05  # Share of rules that may be off, because trainings close to divergence amplify rounding.
_HEADER = ("rule", "status", "again", "reward", "again", "learning rate", "again")


def main() -> NoReturn:
    """Runs the check and exits."""
    flags.DEFINE_string("table", "digits", "Table to verify.")
    flags.DEFINE_integer("sample", 50, "Number of rules to retrain, out of those that can learn.", lower_bound=1)
    flags.DEFINE_integer("seed", 0, "Seed of the random sample.", lower_bound=0)
    path_flags.define("data_dir", None, "Folder with prepared TensorFlow Datasets.")
    application.run(_main, "Interrupted.")


def _main() -> None:
    values = flags.FLAGS
    table = tables.load(values.table)
    off = 0
    rows = []
    facts = table.content.facts
    setup = {"task": facts["task"], "protocol": facts["protocol"], "data_dir": values.data_dir}
    evaluator = EvaluatorSetup.from_json(setup).build()
    for number in sample(table, values.sample, values.seed):
        program, expected = SearchSpace().decode(table.content.tokens[number]), table.row(number)
        again = evaluator.evaluate(program, facts["seed"])
        reward = again.reward if again.status == TRAINED else 0.0
        if is_off := again.status != expected.status or abs(reward - expected.reward) > TOLERANCE:
            off += 1
        rows.append(
            [
                f"{'* ' if is_off else ''}{expected.rule}",
                expected.status,
                again.status,
                f"{expected.reward:.4f}",
                f"{reward:.4f}",
                f"{expected.learning_rate or 0.0:.3g}",
                f"{again.learning_rate or 0.0:.3g}",
            ]
        )
        print(" ".join(rows[-1]), flush=True)
    print(markdown_table(_HEADER, rows), flush=True)
    verdict = f"{off} of {len(rows)} rules are off by more than {TOLERANCE} or have a different status"
    if off > ALLOWED * len(rows):
        raise RunError(f"The table cannot be reproduced on this machine. Received: {verdict}")
    print(f"The table is reproduced: {verdict}", flush=True)


def sample(table: Table, count: int, seed: int) -> np.ndarray:
    """Numbers of random rules among those that were trained."""
    trained = np.flatnonzero(table.content.steps > 0)
    return np.random.default_rng(seed).permutation(trained)[:count]


if __name__ == "__main__":
    main()
