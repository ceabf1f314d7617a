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
