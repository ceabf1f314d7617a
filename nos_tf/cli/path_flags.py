"""Flags that name files and folders."""

from __future__ import annotations

import os

from absl import flags

flags.disclaim_key_flags()  # A flag belongs to the module that calls the functions below.


class _PathParser(flags.ArgumentParser):
    """Replaces a leading `~`, which shells leave alone in `--flag=~/folder` and in flagfiles, by the home folder."""

    def parse(self, argument: str) -> str:
        return os.path.expanduser(argument)


def define(name: str, default: str | None, description: str) -> None:
    """Defines a flag for one path."""
    flags.DEFINE(_PathParser(), name, default, description, serializer=flags.ArgumentSerializer())


def define_multi(name: str, description: str) -> None:
    """Defines a flag for any number of paths; it is repeated for each of them."""
    flags.DEFINE_multi(_PathParser(), flags.ArgumentSerializer(), name, [], description)
