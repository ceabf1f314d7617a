"""Everything that the documentation tells readers to type exists: scripts, flags, make targets and files."""

from __future__ import annotations

import functools
import os
import re
import shlex
import subprocess
import sys

import pytest

from tests.docs_test import ROOT, pages

pytestmark = pytest.mark.skipif("TEST_WORKSPACE" in os.environ, reason="Bazel shows a test only what it declares")

_SHELL = re.compile(r"^```sh\n(.*?)^```$|^ {4}(python -m (?:[^\n]*\\\n)*[^\n]*)", re.DOTALL | re.MULTILINE)
_INLINE = re.compile(r"`([^`\n]+)`")
_LINK = re.compile(r"\]\((?!https?://)([^)#\s]+)(#[^)\s]*)?\)")
_PROGRAMS = {
    "bazel",
    "cd",
    "git",
    "make",
    "nos-tf-export",
    "nos-tf-report",
    "nos-tf-search",
    "pip",
    "python",
    "source",
    "uv",
}
_ABSL = {"flagfile", "help", "helpfull", "helpshort"}


def commands() -> list[tuple[str, list[str]]]:
    """Returns page and words of every command in examples, and of `make x` and `python -m x` in the text."""
    found = []
    for page in pages():
        text = (ROOT / page).read_text("utf-8")
        outside = re.sub(r"^```\w*\n.*?^```$", "", text, flags=re.DOTALL | re.MULTILINE)
        shells = [match[1] or match[2] for match in _SHELL.finditer(text)]
        lines = [line for shell in shells for line in shell.replace("\\\n", " ").splitlines()]
        lines += [code for code in _INLINE.findall(outside) if re.match(r"make |python -m ", code)]
        found += [(page, words) for line in lines if (words := shlex.split(line, comments=True))]
    return found


COMMANDS = [pytest.param(words, id=f"{page}: {' '.join(words)[:60]}") for page, words in commands()]


@functools.cache
def flags_of(module: str) -> frozenset[str]:
    """Returns the names of a script's flags: from --helpfull for experiments, from the source for other scripts."""
    path = ROOT / module.replace(".", "/")
    path = path / "__main__.py" if path.is_dir() else path.with_suffix(".py")
    assert path.exists(), module
    if not module.startswith("experiments."):
        text = path.read_text("utf-8")
        shared = flags_of("benchmarks.figures") if "import figures" in text else frozenset()
        return shared | frozenset(re.findall(r'DEFINE_\w+\(\s*"(\w+)"', text))
    finished = subprocess.run(
        [sys.executable, "-m", module, "--helpfull"], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False
    )
    return frozenset(re.findall(r"^ +--(?:\[no\])?(\w+):", finished.stdout, re.MULTILINE))


def check_flags(module: str, words: list[str]) -> None:
    known = flags_of(module) | _ABSL
    for word in words:
        if not word.startswith("--"):
            continue
        name, _, value = word.removeprefix("--").partition("=")
        assert name in known or name.removeprefix("no") in known, f"{module} has no flag {word}"
        if name == "flagfile":
            assert (ROOT / value).is_file(), value


def check_make(words: list[str]) -> None:
    makefile = (ROOT / "Makefile").read_text("utf-8")
    target, variables = words[0], dict(word.split("=", 1) for word in words[1:])
    assert re.search(rf"^{re.escape(target)}:", makefile, re.MULTILINE), f"make has no target {target}"
    assert all(re.search(rf"\b{name}\b", makefile) for name in variables), variables
    if target == "search":
        check_flags("experiments.search", shlex.split(variables.get("ARGS", "")))


@pytest.mark.parametrize("words", COMMANDS)
def test_command_exists(words: list[str]) -> None:
    program = words[0].removeprefix(".venv/bin/")
    if words[0] == ".ci/run" or words[0].startswith(".venv/bin/"):
        assert (ROOT / words[0]).exists()
        return
    assert program in _PROGRAMS
    if program == "make":
        check_make(words[1:])
    elif words[:2] == ["python", "-m"] and words[2].partition(".")[0] in ("benchmarks", "experiments", "tools"):
        check_flags(words[2], words[3:])
    elif program.startswith("nos-tf-"):
        assert f"\n{program} = " in (ROOT / "pyproject.toml").read_text("utf-8")
        check_flags(f"experiments.{program.removeprefix('nos-tf-')}", words[1:])


@pytest.mark.parametrize("page", pages())
def test_files_mentioned_on_a_page_exist(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    for target, _ in _LINK.findall(text):
        assert (ROOT / page).parent.joinpath(target).exists(), target
    tops = {path.name for path in ROOT.iterdir() if path.is_dir()} - {"runs"}
    for code in _INLINE.findall(text):
        if re.fullmatch(r"[\w.]+(/[\w.]+)*/[\w.]*", code) and code.partition("/")[0] in tops:
            assert (ROOT / code).exists(), code


def test_linked_sections_exist() -> None:
    for page in pages():
        for target, section in re.findall(r"\]\((?!https?://)([^)#\s]*)#([^)\s]+)\)", (ROOT / page).read_text("utf-8")):
            other = (ROOT / page).parent / target if target else ROOT / page
            headings = re.findall(r"^#+ (.+)$", other.read_text("utf-8"), re.MULTILINE)
            assert section in {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


def test_index_of_the_results_lists_every_table() -> None:
    folder = ROOT / "docs/results"
    text = (folder / "README.md").read_text("utf-8")
    named = {target for target, _ in _LINK.findall(text) if target.endswith(".md") and "/" not in target}
    assert named == {path.name for path in folder.glob("*.md")} - {"README.md"}


def test_flags_are_found() -> None:
    assert {"trials", "operands", "resume", "run_dir"} <= flags_of("experiments.search")
    with pytest.raises(AssertionError, match="no flag --trails"):
        check_flags("experiments.search", ["--trails=3"])
    with pytest.raises(AssertionError, match="no target tests"):
        check_make(["tests"])
