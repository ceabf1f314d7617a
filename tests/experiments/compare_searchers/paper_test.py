"""The paper's settings are the same in code as in the flagfiles of its searches."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest

from experiments.compare_searchers.paper import BATCH_SIZE, SETTINGS
from nos_tf import searchers
from nos_tf.search import searcher_flags

FLAGFILES = Path(__file__).parents[3] / "experiments" / "flagfiles"


@pytest.mark.parametrize(("name", "file"), [("ppo", "paper_search_ppo"), ("trpo", "paper_search")])
def test_settings_are_those_of_the_flagfile(name, file):
    lines = (FLAGFILES / f"{file}.flags").read_text("utf-8").splitlines()
    given = dict(line.removeprefix("--").partition("=")[::2] for line in lines if line.startswith("--"))
    assert (given["searcher"], given["batch_size"]) == (name, str(BATCH_SIZE))
    settings = dataclasses.asdict(searchers.settings(name, **SETTINGS[name]))
    stated = {field.name: given[flag] for flag, field in searcher_flags.of(name).items() if flag in given}
    assert stated.keys() >= SETTINGS[name].keys()
    for field, text in stated.items():
        assert settings[field] == (True if text == "" else float(text)), field
