import hashlib
import json
import sqlite3
from pathlib import Path

import numpy as np
import pytest

import nos_tf
from nos_tf.common.errors import RunError
from nos_tf.search.store import Store
from nos_tf.search.trial import Baseline, Batch, Training, Trial
from tests.search.fakes import FakeEvaluator

RUN = {"flags": {"trials": 3, "operands": ["g", "m"]}, "data_label": "invented"}


def trial(number: int, batch: int = 0, duplicate_of: int | None = None) -> Trial:
    program = nos_tf.parse(["g", "m * g", "exp(sign(g) * sign(m)) * g", "adam"][number % 4])
    evaluation = FakeEvaluator().evaluate(program, seed=0) if duplicate_of is None else None
    key, fingerprint = f"key{number}", f"fingerprint{number}"
    return Trial(number, "ppo", batch, program, key, 0.25, evaluation, duplicate_of, 123.5, fingerprint)


def test_returns_what_was_stored(tmp_path: Path) -> None:
    state = {"weights": np.arange(6, dtype=np.float32).reshape(2, 3), "rng/name": np.array("text")}
    baseline = Baseline("SGD", nos_tf.parse("g"), FakeEvaluator().evaluate(nos_tf.parse("g"), 0))
    rule = nos_tf.parse("m")
    trainings = [
        Training(stage, rule, seed, rate, FakeEvaluator().train(rule, rate, seed))
        for stage, seed, rate in (("test", 7, 1 / 3), ("racing", 7, 1 / 3), ("test", 8, 1 / 3), ("test", 7, 1e-5))
    ]
    with Store.create(tmp_path / "s.sqlite", RUN) as store:
        store.add_trial(trial(2))
        store.add_trial(trial(0))
        store.finish_batch(Batch(0, "ppo", {"entropy": 1.5}), [trial(1, duplicate_of=0)], state)
        store.finish_batch(Batch(1, "ppo", {"entropy": 1.25}), [], {"weights": np.ones(1)})
        store.add_baseline(baseline)
        for training in trainings:
            store.add_training(training)
        with pytest.raises(RunError):  # The same training cannot be stored twice.
            store.add_training(trainings[0])
        store.describe("data_label", "other")
    with Store.open(tmp_path / "s.sqlite") as store:
        assert store.trials() == [trial(0), trial(1, duplicate_of=0), trial(2)]
        assert store.batches() == [Batch(0, "ppo", {"entropy": 1.5}), Batch(1, "ppo", {"entropy": 1.25})]
        assert store.baselines() == [baseline]
        assert store.trainings() == trainings
        assert store.description() == {**RUN, "data_label": "other"}
        latest = store.state("ppo")
        assert latest is not None
        assert latest.keys() == {"weights"}
        assert store.state("random") is None


def test_state_keeps_types_and_values(tmp_path: Path) -> None:
    state = {"a": np.arange(4, dtype=np.int64), "b/c": np.array("text"), "d": np.float64(0.1)}
    with Store.create(tmp_path / "s.sqlite", RUN) as store:
        store.finish_batch(Batch(0, "ppo", {}), [], state)
        found = store.state("ppo")
    assert found is not None
    assert found.keys() == state.keys()
    for name, value in state.items():
        assert found[name].dtype == value.dtype
        np.testing.assert_array_equal(found[name], value)


def test_pickles_nothing(tmp_path: Path) -> None:
    with Store.create(tmp_path / "s.sqlite", RUN) as store, pytest.raises(TypeError, match="pickled"):
        store.finish_batch(Batch(0, "ppo", {}), [], {"object": np.array([object()])})


def test_file_can_be_read_with_plain_sqlite(tmp_path: Path) -> None:
    with Store.create(tmp_path / "s.sqlite", RUN) as store:
        store.add_trial(trial(2))
    connection = sqlite3.connect(tmp_path / "s.sqlite")
    rule, tokens, status = connection.execute("SELECT rule, tokens, status FROM trials").fetchone()
    connection.close()
    assert rule == "exp(sign(g) * sign(m)) * g"
    assert tuple(json.loads(tokens)) == nos_tf.parse(rule).tokens
    assert status in ("trained", "diverged")


