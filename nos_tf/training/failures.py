"""Turns TensorFlow's long errors about damaged data and lost machines into one clear line."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import tensorflow as tf

from nos_tf.common.errors import RunError, first_line

# Messages of TensorFlow's image decoders; any other error of the same class is a bug.
_UNDECODABLE = re.compile(r"(Invalid (JPEG|PNG|GIF|BMP)[^\n\[]*|Unknown image file format[^\n\[]*|Input is empty)")


@contextlib.contextmanager
def damaged_data() -> Iterator[None]:
    """Context that reports damaged data as a `RunError`.

    Raises:
      RunError: A record is damaged or cannot be decoded.
    """
    try:
        yield
    except tf.errors.DataLossError as error:
        raise _refusal("A data file is damaged", first_line(error)) from None
    except (tf.errors.InvalidArgumentError, ValueError) as error:
        match = _UNDECODABLE.search(str(error))
        if match is None:
            raise
        raise _refusal("An image in the data cannot be decoded", match[0].strip()) from None


def _refusal(what: str, reason: str) -> RunError:
    return RunError(f"{what}; prepare the dataset again, then resume from the last checkpoint. Received: {reason}")


@contextlib.contextmanager
def lost_machine() -> Iterator[None]:
    """Context that reports the loss of another machine as a `RunError`.

    Raises:
      RunError: Another machine is gone.
    """
    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
        raise RunError(
            f"Another machine is gone ({first_line(error)}); restart all machines and resume, and training continues "
            "from the first machine's last checkpoint"
        ) from None
