"""Writes docs/api.md from the docstrings of the public API: python -m tools.api_reference"""

from __future__ import annotations

import importlib
import inspect
import pathlib
import re
import types
from collections.abc import Callable
from typing import Any

PAGE = pathlib.Path(__file__).parents[1] / "docs" / "api.md"
MODULES = (
    "nos_tf",
    "nos_tf.optimizers",
    "nos_tf.optimizers.schedules",
    "nos_tf.tasks",
    "nos_tf.searchers",
    "nos_tf.table",
    "nos_tf.evaluation.judgment",
    # Building blocks of the scripts in experiments/, with the extra [reproduce].
    "nos_tf.training.experiment",
    "nos_tf.training.fit",
    "nos_tf.training.study",
    "nos_tf.training.command",
    "nos_tf.models.convnet",
    "nos_tf.models.wide_resnet",
    "nos_tf.models.mobile",
    "nos_tf.models.heads",
    "nos_tf.models.gnmt",
    "nos_tf.datasets.cifar10_batches",
    "nos_tf.datasets.imagenet",
    "nos_tf.datasets.wmt14",
    "nos_tf.datasets.parallel_text",
    "nos_tf.translation.batches",
    "nos_tf.translation.translate",
    "nos_tf.translation.quality",
    "nos_tf.translation.alignment",
    "nos_tf.paper.results",
    "nos_tf.paper.ledger",
    "nos_tf.paper.markdown",
    "nos_tf.paper.page",
    "nos_tf.paper.text",
)


def page() -> str:
    """Renders the whole page."""
    parts = ["# API reference", "Generated from the docstrings by `python -m tools.api_reference`."]
    for name in MODULES:
        module = importlib.import_module(name)
        parts += [f"## `{name}`", _text(module)]
        for public in _public(module):
            entry = getattr(module, public)
            if inspect.isclass(entry) or inspect.isfunction(entry):
                parts += [f"### `{name}.{public}`", f"```text\n{_signature(public, entry)}\n```", _text(entry)]
                if inspect.isclass(entry):
                    parts += _methods(public, entry)
    return "\n\n".join(parts) + "\n"


def _public(module: types.ModuleType) -> list[str]:
    defined = [name for name, entry in vars(module).items() if getattr(entry, "__module__", "") == module.__name__]
    return sorted(getattr(module, "__all__", [name for name in defined if not name.startswith("_")]))


def _methods(owner: str, cls: type) -> list[str]:
    parts = []
    for name, entry in sorted(vars(cls).items()):
        function = entry.__func__ if isinstance(entry, classmethod | staticmethod) else entry
        if name.startswith("_") or not inspect.isfunction(function) or not function.__doc__:
            continue
        parts += [f"#### `{owner}.{name}`", f"```text\n{_signature(name, function)}\n```", _text(function)]
    return parts


def _signature(name: str, entry: Callable[..., Any]) -> str:
    try:
        text = str(inspect.signature(entry))
    except ValueError:  # An exception that does not define a constructor.
        text = "(message)"
    return re.sub(r"<function .*? at 0x[0-9a-f]+>", "...", f"{name}{text}".replace("'", ""))


def _text(entry: object) -> str:
    return f"```text\n{inspect.cleandoc(entry.__doc__ or '')}\n```"


def main() -> None:
    """Writes the page."""
    PAGE.write_text(page(), "utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
