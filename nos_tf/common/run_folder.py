"""A run's folder: what it contains, the lock that admits one process at a time, and how its files are written."""

from __future__ import annotations

import contextlib
import datetime
import hashlib
import json
import os
import secrets
import shlex
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import TracebackType
from typing import Any

import filelock

from nos_tf.common.errors import RunError, first_line
from nos_tf.common.versions import commit, versions

CONFIGURATION = "config.json"
RESULTS = "results.json"
NEW = ".new-"  # Prefix of files that are being written.
_LOCK = "run.lock"
_HASH_DIGITS = 12


class RunFolder:
    """The folder of a run, opened once and passed around.

    Entering the context creates and locks the folder; the kernel releases the lock when the process ends, however it
    ends. A folder that was created here and in which nothing was written is removed on exit.

    Args:
      path: The folder; may not exist yet.
      marker: Name of the first file that a run of this kind writes; an interrupted run may leave `marker.new` behind.
      resume: Whether to continue a run that is already in the folder.

    Attributes:
      path: The folder.

    Raises:
      RunError: The folder contains other files, or a run while `resume` is not set. Nothing has been changed.
    """

    def __init__(self, path: Path, marker: str = CONFIGURATION, resume: bool = False):
        self.path = path
        self._marker = marker
        self._resume = resume
        self._lock = filelock.FileLock(path / _LOCK, blocking=False)
        self._created = False
        self._check_content()

    def __enter__(self) -> RunFolder:
        """Raises:
        RunError: The folder is not writable, or another process holds the lock.
        """
        owner = ""
        self.create()
        try:
            self._lock.acquire()
        except filelock.Timeout:
            with contextlib.suppress(OSError):  # Windows lets no other process read a locked file.
                owner = f" (PID {(self.path / _LOCK).read_text().strip()})"
            raise RunError(
                f"Another process{owner} is using this run folder; wait for it to finish or choose another. "
                f"Received: {self.path}"
            ) from None
        except OSError as error:
            raise self._refusal(error) from None
        try:
            with writing(self.path):
                (self.path / _LOCK).write_text(f"{os.getpid()}\n")
            self._check_content()  # Another process may have started a run between the first check and the lock.
        except RunError:
            self._lock.release()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._lock.release()
        if self._created and [path.name for path in self.path.iterdir()] == [_LOCK]:
            with contextlib.suppress(OSError):
                (self.path / _LOCK).unlink()
                self.path.rmdir()

    def create(self) -> None:
        """Creates the folder if it does not exist.

        Raises:
          RunError: It cannot be created.
        """
        try:
            self._created = not self.path.exists()
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise self._refusal(error) from None

    def _refusal(self, error: OSError) -> RunError:
        reason = first_line(error)
        return RunError(f"The run folder cannot be written to ({reason}); choose another. Received: {self.path}")

    def __truediv__(self, name: str) -> Path:
        """Path of one of the run's files."""
        return self.path / name

    def _check_content(self) -> None:
        try:
            names = {entry.name for entry in self.path.iterdir()} if self.path.exists() else set()
        except OSError as error:
            raise RunError(
                f"The run folder cannot be read ({error.strerror}); choose another. Received: {self.path}"
            ) from None
        marker = self._marker
        if marker in names and not self._resume:
            raise RunError(
                f"The run folder already holds a run; resume it or choose another folder. Received: {self.path}"
            )
        leftovers = {_LOCK, f"{marker}.new", f"{marker}.new-journal"}
        if marker not in names and any(name not in leftovers and not name.startswith(NEW) for name in names):
            raise RunError(f"The run folder contains unrelated files; choose another. Received: {self.path}")

    def begin(self, experiment: str, flags: Mapping[str, Any], without: frozenset[str]) -> dict[str, Any]:
        """Writes `config.json`, or checks that the folder already contains the same run.

        Args:
          experiment: Name of the script.
          flags: All flags, resolved, as JSON values.
          without: Names of the flags that do not affect any number and may therefore differ when a run is resumed.

        Returns:
          The content of `config.json`.

        Raises:
          RunError: The folder contains another run or is not writable.
        """
        path = self / CONFIGURATION
        digest = config_hash(flags, without)
        if path.exists():
            stored = read_json(path)
            stored_flags = stored.get("flags")
            old_flags = stored_flags if isinstance(stored_flags, dict) else {}
            if stored.get("experiment") != experiment or stored.get("config_hash") != digest:
                names = [name for name in flags if name not in without and old_flags.get(name) != flags[name]]
                different = ", ".join(f"{name}={old_flags.get(name)}" for name in names)
                raise RunError(
                    f"The run folder holds a run of {stored.get('experiment')} with {different or 'other settings'}; "
                    f"resume with these or choose another folder. Received: {self.path}"
                )
            return stored
        config = {
            "experiment": experiment,
            "command": shlex.join(["python", "-m", f"experiments.{experiment}", *sys.argv[1:]]),
            "flags": dict(flags),
            "seed": flags.get("seed"),
            "versions": versions(),
            "commit": commit(),
            "config_hash": digest,
            "started": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
        }
        write_json(path, config)
        return config


def config_hash(flags: Mapping[str, Any], without: frozenset[str]) -> str:
    """A short hash of everything that the numbers depend on: two runs with the same hash can only differ in their code.

    Args:
      flags: Flag values by name, as JSON values.
      without: Names of the flags that do not affect any number.
    """
    relevant = {name: value for name, value in flags.items() if name not in without}
    return hashlib.sha256(json.dumps(relevant, sort_keys=True).encode()).hexdigest()[:_HASH_DIGITS]


def read_json(path: Path) -> dict[str, Any]:
    """Reads a JSON object from a run folder.

    Raises:
      RunError: The file cannot be read or is not a JSON object.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise RunError(f"The folder holds no {path.name}, so no run of this script. Received: {path.parent}") from None
    except (OSError, ValueError) as error:
        raise RunError(f"A file of the run cannot be read ({first_line(error)}). Received: {path}") from None
    if not isinstance(value, dict):
        raise RunError(f"One of the run's files is not a JSON object. Received: {path}")
    return value


@contextlib.contextmanager
def writing(path: Path) -> Iterator[None]:
    """Turns a failure to write one of the run's files into a one-line error."""
    try:
        yield
    except OSError as error:
        raise RunError(
            f"Cannot write {path} ({first_line(error)}); what was stored stays readable, and the run can be resumed"
        ) from None


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yields a temporary path with the same extension; the file written there then replaces `path`.

    Several machines may write the same file of a shared folder at once; each has its own temporary path.

    Raises:
      RunError: The file cannot be written; the earlier one is kept.
    """
    temporary = path.with_name(f"{NEW}{secrets.token_hex(4)}-{path.name}")
    with writing(path):
        try:
            yield temporary
            temporary.replace(path)
        except OSError:
            temporary.unlink(missing_ok=True)
            raise


def write_text(path: Path, text: str) -> None:
    """Writes a file atomically; on failure, the earlier one is kept.

    Raises:
      RunError: The file cannot be written.
    """
    write_bytes(path, text.encode())


def write_bytes(path: Path, content: bytes) -> None:
    """Writes a file atomically; on failure, the earlier one is kept.

    Raises:
      RunError: The file cannot be written.
    """
    with replacing(path) as temporary:
        temporary.write_bytes(content)


def write_json(path: Path, value: Mapping[str, Any]) -> None:
    """Writes a JSON file atomically; on failure, the earlier one is kept.

    Raises:
      RunError: The file cannot be written.
    """
    write_text(path, json.dumps(value, indent=2, sort_keys=True) + "\n")
