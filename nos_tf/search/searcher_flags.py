"""Flags of a search that say who proposes rules, with which settings, and out of which space."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from typing import Any

from absl import flags

from nos_tf import searchers
from nos_tf.dsl.entries import Binary, Operand, Unary, base_names
from nos_tf.dsl.primitives import BINARY, OPERANDS, UNARY
from nos_tf.dsl.search_space import CONSTRAINTS, SearchSpace
from nos_tf.errors import RunError
from nos_tf.search.configuration import BATCH_SIZE

ALIASES = {"learning_rate": "controller_learning_rate"}  # Earlier names of flags, which still work.


def define() -> None:
    """Defines the flags."""
    flags.DEFINE_enum("searcher", "ppo", list(searchers.names()), "Who proposes rules.")
    flags.DEFINE_integer("num_groups", 2, "Groups of five tokens that a rule has.", lower_bound=1, upper_bound=4)
    tables: dict[str, Mapping[str, Operand | Unary | Binary]] = {"operands": OPERANDS, "unary": UNARY, "binary": BINARY}
    for name, table in tables.items():
        flags.DEFINE_list(
            name, list(base_names(table)), f"Primitives that rules are made of. Known: {', '.join(table)}."
        )
    flags.DEFINE_list(
        "constraints", list(CONSTRAINTS), f"What every rule must meet. Known: {', '.join(CONSTRAINTS)}; none: ''."
    )

    flags.DEFINE_integer("batch_size", BATCH_SIZE, "Rules from one update of the searcher to the next.", lower_bound=1)
    _define_settings()
    for alias, name in ALIASES.items():
        flags.DEFINE_alias(alias, name)


def of(searcher: str) -> dict[str, dataclasses.Field[Any]]:
    """The settings of a searcher that are flags, by the names of the flags."""
    fields = dataclasses.fields(searchers.settings(searcher))
    return {field.metadata["flag"]: field for field in fields if field.metadata["flag"]}


def _define_settings() -> None:
    """Defines a flag for each setting of any searcher; one that is not given has the searcher's own default."""
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
        low = max(
            (bound for word in ("at least", "above") if (bound := first.metadata["bounds"][word]) is not None),
            default=None,
        )
        if isinstance(first.default, bool):
            flags.DEFINE_bool(name, None, text)
        elif isinstance(first.default, int):
            flags.DEFINE_integer(name, None, text, lower_bound=low)
        else:
            flags.DEFINE_float(name, None, text, lower_bound=low)


def space(values: Mapping[str, Any]) -> SearchSpace:
    """What rules are drawn from.

    Raises:
      RunError: A primitive or a constraint is unknown, or nothing is left.
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
    """The searcher's own settings, by their names.

    Raises:
      RunError: One is out of its range, or a flag is given that is another searcher's.
    """
    own = of(values["searcher"])
    for name in sorted({name for searcher in searchers.names() for name in of(searcher)}.difference(own)):
        if flags.FLAGS[name].present:
            raise RunError(
                f"This is not a setting of --searcher={values['searcher']}; drop it. Received: --{name}={values[name]}"
            )
    chosen = {field.name: values[name] for name, field in own.items()}
    try:
        searchers.settings(values["searcher"], **chosen)
    except ValueError as error:
        raise RunError(str(error)) from None
    return chosen
