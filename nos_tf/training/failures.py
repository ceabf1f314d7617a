"""What breaks a training from outside, as one clear line instead of TensorFlow's many."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator

import tensorflow as tf

from nos_tf.errors import RunError, first_line

# What TensorFlow's decoders of images say; everything else of the same class is a mistake in a program.
_UNDECODABLE = re.compile(r"(Invalid (JPEG|PNG|GIF|BMP)[^\n\[]*|Unknown image file format[^\n\[]*|Input is empty)")


@contextlib.contextmanager
def damaged_data() -> Iterator[None]:
    """Raises a `RunError` where the data that are read within are damaged.

    Raises:
      RunError: A record is damaged, or cannot be decoded.
    """
    try:
        yield
    except tf.errors.DataLossError as error:
        raise _refusal("A file of the data is damaged", first_line(error)) from None
    except (tf.errors.InvalidArgumentError, ValueError) as error:
        found = _UNDECODABLE.search(str(error))
        if found is None:
            raise
        raise _refusal("An image of the data cannot be decoded", found[0].strip()) from None


def _refusal(what: str, reason: str) -> RunError:
    return RunError(
        f"{what}; replace it by preparing the data set again, and resume from the last checkpoint. Received: {reason}"
    )


@contextlib.contextmanager
def lost_machine() -> Iterator[None]:
    """Turns the loss of another machine into one line.

    Raises:
      RunError: One has gone.
    """
    try:
        yield
    except (tf.errors.UnavailableError, tf.errors.AbortedError) as error:
        raise RunError(
            f"Another machine has gone ({first_line(error)}); start and resume all of them, and they go on from the "
            "last save of the first one"
        ) from None
