"""Runs pytest on the files of a Bazel target, except tests marked slow."""

import importlib
import os
import sys

import pytest

if __name__ == "__main__":
    del sys.path[0]  # The folder of this script, where `experiments` would be the tests.
    # Bazel's sandbox has no writable home. This import keeps Matplotlib's message about a new cache out of the tests.
    os.environ["MPLCONFIGDIR"] = os.environ["TEST_TMPDIR"]
    importlib.import_module("matplotlib.font_manager")
    code = pytest.main(["-p", "no:cacheprovider", "-q", "-m", "not slow", *sys.argv[1:]])
    sys.exit(0 if code == pytest.ExitCode.NO_TESTS_COLLECTED else code)  # There may be only slow tests.
