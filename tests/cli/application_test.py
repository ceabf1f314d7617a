"""A command whose extra is not installed says so in one line; the core needs no extra."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import experiments
from nos_tf.cli import application

OWN = set(application.EXTRAS) - {"rich"}  # Keras brings rich.
FOLDER = Path(experiments.__file__).parent
SCRIPTS = [f"experiments.{path.stem}" for path in FOLDER.glob("*.py") if '"__main__"' in path.read_text("utf-8")]
SCRIPTS += [f"experiments.{path.parent.name}" for path in FOLDER.glob("*/__main__.py")]
BARE = {"experiments.export", "experiments.verify_table"}  # These start without any extra.


def python(code: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


def without(*packages: str) -> str:
    return f"import sys; sys.modules.update(dict.fromkeys({packages!r}))\n"


def run_script(name: str, flag: str, before: str) -> subprocess.CompletedProcess[str]:
    run = f"import runpy; runpy.run_module({name!r}, run_name='__main__', alter_sys=True)"
    return python(f"{before}sys.argv = ['x', {flag!r}]\n{run}")


# The modules are spelled out because Bazel shows a test only modules that it names.
@pytest.mark.parametrize(
    ("command", "module"), [("search", "nos_tf.search.command"), ("report", "nos_tf.search.reports.command")]
)
def test_a_missing_extra_is_named_in_one_line(command: str, module: str) -> None:
    start = f"sys.argv = ['nos-tf', '--run_dir=x']; from nos_tf.cli import application; application.{command}()"
    done = python(without(*application.EXTRAS) + start)
    assert done.returncode == application.CANNOT, done
    assert "pip install 'nos_tf[search]'" in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


def test_a_package_missing_at_run_time_is_named_too() -> None:
    code = without("sacrebleu") + "sys.argv = ['x']; from nos_tf.cli import application\n"
    done = python(code + "def main():\n    import sacrebleu\napplication.run(main, 'Interrupted')")
    assert done.returncode == application.CANNOT, done
    assert "nos_tf[reproduce]" in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize("script", sorted({*SCRIPTS} - BARE))
def test_every_script_names_its_missing_extra(script: str, tmp_path: Path) -> None:
    done = run_script(script, f"--run_dir={tmp_path / 'run'}", without(*application.EXTRAS))
    assert done.returncode == application.CANNOT, done
    assert "pip install 'nos_tf[" in done.stderr
    assert done.stderr.count("\n") == 1, done.stderr


@pytest.mark.parametrize("flag", ["--help", "--helpfull"])
def test_help_succeeds(flag: str) -> None:
    done = python(f"import sys; sys.argv = ['x', '{flag}']; from nos_tf.cli import application; application.search()")
    assert done.returncode == 0
    assert "--trials:" in done.stdout
    assert not done.stderr


def test_another_missing_module_stays_an_error() -> None:
    done = python("from nos_tf.cli import application; application.name_missing_packages(); import nowhere")
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert "No module named 'nowhere'" in done.stderr


def test_the_core_needs_no_extra() -> None:
    code = without(*OWN) + "import nos_tf; nos_tf.optimizers.PowerSign(learning_rate=0.1)"
    done = python(code)
    assert done.returncode == 0, done.stderr


def test_a_warning_about_data_is_one_line() -> None:
    code = (
        "import sys, warnings; sys.argv = ['x']; from nos_tf.cli import application; from nos_tf.common import errors\n"
    )
    code += "def main(): warnings.warn('few\\nrows', errors.DataWarning); warnings.warn('other', UserWarning)\n"
    done = python(code + "application.run(main, 'Interrupted')")
    assert done.returncode == 0
    first, second = done.stderr.splitlines()[:2]
    assert first == "Warning: few rows"
    assert second.endswith("UserWarning: other")
