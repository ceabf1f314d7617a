"""Groups of flags, and former names of flags."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import Any

import pytest

FLAGS = """
import json, sys
from absl import flags
from nos_tf.search import command_flags
command_flags.define()
flags.FLAGS(sys.argv)
"""


def told(expression: str, *arguments: str) -> Any:
    """Evaluates an expression in a new process with these flags, because flags cannot be defined twice in a process."""
    code = f"{FLAGS}print(json.dumps({expression}))"
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_a_former_name_sets_the_current_flag() -> None:
    assert told("command_flags.given()", "--learning_rate=0.5") == {"controller_learning_rate": 0.5}
    settings = "command_flags.searcher_flags.settings(command_flags.resolved(None))"
    assert told(f"{settings}['learning_rate']", "--searcher=ppo") == 0.001
    resolved = told("command_flags.resolved(None)", "--learning_rate=0.5")
    assert resolved["controller_learning_rate"] == 0.5
    assert "learning_rate" not in resolved


def test_a_run_stored_with_a_former_name_keeps_its_value() -> None:
    stored = "command_flags.renamed({'learning_rate': 0.25, 'trials': 9})"
    resolved = told(f"command_flags.resolved({stored})")
    assert (resolved["controller_learning_rate"], resolved["trials"]) == (0.25, 9)


@pytest.mark.parametrize(
    ("stored", "flag", "expected"),
    [
        ({"executor": "in_process", "workers": 1}, "--workers=2", ["processes", 2]),
        ({"executor": "processes", "workers": 2}, "--executor=in_process", ["in_process", 1]),
        ({"executor": "processes", "workers": 2}, "--executor=ray", ["ray", None]),
        ({"executor": "ray", "workers": 2}, "--workers=4", ["ray", 4]),
        ({"executor": "processes", "workers": 2}, "--trials=9", ["processes", 2]),
    ],
)
def test_a_resumed_run_may_have_other_workers(stored: dict[str, Any], flag: str, expected: list[Any]) -> None:
    resolved = told(f"command_flags.resolved({stored})", flag)
    assert [resolved["executor"], resolved["workers"]] == expected


def test_every_flag_is_in_one_group() -> None:
    groups = told("{name: [flag.name for flag in own] for name, own in flags.FLAGS.flags_by_module_dict().items()}")
    own = {name.rpartition(".")[2]: names for name, names in groups.items() if name.startswith("nos_tf.")}
    assert set(own) == {"shared_flags", "child_flags", "searcher_flags", "run_flags"}
    for flag, group in {
        "task": "child_flags", "sweep": "child_flags", "operands": "searcher_flags", "units": "searcher_flags",
        "controller_learning_rate": "searcher_flags", "trials": "run_flags", "workers": "run_flags",
    }.items():  # fmt: skip
        assert flag in own[group]


def test_a_suite_is_not_confirmed() -> None:
    confirmed = "command_flags.resolved(None)['confirmation_seeds']"
    assert told(confirmed, "--task=digits") == 2
    assert told(confirmed, "--task=suite_of_2") == 0
    code = f"{FLAGS}command_flags.configuration(command_flags.resolved(None))"
    arguments = ["--task=suite", "--confirmation_seeds=1"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=False)
    assert "A suite is not confirmed" in done.stderr
    assert done.stderr.strip().endswith("Received: --confirmation_seeds=1")
