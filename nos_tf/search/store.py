"""The store of one run: a single SQLite file that only the search process writes.

Each trial is stored as soon as it is finished, so killing the process never loses one. The disk is synced at most once
per second, so a power failure loses at most what was stored within the second after the last sync. The end of a batch
(its duplicates, and the searcher's state after learning from it) is a single transaction, so a run that is killed at
any moment and resumed has the same trials as an uninterrupted one.
"""

from __future__ import annotations

import contextlib
import io
import json
import math
import sqlite3
import struct
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from nos_tf.common.errors import RunError
from nos_tf.dsl import Program
from nos_tf.evaluation.result import Evaluation
from nos_tf.search.trial import Baseline, Batch, Proposal, Training, Trial

_APPLICATION_ID = 0x4E4F5354  # "NOST"
_VERSION = 3
_SYNC_SECONDS = 1.0
_HEADER = 100  # Bytes; https://www.sqlite.org/fileformat.html#the_database_header
_SCHEMA = """
CREATE TABLE run (name TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE trials (
  id INTEGER PRIMARY KEY, source TEXT NOT NULL, batch INTEGER NOT NULL, tokens TEXT NOT NULL, rule TEXT NOT NULL,
  key TEXT NOT NULL, fingerprint TEXT NOT NULL, status TEXT NOT NULL, reward REAL NOT NULL, learning_rate REAL,
  evaluation TEXT, seconds REAL, created REAL NOT NULL, duplicate_of INTEGER REFERENCES trials (id));
CREATE TABLE proposals (
  id INTEGER PRIMARY KEY, source TEXT NOT NULL, batch INTEGER NOT NULL, tokens TEXT NOT NULL, log_probs TEXT NOT NULL);
CREATE TABLE batches (batch INTEGER PRIMARY KEY, source TEXT NOT NULL, metrics TEXT NOT NULL);
CREATE TABLE states (source TEXT PRIMARY KEY, batch INTEGER NOT NULL, state BLOB NOT NULL);
CREATE TABLE baselines (name TEXT PRIMARY KEY, tokens TEXT NOT NULL, evaluation TEXT NOT NULL);
CREATE TABLE trainings (
  stage TEXT NOT NULL, tokens TEXT NOT NULL, rule TEXT NOT NULL, seed INTEGER NOT NULL, learning_rate REAL NOT NULL,
  evaluation TEXT NOT NULL, PRIMARY KEY (stage, tokens, seed, learning_rate));
"""


