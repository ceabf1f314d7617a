"""Imports between packages follow the arrows of the diagram in docs/architecture.md."""

from __future__ import annotations

import graphlib
import os
import re

import pytest

from tests.docs_test import ROOT
from tools import import_graph

pytestmark = pytest.mark.skipif("TEST_WORKSPACE" in os.environ, reason="Bazel shows a test only what it declares")


def arrows() -> dict[str, set[str]]:
    found: dict[str, set[str]] = {}
    for left, right in re.findall(
        r"^ +([\w &]+) --> ([\w &]+)$", (ROOT / "docs/architecture.md").read_text("utf-8"), re.M
    ):
        for start in left.split(" & "):
            found.setdefault(start, set()).update(right.split(" & "))
    return found


def below(package: str, edges: dict[str, set[str]]) -> set[str]:
    return {package}.union(*(below(other, edges) for other in edges.get(package, ())))


def package(module: str) -> str | None:
    """Returns the diagram's name for a module's package, or None for the few modules outside of packages in nos_tf."""
    top, _, rest = module.partition(".")
    if top == "experiments":
        return top
    name = rest.partition(".")[0]
    return name if top == "nos_tf" and (ROOT / "nos_tf" / name / "__init__.py").exists() and name else None


def test_diagram_has_no_cycle() -> None:
    assert len(arrows()) >= 10
    graphlib.TopologicalSorter(arrows()).prepare()


def test_imports_follow_the_arrows() -> None:
    edges = arrows()
    allowed = {name: below(name, edges) for name in edges}
    wrong = {
        f"{start} --> {end}"
        for module, imports in import_graph.graph().items()
        for start, end in ((package(module), package(other)) for other in imports)
        if start and end and end not in allowed.get(start, {start})
    }
    assert not wrong, f"Reverse the import, or draw the arrow in docs/architecture.md. Received: {wrong}"


def test_every_package_is_in_the_diagram() -> None:
    names = {path.parent.name for path in (ROOT / "nos_tf").glob("*/__init__.py")}
    assert names | {"experiments"} == set(arrows()).union(*arrows().values())


@pytest.mark.parametrize(("start", "end"), [("training", "search"), ("paper", "search")])
def test_reproductions_do_not_depend_on_the_search(start: str, end: str) -> None:
    assert end not in below(start, arrows())


def test_imports_have_no_cycle() -> None:
    """Only a package and its own modules may import each other, because its `__init__` exports them."""
    edges = {
        module: {other for other in imports if not module.startswith(f"{other}.") and other != "nos_tf"}
        for module, imports in import_graph.graph().items()
    }
    graphlib.TopologicalSorter(edges).prepare()
