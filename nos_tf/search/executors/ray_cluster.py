"""Connects a search to a Ray cluster, ships code to it, and counts how many workers fit."""

from __future__ import annotations

import contextlib
import dataclasses
import importlib.util
import logging
import math
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from nos_tf.common.errors import RunError

LOCAL = "local"
_REACH = 10.0  # Seconds to wait for an answer from the cluster's head.
_PAUSES = (0.0, 1.0, 3.0)  # Seconds to wait before each attempt to reach it.
# Environment variables that workers inherit from the search's process.
_VARIABLES = ("OMP_NUM_THREADS", "TF_CPP_MIN_LOG_LEVEL", "TF_ENABLE_ONEDNN_OPTS", "KERAS_BACKEND")


@dataclasses.dataclass(frozen=True)
class Share:
    """Resources of a node that one worker takes.

    Attributes:
      cpus: CPU cores, as counted by Ray.
      gpus: GPUs; a fraction lets several workers share one.
    """

    cpus: float = 1.0
    gpus: float = 0.0

    def __str__(self) -> str:
        return f"{self.cpus:g} CPUs" + (f" and {self.gpus:g} GPUs" if self.gpus else "")

    def room(self, resources: dict[str, float]) -> int:
        """Number of workers that fit on a node with the given resources."""
        wanted = {"CPU": self.cpus, "GPU": self.gpus}
        # Fractions are inexact: ten tenths fill one GPU.
        return min(
            math.floor(resources.get(name, 0.0) / amount + 1e-6) for name, amount in wanted.items() if amount > 0
        )


def check_installed() -> None:
    """Raises RunError if Ray is not installed."""
    if importlib.util.find_spec("ray") is None:
        raise RunError("A Ray cluster needs the extra [ray]: pip install 'nos_tf[ray]'. Received: no package ray")


@contextlib.contextmanager
def connected(address: str, modules: Sequence[str], share: Share) -> Iterator[None]:
    """Context that connects this process to a cluster; actors started in it end with the context.

    Args:
      address: "local" to start a cluster on this machine, "auto" for the one this machine belongs to, or HOST:PORT of
        a cluster's head.
      modules: Modules that workers import; their whole top-level packages are sent.
      share: Resources that one worker takes.

    Raises:
      RunError: There is no such cluster, it runs other versions of Ray or Python, or it refuses the connection.
    """
    check_installed()
    _check_reachable(address)
    # Ray must not send usage statistics or print messages into the progress display.
    os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
    os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")
    os.environ.setdefault("RAY_raylet_start_wait_time_s", "120")  # The default of 30 is too short for a busy machine.
    logging.getLogger("ray").setLevel(logging.ERROR)
    import ray

    local_options: dict[str, Any] = {"include_dashboard": False} if address == LOCAL else {}
    on_terminate = signal.getsignal(signal.SIGTERM)
    with tempfile.TemporaryDirectory() as folder:
        for module in modules:
            _copy_package(module, Path(folder))
        try:
            ray.init(
                address,
                logging_level=logging.ERROR,
                log_to_driver=False,
                runtime_env={"working_dir": folder, "env_vars": _variables(share)},
                **local_options,
            )
        except (OSError, RuntimeError, ValueError, ray.exceptions.RayError) as error:
            ray.shutdown()  # The connection may be partly established.
            raise RunError(f"The Ray cluster cannot be used: {_sentence(error)}. Received: address={address}") from None
        finally:
            signal.signal(signal.SIGTERM, on_terminate)  # Ray's handler would end the search silently.
    try:
        yield
    finally:
        ray.shutdown()


def nodes() -> dict[str, dict[str, float]]:
    """Resources of each live node, by node id.

    Raises:
      RunError: The head no longer answers.
    """
    import ray

    # Ray itself would wait for a minute, then end the process without a helpful message.
    address = ray.get_runtime_context().gcs_address
    if not any(_answers(address, pause) for pause in _PAUSES):
        raise RunError(
            "The head of the Ray cluster is gone. Every finished trial is saved; restart the cluster or choose "
            f"another executor, then resume the run. Received: no answer from {address}"
        )
    return {node["NodeID"]: node["Resources"] for node in ray.nodes() if node["Alive"]}


def _answers(address: str, pause: float) -> bool:
    time.sleep(pause)
    host, _, port = address.rpartition(":")
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_REACH).close()
    except OSError:
        return False
    return True


def _check_reachable(address: str) -> None:
    host, colon, port = address.rpartition(":")
    if address in (LOCAL, "auto"):
        return
    if not colon or not port.isdigit() or "/" in host:
        raise RunError(f"Name the cluster's head as HOST:PORT, local or auto. Received: address={address}")
    reason = None
    try:
        socket.create_connection((host.strip("[]"), int(port)), timeout=_REACH).close()
        # If something else listens there, Ray would wait for minutes.
        status = [sys.executable, "-c", "from ray.scripts.scripts import main; main()", "status", "--address", address]
        subprocess.run(status, capture_output=True, check=True, timeout=2 * _REACH)
    except subprocess.TimeoutExpired:
        reason = "it does not speak Ray's protocol"
    except subprocess.CalledProcessError as error:
        reason = error.stderr.decode(errors="replace").strip().rpartition("\n")[2]
    except (OSError, OverflowError) as error:
        reason = getattr(error, "strerror", None) or str(error)
    if reason is not None:
        raise RunError(
            f"No Ray cluster answers at this address ({reason}); start one with `ray start --head`. "
            f"Received: address={address}"
        )


def _copy_package(module: str, folder: Path) -> None:
    name = module.partition(".")[0]
    spec = importlib.util.find_spec(name)
    if spec is None:
        raise RunError(f"The module cannot be imported; run from its folder or install it. Received: {module}")
    if spec.submodule_search_locations:
        ignore = shutil.ignore_patterns("__pycache__")
        for location in spec.submodule_search_locations:
            shutil.copytree(location, folder / name, ignore=ignore, dirs_exist_ok=True)
    elif spec.origin:
        shutil.copy(spec.origin, folder)


def _variables(share: Share) -> dict[str, str]:
    variables = {name: os.environ[name] for name in _VARIABLES if name in os.environ}
    if 0 < share.gpus < 1:
        variables["TF_FORCE_GPU_ALLOW_GROWTH"] = "true"  # Otherwise the first worker takes all of the GPU's memory.
    return variables


def _sentence(error: BaseException) -> str:
    return " ".join(str(error).split()).rstrip(".")


def describe(resources: dict[str, dict[str, float]]) -> str:
    """Total resources of the cluster, in words."""
    total: dict[str, Any] = {kind: sum(node.get(kind, 0.0) for node in resources.values()) for kind in ("CPU", "GPU")}
    gpus = f" and {total['GPU']:g} GPUs" if total["GPU"] else ""
    return f"{total['CPU']:g} CPUs{gpus} on {len(resources)} node{'s' * (len(resources) != 1)}"
