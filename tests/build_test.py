"""The BUILD files hold every source and test, with the dependencies that their imports need."""

from __future__ import annotations

import ast
import graphlib
import os
import pathlib

import pytest

from tools import build_files

pytestmark = pytest.mark.skipif("TEST_WORKSPACE" in os.environ, reason="Bazel shows a test only what it declares")


def targets() -> dict[str, dict[str, list[str]]]:
    """List attributes of every target of the tree by its label, read from the files as Bazel reads them."""
    found = {}
    for path in (path for folder in build_files.FOLDERS for path in (build_files.ROOT / folder).rglob("BUILD")):
        folder = path.parent.relative_to(build_files.ROOT).as_posix()
        for call in (node.value for node in ast.parse(path.read_text("utf-8")).body if isinstance(node, ast.Expr)):
            assert isinstance(call, ast.Call)
            attributes = {word.arg: word.value for word in call.keywords}
            if "srcs" not in attributes or not isinstance(attributes["srcs"], ast.List):
                continue
            lists = {
                name: [absolute(label, folder) for label in ast.literal_eval(value)]
                for name, value in attributes.items()
                if name in ("srcs", "data", "deps") and isinstance(value, ast.List)
            }
            found[absolute(":" + ast.literal_eval(attributes["name"]), folder)] = lists
    return found


def absolute(label: str, folder: str) -> str:
    if label.startswith("//"):
        return label if ":" in label else f"{label}:{label.rpartition('/')[2]}"
    return f"//{folder}:{label.removeprefix(':')}"


def file_of(label: str) -> pathlib.Path:
    return build_files.ROOT / label.removeprefix("//").replace(":", "/")


def test_build_files_are_those_of_the_sources() -> None:
    wrong = [path for path, text in build_files.build_files().items() if not path.exists() or path.read_text() != text]
    assert not wrong, f"Run `python -m tools.build_files`. Received: {[str(path) for path in wrong]}"


def test_every_file_is_in_a_target_and_every_target_has_its_files() -> None:
    listed = {file_of(label) for lists in targets().values() for label in lists["srcs"]}
    found = {path for folder in build_files.FOLDERS for path in (build_files.ROOT / folder).rglob("*.py")}
    assert listed == found


def test_tests_are_in_tests_and_libraries_are_not() -> None:
    for label, lists in targets().items():
        tests = [source for source in lists["srcs"] if source.endswith("_test.py")]
        if label.endswith("_test"):
            assert sorted([*tests, "//tests:pytest_main.py"]) == sorted(lists["srcs"])
        else:
            assert not tests, label


def test_what_a_module_imports_from_here_reaches_it() -> None:
    """Held against Python's own view: an import's file is among the sources of the target's closure."""
    known = targets()
    for label, lists in known.items():
        reached = closure(label, known)
        for source in lists["srcs"]:
            if source == "//tests:pytest_main.py":
                continue
            for node in ast.walk(ast.parse(file_of(source).read_text("utf-8"))):
                if isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] in build_files.FOLDERS:
                    path = build_files.ROOT / node.module.replace(".", "/")
                    if path.with_suffix(".py").exists():
                        assert path.with_suffix(".py") in reached, (source, node.module)
                    for alias in node.names:
                        module = path / f"{alias.name}.py"
                        package = path / alias.name / "__init__.py"
                        origin = next((file for file in (module, package) if file.exists()), path / "__init__.py")
                        assert origin in reached or path.with_suffix(".py").exists(), (source, node.module, alias.name)


def closure(label: str, known: dict[str, dict[str, list[str]]]) -> set[pathlib.Path]:
    seen, stack = {label}, [label]
    while stack:
        for dependency in known[stack.pop()].get("deps", []):
            assert dependency in known, f"No such target: {dependency}, needed by {label}"
            if dependency not in seen:
                seen.add(dependency)
                stack.append(dependency)
    return {file_of(source) for name in seen for source in known[name]["srcs"]}


def test_imports_have_no_circle() -> None:
    graphlib.TopologicalSorter(build_files.graph(build_files.modules())).prepare()


def write(root: pathlib.Path, files: dict[str, str]) -> None:
    for name, text in files.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)


def test_dependencies_of_a_small_tree(tmp_path: pathlib.Path) -> None:
    write(
        tmp_path,
        {
            "nos_tf/__init__.py": 'LAZY = ("late",)',
            "nos_tf/late.py": "import tensorflow",
            "nos_tf/early.py": "",
            "nos_tf/page.j2": "",
            "nos_tf/inner/__init__.py": "from nos_tf.inner.one import x",
            "nos_tf/inner/one.py": "import nos_tf.early as e; PAGE = 'page.j2'",
            "nos_tf/page.py": "PAGE = 'page.j2'",
            "nos_tf/start.py": "COMMAND = ('-m', 'nos_tf.inner.one')",
            "experiments/run.py": "from nos_tf import inner\nif __name__ == '__main__': pass",
            "experiments/folder/__main__.py": "import nos_tf.early",
            "experiments/flagfiles/a.flags": "",
            "tests/conftest.py": "",
            "tests/pytest_main.py": "",
            "tests/command_test.py": "COMMAND = ('-m', 'experiments.folder')",
            "tests/helper.py": "CODE = 'import nos_tf; nos_tf.late'",
            "tests/light_test.py": "from nos_tf.inner import one, x",
            "tests/other_test.py": "from tests.light_test import one\nNAME = 'heavy_test.py'",
            "tests/heavy_test.py": "import nos_tf\nFAKE = 'helper.py'",
            "tests/heavier_test.py": "from tests import helper",
            "tests/readme_test.py": "PATH = 'README.md'",
        },
    )
    known = build_files.modules(tmp_path)
    edges = build_files.graph(known)
    assert edges == {
        "nos_tf": {"nos_tf.late"},
        "nos_tf.late": set(),
        "nos_tf.early": set(),
        "nos_tf.inner": {"nos_tf.inner.one"},
        "nos_tf.inner.one": {"nos_tf.early"},
        "nos_tf.page": set(),
        "nos_tf.start": {"nos_tf.inner.one"},
        "experiments.run": {"nos_tf.inner"},
        "experiments.folder.__main__": {"nos_tf.early"},
        "tests.conftest": set(),
        "tests.pytest_main": set(),
        "tests.command_test": {"experiments.folder.__main__"},
        "tests.helper": {"nos_tf"},
        "tests.light_test": {"nos_tf.inner", "nos_tf.inner.one"},
        "tests.other_test": {"tests.light_test"},
        "tests.heavy_test": {"nos_tf", "tests.helper"},
        "tests.heavier_test": {"tests.helper"},
        "tests.readme_test": {name for name in known if not name.startswith("tests.")},
    }
    texts = {path.parent.name: text for path, text in build_files.build_files(tmp_path).items()}
    assert 'srcs = ["page.py"],\n    data = ["page.j2"],' in texts["nos_tf"]
    assert 'srcs = ["run.py"],\n    legacy_create_init = 0,\n    data = [":flagfiles"],' in texts["experiments"]
    assert 'srcs = glob(["flagfiles/**"]),' in texts["experiments"]
    heavy = texts["tests"].partition('name = "tensorflow_test"')[2]
    assert '"$(location heavier_test.py)",\n        "$(location heavy_test.py)",' in heavy
    assert '"//:documents",\n        "//:pyproject.toml",' in heavy  # Of the readme's test, which may load anything.
    other = texts["tests"].partition('name = "other_test"')[2].partition(")\n")[0]
    assert '        "other_test.py",\n        ":light_test.py",\n        ":pytest_main.py",' in other
    assert '"//nos_tf/inner:one",' in other
