"""Runs pytest on the files of a Bazel target, without the tests marked slow."""

import importlib
import os
import sys

import pytest

if __name__ == "__main__":
    del sys.path[0]  # This script's folder, in which `experiments` would be the tests.
    # Bazel's sandbox has no writable home. Matplotlib prints a message when it first fills an empty folder.
    os.environ["MPLCONFIGDIR"] = os.environ["TEST_TMPDIR"]
    importlib.import_module("matplotlib.font_manager")
    code = pytest.main(["-p", "no:cacheprovider", "-q", "-m", "not slow", *sys.argv[1:]])
    sys.exit(0 if code == pytest.ExitCode.NO_TESTS_COLLECTED else code)  # All of them may be slow.
