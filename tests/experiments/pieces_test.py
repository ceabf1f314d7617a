"""Pieces of work: each is done once, and a stop loses only those in progress."""

from __future__ import annotations

import time
from pathlib import Path

import filelock
import pytest

from experiments.pieces import Pieces, Work
from nos_tf.common.errors import RunError
from nos_tf.dsl import parse
from nos_tf.evaluation.result import FAILED, TRAINED, Evaluation, SweepPoint
from nos_tf.search.executors.job import Job, failure

JOBS = [Job(number, parse("g"), number) for number in range(10)]


class FakeExecutor:
    """An executor whose results depend on the jobs' seeds, and that finishes the jobs in reverse."""

    def __init__(self, fail_at: int | None = None):
        self.ran: list[int] = []
        self._fail_at = fail_at

    def run(self, jobs):
        for job in reversed(jobs):
            if job.id == self._fail_at:
                raise KeyboardInterrupt
            self.ran.append(job.id)
            yield job, Evaluation(job.seed / 10, TRAINED, 0.1, sweep=(SweepPoint(0.1, None),))


def test_results_are_in_the_order_of_the_jobs(tmp_path: Path) -> None:
    work = Pieces(tmp_path / "pieces", "rules", JOBS, 4)
    assert work.run(FakeExecutor(), None)
    assert [one.reward for one in work.results()] == [number / 10 for number in range(10)]
    assert work.results()[0].sweep == (SweepPoint(0.1, None),)


def test_stopped_work_continues_with_the_missing_pieces(tmp_path: Path) -> None:
    work = Pieces(tmp_path, "rules", JOBS, 4)
    with pytest.raises(KeyboardInterrupt):
        work.run(FakeExecutor(fail_at=5), None)
    executor = FakeExecutor()
    assert work.run(executor, None)
    assert sorted(executor.ran) == [4, 5, 6, 7, 8, 9]
    assert [one.reward for one in work.results()] == [number / 10 for number in range(10)]


def test_failed_jobs_are_run_again(tmp_path: Path) -> None:
    class Failing(FakeExecutor):
        def run(self, jobs):
            for job, evaluation in super().run(jobs):
                yield job, failure("Out of memory") if job.id in (2, 5) else evaluation

    work, executor = Pieces(tmp_path, "rules", JOBS, 4), FakeExecutor()
    assert work.run(Failing(), None)
    assert [number for number, one in enumerate(work.results()) if one.status == FAILED] == [2, 5]
    assert work.run(executor, None)
    assert sorted(executor.ran) == [2, 5]
    assert [one.reward for one in work.results()] == [number / 10 for number in range(10)]


def test_piece_locked_by_another_process_is_skipped(tmp_path: Path) -> None:
    work, executor = Pieces(tmp_path, "rules", JOBS, 4), FakeExecutor()
    with filelock.FileLock(tmp_path / "rules-00001.jsonl.lock"):
        assert not work.run(executor, None)
    assert sorted(executor.ran) == [0, 1, 2, 3, 8, 9]
    assert work.run(executor, None)


def test_no_piece_is_started_after_the_deadline(tmp_path: Path) -> None:
    executor = FakeExecutor()
    assert not Pieces(tmp_path, "rules", JOBS, 4).run(executor, time.monotonic() - 1.0)
    assert not executor.ran


FLAGS = {"run_dir": None, "workers": 1, "stop_after": None, "seeds": 2, "task": "digits"}


def test_a_study_needs_its_own_folder(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"Received: no --run_dir$"):
        Work("study", FLAGS, {})
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(RunError, match="contains unrelated files"):
        Work("study", FLAGS | {"run_dir": str(tmp_path)}, {})
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_a_study_continues_with_the_same_flags_and_can_grow(tmp_path: Path) -> None:
    flags = FLAGS | {"run_dir": str(tmp_path / "run")}
    growing = frozenset({"seeds"})
    assert not Work("study", flags, {"protocol": "fair"}, growing).is_over
    assert Work("study", flags | {"workers": 9, "stop_after": 0.0, "seeds": 5}, {"protocol": "fair"}, growing).is_over
    for changed, details in ((flags | {"task": "wine"}, {"protocol": "fair"}), (flags, {"protocol": "paper"})):
        with pytest.raises(RunError, match="The run folder holds a run of study with"):
            Work("study", changed, details, growing)
