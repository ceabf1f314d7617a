"""Search flags for the searcher, its settings and the search space."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from absl import flags

from nos_tf import searchers
from nos_tf.common.errors import RunError
from nos_tf.common.settings import lower_bound
from nos_tf.dsl.entries import Binary, Operand, Unary, base_names
from nos_tf.dsl.primitives import BINARY, OPERANDS, UNARY
from nos_tf.dsl.search_space import CONSTRAINTS, SearchSpace
from nos_tf.search.configuration import BATCH_SIZE

ALIASES = {"learning_rate": "controller_learning_rate"}  # Former flag names that still work.


def define() -> None:
    """Defines the flags."""
    flags.DEFINE_enum("searcher", "evolution", list(searchers.names()), "Algorithm that proposes rules.")
    flags.DEFINE_integer("num_groups", 1, "Groups of five tokens in a rule.", lower_bound=1, upper_bound=4)
    tables: dict[str, Mapping[str, Operand | Unary | Binary]] = {"operands": OPERANDS, "unary": UNARY, "binary": BINARY}
    for name, table in tables.items():
        flags.DEFINE_list(
            name, list(base_names(table)), f"Primitives from which rules are built. Known: {', '.join(table)}."
        )
    flags.DEFINE_list(
        "constraints", list(CONSTRAINTS), f"Constraints on rules; '' for none. Known: {', '.join(CONSTRAINTS)}."
    )

    flags.DEFINE_integer("batch_size", BATCH_SIZE, "Number of rules per update of the searcher.", lower_bound=1)
    _define_settings()
    for alias, name in ALIASES.items():
        flags.DEFINE_alias(alias, name)


def of(searcher: str) -> dict[str, dataclasses.Field[Any]]:
    """Settings of a searcher that have a flag, by flag name."""
    fields = dataclasses.fields(searchers.settings(searcher))
    return {field.metadata["flag"]: field for field in fields if field.metadata["flag"]}


def _define_settings() -> None:
    """Defines a flag for each setting of any searcher; without it, the searcher's own default applies."""
    users: dict[str, dict[str, dataclasses.Field[Any]]] = {}
    for searcher in searchers.names():
        for name, field in of(searcher).items():
            users.setdefault(name, {})[searcher] = field
    for name, fields in users.items():
        first = next(iter(fields.values()))
        by_default: dict[Any, list[str]] = {}
        for searcher, field in fields.items():
            by_default.setdefault(field.default, []).append(searcher)
        defaults = "; ".join(f"{value} ({', '.join(names)})" for value, names in by_default.items())
        text = f"{first.metadata['help']} By default {defaults}."
        low = lower_bound(first)
        if isinstance(first.default, bool):
            flags.DEFINE_bool(name, None, text)
        elif isinstance(first.default, int):
            flags.DEFINE_integer(name, None, text, lower_bound=low)
        else:
            flags.DEFINE_float(name, None, text, lower_bound=low)


def space(values: Mapping[str, Any]) -> SearchSpace:
    """Returns the search space that the flags describe.

    Raises:
      RunError: A primitive or constraint is unknown, or the space is empty.
    """
    try:
        return SearchSpace(
            num_groups=values["num_groups"],
            operands=tuple(values["operands"]),
            unary=tuple(values["unary"]),
            binary=tuple(values["binary"]),
            constraints=frozenset(values["constraints"]),
        )
    except ValueError as error:
        raise RunError(str(error)) from None


def settings(values: Mapping[str, Any]) -> dict[str, Any]:
    """Settings of the chosen searcher, by name.

    Raises:
      RunError: A setting is out of range, or a given flag belongs to another searcher.
    """
    fields = of(values["searcher"])
    for name in sorted({name for searcher in searchers.names() for name in of(searcher)}.difference(fields)):
        if flags.FLAGS[name].present:
            raise RunError(
                f"This is not a setting of --searcher={values['searcher']}; drop it. Received: --{name}={values[name]}"
            )
    chosen = {field.name: values[name] for name, field in fields.items()}
    try:
        searchers.settings(values["searcher"], **chosen)
    except ValueError as error:
        raise RunError(str(error)) from None
    return chosen
