import socket
import subprocess
import sys
from pathlib import Path

import pytest

from nos_tf.common.errors import RunError
from nos_tf.search.executors import ray_cluster
from nos_tf.search.executors.ray_cluster import Share


@pytest.mark.parametrize(
    ("share", "node", "room"),
    [
        (Share(), {"CPU": 8.0}, 8),
        (Share(cpus=3.0), {"CPU": 8.0}, 2),
        (Share(cpus=0.5, gpus=0.1), {"CPU": 16.0, "GPU": 1.0}, 10),
        (Share(gpus=1.0), {"CPU": 8.0}, 0),
        (Share(gpus=0.25), {"CPU": 2.0, "GPU": 4.0}, 2),
        (Share(), {}, 0),
    ],
)
def test_room_of_a_node(share: Share, node: dict[str, float], room: int) -> None:
    assert share.room(node) == room


def test_missing_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(RunError, match=r"pip install 'nos_tf\[ray\]'"):
        ray_cluster.check_installed()


@pytest.mark.parametrize("address", ["here", "ray://host:1", "host:", ":x"])
def test_address_is_checked(address: str) -> None:
    with pytest.raises(RunError, match=r"HOST:PORT.*Received: address="):
        ray_cluster._check_reachable(address)


def test_silent_address_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray")
    monkeypatch.setattr(ray_cluster, "_REACH", 0.5)
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
        with pytest.raises(RunError, match="does not speak Ray's protocol"):
            ray_cluster._check_reachable(f"127.0.0.1:{port}")
    with pytest.raises(RunError, match="refused"):
        ray_cluster._check_reachable(f"127.0.0.1:{port}")


def test_packages_and_modules_are_sent_completely(tmp_path: Path) -> None:
    (tmp_path / "mine" / "data").mkdir(parents=True)
    for name in ("mine/__init__.py", "mine/task.py", "mine/data/x.csv", "single.py"):
        (tmp_path / name).touch()
    script = (
        "import sys; from pathlib import Path; from nos_tf.search.executors import ray_cluster\n"
        "[ray_cluster._copy_package(name, Path('sent')) for name in ('nos_tf', 'mine.task', 'single')]\n"
    )
    (tmp_path / "sent").mkdir()
    path = f"{Path(__file__).parents[3]}"
    subprocess.run([sys.executable, "-c", script], cwd=tmp_path, env={"PYTHONPATH": path}, check=True)
    sent = {file.relative_to(tmp_path / "sent").as_posix() for file in (tmp_path / "sent").rglob("*")}
    assert {"mine/task.py", "mine/data/x.csv", "single.py", "nos_tf/search/executors/ray_worker.py"} <= sent
    assert not any("__pycache__" in name for name in sent)


def test_missing_module_is_named(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"cannot be imported.*no_such_module.task"):
        ray_cluster._copy_package("no_such_module.task", tmp_path)
