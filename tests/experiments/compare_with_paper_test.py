"""The ledger, requested like a user would."""

import html.parser
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from nos_tf.common.style import CONSOLE_WIDTH
from tests.paper.run_folders import SMALL_DATA, SMALL_SCALE, accuracies, swept, write

ROOT = Path(__file__).parents[2]
RECOLLECTED = 20 + 3 + 2  # Rows with this mark in the tables, without the claims.


def execute(*flags: str, environment: dict[str, str] | None = None) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "experiments.compare_with_paper", *flags],
        cwd=ROOT,
        env={**os.environ, **(environment or {})},
        capture_output=True,
        text=True,
        encoding="utf-8",
        timeout=120,
        check=False,
    )


def check_refused(finished: subprocess.CompletedProcess[str], *words: str) -> None:
    assert finished.returncode == 2, finished.stderr
    assert finished.stdout == ""
    (line,) = finished.stderr.strip().splitlines()
    for word in words:
        assert word in line


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run at the paper's scale, and a tiny one with odd names."""
    directory = tmp_path_factory.mktemp("results")
    names = ("sgd", "momentum", "adam", "rmsprop", "powersign")
    write(directory / "full", [run for name in names for run in swept(name, accuracies(0.93, 0.931, 0.932))])
    small = [*swept("powersign", accuracies(0.99)), *swept("<b>|*g*", accuracies(0.5))]
    write(
        directory / "small <i>|`x`",
        small,
        dataset=f"{SMALL_DATA} <script>",
        scale=SMALL_SCALE,
        config_hash="ffffffffffff",
    )
    return directory


class Page(html.parser.HTMLParser):
    """Collects the rows of a page's tables as text; checks that every tag is closed and that nothing is loaded."""

    def __init__(self, text: str):
        super().__init__()
        self.rows: list[list[str]] = []
        self.open: list[str] = []
        self.feed(text)
        assert self.open == []
        assert not re.search(r"url\(|@import", text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "link", "iframe", "img", "b", "i")
        assert not {name for name, _ in attributes} & {"src", "href"}
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
        if tag == "br":
            self.handle_data(" ")
        elif tag != "meta":
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "tr" in self.open and self.rows[-1]:
            self.rows[-1][-1] += data


def test_text(runs: Path) -> None:
    finished = execute(f"--results_dir={runs}", "--all")
    assert finished.returncode == 0, finished.stderr
    assert finished.stderr == ""
    lines = finished.stdout.splitlines()
    assert max(map(len, lines)) <= CONSOLE_WIDTH
    one_line = " ".join(finished.stdout.split())
    for words in (
        "powersign, lr 0.1, 3 seeds", "93.10 ± 0.25", "reproduced", "not comparable (smaller scale)", "not run",
        "2 of 300 epochs", "0123456789ab", "ffffffffffff", "abc1234", SMALL_DATA, "10 h 30 min", "seeds 0, 1, 2",
    ):  # fmt: skip
        assert words in one_line
    tables = one_line.partition("The paper's claims")[0]
    assert tables.count("[C] unverified transcription") == RECOLLECTED


def test_markdown(runs: Path) -> None:
    finished = execute(f"--results_dir={runs}", "--format=markdown", "--all")
    assert finished.returncode == 0, finished.stderr
    text = finished.stdout
    assert "<script>" not in text.replace("\\<script\\>", "")
    for block in re.findall(r"(?:^\|.*\n)+", text, flags=re.MULTILINE):
        widths = {len(re.findall(r"(?<!\\)\|", line)) for line in block.splitlines()}
        assert len(widths) == 1  # No cell adds a column.
    recollected = text.partition("## The paper's claims")[0]
    assert recollected.count("unverified transcription") == RECOLLECTED
    small = next(line for line in text.splitlines() if "R2: powersign" in line)
    assert "99.00" in small
    assert "*not comparable (smaller scale)*" in small
    assert "*reproduced*" not in small
    full = next(line for line in text.splitlines() if "R1: powersign" in line)
    assert full.count("*reproduced*") == 3
    assert full.count("*not reproduced*") == 1


