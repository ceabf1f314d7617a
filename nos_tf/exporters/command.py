"""`python -m experiments.export`: writes a rule as a file for another framework."""

from __future__ import annotations

from pathlib import Path
from typing import NoReturn

from absl import flags

from nos_tf.cli import application, path_flags
from nos_tf.common.errors import RunError
from nos_tf.exporters import TARGETS, export

_ARGUMENT = (
    "the rule: a text such as 'exp(sign(g) * sign(m)) * g', a name such as powersign-cd, or a search's run folder"
)


def define_flags() -> None:
    """Defines the flags specific to this command."""
    flags.DEFINE_enum("to", None, TARGETS, "Target to write the rule for.")
    path_flags.define("output", None, "File to write; by default, the text is printed.")


def main() -> NoReturn:
    """Runs the command and exits."""
    define_flags()
    application.run(_main, "Interrupted; nothing was written.", _ARGUMENT)


def _main(rule: str) -> None:
    if flags.FLAGS.to is None:
        raise RunError(f"Choose a target to write the rule for: --to={'|'.join(TARGETS)}. Received: no --to")
    try:
        text = export(rule, to=flags.FLAGS.to)
    except ValueError as error:
        raise RunError(str(error)) from None
    if flags.FLAGS.output is None:
        print(text, end="")
        return
    path = Path(flags.FLAGS.output)
    try:
        path.write_text(text, "utf-8")
    except OSError as error:
        raise RunError(
            f"The file cannot be written ({error.strerror}); choose another --output. Received: {path}"
        ) from None
    print(f"Written: {path}")
