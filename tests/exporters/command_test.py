"""nos-tf-export: what it prints and writes, and that each error is one line with exit code 2."""

from __future__ import annotations

import ast
import pathlib
import subprocess
import sys

import pytest

import nos_tf

CODE = (
    "import sys; sys.modules.update(dict.fromkeys(('tensorflow', 'keras', 'jinja2', 'filelock', 'rich'))); "
    "from nos_tf.cli import application; application.export()"
)


def run(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", CODE, *arguments], capture_output=True, text=True, check=False)


def test_prints_the_exported_rule_without_tensorflow_or_an_extra() -> None:
    done = run("exp(sign(g) * sign(m)) * g", "--to=torch")
    assert done.returncode == 0, done.stderr
    assert done.stdout == nos_tf.export("powersign", to="torch")


def test_writes_a_file(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "rule.py"
    done = run("powersign-cd", "--to=keras", f"--output={path}")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"Written: {path}\n"
    ast.parse(path.read_text("utf-8"))


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--to=torch"], "Give the rule: a text such as"),
        (["g", "m", "--to=torch"], "Received: g m"),
        (["g"], "--to=keras|optax|torch|numpy|latex|markdown. Received: no --to"),
        (["g", "--to=jax"], "--to must be one of keras, optax"),
        (["powersign-cb", "--to=torch"], "did you mean 'powersign-cd'?"),
        (["exp(g", "--to=torch"], "never closed"),
        ([".", "--to=torch"], "holds no leaderboard.json"),
        (["g", "--to=torch", "--output=/nowhere/x.py"], "cannot be written (No such file or directory)"),
    ],
)
def test_errors_are_one_line(arguments: list[str], words: str) -> None:
    done = run(*arguments)
    assert done.returncode == 2, done
    assert words in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr
