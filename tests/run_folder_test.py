import os
import subprocess
import sys
from pathlib import Path

import pytest

from nos_tf import run_folder
from nos_tf.errors import RunError

MARKER = "trials.sqlite"
HOLD = """
import sys
from pathlib import Path
from nos_tf import run_folder
with run_folder.locked(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_second_process_is_refused_and_told_who_is_first(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"locked\n"
        with pytest.raises(RunError, match=rf"PID {first.pid}\b"), run_folder.locked(tmp_path):
            pass
        first.kill()
        first.wait()
        with run_folder.locked(tmp_path):  # The kernel has freed it.
            assert str(os.getpid()) in (tmp_path / "run.lock").read_text()


def test_folder_of_something_else_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    for resume in (False, True):
        with pytest.raises(RunError, match="other files"):
            run_folder.check(tmp_path, MARKER, resume)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_run_is_continued_only_when_asked(tmp_path: Path) -> None:
    (tmp_path / MARKER).touch()
    with pytest.raises(RunError, match="--resume"):
        run_folder.check(tmp_path, MARKER, resume=False)
    run_folder.check(tmp_path, MARKER, resume=True)


@pytest.mark.parametrize("resume", [False, True])
def test_missing_empty_and_barely_begun_folders_are_fine(tmp_path: Path, resume: bool) -> None:
    run_folder.check(tmp_path / "missing", MARKER, resume)
    run_folder.check(tmp_path, MARKER, resume)
    (tmp_path / "run.lock").touch()
    (tmp_path / "trials.sqlite.new").touch()
    run_folder.check(tmp_path, MARKER, resume)


@pytest.mark.parametrize("resume", [False, True])
def test_killed_while_the_first_file_was_written(tmp_path: Path, resume: bool) -> None:
    def killed() -> None:
        with run_folder.replacing(tmp_path / "config.json") as temporary:
            temporary.write_text("{")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["{"]
    run_folder.check(tmp_path, "config.json", resume)


def test_unwritable_folder_is_said_clearly(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"cannot be .*choose another"):
        run_folder.check(tmp_path / "file", MARKER, resume=False)
    with (
        pytest.raises(RunError, match=r"cannot be written .*another"),
        run_folder.locked(tmp_path / "file/x"),
    ):
        pass


def test_failed_write_keeps_the_earlier_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "report.html"
    run_folder.write_text(path, "first")

    def full(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(Path, "write_bytes", full)
    with pytest.raises(RunError, match="No space left"):
        run_folder.write_text(path, "second")
    assert path.read_text() == "first"
    assert [found.name for found in tmp_path.iterdir()] == ["report.html"]