class Store:
    """The store of a run. Use `create`, `open` or `read` instead of the constructor."""

    def __init__(self, path: Path, connection: sqlite3.Connection):
        self._path = path
        self._connection = connection
        self._synced = -math.inf

    @classmethod
    def create(cls, path: Path, run: Mapping[str, Any]) -> Store:
        """Creates a new store.

        Args:
          path: Path of the file, which must not exist.
          run: Description of the run, with values that can be stored as JSON.

        Raises:
          RunError: The file cannot be written.
        """
        # The file gets its final name only when it is complete.
        temporary = path.with_name(path.name + ".new")
        with _writing(path):
            temporary.unlink(missing_ok=True)
            with contextlib.closing(sqlite3.connect(temporary)) as connection:
                connection.executescript(
                    f"PRAGMA application_id = {_APPLICATION_ID}; PRAGMA user_version = {_VERSION}; BEGIN; {_SCHEMA}"
                )
                rows = [(name, json.dumps(value)) for name, value in run.items()]
                connection.executemany("INSERT INTO run VALUES (?, ?)", rows)
                connection.commit()
            temporary.replace(path)
        return cls.open(path)

    @classmethod
    def open(cls, path: Path) -> Store:
        """Opens an existing store for reading and writing.

        Raises:
          RunError: The file is missing, damaged or not a store; it is left unchanged.
        """
        cls.read(path).close()
        with _writing(path):
            connection = sqlite3.connect(path)
            connection.execute("PRAGMA journal_mode = WAL")
        return cls(path, connection)

    @classmethod
    def read(cls, path: Path) -> Store:
        """Opens an existing store for reading only, even while a search is writing to it.

        Raises:
          RunError: The file is missing, damaged or not a store; it is left unchanged.
        """
        _check_header(path)
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        try:
            _check_content(connection)
        except (sqlite3.Error, RunError) as error:
            connection.close()
            raise RunError(
                f"The store of trials is damaged ({error}); restore it from a copy. Received: {path}"
            ) from None
        return cls(path, connection)

    def close(self) -> None:
        """Closes the store. After the writer closes it, it is a single file again, which can simply be copied."""
        with contextlib.suppress(sqlite3.Error):  # This store is read-only, or another process is reading it.
            self._connection.execute("PRAGMA journal_mode = DELETE")
        self._connection.close()

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    @contextlib.contextmanager
    def snapshot(self) -> Iterator[None]:
        """Context in which everything that is read is of the same moment, even while a search writes."""
        self._connection.execute("BEGIN")
        try:
            yield
        finally:
            self._connection.rollback()

    def description(self) -> dict[str, Any]:
        """Returns the description of the run."""
        return {name: json.loads(value) for name, value in self._connection.execute("SELECT name, value FROM run")}

    def describe(self, name: str, value: Any) -> None:
        """Sets one value in the description of the run."""
        with self._transaction() as connection:
            connection.execute("REPLACE INTO run VALUES (?, ?)", (name, json.dumps(value)))

    def trials(self) -> list[Trial]:
        """Returns all trials, ordered by number."""
        rows = self._connection.execute(
            "SELECT id, trials.source, trials.batch, trials.tokens, key, reward, evaluation, duplicate_of, created, "
            "fingerprint, ifnull(trials.batch - proposals.batch, 0) "
            "FROM trials LEFT JOIN proposals USING (id) ORDER BY id"
        )
        return [
            Trial(number, source, batch, _program(tokens), key, reward, _evaluation(evaluation), *others)
            for number, source, batch, tokens, key, reward, evaluation, *others in rows
        ]

    def proposals(self) -> list[Proposal]:
        """Returns all proposals of an asynchronous search, whether evaluated or not, ordered by number."""
        rows = self._connection.execute("SELECT id, source, batch, tokens, log_probs FROM proposals ORDER BY id")
        return [
            Proposal(id_, source, batch, _program(tokens), tuple(json.loads(log_probs)))
            for id_, source, batch, tokens, log_probs in rows
        ]

    def add_trial(self, trial: Trial, proposals: Sequence[Proposal] = ()) -> None:
        """Stores a finished trial, and the proposals made since the last call."""
        with self._transaction() as connection:
            _insert_proposals(connection, proposals)
            _insert(connection, trial)

    def finish_batch(
        self,
        batch: Batch,
        duplicates: Sequence[Trial],
        state: Mapping[str, np.ndarray],
        proposals: Sequence[Proposal] = (),
    ) -> None:
        """Stores the end of a batch in a single transaction.

        Args:
          batch: The batch.
          duplicates: Trials of the batch that needed no evaluation.
          state: State of the searcher after learning from the batch; replaces the searcher's earlier state.
          proposals: Proposals made since the last call.
        """
        content = io.BytesIO()
        if any(value.dtype.hasobject for value in state.values()):
            raise TypeError("A searcher's state must consist of plain arrays, because objects are never pickled")
        np.savez(content, **dict(state))  # type: ignore[arg-type]
        with self._transaction() as connection:
            _insert_proposals(connection, proposals)
            for trial in duplicates:
                _insert(connection, trial)
            row = (batch.number, batch.source, json.dumps(dict(batch.metrics)))
            connection.execute("INSERT INTO batches VALUES (?, ?, ?)", row)
            connection.execute("REPLACE INTO states VALUES (?, ?, ?)", (batch.source, batch.number, content.getvalue()))

    def batches(self) -> list[Batch]:
        """Returns all finished batches, ordered by number."""
        rows = self._connection.execute("SELECT batch, source, metrics FROM batches ORDER BY batch")
        return [Batch(number, source, json.loads(metrics)) for number, source, metrics in rows]

    def state(self, source: str) -> dict[str, np.ndarray] | None:
        """Returns a searcher's state after its last finished batch, or None if it has not finished one."""
        row = self._connection.execute("SELECT state FROM states WHERE source = ?", (source,)).fetchone()
        if row is None:
            return None
        with np.load(io.BytesIO(row[0]), allow_pickle=False) as arrays:
            return dict(arrays)

    def add_baseline(self, baseline: Baseline) -> None:
        with self._transaction() as connection:
            row = (baseline.name, _tokens(baseline.program), json.dumps(baseline.evaluation.to_json()))
            connection.execute("INSERT INTO baselines VALUES (?, ?, ?)", row)

    def baselines(self) -> list[Baseline]:
        rows = self._connection.execute("SELECT name, tokens, evaluation FROM baselines ORDER BY rowid")
        return [Baseline(name, _program(tokens), Evaluation.from_json(json.loads(text))) for name, tokens, text in rows]

    def add_training(self, training: Training) -> None:
        with self._transaction() as connection:
            row = {
                "stage": training.stage,
                "tokens": _tokens(training.program),
                "rule": str(training.program),
                "seed": training.seed,
                "learning_rate": training.learning_rate,
                "evaluation": json.dumps(training.evaluation.to_json()),
            }
            places = ", ".join(f":{name}" for name in row)
            connection.execute(f"INSERT INTO trainings ({', '.join(row)}) VALUES ({places})", row)

    def trainings(self) -> list[Training]:
        rows = self._connection.execute(
            "SELECT stage, tokens, seed, learning_rate, evaluation FROM trainings ORDER BY rowid"
        )
        return [
            Training(stage, _program(tokens), seed, rate, Evaluation.from_json(json.loads(text)))
            for stage, tokens, seed, rate, text in rows
        ]

    @contextlib.contextmanager
    def _transaction(self) -> Iterator[sqlite3.Connection]:
        now = time.monotonic()
        is_due = now - self._synced >= _SYNC_SECONDS
        with _writing(self._path):
            self._connection.execute(f"PRAGMA synchronous = {'FULL' if is_due else 'NORMAL'}")
            with self._connection:
                yield self._connection
        if is_due:
            self._synced = now


