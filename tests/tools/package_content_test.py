"""The contents of a wheel and a source archive."""

from __future__ import annotations

import io
import pathlib
import sys
import tarfile
import zipfile

import pytest

from tools import api_reference, import_graph, package_content

SHIPPED = ["nos_tf/__init__.py", "nos_tf/dsl/parser.py", "nos_tf/paper/ledger.html.j2", "nos_tf/table/digits-1.npz"]
SOURCE = [*SHIPPED, "LICENSE", "PKG-INFO", "README.md", "pyproject.toml", "setup.cfg", "nos_tf.egg-info/SOURCES.txt"]


def pack(folder: pathlib.Path, wheel: list[str], source: list[str]) -> None:
    with zipfile.ZipFile(folder / "nos_tf-1.0-py3-none-any.whl", "w") as file:
        for name in [*wheel, "nos_tf-1.0.dist-info/METADATA"]:
            file.writestr(name, "")
    with tarfile.open(folder / "nos_tf-1.0.tar.gz", "w:gz") as file:
        for name in source:
            file.addfile(tarfile.TarInfo(f"nos_tf-1.0/{name}"), io.BytesIO())


@pytest.fixture
def check(tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch):
    for name in [*SHIPPED, "nos_tf/BUILD", "tests/dsl/parser_test.py"]:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    monkeypatch.setattr(package_content, "__file__", str(tmp_path / "tools" / "package_content.py"))
    monkeypatch.setattr(sys, "argv", ["package_content", str(tmp_path)])

    def main(wheel: list[str], source: list[str]) -> None:
        pack(tmp_path, wheel, source)
        package_content.main()

    return main


def test_complete_package_passes(check, capsys: pytest.CaptureFixture[str]) -> None:
    check(SHIPPED, SOURCE)
    assert "contain the 4 files" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("wheel", "source", "message"),
    [
        (SHIPPED[:-1], SOURCE, "any.whl: missing: nos_tf/table/digits-1.npz"),
        ([*SHIPPED, "nos_tf/BUILD"], SOURCE, "any.whl: unexpected: nos_tf/BUILD"),
        ([*SHIPPED, "tests/dsl/parser_test.py"], SOURCE, "any.whl: unexpected: tests/dsl/parser_test.py"),
        (SHIPPED, [*SOURCE, "runs/data.npz"], "tar.gz: unexpected: runs/data.npz"),
        (SHIPPED, SOURCE[1:], "tar.gz: missing: nos_tf/__init__.py"),
    ],
)
def test_unexpected_or_missing_file_is_named(check, wheel: list[str], source: list[str], message: str) -> None:
    with pytest.raises(SystemExit, match=rf"{message}$"):
        check(wheel, source)


def test_wheel_contains_only_modules_reachable_from_the_api_or_a_command() -> None:
    edges = import_graph.graph()
    parts = ("search", "search.reports", "exporters")
    commands = ["nos_tf.cli.application", *(f"nos_tf.{part}.command" for part in parts)]
    reached, stack = set(), [*api_reference.MODULES, *commands]
    while stack:
        module = stack.pop()
        reached.add(module)
        packages = {parent for parent in edges if module.startswith(f"{parent}.")}  # Python runs their `__init__`.
        stack.extend((edges[module] | packages) - reached)
    assert {module for module in edges if module.partition(".")[0] == "nos_tf"} == reached
