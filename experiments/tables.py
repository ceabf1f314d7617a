"""Loads tables of rules by name."""

from __future__ import annotations

import nos_tf
from nos_tf.common.errors import RunError
from nos_tf.table import Table


def load(name: str) -> Table:
    """Loads a table of the package.

    Raises:
      RunError: There is no table with this name.
    """
    try:
        return nos_tf.table.load(name)
    except ValueError as error:
        raise RunError(str(error)) from error


def identity(name: str) -> dict[str, str]:
    """What results depend on besides the name: the file, whose name has a hash of the content."""
    return {"table_file": nos_tf.table.file(name).name}
