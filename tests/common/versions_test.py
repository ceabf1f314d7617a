import shutil
import subprocess
from pathlib import Path

from nos_tf.common import versions


def test_commit_is_that_of_the_checkout_and_not_of_another_one_around_an_installed_package(tmp_path: Path) -> None:
    package = tmp_path / "environment" / "nos_tf.py"
    package.parent.mkdir()
    shutil.copy(versions.__file__, package)

    def git(*arguments: str) -> str:
        command = ["git", "-c", "user.name=Ada", "-c", "user.email=ada@example.org", *arguments]
        return subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=True).stdout.strip()

    def commit() -> str | None:
        scope = {"__name__": "nos_tf", "__file__": str(package)}
        exec(compile(package.read_text(), package, "exec"), scope)
        return scope["commit"]()  # type: ignore[operator]

    assert commit() is None
    git("init")
    (tmp_path / "own.txt").write_text("1")
    git("add", "own.txt")
    git("commit", "-m", "First")
    assert commit() is None
    git("add", "environment")
    git("commit", "-m", "Second")
    assert commit() == git("rev-parse", "--short=12", "HEAD")
    (tmp_path / "own.txt").write_text("2")
    assert commit() == git("rev-parse", "--short=12", "HEAD") + "-dirty"
