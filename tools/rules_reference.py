"""Writes docs/rules.md from the named rules: python -m tools.rules_reference"""

from __future__ import annotations

import pathlib

from nos_tf.common.text import markdown_table
from nos_tf.exporters.latex import formulas
from nos_tf.exporters.layout import arguments
from nos_tf.exporters.recipe import recipe
from nos_tf.exporters.subject import NAMES, subject
from nos_tf.paper.cells import TABLES, Column
from tools.language_reference import markdown_math

PAGE = pathlib.Path(__file__).parents[1] / "docs" / "rules.md"
_INTRODUCTION = """\
# Named rules

Generated from [named_rules.py](../nos_tf/dsl/named_rules.py) and [the paper's tables](../nos_tf/paper/cells.py) by
`python -m tools.rules_reference`. All names are listed by `nos_tf.optimizers.names()`, which accepts wildcards, and
[can be exported](export.md) to other frameworks. The numbers are the paper's, not measured here, and are marked by how
far they were verified: [A] the paper's own figure or abstract, [B] agreed by independent re-implementations,
[C] an unverified transcription, [?] no source at hand. [Another page](sign_optimizers.md) compares PowerSign and
AddSign with today's optimizers.
"""


def page() -> str:
    """Renders the whole page."""
    rows = []
    for name in NAMES:
        rule = subject(name)
        slots = " ".join(f"`{slot.name}`" for slot in recipe(rule.program).slots) or "-"
        rows.append((f"[`{name}`](#{_anchor(name)})", f"`{rule.text}`", slots))
    return "\n".join([_INTRODUCTION, markdown_table(("name", "rule", "averages kept"), rows), *map(_section, NAMES)])


def _anchor(name: str) -> str:
    return name.replace(".", "")


def _section(name: str) -> str:
    rule = subject(name)
    steps = recipe(rule.program)
    lines = [line.replace("&", "") for line in formulas(rule, steps)]
    slots = ", ".join(f"`{slot.name}`" for slot in steps.slots) or "nothing"
    hyperparameters = ", ".join(f"`{each}`" for each in arguments(steps))
    parts = [
        f"## {name}",
        "\n\n".join(f"$`{markdown_math(line)}`$" for line in lines),
        " ".join(rule.provenance),
        f"State per weight: {slots}. Hyperparameters besides the learning rate: {hyperparameters or 'none'}.",
        *_paper(name),
        f"```sh\nnos-tf-export {name} --to=torch   # or keras, optax, numpy, latex, markdown\n```",
    ]
    return "\n\n".join(parts) + "\n"


def _paper(name: str) -> list[str]:
    """Renders the paper's numbers for a rule as a list, if there are any."""
    lines = []
    for table in TABLES:
        for row in table.rows:
            if row.optimizer == name:
                cells = zip(table.columns, row.values, strict=True)
                numbers = ", ".join(f"{column.heading} {_number(value, column)}" for column, value in cells)
                lines.append(f"- [{table.trust.value}] {table.title}: {numbers}")
    return ["\n".join(lines)] if lines else []


def _number(value: float, column: Column) -> str:
    return f"{value:.{column.decimals}f}" if column.decimals is not None else f"{value:g}"


def main() -> None:
    """Writes the page."""
    PAGE.write_text(page(), "utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
