"""A rule as LaTeX."""

from __future__ import annotations

from nos_tf.dsl.primitives import OPERANDS
from nos_tf.exporters.layout import header
from nos_tf.exporters.printing import LATEX
from nos_tf.exporters.recipe import Recipe
from nos_tf.exporters.subject import Subject

_PRODUCT_BY_ONE = r" \cdot 1"  # How a single operand becomes a group.


def source(subject: Subject, recipe: Recipe) -> str:
    """An `align*` environment, with license and provenance as comments."""
    comments = [f"%{line[1:]}" for line in header(subject)]
    lines = formulas(subject, recipe)
    broken = [*(rf"{line} \\" for line in lines[:-1]), lines[-1]]
    return "\n".join([*comments, r"\begin{align*}", *broken, r"\end{align*}"]) + "\n"


def formulas(subject: Subject, recipe: Recipe) -> list[str]:
    """The recurrences, the definitions of operands, and the update, aligned at their relation signs."""
    lines = [
        rf"{LATEX.names.get(slot.name, slot.name)} &\leftarrow {LATEX.write(slot.updated)}" for slot in recipe.slots
    ]
    lines += [f"{OPERANDS[each.name].latex} &= {LATEX.write(each.expression)}" for each in recipe.definitions]
    update = subject.program.to_latex()
    return [*lines, rf"w &\leftarrow w - \eta \left({update.removesuffix(_PRODUCT_BY_ONE)}\right)"]
