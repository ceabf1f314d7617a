"""Rephrases absl's command-line errors in the style of our own messages."""

from __future__ import annotations

import re

from absl import flags

from nos_tf.common.errors import excerpt, first_line, nearest

_ALL = "--helpfull lists all flags"
_LENGTH = 60  # Characters of a value that a message quotes.


def sentence(error: Exception, known: flags.FlagValues) -> str:
    """Returns one line that says what is wrong with a command line, what to do, and what was received.

    Args:
      error: Exception raised while parsing the command line.
      known: The flags it was parsed with.
    """
    if isinstance(error, flags.UnrecognizedFlagError):
        near = nearest(error.flagname, known)
        return f"Unknown flag{f'; did you mean --{near}?' if near else '.'} {_ALL}. Received: --{error.flagname}"
    if isinstance(error, flags.CantOpenFlagFileError) and isinstance(error.__context__, OSError):
        reason = error.__context__
        return f"The flagfile cannot be read ({first_line(reason)}); check the path. Received: {reason.filename}"
    if isinstance(error, UnicodeDecodeError):
        return "The flagfile is not UTF-8 text; name another. Received: --flagfile"
    refused = re.match(r"flag --(\w+)=(.*?): ", str(error), re.DOTALL)
    if refused is None:
        return f"{first_line(error)}; {_ALL}"
    name, value = refused.groups()
    value = value if len(value) <= _LENGTH else excerpt(value, _LENGTH)
    return f"--{name} must be {_wanted(known[name].parser)}. Received: --{name}={value}"


def _wanted(parser: flags.ArgumentParser) -> str:
    if isinstance(parser, flags.EnumParser):
        return f"one of {', '.join(parser.enum_values)}"
    if isinstance(parser, flags.BooleanParser):
        return "true or false"
    article = {"integer": "an ", "number": "a "}.get(parser.syntactic_help.partition(" ")[0], "")
    return article + parser.syntactic_help