def test_html(runs: Path, tmp_path: Path) -> None:
    path = tmp_path / "ledger.html"
    finished = execute(f"--results_dir={runs}", "--format=html", "--all", f"--output={path}")
    assert finished.returncode == 0, finished.stderr
    assert str(path) in finished.stdout
    page = Page(path.read_text(encoding="utf-8"))
    paper = [row for row in page.rows if len(row) == 6 and row[0].endswith("[C] unverified transcription")]
    assert len(paper) == 20
    assert any(row[:2] == ["m * e^v[C] unverified transcription", "93.1"] for row in paper)
    (small,) = (row for row in page.rows if row[0].startswith("R2: powersign"))
    assert small[-1] == "not comparable (smaller scale)"
    assert f"{SMALL_DATA} <script>" in small[0]
    (full,) = (row for row in page.rows if row[0].startswith("R1: powersign"))
    assert full[2] == "93.10 ± 0.25 reproduced"
    assert ["folder", "small <i>|`x`"] in page.rows


@pytest.mark.parametrize("form", ["text", "markdown", "html"])
def test_what_was_not_run_is_only_counted(runs: Path, form: str) -> None:
    finished = execute(f"--results_dir={runs}", f"--format={form}")
    assert finished.returncode == 0, finished.stderr
    shown = html.unescape(re.sub(r"<[^>]+>", " ", finished.stdout))
    counted = re.findall(r"Not run: (\d+) (row|claim)s?\.", shown)
    # The runs cover the four baselines and PowerSign of Table 1, and the claims on Wide ResNets.
    assert counted == [("5", "row"), ("15", "row"), ("3", "row"), ("2", "row"), ("4", "row"), ("17", "claim")]
    assert shown.count("unverified transcription") == 5 + 4
    assert "79 not run" in " ".join(shown.split())  # Cells, as with --all.


def test_nothing_loads_tensorflow(runs: Path) -> None:
    code = (
        "import sys; sys.argv[1:] = ['--results_dir=' + sys.argv[1]]\n"
        "from experiments import compare_with_paper\n"
        "from nos_tf.paper import markdown, page, text\n"
        "try: compare_with_paper.main()\n"
        "finally: assert not {'tensorflow', 'keras'} & set(sys.modules)"
    )
    finished = subprocess.run(
        [sys.executable, "-c", code, str(runs)], cwd=ROOT, capture_output=True, timeout=120, check=False
    )
    assert finished.returncode == 0, finished.stderr
    assert b"unverified transcription" in finished.stdout


def test_invalid_requests_are_refused(tmp_path: Path, runs: Path) -> None:
    check_refused(execute(), "--results_dir")
    check_refused(execute(f"--results_dir={tmp_path / 'missing'}"), "missing")
    check_refused(execute(f"--results_dir={runs}", "--format=pdf"), "pdf", "text, markdown, html")
    check_refused(execute(f"--results_dir={runs}", f"--output={tmp_path / 'missing' / 'x'}"), "Cannot write")
    folder = write(tmp_path / "run", [])
    (folder / "results.json").write_text("{")
    check_refused(execute(f"--results_dir={tmp_path}"), str(folder / "results.json"))
    assert not (tmp_path / "missing").exists()


def test_ascii_terminal_and_closed_pipe(runs: Path) -> None:
    finished = execute(f"--results_dir={runs}", environment={"PYTHONIOENCODING": "ascii", "PYTHONUTF8": "0"})
    assert finished.returncode == 0, finished.stderr
    assert "93.10 ? 0.25" in finished.stdout
    command = f"{sys.executable} -m experiments.compare_with_paper '--results_dir={runs}' | head -n 1"
    piped = subprocess.run(["bash", "-c", command], cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert piped.stderr == ""
    assert piped.stdout.count("\n") == 1
