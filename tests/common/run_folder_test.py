import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from nos_tf.common import run_folder
from nos_tf.common.errors import RunError
from nos_tf.common.run_folder import RunFolder

MARKER = "trials.sqlite"
HOLD = """
import sys
from pathlib import Path
from nos_tf.common.run_folder import RunFolder
with RunFolder(Path(sys.argv[1])):
    print("locked", flush=True)
    sys.stdin.read()
"""


def test_second_process_is_refused_and_told_who_is_first(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as first:
        assert first.stdout is not None
        assert first.stdout.readline() == b"locked\n"
        with pytest.raises(RunError, match=rf"PID {first.pid}\b"), RunFolder(tmp_path):
            pass
        first.kill()
        first.wait()
        with RunFolder(tmp_path):  # The kernel has released the lock.
            assert str(os.getpid()) in (tmp_path / "run.lock").read_text()


def test_folder_with_other_files_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").write_text("years of work")
    for resume in (False, True):
        with pytest.raises(RunError, match="unrelated files"):
            RunFolder(tmp_path, MARKER, resume)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_run_is_continued_only_when_asked(tmp_path: Path) -> None:
    (tmp_path / MARKER).touch()
    with pytest.raises(RunError, match="resume it"):
        RunFolder(tmp_path, MARKER, resume=False)
    RunFolder(tmp_path, MARKER, resume=True)


@pytest.mark.parametrize("resume", [False, True])
def test_missing_empty_and_barely_begun_folders_are_fine(tmp_path: Path, resume: bool) -> None:
    RunFolder(tmp_path / "missing", MARKER, resume)
    RunFolder(tmp_path, MARKER, resume)
    (tmp_path / "run.lock").touch()
    (tmp_path / "trials.sqlite.new").touch()
    RunFolder(tmp_path, MARKER, resume)


@pytest.mark.parametrize("resume", [False, True])
def test_killed_while_the_first_file_was_written(tmp_path: Path, resume: bool) -> None:
    def killed() -> None:
        with run_folder.replacing(tmp_path / "config.json") as temporary:
            temporary.write_text("{")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        killed()
    assert [path.read_text() for path in tmp_path.iterdir()] == ["{"]
    RunFolder(tmp_path, "config.json", resume)


def test_unwritable_folder_is_reported_clearly(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunError, match=r"cannot be .*choose another"):
        RunFolder(tmp_path / "file", MARKER, resume=False)
    with (
        pytest.raises(RunError, match=r"cannot be written .*another"),
        RunFolder(tmp_path / "file/x"),
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


def test_folder_that_stays_empty_is_removed(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="refused"), RunFolder(tmp_path / "new"):
        raise RunError("refused")
    assert not (tmp_path / "new").exists()
    with RunFolder(tmp_path / "kept") as folder:
        (folder / "results.json").touch()
    assert (tmp_path / "kept" / "results.json").exists()
    (tmp_path / "own").mkdir()
    with RunFolder(tmp_path / "own"):
        pass
    assert (tmp_path / "own").exists()


def test_run_that_another_process_begins_before_the_lock_is_left_alone(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path, MARKER)
    (tmp_path / MARKER).write_text("of the other process")
    with pytest.raises(RunError, match="already holds a run"), folder:
        pass
    with RunFolder(tmp_path, MARKER, resume=True):  # The refusal has released the lock.
        assert (tmp_path / MARKER).read_text() == "of the other process"


FLAGS = {"epochs": 3, "optimizers": ["sgd"], "seed": 0, "run_dir": "x"}
WITHOUT = frozenset({"run_dir"})


def test_hash_depends_only_on_what_changes_the_numbers() -> None:
    digest = run_folder.config_hash(FLAGS, WITHOUT)
    assert run_folder.config_hash({**FLAGS, "run_dir": "y"}, WITHOUT) == digest
    assert run_folder.config_hash(dict(reversed(FLAGS.items())), WITHOUT) == digest
    assert run_folder.config_hash({**FLAGS, "epochs": 4}, WITHOUT) != digest


def test_run_is_resumed_only_with_the_same_flags(tmp_path: Path) -> None:
    config = RunFolder(tmp_path).begin("case", FLAGS, WITHOUT)
    path = tmp_path / "config.json"
    assert json.loads(path.read_text()) == config
    assert config["flags"] == FLAGS
    assert config["versions"]["nos_tf"]
    before = path.read_bytes()
    folder = RunFolder(tmp_path, resume=True)
    assert folder.begin("case", {**FLAGS, "run_dir": "y"}, WITHOUT) == config
    with pytest.raises(RunError, match=r"holds a run of case with epochs=3; .* Received: "):
        folder.begin("case", {**FLAGS, "epochs": 4}, WITHOUT)
    with pytest.raises(RunError, match="holds a run of case"):
        folder.begin("other", FLAGS, WITHOUT)
    assert path.read_bytes() == before


@pytest.mark.parametrize("content", ["", "[1]", "{", "\x00"])
def test_broken_configuration_is_one_clear_error(tmp_path: Path, content: str) -> None:
    (tmp_path / "config.json").write_text(content)
    with pytest.raises(RunError, match=r"Received: .*config\.json"):
        RunFolder(tmp_path, resume=True).begin("case", FLAGS, WITHOUT)


def test_missing_file_of_a_run_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"holds no config\.json, .*Received: "):
        run_folder.read_json(tmp_path / "config.json")
