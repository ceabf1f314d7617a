"""Runs every Python example in the README and the docs, each on its own, as a reader would paste it.

An example whose first line is `# NAME.py` is a file that a command or a later example on the same page uses. The
tutorial is run from beginning to end, including its commands, with a smaller search (slow).
"""

from __future__ import annotations

import os
import pathlib
import re
import shlex
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).parents[1]
TUTORIAL = "docs/tutorial.md"
SMALLER = (
    "--trials=8",
    "--test_seeds=1",
    "--epochs=1",
    "--num_groups=1",
    "--workers=1",
)  # Takes seconds.
_BLOCK = re.compile(r"^```(python|sh)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_FILE = re.compile(r"# (\w+)\.py\b")


def pages() -> list[str]:
    paths = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md")]
    return sorted(path.relative_to(ROOT).as_posix() for path in paths)


def blocks(page: str) -> list[tuple[str, str]]:
    """Returns language and text of a page's examples, in order."""
    return [(match[1], match[2]) for match in _BLOCK.finditer((ROOT / page).read_text("utf-8"))]


EXAMPLES = [
    pytest.param(page, text, id=f"{page}:{number}", marks=[pytest.mark.slow] if "nos_tf.evaluate(" in text else [])
    for page in pages()
    for number, (language, text) in enumerate(blocks(page), start=1)
    if language == "python" and (page != TUTORIAL or _FILE.match(text))
]


def run(page: str, text: str) -> None:
    exec(compile(text, page, "exec"), {"__name__": "example"})


def test_there_are_examples() -> None:
    assert {page for page in pages() if blocks(page)} >= {"README.md", "docs/language.md", TUTORIAL, "docs/tuning.md"}
    assert len(EXAMPLES) >= 10


@pytest.mark.parametrize(("page", "text"), EXAMPLES)
def test_example_runs(page: str, text: str, tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    run(page, text)


@pytest.mark.slow
def test_tutorial_from_beginning_to_end(tmp_path: pathlib.Path) -> None:
    environment = {**os.environ, "PYTHONPATH": str(ROOT)}
    for language, text in blocks(TUTORIAL):
        if language == "python":
            file = _FILE.match(text)
            path = tmp_path / (f"{file[1]}.py" if file else "example.py")
            path.write_text(text, "utf-8")
            commands = [] if file else [[sys.executable, path.name]]
        else:
            lines = [shlex.split(line, comments=True) for line in text.replace("\\\n", " ").splitlines()]
            commands = [
                [sys.executable, *words[1:], *(SMALLER if "experiments.search" in words else ())]
                for words in lines
                if words[:2] == ["python", "-m"]
            ]
        for command in commands:
            finished = subprocess.run(
                command, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=500, check=False
            )
            assert finished.returncode == 0, (command, finished.stderr[-2000:])
    assert (tmp_path / "runs").is_dir()
