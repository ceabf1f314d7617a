"""Records that a study appends to a file, one JSON object a line."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from nos_tf.common.run_folder import writing


def read(path: Path) -> list[dict[str, Any]]:
    """The records in the file; none if it does not exist.

    A last line that was cut short, by a kill or a full disk, is not a record.
    """
    content = path.read_bytes() if path.exists() else b""
    return [json.loads(line) for line in content[: content.rfind(b"\n") + 1].splitlines()]


def append(path: Path, record: Mapping[str, Any]) -> None:
    """Adds a record to the end of the file, in place of a last line that was cut short.

    Raises:
      RunError: The file cannot be written.
    """
    with writing(path), path.open("ab+") as file:
        file.seek(0)
        file.truncate(file.read().rfind(b"\n") + 1)
        file.write(json.dumps(record).encode() + b"\n")
