"""Rules of the repository that no other tool enforces."""

from __future__ import annotations

import ast
import os
import pathlib
import re

import pytest

from tools.import_graph import FOLDERS

ROOT = pathlib.Path(__file__).parents[1]
KERAS_COMPAT = "nos_tf/optimizers/keras_compat.py"
# Names that distinguish Keras 2 from Keras 3, or that exist in only one of them.
VERSION_SPECIFIC = re.compile(r"IS_KERAS_3|keras\.(__version__|__internal__|src|ops)\b|optimizers\.legacy|tf_keras")

pytestmark = pytest.mark.skipif("TEST_WORKSPACE" in os.environ, reason="Bazel shows a test only what it declares")


def sources() -> list[pathlib.Path]:
    return sorted(path for folder in ("nos_tf", "experiments", "benchmarks") for path in (ROOT / folder).rglob("*.py"))


def imported(path: pathlib.Path) -> set[str]:
    """Returns the top-level names that a file imports."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    names = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
    names |= {node.module for node in nodes if isinstance(node, ast.ImportFrom) and node.module}
    return {name.partition(".")[0] for name in names}


def texts(path: pathlib.Path) -> list[str]:
    """Returns the string literals in a file, without docstrings; for f-strings, their constant parts."""
    nodes = list(ast.walk(ast.parse(path.read_text("utf-8"))))
    statements = {id(node.value) for node in nodes if isinstance(node, ast.Expr)}
    return [
        node.value
        for node in nodes
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in statements
    ]


def test_only_keras_compat_depends_on_the_version_of_keras() -> None:
    knowing = {
        path.relative_to(ROOT).as_posix()
        for path in sources()
        if VERSION_SPECIFIC.search(path.read_text("utf-8")) or imported(path) & {"keras", "tf_keras"}
    }
    assert knowing == {KERAS_COMPAT}


def test_library_messages_do_not_mention_flags() -> None:
    """Library code names its own arguments; only commands know which flag sets them."""
    definition = re.compile(r'(?:DEFINE_\w+\(\s*|\bflag=)"(\w+)"')
    defined = {name for path in sources() for name in definition.findall(path.read_text("utf-8"))}
    assert {"trials", "resume", "units"} <= defined
    named = re.compile(rf"--({'|'.join(sorted(defined))})\b|Received: --")
    naming = {
        f"{path.relative_to(ROOT)}: {text}"
        for path in (ROOT / "nos_tf").rglob("*.py")
        if path.parent.name != "cli" and "command" not in path.name and not path.name.endswith("_flags.py")
        for text in texts(path)
        if named.search(text)
    }
    assert not naming, f"Name the argument, not the flag. Received: {naming}"


def test_lock_files_contain_no_addresses() -> None:
    for path in ROOT.glob("requirements*.txt"):
        lines = path.read_text("utf-8").splitlines()
        assert all(re.match(r"[a-z0-9-]+==[\w.+]+( ; .+)?$", line) for line in lines), path


def test_tools_contain_no_paths_of_a_machine() -> None:
    for name in ("Makefile", ".ci/run", ".bazelrc", ".pre-commit-config.yaml", "pyproject.toml"):
        assert not re.search(r"/(root|home|work|tmp)/", (ROOT / name).read_text("utf-8")), name


def test_bazel_globs_reach_every_file() -> None:
    """A BUILD file in a folder would hide it from the globs above."""
    found = {path.relative_to(ROOT).parent.as_posix() for path in ROOT.glob("*/**/BUILD")}
    folders = {folder for folder in FOLDERS if (ROOT / folder).exists()}
    assert {folder for folder in found if folder.partition("/")[0] in FOLDERS} == folders
