"""A rule as a section of a Markdown page."""

from __future__ import annotations

from nos_tf.common.text import markdown_table, number
from nos_tf.exporters import latex
from nos_tf.exporters.layout import arguments, header
from nos_tf.exporters.recipe import Recipe
from nos_tf.exporters.subject import Subject


def source(subject: Subject, recipe: Recipe) -> str:
    """The equations, the rule's text, what it stores for every weight, its hyperparameters, and its origin."""
    formulas = [line.replace("&", "") for line in latex.formulas(subject, recipe)]
    slots = ", ".join(f"`{slot.name}`" for slot in recipe.slots) or "nothing"
    parts = [
        f"## {subject.class_name}",
        "\n\n".join(f"```math\n{line}\n```" for line in formulas),
        f"- Rule: `{subject.text}`\n- Kept for every weight: {slots}",
    ]
    rows = [(f"`{name}`", meaning) for name, meaning in arguments(recipe).items()]
    if subject.learning_rate is not None:
        rows.insert(0, ("`learning_rate`", f"{number(subject.learning_rate)} was best in the search."))
    if rows:
        parts.append(markdown_table(("hyperparameter", "meaning"), rows).rstrip())
    parts.append(" ".join(subject.provenance))
    comment = "".join(f"{line[2:]}\n" for line in header(subject)[:1])
    return f"<!-- {comment.strip()} -->\n\n" + "\n\n".join(parts) + "\n"