def test_end_of_a_batch_is_stored_completely_or_not_at_all(tmp_path: Path) -> None:
    with Store.create(tmp_path / "s.sqlite", RUN) as store:
        store.add_trial(trial(0))
        with pytest.raises(RunError):  # The number of the second duplicate is already taken.
            store.finish_batch(Batch(0, "ppo", {}), [trial(1, duplicate_of=0), trial(0)], {"a": np.zeros(1)})
        assert [found.id for found in store.trials()] == [0]
        assert store.batches() == []
        assert store.state("ppo") is None


def test_syncs_at_most_once_per_second(tmp_path: Path, monkeypatch) -> None:
    now = [0.0]
    monkeypatch.setattr("nos_tf.search.store.time.monotonic", lambda: now[0])
    modes = []
    with Store.create(tmp_path / "s.sqlite", RUN) as store:
        for number, now[0] in enumerate((100.0, 100.4, 100.9, 101.0, 101.5, 103.0)):
            store.add_trial(trial(number))
            modes += store._connection.execute("PRAGMA synchronous").fetchone()
    assert modes == [2, 1, 1, 2, 1, 2]  # 2 syncs; 1 only writes to the operating system's cache.


def test_reader_sees_a_run_while_it_is_written(tmp_path: Path) -> None:
    with Store.create(tmp_path / "s.sqlite", RUN) as store:
        store.add_trial(trial(0))
        with Store.read(tmp_path / "s.sqlite") as reader:
            store.add_trial(trial(1))
            assert len(reader.trials()) == 2


def test_a_snapshot_is_of_one_moment(tmp_path: Path) -> None:
    with Store.create(tmp_path / "s.sqlite", RUN) as store:
        store.add_trial(trial(0))
        with Store.read(tmp_path / "s.sqlite") as reader:
            with reader.snapshot():
                assert len(reader.trials()) == 1
                store.finish_batch(Batch(0, "ppo", {}), [trial(1, duplicate_of=0)], {})
                assert (len(reader.trials()), reader.batches()) == (1, [])
            assert (len(reader.trials()), len(reader.batches())) == (2, 1)


def make_foreign(path: Path) -> None:
    connection = sqlite3.connect(path)
    connection.execute("CREATE TABLE photos (name TEXT)")
    connection.commit()
    connection.close()


def make_other_tables(path: Path) -> None:
    Store.create(path, RUN).close()
    connection = sqlite3.connect(path)
    connection.execute("DROP TABLE trials")
    connection.commit()
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()


def make_damaged(path: Path) -> None:
    with Store.create(path, RUN) as store:
        for number in range(200):
            store.add_trial(trial(number))
    content = bytearray(path.read_bytes())
    content[8192:16384] = b"\x55" * 8192
    path.write_bytes(content)


def make_truncated(path: Path) -> None:
    with Store.create(path, RUN) as store:
        for number in range(200):
            store.add_trial(trial(number))
    path.write_bytes(path.read_bytes()[:9000])


def make_newer(path: Path) -> None:
    Store.create(path, RUN).close()
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA user_version = 99")
    connection.execute("PRAGMA journal_mode = DELETE")
    connection.close()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda path: path.write_bytes(b"not a database, but long enough to hold a header" * 9), "is not a store"),
        (lambda path: path.write_bytes(b""), "is not a store"),
        (make_foreign, "not a store of trials"),
        (make_other_tables, "damaged.*tables"),
        (make_damaged, "damaged"),
        (make_truncated, "damaged"),
        (make_newer, "version 99"),
        (lambda path: None, "The folder holds no s.sqlite, so it is not"),
        (lambda path: path.mkdir(), "cannot be read"),
    ],
)
def test_refuses_other_files_and_leaves_them_unchanged(tmp_path: Path, make, message: str) -> None:
    path = tmp_path / "s.sqlite"
    make(path)
    before = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
    with pytest.raises(RunError, match=message):
        Store.open(path)
    after = hashlib.sha256(path.read_bytes()).hexdigest() if path.is_file() else None
    assert after == before


def test_full_disk_is_reported_and_stored_trials_stay_readable(tmp_path: Path) -> None:
    path = tmp_path / "s.sqlite"
    with Store.create(path, RUN) as store:
        store._connection.execute("PRAGMA max_page_count = 40")
        with pytest.raises(RunError, match=r"disk is full.*stays readable.*resume"):  # noqa: PT012
            for number in range(1_000):
                store.add_trial(trial(number))
                stored = number + 1
    with Store.read(path) as store:
        assert [found.id for found in store.trials()] == list(range(stored))
        assert stored > 10
