from pathlib import Path

import pytest
from absl import flags

from nos_tf.cli import path_flags


def test_the_home_folder_is_expanded_also_in_flagfiles(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    (tmp_path / "some.flags").write_text("--data=~/tfds\n--run=~/one\n")
    for name in ("data", "output"):
        path_flags.define(name, None, "A path.")
    path_flags.define_multi("run", "Some paths.")
    path_flags.define_multi("none", "No path.")
    try:
        flags.FLAGS(["script", f"--flagfile={tmp_path}/some.flags", "--run=two/~", "--output=-"])
        values = {name: flags.FLAGS[name].value for name in ("data", "output", "run", "none")}
        owners = {flags.FLAGS.find_module_defining_flag(name) for name in values}
    finally:
        for name in ("data", "output", "run", "none"):
            delattr(flags.FLAGS, name)
        flags.FLAGS.unparse_flags()
    assert values == {"data": "/home/ada/tfds", "output": "-", "run": ["/home/ada/one", "two/~"], "none": []}
    assert owners == {__name__}
