"""Writes docs/results/ledger.md from the runs that lie beside it: python -m tools.results_ledger"""

from __future__ import annotations

import pathlib
import re

from nos_tf import run_folder
from nos_tf.paper import ledger, markdown, results

PAGE = pathlib.Path(__file__).parents[1] / "docs" / "results" / "ledger.md"
_INTRODUCTION = """\
Made by `python -m tools.results_ledger` from every run folder below this one, as
`python -m experiments.compare_with_paper --results_dir=docs/results` shows them.
"""


def page() -> str:
    """The whole page."""
    compared = ledger.compare(results.find(PAGE.parent)).of_what_was_run()
    title, _, rest = markdown.render(compared).partition("\n\n")
    return "\n".join([f"{title}\n", _INTRODUCTION, rest, _lost()])


def _lost() -> str:
    """The pages of experiments whose runs are not there."""
    lines = []
    for path in sorted(PAGE.parent.glob("*.md")):
        is_of_runs = re.search(r"^ +python -m experiments\.", path.read_text("utf-8"), re.MULTILINE)
        if is_of_runs and not list(PAGE.parent.glob(f"{path.stem}*/{run_folder.RESULTS}")):
            lines.append(f"- [{path.name}]({path.name})\n")
    introduction = f"These pages show runs whose `{run_folder.RESULTS}` was not kept; their commands run them again."
    return f"## Runs that were not kept\n\n{introduction}\n\n{''.join(lines)}"


def main() -> None:
    """Writes the page."""
    PAGE.write_text(page(), "utf-8")
    print(PAGE)


if __name__ == "__main__":
    main()
