"""Finds the imports between modules, for the tests of the architecture."""

from __future__ import annotations

import ast
import pathlib
from collections.abc import Set

ROOT = pathlib.Path(__file__).parents[1]
FOLDERS = ("benchmarks", "experiments", "nos_tf", "tests", "tools")


def trees(root: pathlib.Path = ROOT) -> dict[str, ast.Module]:
    """Parses every Python file into a syntax tree, by module name."""
    modules = {}
    for path in sorted(path for folder in FOLDERS for path in (root / folder).rglob("*.py")):
        parts = path.relative_to(root).with_suffix("").parts
        modules[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = ast.parse(path.read_text("utf-8"))
    return modules


def graph(root: pathlib.Path = ROOT) -> dict[str, set[str]]:
    """Finds what each module imports, at the top, inside functions, or by a string ("nos_tf.search.command")."""
    known = trees(root)
    return {name: _imports(name, tree, known.keys()) for name, tree in known.items()}


def _imports(module: str, tree: ast.Module, known: Set[str]) -> set[str]:
    names = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            names |= {f"{node.module}.{alias.name}" for alias in node.names}
        elif isinstance(node, ast.Attribute):
            names.add(ast.unparse(node))  # `import a`, then `a.b`.
        elif isinstance(node, ast.Constant) and isinstance(node.value, str):
            # A package's `__init__` may name its modules without the package prefix.
            names |= {text for text in (node.value, f"{module}.{node.value}") if text in known and "." in text}
    return {found for name in names if (found := _longest(name, known)) is not None} - {module}


def _longest(name: str, known: Set[str]) -> str | None:
    parts = name.split(".")
    return next((prefix for size in range(len(parts), 0, -1) if (prefix := ".".join(parts[:size])) in known), None)
