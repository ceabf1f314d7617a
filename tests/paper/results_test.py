import copy
import io
import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.console import Console

from nos_tf.common.errors import RunError
from nos_tf.paper import markdown, page, results, text
from nos_tf.paper.claims import ClaimStatus
from nos_tf.paper.ledger import Status, compare
from tests.paper.run_folders import SMALL_DATA, SMALL_SCALE, accuracies, swept, training, write


def small(folder: Path) -> Path:
    """Writes a tiny run whose numbers are all better than the paper's."""
    runs = [*swept("powersign", accuracies(0.99, 0.991)), *swept("momentum", accuracies(0.97, 0.971))]
    return write(folder, runs, dataset=SMALL_DATA, scale=SMALL_SCALE, flags={"epochs": 2, "train_examples": 1_000})


def change(path: Path, edit: Callable[[dict[str, Any]], Any]) -> None:
    content = json.loads(path.read_text(encoding="utf-8"))
    edit(content)
    path.write_text(json.dumps(content), encoding="utf-8")


def check_refused(directory: Path, *words: str) -> None:
    with pytest.raises(RunError) as caught:
        results.find(directory)
    message = str(caught.value)
    assert "\n" not in message
    assert len(message) < 500
    for word in words:
        assert word in message


def test_whole_run_is_read(tmp_path: Path) -> None:
    small(tmp_path / "deep" / "run")
    (run,) = results.find(tmp_path)
    assert run.folders == (os.path.join("deep", "run"),)
    assert (run.experiment, run.dataset, run.config_hash) == ("cifar10_wide_resnet", SMALL_DATA, "0123456789ab")
    assert run.commit == "abc1234"
    assert run.optimizers == ("powersign", "momentum")
    assert run.seeds == (0, 1)
    assert run.seconds == 28 * 360
    assert {training.learning_rate for training in run.trainings if training.chosen} == {0.1}


def test_folder_itself_may_be_the_run(tmp_path: Path) -> None:
    assert len(results.find(small(tmp_path / "run"))) == 1


def test_no_runs_are_refused(tmp_path: Path) -> None:
    check_refused(tmp_path, str(tmp_path))
    check_refused(tmp_path / "missing", "missing")
    (tmp_path / "file").write_text("mine")
    check_refused(tmp_path / "file", "file")
    (tmp_path / "search").mkdir()
    (tmp_path / "search" / "config.json").write_text("{}")  # A search has no results.json.
    check_refused(tmp_path, str(tmp_path))


@pytest.mark.parametrize("name", ["config.json", "results.json"])
@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"3", b'"text"', b"\xff\xfe", b"[" * 100_000, b"{}", b"1" * 5_000, b'{"a": NaN}'],
    ids=lambda content: ascii(content[:12]),
)
def test_damaged_file_is_named(tmp_path: Path, name: str, content: bytes) -> None:
    (small(tmp_path / "run") / name).write_bytes(content)
    check_refused(tmp_path, str(tmp_path / "run" / name))


def test_missing_configuration_is_named(tmp_path: Path) -> None:
    (small(tmp_path / "run") / "config.json").unlink()
    check_refused(tmp_path, str(tmp_path / "run" / "config.json"))


def test_unreadable_file_is_named(tmp_path: Path) -> None:
    path = small(tmp_path / "run") / "results.json"
    path.unlink()
    path.symlink_to(path)
    check_refused(tmp_path, str(path))


@pytest.mark.parametrize("key", ["experiment", "dataset", "scale", "runs", "selected"])
def test_missing_key_is_named(tmp_path: Path, key: str) -> None:
    path = small(tmp_path / "run") / "results.json"
    change(path, lambda content: content.pop(key))
    check_refused(tmp_path, str(path), key)


@pytest.mark.parametrize("key", ["optimizer", "learning_rate", "seed", "status", "metrics", "seconds"])
def test_missing_key_of_a_training_is_named(tmp_path: Path, key: str) -> None:
    path = small(tmp_path / "run") / "results.json"
    change(path, lambda content: content["runs"][3].pop(key))
    check_refused(tmp_path, str(path), "runs[3]", key)


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("learning_rate", float("nan")),
        ("learning_rate", "0.1"),
        ("learning_rate", -0.1),
        ("learning_rate", True),
        ("seed", 1.5),
        ("seed", -1),
        ("seed", True),
        ("status", "fine"),
        ("status", None),
        ("optimizer", ""),
        ("optimizer", "a\nb"),
        ("optimizer", "\x1b[31m"),
        ("optimizer", "\ud800"),
        ("seconds", float("inf")),
        ("seconds", -1),
        ("metrics", []),
        ("metrics", {"final_test_accuracy": 92.8}),
        ("metrics", {"final_test_accuracy": float("nan")}),
        ("metrics", {"final_test_accuracy": None}),
        ("metrics", {"final_test_accuracy": "0.9"}),
        ("metrics", {"final_test_accuracy": 10**400}),
        ("metrics", {"final_test_bleu": 101}),
        ("metrics", {"final_perplexity": 0.5}),
        ("metrics", {"loss": float("inf")}),
        ("function", 3),
        ("selected", "yes"),
        ("epsilon", "small"),
    ],
)
def test_wrong_value_of_a_training_is_named(tmp_path: Path, key: str, value: Any) -> None:
    path = small(tmp_path / "run") / "results.json"
    change(path, lambda content: content["runs"][0].update({key: value}))
    is_json = not any(word in path.read_text() for word in ("NaN", "Infinity", "\\ud800"))
    check_refused(tmp_path, str(path), key if is_json else "byte")


