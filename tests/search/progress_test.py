import pytest

import nos_tf
from nos_tf.evaluation.result import Evaluation
from nos_tf.search import progress
from nos_tf.search.trial import Batch, Trial


class Clock:
    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


def trial(number: int, reward: float, status: str = "trained", duplicate_of: int | None = None) -> Trial:
    evaluation = Evaluation(reward, status, 0.1, seconds=6.0) if duplicate_of is None else None
    return Trial(number, "ppo", 0, nos_tf.parse("m * g"), "k", reward, evaluation, duplicate_of)


def test_figures_are_those_of_the_run() -> None:
    clock = Clock()
    status = progress.Status({"baselines": 9.0, "ppo": 31.0, "test": 19.0}, clock=clock)
    status.on_start([trial(0, 0.2), trial(1, 0.2, duplicate_of=0)])
    status.on_phase("ppo", done=1, total=31)
    clock.now += 20.0  # Startup of the workers.
    for number in range(2, 12):
        clock.now += 2.0
        status.on_trial(trial(number, number / 20, "failed" if number == 11 else "trained"))
    status.on_trial(trial(12, 0.9, duplicate_of=2))
    status.on_batch(Batch(1, "ppo", {"entropy": 1.234}))
    assert "updates late" not in status.rows()
    assert (status.done, status.failed, status.duplicates) == (11, 1, 2)
    assert status.rate == pytest.approx(15.0)  # Ten in 40 seconds.
    assert status.seconds_left == pytest.approx(2.0 * (31 - 11 + 19))  # The first result includes the startup.
    assert status.best is not None
    assert status.best.reward == 0.5
    assert status.rows() == {
        "phase": "ppo 11/31",
        "failed": "1",
        "duplicate": "2",
        "trials/min": "15",
        "busy": "1.5",  # Sixty seconds of training in 40.
        "entropy": "1.23",
        "ETA": "1 min 18 s",
        "best": "0.5000  m * g",
    }
    status.on_batch(Batch(2, "ppo", {"entropy": 1.2, "staleness": 0.75}))
    assert status.rows()["updates late"] == "0.8"


def test_time_left_counts_phases_of_unequal_pieces() -> None:
    clock = Clock()
    status = progress.Status({"ppo": 10.0, "tuning": 5.0, "test": 20.0}, clock)
    status.on_phase("ppo", done=0, total=10)
    for _ in range(10):
        clock.now += 3.0
        status.on_result()
    assert status.seconds_left == pytest.approx(3.0 * 25)
    status.on_phase("tuning", done=0, total=50)  # Each piece is a tenth of a rule's evaluation.
    assert status.seconds_left == pytest.approx(3.0 * 25)
    for _ in range(50):
        clock.now += 0.3
        status.on_result()
    # The first result of all includes the startup of the workers, and does not count as work.
    assert status.seconds_left == pytest.approx(42.0 / 14.0 * 20)
    status.on_phase("tuning", done=0, total=10)  # An additional round that was not planned.
    assert status.seconds_left == pytest.approx(42.0 / 14.0 * 21)
    status.on_phase("test", done=80, total=80)  # All of this was done before the run was resumed.
    assert status.seconds_left == 0.0


def test_lines_come_every_few_seconds_and_at_the_end(capsys: pytest.CaptureFixture[str]) -> None:
    clock = Clock()
    lines = progress.LogLines({"ppo": 100.0}, clock=clock)
    lines.on_phase("ppo", done=0, total=100)
    for number in range(100):
        clock.now += 0.2
        lines.on_trial(trial(number, 0.1))
    shown = capsys.readouterr().out.splitlines()
    assert 5 <= len(shown) <= 7  # One line every few of the 20 seconds.
    assert "ppo 0/100" in shown[0]
    assert "ppo 100/100" in shown[-1]


def test_table_shows_every_figure() -> None:
    from rich.console import Console

    status = progress.Status({"baselines": 6.0, "ppo": 4.0})
    status.on_phase("baselines", 0, 6)
    status.on_trial(trial(0, 0.75))
    console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
    console.print(progress._table(status))
    shown = console.export_text()
    for words in ("baselines 1/6", "duplicate", "trials/min", "entropy", "ETA", "0.7500", "m * g"):
        assert words in shown
