"""The scripts that read a table: its rows as CSV, and the check that trains them again."""

from __future__ import annotations

import csv
import dataclasses

import numpy as np
import pytest

from experiments import export_table, verify_table
from nos_tf.evaluation.protocol import Protocol
from nos_tf.table import Table, load
from tests.experiments.in_process import run
from tests.table import miniature


@pytest.fixture
def table(monkeypatch):
    content = miniature.content()
    facts = dict(content.facts) | {"task": "digits", "protocol": dataclasses.asdict(Protocol()), "seed": 0}
    table = Table(dataclasses.replace(content, facts=facts))
    monkeypatch.setattr("nos_tf.table.load", lambda name: table if name == "digits" else load(name))
    return table


def test_csv_has_every_rule_by_rank_with_its_measurements(table, monkeypatch, tmp_path):
    path = tmp_path / "digits.csv"
    assert run(monkeypatch, export_table, f"--output={path}") == 0
    rows = list(csv.DictReader(path.read_text("utf-8").splitlines()))
    assert [int(row["rank"]) for row in rows] == list(range(1, 8))
    assert [row["rule"] for row in rows[:3]] == ["rmsprop", "adam", "sign(g) * m"]
    assert (rows[0]["value"], rows[0]["reward"], rows[0]["learning_rate"]) == ("0.85", "0.85", "0.004")
    assert float(rows[0]["test_long_accuracy"]) == pytest.approx(7 / 12, rel=1e-5)
    assert (rows[2]["second_task_reward"], rows[0]["second_task_reward"]) == ("0.5", "")
    assert {row["learning_rate"] for row in rows[5:]} == {""}


def test_errors_write_nothing(table, monkeypatch, tmp_path, capsys):
    taken = tmp_path / "mine.csv"
    taken.write_text("mine")
    for arguments in ((f"--output={taken}",), (f"--output={tmp_path}/no/x.csv",), ("--table=digts",)):
        assert run(monkeypatch, export_table, *arguments) == 2
        assert len(capsys.readouterr().err.strip().splitlines()) == 1
    assert taken.read_text() == "mine"
    assert list(tmp_path.iterdir()) == [taken]


def test_sample_contains_only_trained_rules(table):
    trained = np.flatnonzero(table.content.steps)
    assert sorted(verify_table.sample(table, 100, 0)) == trained.tolist()
    assert len(verify_table.sample(table, 2, 0)) == 2


def test_invented_table_cannot_be_reproduced(table, monkeypatch, capsys):
    assert run(monkeypatch, verify_table, "--sample=2") == 2
    assert "The table cannot be reproduced on this machine. Received: 2 of 2 rules are off" in capsys.readouterr().err
