from nos_tf import optimizers
from nos_tf.dsl.named_rules import NAMED_RULES, PAPER
from nos_tf.paper import naming
from nos_tf.paper.cells import BEST_RULE, CONVNET, ENOS, GNMT, IMAGENET, TABLE_1, TABLES
from nos_tf.paper.trust import Trust

# A second transcription, made from the list of facts about the paper and not from the tables under test.
TABLE_1_AGAIN = """
| optimizer | Final Val | Final Test | Best Val | Best Test |
| --- | --- | --- | --- | --- |
| SGD | 92.0 | 91.8 | 92.9 | 91.9 |
| Momentum | 92.7 | 92.1 | 93.1 | 92.3 |
| Adam | 90.4 | 90.1 | 91.8 | 90.7 |
| RMSProp | 90.7 | 90.3 | 91.4 | 90.3 |
| [e^{sign(g)*sign(m)} + clip(g,1e-4)] * g | 92.5 | 92.4 | 93.8 | 93.1 |
| clip(m,1e-4) * e^v | 93.5 | 92.5 | 93.8 | 92.7 |
| m * e^v | 93.1 | 92.4 | 93.8 | 92.6 |
| g * e^{sign(g)*sign(m)} | 93.1 | 92.8 | 93.8 | 92.8 |
| drop(g,0.3) * e^{sign(g)*sign(m)} | 92.7 | 92.2 | 93.6 | 92.7 |
| m * e^{g^2} | 93.1 | 92.5 | 93.6 | 92.4 |
| drop(m,0.1) / (e^{g^2} + eps) | 92.6 | 92.4 | 93.5 | 93.0 |
| drop(g,0.1) * e^{sign(g)*sign(m)} | 92.8 | 92.4 | 93.5 | 92.2 |
| clip(RMSProp,1e-5) + drop(m,0.3) | 90.8 | 90.8 | 91.4 | 90.9 |
| Adam * e^{sign(g)*sign(m)} | 92.6 | 92.0 | 93.4 | 92.0 |
| Adam * e^m | 92.9 | 92.8 | 93.3 | 92.7 |
| g + drop(m,0.3) | 93.4 | 92.9 | 93.7 | 92.9 |
| drop(m,0.1) * e^{g^3} | 92.8 | 92.7 | 93.7 | 92.8 |
| g - clip(g^2,1e-4) | 93.4 | 92.8 | 93.7 | 92.8 |
| e^g - e^m | 93.2 | 92.5 | 93.5 | 93.1 |
| drop(m,0.3) * e^{1e-3 w} | 93.2 | 93.0 | 93.5 | 93.2 |
"""
# The other numbers, which the text states: table, row, and the row's numbers.
OTHERS_AGAIN = """
convnet: best rule 0.674; Momentum 0.670; Adam 0.659; SGD 0.652; RMSProp 0.632
imagenet: RMSProp 73.5/91.5; PowerSign-cd 73.9/91.9; AddSign-rd 73.8/91.6
gnmt: Adam 1.49/24.5; g * e^{sign(g)sign(m)} 1.39/25.0
enos: best of ENOS 77.02; PowerSign-cd 76.21; AddSign-cd 76.07; Adam 73.42
"""


def test_table_1_agrees_with_a_second_transcription() -> None:
    lines = [[part.strip() for part in line.strip("|").split("|")] for line in TABLE_1_AGAIN.strip().splitlines()]
    header, _, *rows = lines
    assert [column.heading for column in TABLE_1.columns] == header[1:]
    assert len(rows) == 20
    found = [(row.printed, *(f"{value:.1f}" for value in row.values)) for row in TABLE_1.rows]
    assert found == [tuple(row) for row in rows]


def test_other_numbers_agree_with_a_second_transcription() -> None:
    for line in OTHERS_AGAIN.strip().splitlines():
        key, _, rows = line.partition(": ")
        table = next(table for table in TABLES if table.key == key)
        expected = [tuple(row.rsplit(" ", 1)) for row in rows.split("; ")]
        decimals = [column.decimals for column in table.columns]
        found = [
            (row.printed, "/".join(f"{value:.{count}f}" for value, count in zip(row.values, decimals, strict=True)))
            for row in table.rows
        ]
        assert found == expected


def test_every_number_appears_once_with_its_mark() -> None:
    count = {table.key: sum(len(row.values) for row in table.rows) for table in TABLES}
    assert count == {"convnet": 5, "table_1": 80, "imagenet": 6, "gnmt": 4, "enos": 4}
    for table in TABLES:
        assert len({row.printed for row in table.rows}) == len(table.rows)
        assert len({column.metric for column in table.columns}) == len(table.columns)
        assert {len(row.values) for row in table.rows} == {len(table.columns)}
    assert {table.trust for table in (TABLE_1, IMAGENET, GNMT)} == {Trust.RECOLLECTED}
    assert CONVNET.trust == Trust.OWN
    assert [column.tolerance for column in CONVNET.columns] == [0.003]
    assert {column.tolerance for column in TABLE_1.columns} == {0.05}
    assert {column.unit for column in TABLE_1.columns + IMAGENET.columns} == {"%"}
    assert Trust.RECOLLECTED.words == "unverified transcription"


def test_directions_of_the_metrics() -> None:
    columns = [column for table in (CONVNET, TABLE_1, IMAGENET, GNMT, ENOS) for column in table.columns]
    assert [column.metric for column in columns if not column.higher_is_better] == ["final_perplexity"]


def test_optimizers_are_those_of_the_zoo() -> None:
    for table in TABLES:
        for row in table.rows:
            assert row.optimizer == BEST_RULE or row.optimizer in optimizers.names()
    named = {name for name, rule in NAMED_RULES.items() if rule.origin == PAPER} - {"powersign-cd", "addsign"}
    assert {row.optimizer for row in TABLE_1.rows} == named | {"sgd", "momentum", "rmsprop", "adam"}


def test_every_name_in_the_zoo_is_known_as_itself() -> None:
    for name in optimizers.names():
        assert naming.known_as(name) == name
    baselines = {"sgd", "momentum", "nesterov", "adam", "adamw", "rmsprop", "rmsprop-nasnet", "lion"}
    assert {name for name in optimizers.names() if not naming.is_rule(name)} == baselines


def test_text_of_a_rule_is_known_by_its_name() -> None:
    assert naming.known_as("exp(sign(m) * sign(g)) * g") == "powersign"
    assert naming.known_as("exp(sign(g) * cd * sign(m)) * g") == "powersign-cd"
    assert naming.known_as("keras/rmsprop") == "rmsprop"
    assert naming.known_as("g") == "sgd"
    assert naming.known_as("exp(g) * m") is None
    assert not naming.is_rule("keras/lion")
    assert not naming.is_rule("addons/yogi")
    assert naming.is_rule("exp(g) * m")
