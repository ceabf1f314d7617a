"""A rule can be given as a text, a name, a program, or the folder of a search."""

from __future__ import annotations

import json
import pathlib
from typing import Any

import pytest

import nos_tf
from nos_tf.common.errors import RunError
from nos_tf.dsl.named_rules import NAMED_RULES
from nos_tf.exporters import export
from nos_tf.exporters.subject import NAMES, subject

WINNER = {
    "rule": "exp(sign(g) * sign(m)) * adam",
    "name": None,
    "found_by": "ppo",
    "learning_rate": 0.0316,
    "reward": 0.91,
    "test_mean": 0.9012,
    "test_interval": [0.89, 0.91],
    "seeds": 5,
    "difference": 0.012,
    "difference_interval": [0.004, 0.02],
    "p": 0.003,
    "verdict": "better",
}


def run_folder(folder: pathlib.Path, **changes: Any) -> pathlib.Path:
    row = WINNER | changes
    (folder / "leaderboard.json").write_text(json.dumps({"winner": row["rule"], "rules": [row]}), "utf-8")
    return folder


def test_a_rule_can_be_given_as_text_program_or_name() -> None:
    text = "exp(sign(g) * sign(m)) * g"
    assert subject(text) == subject("powersign") == subject(nos_tf.parse(text))
    assert subject(f"g{300 * ' '}* m") == subject("g * m")  # No file system has so long a name.
    assert subject(text).class_name == "PowerSign"
    assert "Found by the search of Bello et al. (2017)" in subject(text).provenance[0]


@pytest.mark.parametrize(
    ("name", "class_name", "function_name", "text"),
    [
        ("powersign-drop-0.3", "PowerSignDrop03", "powersign_drop_03", "exp(sign(g) * sign(m)) * drop(g, 0.3)"),
        ("adam-powersign", "AdamPowerSign", "adam_powersign", "exp(sign(g) * sign(m)) * adam"),
        ("addsign2-rd10", "Addsign2Rd10", "addsign2_rd10", "(2 + rd * sign(g) * sign(m)) * g"),
        ("rmsprop", "RMSProp", "rmsprop", "rmsprop"),
        ("momentum", "Momentum", "momentum", "m"),
    ],
)
def test_names(name: str, class_name: str, function_name: str, text: str) -> None:
    found = subject(name)
    assert (found.class_name, found.function_name, found.text) == (class_name, function_name, text)


def test_names_are_valid_and_unique_identifiers() -> None:
    found = [subject(name) for name in NAMES]
    assert set(NAMES) >= set(NAMED_RULES)
    assert all(each.class_name.isidentifier() and each.function_name.isidentifier() for each in found)
    assert len({each.class_name for each in found}) == len({each.program for each in found}) == len(NAMES)


def test_a_rule_without_a_name() -> None:
    found = subject("m * 2 + g")
    assert (found.class_name, found.function_name) == ("FoundRule", "found_rule")


def test_the_approximate_momentum_is_named_by_its_name_alone() -> None:
    assert "only approximates" in subject("momentum").provenance[1]
    assert subject("m").class_name == "FoundRule"


def test_winner_of_a_run(tmp_path: pathlib.Path) -> None:
    found = subject(str(run_folder(tmp_path)))
    assert found.text == WINNER["rule"]
    assert found.learning_rate == 0.0316
    text = export(str(tmp_path), to="torch")
    for words in (
        "learning rate 0.0316",
        "mean on test data 0.9012",
        "seeds 5",
        "+0.012",
        "p = 0.003",
        "better",
        "lr=0.0316",
    ):
        assert words in " ".join(text.replace("\n#", "").split()), words


def test_a_run_without_a_winner_or_leaderboard(tmp_path: pathlib.Path) -> None:
    with pytest.raises(RunError, match=r"holds no leaderboard.json, which a search writes when it ends. Received: "):
        export(str(tmp_path), to="numpy")
    (tmp_path / "leaderboard.json").write_text('{"winner": null, "rules": []}')
    with pytest.raises(RunError, match="has no winner; export one of its rules by its text"):
        export(str(tmp_path), to="numpy")
    for broken in (
        '{"winner": "g"',
        '{"winner": "g"}',
        '{"winner": 3, "rules": []}',
        '{"winner": "os.system(1)", "rules": []}',
    ):
        (tmp_path / "leaderboard.json").write_text(broken)
        with pytest.raises(RunError, match=r"leaderboard (cannot be read|is damaged)"):
            export(str(tmp_path), to="numpy")


def test_only_numbers_from_a_leaderboard_get_into_the_file(tmp_path: pathlib.Path) -> None:
    evil = '\n"""\nimport os\n"""'
    odd = {
        "name": evil,
        "found_by": evil,
        "verdict": evil,
        "p": evil,
        "learning_rate": evil,
        "difference_interval": evil,
    }
    text = export(str(run_folder(tmp_path, **odd)), to="numpy")
    assert "import os" not in text
    assert subject(str(tmp_path)).learning_rate is None


def test_neither_name_nor_text_nor_folder() -> None:
    with pytest.raises(ValueError, match=r"^Unknown rule; did you mean 'powersign-cd'.*Received: 'powersign-cb'$"):
        export("powersign-cb", to="torch")
    with pytest.raises(
        ValueError, match=r"^This is neither a folder nor the text of a rule\. Received: 'runs/nowhere'$"
    ):
        export("runs/nowhere", to="torch")
    with pytest.raises(nos_tf.ProgramError, match="never closed"):
        export("exp(g", to="torch")
    with pytest.raises(ValueError, match=r"Unknown target; did you mean 'torch'\? Known: keras, optax, torch"):
        export("g", to="pytorch")
