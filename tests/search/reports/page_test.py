import dataclasses
import html.parser
import itertools
import re
from pathlib import Path

import pytest

from nos_tf.common.errors import RunError
from nos_tf.common.style import CONSOLE_WIDTH
from nos_tf.search.reports import console, drawing, figures, page
from nos_tf.search.reports.run_data import RunData, load
from tests.search.reports import runs


class Page(html.parser.HTMLParser):
    """Collects the sources that a page loads, and its text."""

    def __init__(self, text: str):
        super().__init__()
        self.sources: list[str] = []
        self.text = ""
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        assert tag not in ("script", "link", "iframe")
        self.sources += [value or "" for name, value in attributes if name in ("src", "href")]
        if tag not in ("meta", "img"):
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        if "style" not in self.open:
            self.text += data


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunData:
    return runs.make(tmp_path_factory.mktemp("runs") / "one")


def test_page_contains_everything_and_loads_nothing(run: RunData) -> None:
    text = page.render([run])
    found = Page(text)
    assert found.open == []
    assert len(found.sources) == len(figures.FIGURES)
    assert all(source.startswith("data:image/svg+xml;base64,") for source in found.sources)
    assert not re.search(r"url\(|@import", text)
    for words in (
        "Leaderboard",
        "invented data",
        "Test data",
        "model.compile",
        "--trials",
        "3.11.2",
        "PowerSign",
        "better than every tuned",
    ):
        assert words in found.text


def test_runs_are_shown_side_by_side(tmp_path: Path, run: RunData) -> None:
    other = runs.make(tmp_path / "two", policy_trials=12, data_label="other data")
    found = Page(page.render([run, other]))
    assert len(found.sources) == 2 * len(figures.FIGURES) + 1
    for words in ("one", "two", "invented data", "other data", "The runs compared"):
        assert words in found.text


def test_run_that_has_barely_started_has_a_page(tmp_path: Path) -> None:
    begun = runs.make(tmp_path / "begun", policy_trials=0, with_finals=False)
    assert "Not measured yet" in Page(page.render([begun])).text
    nothing = dataclasses.replace(begun, trials=(), batches=())
    assert Page(page.render([nothing])).sources == []


def test_name_of_a_run_cannot_break_the_page(run: RunData) -> None:
    odd = dataclasses.replace(run, name="<script>alert(1)</script>", data_label="a & b <i>")
    assert "a & b <i>" in Page(page.render([odd])).text


@pytest.mark.parametrize(("_title", "_caption", "draw"), figures.FIGURES, ids=[entry[0] for entry in figures.FIGURES])
def test_axes_are_labeled_and_nothing_overlaps(run: RunData, _title: str, _caption: str, draw) -> None:
    figure = draw(run)
    drawing.data_uri(figure)  # Computes the layout.
    renderer = figure._get_renderer()
    axes = [one for one in figure.axes if one.get_visible()]
    assert axes
    assert axes[-1].get_xlabel() or figure.get_supxlabel()
    for one in axes:
        is_shared = len(one.get_shared_y_axes().get_siblings(one)) > 1
        assert one.get_ylabel() or is_shared or one.get_yticklabels()[0].get_text()
        legend = one.get_legend()
        if legend is not None:
            assert not legend.get_window_extent(renderer).overlaps(one.get_window_extent(renderer).padded(-2))
        for labels in (one.get_xticklabels(), one.get_yticklabels()):
            boxes = [label.get_window_extent(renderer) for label in labels if label.get_text()]
            inside = [box for box in boxes if box.width and box.height]
            assert not any(box.overlaps(other) for box, other in itertools.pairwise(inside))
    boxes = [one.get_tightbbox(renderer) for one in axes]
    assert not any(box.overlaps(other) for box, other in itertools.pairwise(boxes))


def test_page_is_written_as_utf8(tmp_path: Path, run: RunData, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(page, "render", lambda runs: "±")
    page.write([run], tmp_path / "report.html")
    assert (tmp_path / "report.html").read_text(encoding="utf-8") == "±"
    with pytest.raises(RunError, match="Cannot write"):
        page.write([run], tmp_path / "missing" / "report.html")


def test_console_shows_the_same_results(run: RunData, capsys: pytest.CaptureFixture[str]) -> None:
    from rich.console import Console

    console.show(run, Console(width=CONSOLE_WIDTH))
    shown = capsys.readouterr().out
    for words in ("Leaderboard", "In long trainings", "invented data", "RMSProp", "Winner", "model.compile", "±"):
        assert words in shown


def test_folder_without_a_run_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="The folder holds no trials"):
        load(tmp_path)