def _insert(connection: sqlite3.Connection, trial: Trial) -> None:
    evaluation = trial.evaluation
    row = {
        "id": trial.id,
        "source": trial.source,
        "batch": trial.batch,
        "tokens": _tokens(trial.program),
        "rule": str(trial.program),
        "key": trial.key,
        "fingerprint": trial.fingerprint,
        "status": trial.status,
        "reward": trial.reward,
        "learning_rate": trial.learning_rate,
        "evaluation": None if evaluation is None else json.dumps(evaluation.to_json()),
        "seconds": None if evaluation is None else evaluation.seconds,
        "created": trial.created,
        "duplicate_of": trial.duplicate_of,
    }
    places = ", ".join(f":{name}" for name in row)
    connection.execute(f"INSERT INTO trials ({', '.join(row)}) VALUES ({places})", row)


def _insert_proposals(connection: sqlite3.Connection, proposals: Sequence[Proposal]) -> None:
    rows = [(each.id, each.source, each.batch, _tokens(each.program), json.dumps(each.log_probs)) for each in proposals]
    connection.executemany("INSERT INTO proposals VALUES (?, ?, ?, ?, ?)", rows)


def _tokens(program: Program) -> str:
    return json.dumps(program.tokens)


def _program(tokens: str) -> Program:
    return Program.from_tokens(json.loads(tokens))


def _evaluation(text: str | None) -> Evaluation | None:
    return None if text is None else Evaluation.from_json(json.loads(text))


def _check_header(path: Path) -> None:
    """Rejects other files before SQLite touches them."""
    try:
        with open(path, "rb") as file:
            header = file.read(_HEADER)
    except FileNotFoundError:
        raise RunError(
            f"The folder holds no {path.name}, so it is not the run folder of a search. Received: {path.parent}"
        ) from None
    except OSError as error:
        raise RunError(f"The store of trials cannot be read ({error.strerror}). Received: {path}") from None
    if len(header) < _HEADER or not header.startswith(b"SQLite format 3\0"):
        raise RunError(f"The file is not a store of trials, or it is damaged; name another folder. Received: {path}")
    version, application_id = struct.unpack(">I4xI", header[60:72])
    if application_id != _APPLICATION_ID:
        raise RunError(f"The file is a database, but not a store of trials; name another folder. Received: {path}")
    if version != _VERSION:
        raise RunError(
            f"The store has version {version}, but this nos_tf reads version {_VERSION}; use the nos_tf that wrote it. "
            f"Received: {path}"
        )


def _check_content(connection: sqlite3.Connection) -> None:
    with sqlite3.connect(":memory:") as expected:
        expected.executescript(_SCHEMA)
        schema = "SELECT name, sql FROM sqlite_master ORDER BY name"
        try:
            found = connection.execute(schema).fetchall()
        except sqlite3.OperationalError:
            # On a full disk, there is no room for the shared-memory index of the WAL, but exclusive access needs none.
            connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            found = connection.execute(schema).fetchall()
        if found != expected.execute(schema).fetchall():
            raise RunError("its tables are not those of a run")
    expected.close()
    (answer,) = connection.execute("PRAGMA quick_check").fetchone()
    if answer != "ok":
        raise RunError(answer.splitlines()[-1])


@contextlib.contextmanager
def _writing(path: Path) -> Iterator[None]:
    try:
        yield
    except (sqlite3.Error, OSError) as error:
        raise RunError(
            f"Trials can no longer be stored ({error}) in {path}; what was stored stays readable: "
            "make room there, then resume the run"
        ) from None
