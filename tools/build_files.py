"""Writes the BUILD file of every folder from what the Python files import: python -m tools.build_files

One `py_library` a module, one `py_binary` a script, one `py_test` a test file; the tests of a folder that load
TensorFlow share one, because loading it costs more than most of them. The dependencies of a target are the modules that
its files import, and those that they name in a string (`"nos_tf.search.executors.worker"`, `"fake_worker.py"`) to load
them lazily or to start them as a process. A package's `__init__.py` is a target of its own.
"""

from __future__ import annotations

import ast
import dataclasses
import functools
import pathlib
import re
from collections.abc import Iterable, Iterator, Mapping

ROOT = pathlib.Path(__file__).parents[1]
FOLDERS = ("benchmarks", "experiments", "nos_tf", "tests", "tools")
_SCRIPTS = ("benchmarks", "experiments", "tools")
_HEADER = "# Made by `python -m tools.build_files` from the imports of the sources.\n"
_RUNNER, _CONFTEST, _CONFIGURATION = "tests.pytest_main", "tests.conftest", "//:pyproject.toml"
_DOCUMENTS = ("CHANGELOG.md", "CONTRIBUTING.md", "README.md", "docs")  # The filegroup //:documents.
_SHARED_TEST = "tensorflow_test"
_IMPORT = re.compile(r"\b(?:from|import) ([\w.]+)")


