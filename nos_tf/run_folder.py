"""The folder of one run: what lies in it, who may use it, and that one process at a time does."""

from __future__ import annotations

import contextlib
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import filelock

from nos_tf.errors import RunError

CONFIGURATION = "config.json"
RESULTS = "results.json"
_LOCK = "run.lock"


def check(folder: Path, marker: str, resume: bool) -> None:
    """Refuses a folder that holds something else than a run to be resumed; changes nothing.

    Args:
      folder: Folder of the run; may be missing.
      marker: Name of the first file that such a run writes; its own process may have left `marker.new` half-written.
      resume: Whether to go on with the run that the folder may hold.

    Raises:
      RunError: Something lies in the folder, and it is no such run or `resume` is not set.
    """
    try:
        names = {entry.name for entry in folder.iterdir()} if folder.exists() else set()
    except OSError as error:
        raise RunError(
            f"The run folder cannot be read ({error.strerror}); choose another --run_dir. Received: {folder}"
        ) from None
    if marker in names and not resume:
        raise RunError(f"The run folder already holds a run; --resume continues it. Received: {folder}")
    leftovers = {_LOCK, f"{marker}.new", f"{marker}.new-journal", _new(Path(marker)).name}
    if marker not in names and names - leftovers:
        raise RunError(f"The run folder holds other files than such a run's; choose another. Received: {folder}")


@contextlib.contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Makes the folder and holds its lock; the kernel frees the lock when the process ends, however it ends.

    Raises:
      RunError: The folder cannot be written, or another process holds the lock.
    """
    path, owner = folder / _LOCK, ""
    lock = filelock.FileLock(path, blocking=False)
    try:
        folder.mkdir(parents=True, exist_ok=True)
        lock.acquire()
    except filelock.Timeout:
        with contextlib.suppress(OSError):  # Windows lets no other process read a locked file.
            owner = f" (PID {path.read_text().strip()})"
        raise RunError(
            f"Another process{owner} is working in this run folder; "
            f"wait for it or choose another --run_dir. Received: {folder}"
        ) from None
    except OSError as error:
        raise RunError(
            f"The run folder cannot be written ({error.strerror}); choose another --run_dir. Received: {folder}"
        ) from None
    with lock:
        lock.release()  # Acquired twice: above, where failures are told apart, and by the context.
        with writing(folder):
            path.write_text(f"{os.getpid()}\n")
        yield


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns a failure to write a file of the run into one line."""
    try:
        yield
    except OSError as error:
        raise RunError(
            f"Cannot write {path} ({error.strerror}); what was stored stays readable, and --resume continues it"
        ) from None


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Gives another path, with the same ending, to be written; the file there then takes the place of `path`.

    Raises:
      RunError: The file cannot be written; the earlier one stays.
    """
    temporary = _new(path)
    with writing(path):
        try:
            yield temporary
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def _new(path: Path) -> Path:
    return path.with_name(f".new-{path.name}")


def write_text(path: Path, text: str) -> None:
    """Writes a whole file or leaves the earlier one.

    Raises:
      RunError: The file cannot be written.
    """
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a whole file or leaves the earlier one.

    Raises:
      RunError: The file cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Writes a JSON file whole, or leaves the earlier one.

    Raises:
      RunError: The file cannot be written.
    """
    write_text(path, json.dumps(value, indent=2, sort_keys=True) + "\n")
