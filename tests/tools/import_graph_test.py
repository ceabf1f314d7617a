"""The import graph of a small tree."""

from __future__ import annotations

import pathlib

from tools import import_graph


def test_graph_of_a_small_tree(tmp_path: pathlib.Path) -> None:
    files = {
        "nos_tf/__init__.py": 'LAZY = ("late",)',
        "nos_tf/late.py": "import tensorflow",
        "nos_tf/early.py": "",
        "nos_tf/inner/__init__.py": "from nos_tf.inner.one import x",
        "nos_tf/inner/one.py": "import nos_tf.early as e",
        "nos_tf/start.py": "COMMAND = ('-m', 'nos_tf.inner.one')",
        "experiments/run.py": "from nos_tf import inner\ndef main():\n    from nos_tf import late",
        "experiments/folder/__main__.py": "import nos_tf\nnos_tf.early.x()",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert import_graph.graph(tmp_path) == {
        "nos_tf": {"nos_tf.late"},
        "nos_tf.late": set(),
        "nos_tf.early": set(),
        "nos_tf.inner": {"nos_tf.inner.one"},
        "nos_tf.inner.one": {"nos_tf.early"},
        "nos_tf.start": {"nos_tf.inner.one"},
        "experiments.run": {"nos_tf.inner", "nos_tf.late"},
        "experiments.folder.__main__": {"nos_tf", "nos_tf.early"},
    }