def test_repeated_training_is_refused(tmp_path: Path) -> None:
    path = small(tmp_path / "run") / "results.json"
    change(path, lambda content: content["runs"].append(content["runs"][0]))
    check_refused(tmp_path, str(path), "runs[28]", "repeat")


def test_results_of_another_experiment_are_refused(tmp_path: Path) -> None:
    path = small(tmp_path / "run") / "config.json"
    change(path, lambda content: content.update(experiment="rosenbrock"))
    check_refused(tmp_path, str(path), "cifar10_wide_resnet", "rosenbrock")


def test_run_without_finished_trainings_is_shown(tmp_path: Path) -> None:
    write(tmp_path / "run", [])
    ledger = compare(results.find(tmp_path))
    assert ledger.count(Status.NOT_RUN) == 99
    assert_harmless(tmp_path)


def test_diverged_training_needs_no_metrics(tmp_path: Path) -> None:
    lost = {"status": "diverged", "metrics": {"final_test_accuracy": None}}
    write(tmp_path / "run", [training("sgd", 0.1, 0, {}) | lost])
    (run,) = results.find(tmp_path)
    assert run.trainings[0].metrics == {}


def assert_harmless(directory: Path) -> None:
    """Checks that the run is refused in one line, or counts neither for nor against the paper in any format."""
    try:
        ledger = compare(results.find(directory))
    except RunError as error:
        assert str(directory) in str(error)  # noqa: PT017
        return
    for status in (Status.REPRODUCED, Status.WITHIN, Status.NOT_REPRODUCED):
        assert ledger.count(status) == 0
    assert {result.status for result in ledger.claims} <= {ClaimStatus.NOT_RUN, ClaimStatus.NOT_COMPARABLE}
    file = io.StringIO()
    text.show(ledger, Console(file=file, width=100))
    for shown in (file.getvalue(), markdown.render(ledger), page.render(ledger)):
        assert shown.encode("utf-8")
        assert "unverified transcription" in shown


def _places(value: Any) -> Iterator[tuple[Any, Any]]:
    """Yields each container in a JSON value with each of its keys."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, child in items:
        yield value, key
        yield from _places(child)


JUNK: st.SearchStrategy[Any] = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-5, 5),
    st.sampled_from(
        [300, 7, 45_000, 10_000, 10**400, "CIFAR-10", "WRN-28-10", "ok", "diverged", "powersign", "g", "|<b>"]
    ),
    st.floats(),
    st.text(max_size=8),
    st.recursive(st.just([]), lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(max_size=3), inner)),
)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_no_mutation_of_a_small_run_makes_it_a_reproduction(data: st.DataObject, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    if not folder.exists():
        small(folder)
        for name in ("config.json", "results.json"):
            (folder / name).rename(folder / f"{name}.good")
    for name in ("config.json", "results.json"):
        content = json.loads((folder / f"{name}.good").read_text(encoding="utf-8"))
        # At most three mutations, because with all facts forged at once, it would be a different run.
        for _ in range(data.draw(st.integers(0, 3))):
            container, key = data.draw(st.sampled_from(list(_places(content))))
            kind = data.draw(st.sampled_from(["replace", "remove", "repeat"]))
            if kind == "remove":
                del container[key]
            elif kind == "repeat" and isinstance(container, list):
                container.append(copy.deepcopy(container[key]))
            else:
                container[key] = data.draw(JUNK)
            if not content:
                break
        (folder / name).write_text(json.dumps(content), encoding="utf-8")
    assert_harmless(tmp_path)


@settings(max_examples=150, deadline=None, derandomize=True, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_damaged_bytes_never_end_in_a_traceback(data: st.DataObject, tmp_path: Path) -> None:
    folder = tmp_path / "run"
    if not folder.exists():
        small(folder)
        (folder / "results.json").rename(folder / "good")
    content = bytearray((folder / "good").read_bytes())
    for _ in range(data.draw(st.integers(1, 5))):
        start = data.draw(st.integers(0, len(content) - 1))
        content[start : start + data.draw(st.integers(0, 9))] = data.draw(st.binary(max_size=3))
        if not content:
            break
    (folder / "results.json").write_bytes(bytes(content))
    assert_harmless(tmp_path)
