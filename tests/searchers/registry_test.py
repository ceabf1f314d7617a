"""Settings are defined in one place: for every searcher, its class, the command line and the registry agree."""

from __future__ import annotations

import dataclasses
import subprocess
import sys

import pytest
from absl import flags

import nos_tf
from nos_tf import searchers
from nos_tf.common.settings import Settings, setting
from nos_tf.dsl.search_space import SearchSpace
from nos_tf.search import command_flags
from nos_tf.searchers import registry


@pytest.fixture(scope="module")
def command_line():
    """The flags of the search, which can be defined only once per process."""
    before = set(flags.FLAGS)
    if "searcher" not in before:
        command_flags.define()
    yield flags.FLAGS
    for name in set(flags.FLAGS) - before:
        delattr(flags.FLAGS, name)


@pytest.mark.parametrize("name", searchers.names())
def test_the_command_uses_the_settings_of_the_class(command_line, name):
    command_line.unparse_flags()
    command_line(["search", f"--searcher={name}"])
    configuration = command_flags.configuration(command_flags.resolved(None))
    assert searchers.settings(name, **configuration.searcher_settings) == searchers.settings(name)
    with_flags = [field.name for field in dataclasses.fields(searchers.settings(name)) if field.metadata["flag"]]
    assert sorted(configuration.searcher_settings) == sorted(with_flags)
    command_line.searcher = "ppo"


def test_settings_are_read_without_tensorflow():
    assert nos_tf.searchers is searchers
    code = (
        "import sys, nos_tf\n"
        "for name in nos_tf.searchers.names(): nos_tf.searchers.settings(name)\n"
        "assert nos_tf.searchers.settings('ppo').clip == 0.2\n"
        "assert 'tensorflow' not in sys.modules"
    )
    subprocess.run([sys.executable, "-c", code], check=True, timeout=60)


def test_unknown_searchers_and_settings_are_refused_with_a_suggestion():
    with pytest.raises(ValueError, match=r"^Unknown searcher; did you mean 'evolution'\?.*'evolutoin'$"):
        searchers.settings("evolutoin")
    with pytest.raises(ValueError, match=r"^Unknown setting of ppo; did you mean 'clip'\?.*'clop'$"):
        searchers.settings("ppo", clop=0.1)
    with pytest.raises(ValueError, match=r"^clip must be above 0 and below 1\. Received: clip=1$"):
        searchers.settings("ppo", clip=1)
    with pytest.raises(ValueError, match=r"^learning_rate must be above 0\. Received: learning_rate=nan$"):
        searchers.settings("reinforce", learning_rate=float("nan"))


def test_a_new_searcher_is_one_entry(monkeypatch):
    monkeypatch.setattr(registry, "_ENTRIES", dict(registry._ENTRIES))

    @dataclasses.dataclass(frozen=True)
    class OwnSettings(Settings):
        depth: int = setting(3, "Depth.", at_least=1)

    @searchers.register("own", OwnSettings)
    class Own:
        def __init__(self, space, seed, settings):
            self.made = space, seed, settings

    space = SearchSpace()
    assert "own" in searchers.names()
    assert searchers.get("own", space, 7, depth=5).made == (space, 7, OwnSettings(depth=5))
