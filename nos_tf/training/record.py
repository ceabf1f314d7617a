"""What a run folder says of itself: what was asked for, with which code, and what came out."""

from __future__ import annotations

import datetime
import hashlib
import json
import shlex
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import nos_tf
from nos_tf import run_folder
from nos_tf.errors import RunError
from nos_tf.versions import versions

_HASH_DIGITS = 12


def config_hash(flags: Mapping[str, Any], without: frozenset[str]) -> str:
    """A short name of everything that the numbers depend on: two runs of equal hash differ by their code alone.

    Args:
      flags: Values by name, as JSON can hold them.
      without: Names of those that change no number.
    """
    kept = {name: value for name, value in flags.items() if name not in without}
    return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:_HASH_DIGITS]


def begin(
    folder: Path, experiment: str, flags: Mapping[str, Any], without: frozenset[str], resume: bool
) -> dict[str, Any]:
    """Writes `config.json`, or finds that the folder holds the same run already.

    Args:
      folder: The run folder, locked by this process.
      experiment: Name of the script.
      flags: All flags, resolved, as JSON can hold them.
      without: Names of the flags that change no number: these may differ when a run is resumed.
      resume: Whether to go on with what the folder may hold.

    Returns:
      The content of `config.json`.

    Raises:
      RunError: The folder holds another run, or cannot be written.
    """
    run_folder.check(folder, run_folder.CONFIGURATION, resume)
    path = folder / run_folder.CONFIGURATION
    digest = config_hash(flags, without)
    if path.exists():
        stored = read_json(path)
        found = stored.get("flags")
        was = found if isinstance(found, dict) else {}
        if stored.get("experiment") != experiment or stored.get("config_hash") != digest:
            names = [name for name in flags if name not in without and was.get(name) != flags[name]]
            different = ", ".join(f"--{name}={was.get(name)}" for name in names)
            raise RunError(
                f"The run folder holds {stored.get('experiment')} with {different or 'other settings'}; "
                f"resume with these or choose another --run_dir. Received: {folder}"
            )
        return stored
    config = {
        "experiment": experiment,
        "command": shlex.join(["python", "-m", f"experiments.{experiment}", *sys.argv[1:]]),
        "flags": dict(flags),
        "seed": flags.get("seed"),
        "versions": versions(),
        "commit": _commit(),
        "config_hash": digest,
        "started": datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="seconds"),
    }
    run_folder.write_json(path, config)
    return config


def read_json(path: Path) -> dict[str, Any]:
    """A JSON object of a run folder.

    Raises:
      RunError: The file cannot be read or holds something else.
    """
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise RunError(f"A file of the run cannot be read ({error}). Received: {path}") from None
    if not isinstance(value, dict):
        raise RunError(f"A file of the run holds no JSON object. Received: {path}")
    return value


def _commit() -> str | None:
    """The commit of the source tree, with "-dirty" where files differ from it; None outside of one."""
    tree = Path(nos_tf.__file__).parent

    def git(*arguments: str) -> str:
        return subprocess.run(["git", *arguments], cwd=tree, capture_output=True, text=True, check=True).stdout.strip()

    try:
        return git("rev-parse", "--short=12", "HEAD") + ("-dirty" if git("status", "--porcelain", "-uno") else "")
    except (OSError, subprocess.CalledProcessError):
        return None