@dataclasses.dataclass(frozen=True)
class Module:
    """A Python file.

    Attributes:
      path: Its path below the root.
      tree: Its syntax tree.
    """

    path: pathlib.PurePosixPath
    tree: ast.Module

    @property
    def is_package(self) -> bool:
        return self.path.name == "__init__.py"

    @property
    def is_test(self) -> bool:
        return self.path.name.endswith("_test.py")

    @property
    def is_script(self) -> bool:
        guard = "__name__ == '__main__'"
        guarded = any(isinstance(node, ast.If) and ast.unparse(node.test) == guard for node in self.tree.body)
        return guarded and self.path.parts[0] in _SCRIPTS

    @property
    def name(self) -> str:
        """As it is imported."""
        return ".".join(self.path.parent.parts if self.is_package else self.path.with_suffix("").parts)

    @property
    def target(self) -> str:
        return self.path.parent.name if self.is_package else self.path.stem

    @functools.cached_property
    def strings(self) -> set[str]:
        """Its string constants."""
        return {
            node.value for node in ast.walk(self.tree) if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }

    @property
    def reads_documents(self) -> bool:
        """Whether it is a test of the documentation, whose examples may import anything."""
        return self.is_test and any(text.partition("/")[0] in _DOCUMENTS for text in self.strings)

    @functools.cached_property
    def imports(self) -> set[str]:
        """Dotted names that it may import: of `from a import b`, both `a` and `a.b`."""
        names = set()
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                names |= {alias.name for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                names |= {f"{node.module}.{alias.name}" for alias in node.names}
            elif isinstance(node, ast.Attribute):
                names.add(ast.unparse(node))  # `import a`, then `a.b`.
        return names


Modules = Mapping[str, Module]


def modules(root: pathlib.Path = ROOT) -> dict[str, Module]:
    """Every Python file of the repository by the name that it is imported by."""
    found = {}
    for folder in FOLDERS:
        for path in sorted((root / folder).rglob("*.py")):
            module = Module(pathlib.PurePosixPath(path.relative_to(root)), ast.parse(path.read_text("utf-8")))
            found[module.name] = module
    return found


def dependencies(module: Module, known: Modules) -> set[str]:
    """Names of the modules that a module needs."""
    found = {name for wanted in module.imports if (name := _longest(wanted, known)) is not None}
    found |= {name for text in module.strings if "." in text for name in (text, f"{text}.__main__") if name in known}
    found |= _lazy(module, known)
    folders = [*module.path.parents[:2], pathlib.PurePosixPath()]
    paths = {folder / text for folder in folders for text in module.strings if text.endswith(".py")}
    found |= {other.name for other in known.values() if other.path in paths and not other.is_test}
    if module.path.parts[0] == "tests":
        code = {name for text in module.strings for name in _IMPORT.findall(text)}
        found |= {name for wanted in code if (name := _longest(wanted, known)) is not None}
    if module.reads_documents:
        found |= {name for name, other in known.items() if other.path.parts[0] in ("nos_tf", "experiments")}
    found |= {".".join(folder.parts) for folder in module.path.parents if _is_bare(".".join(folder.parts), known)}
    return found - {module.name}


def _longest(name: str, known: Modules) -> str | None:
    parts = name.split(".")
    prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
    return next((prefix for prefix in prefixes if prefix in known), None)


def _lazy(module: Module, known: Modules) -> set[str]:
    if not module.is_package:
        return set()
    return {name for text in module.strings if (name := f"{module.name}.{text}") in known}


def _is_bare(package: str, known: Modules) -> bool:
    # Python runs the `__init__` of every folder above a module. One that imports its own modules would be a circle
    # here, and is left to those who import something from it.
    return package in known and not known[package].imports and not _lazy(known[package], known)


def graph(known: Modules) -> dict[str, set[str]]:
    """Dependencies of every module."""
    return {name: dependencies(module, known) for name, module in known.items()}


def loads_tensorflow(name: str, edges: Mapping[str, set[str]], known: Modules) -> bool:
    """Whether anything that a module needs imports TensorFlow."""
    seen, stack = {name}, [name]
    while stack:
        current = stack.pop()
        if any(imported.partition(".")[0] == "tensorflow" for imported in known[current].imports):
            return True
        stack.extend(edges[current] - seen)
        seen |= edges[current]
    return False


def build_files(root: pathlib.Path = ROOT) -> dict[pathlib.Path, str]:
    """The text of every BUILD file by its path."""
    known = modules(root)
    edges = graph(known)
    folders: dict[pathlib.PurePosixPath, list[Module]] = {}
    for module in known.values():
        folders.setdefault(module.path.parent, []).append(module)
    return {root / folder / "BUILD": _Folder(root, folder, known, edges).text(own) for folder, own in folders.items()}


class _Folder:
    def __init__(self, root: pathlib.Path, folder: pathlib.PurePosixPath, known: Modules, edges: dict[str, set[str]]):
        self._folder = folder
        self._known = known
        self._edges = edges
        paths = sorted((root / folder).iterdir())
        self._files = [path.name for path in paths if path.is_file() and path.suffix != ".py" and path.name != "BUILD"]
        folders = [path for path in paths if path.is_dir() and path.name != "__pycache__"]
        self._data_folders = [path.name for path in folders if not any(path.rglob("*.py"))]

    def text(self, own: Iterable[Module]) -> str:
        own = list(own)
        rules = [self._rule("py_binary" if module.is_script else "py_library", [module]) for module in own]
        rules = [rule for rule, module in zip(rules, own, strict=True) if not module.is_test]
        rules += [self._rule("py_test", group, name) for name, group in self._tests(own)]
        kinds = sorted({rule.partition("(")[0] for rule in rules})
        rules += [
            f'filegroup(\n    name = "{name}",\n    srcs = glob(["{name}/**"]),\n)\n' for name in self._data_folders
        ]
        load = f'load("@rules_python//python:defs.bzl", {", ".join(map(_quoted, kinds))})'
        exports = 'exports_files(["pytest_main.py"])\n\n' if any(module.name == _RUNNER for module in own) else ""
        return f'{_HEADER}{load}\n\npackage(default_visibility = ["//visibility:public"])\n\n{exports}' + "\n".join(
            rules
        )

    def _tests(self, own: list[Module]) -> Iterator[tuple[str, list[Module]]]:
        heavy = []
        for module in own:
            if module.is_test and loads_tensorflow(module.name, self._edges, self._known):
                heavy.append(module)
            elif module.is_test:
                yield module.target, [module]
        if heavy:
            yield _SHARED_TEST, heavy

    def _rule(self, kind: str, group: list[Module], name: str | None = None) -> str:
        needed = set().union(*(self._edges[module.name] for module in group))
        tests = {name for name in needed if self._known[name].is_test}  # What other tests share; they are no library.
        needed = needed.union(*(self._edges[name] for name in tests)) - tests
        sources = [module.path.name for module in group]
        shared = [self._label(name, ".py") for name in tests if self._known[name] not in group]
        attributes = [f"name = {_quoted(name or group[0].target)},"]
        attributes += ['size = "large",'] if name == _SHARED_TEST else []
        data = self._data(group)
        if kind == "py_test":
            needed.add(_CONFTEST)
            attributes.append(_listed("srcs", [*sources, *shared, self._label(_RUNNER, ".py")]))
            attributes.append(_listed("args", [f"$(location {source})" for source in sources]))
            attributes.append(f"main = {_quoted(self._label(_RUNNER, '.py'))},")
            data.append(_CONFIGURATION)
        else:
            attributes.append(_listed("srcs", sources))
        attributes += ["legacy_create_init = 0,"] if kind != "py_library" else []
        attributes += [_listed("data", data)] if data else []
        attributes += [_listed("deps", map(self._label, needed))] if needed else []
        return f"{kind}(\n" + "\n".join(f"    {attribute}" for attribute in attributes) + "\n)\n"

    def _data(self, group: list[Module]) -> list[str]:
        strings = set().union(*(module.strings for module in group))
        documents = ["//:documents"] if any(module.reads_documents for module in group) else []
        folders = [f":{name}" for name in self._data_folders if name in strings or group[0].is_script]
        return [name for name in self._files if name in strings] + folders + documents

    def _label(self, name: str, suffix: str = "") -> str:
        module = self._known[name]
        folder, target = module.path.parent, module.target + suffix
        if folder == self._folder:
            return f":{target}"
        return f"//{folder}" if target == folder.name else f"//{folder}:{target}"


def _listed(name: str, values: Iterable[str]) -> str:
    values = sorted(values, key=lambda value: (value.startswith("//"), value.startswith(":"), value))
    if len(values) == 1:
        return f"{name} = [{_quoted(values[0])}],"
    return f"{name} = [\n" + "".join(f"        {_quoted(value)},\n" for value in values) + "    ],"


def _quoted(text: str) -> str:
    return f'"{text}"'


def main() -> None:
    """Writes every BUILD file, and removes those of folders without Python files."""
    wanted = build_files()
    for path in (path for folder in FOLDERS for path in (ROOT / folder).rglob("BUILD") if path not in wanted):
        path.unlink()
    for path, text in wanted.items():
        path.write_text(text, "utf-8")
    print(f"{len(wanted)} BUILD files")


if __name__ == "__main__":
    main()
