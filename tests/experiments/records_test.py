from pathlib import Path

from experiments import records


def test_a_line_that_was_cut_short_is_replaced(tmp_path: Path) -> None:
    path = tmp_path / "some.jsonl"
    assert records.read(path) == []
    first, second = {"rule": "g", "reward": 0.5}, {"rule": "m * v", "reward": 0.25}
    records.append(path, first)
    assert records.read(path) == [first]
    whole = path.read_bytes()
    for cut in (1, 10):
        path.write_bytes(whole + whole[:cut])
        assert records.read(path) == [first]
        records.append(path, second)
        assert records.read(path) == [first, second]
    path.write_bytes(whole[:-1])
    assert records.read(path) == []
