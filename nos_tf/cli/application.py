"""How every command starts and ends.

Exit codes: 0 done, 2 what the user asked for cannot be done (one line says why), 130 interrupted and saved.
"""

from __future__ import annotations

import os
import signal
import sys
from collections.abc import Callable, Sequence
from typing import NoReturn

from absl import app, flags

from nos_tf.errors import RunError

CANNOT = 2
INTERRUPTED = 130


def run(main: Callable[[], None], interrupted: str) -> NoReturn:
    """Parses the command line, runs `main`, and exits.

    Args:
      main: The command; raises `RunError` for what cannot be done.
      interrupted: What is said after Ctrl-C or a request to terminate.
    """

    def guarded(arguments: Sequence[str]) -> int:
        if len(arguments) > 1:
            _say(f"Every argument is a flag, as --name=value. Received: {arguments[1]}")
            return CANNOT
        signal.signal(signal.SIGTERM, signal.default_int_handler)
        try:
            main()
        except RunError as error:
            _say(str(error))
            return CANNOT
        except KeyboardInterrupt:
            _say(interrupted)
            return INTERRUPTED
        return 0

    # Under `bazel run` the process starts elsewhere than its user.
    os.chdir(os.environ.get("BUILD_WORKING_DIRECTORY", "."))
    for module, own in flags.FLAGS.flags_by_module_dict().items():
        if module.startswith(("nos_tf.", "experiments.")):
            for flag in own:
                flags.FLAGS.register_key_flag_for_module(sys.argv[0], flag)  # For --help.
    app.run(guarded, flags_parser=_parse)


def _parse(arguments: Sequence[str]) -> list[str]:
    try:
        return flags.FLAGS(arguments)
    except flags.Error as error:
        _say(f"{error}; --helpfull lists all flags")
        sys.exit(CANNOT)


def _say(message: str) -> None:
    print(" ".join(message.split()), file=sys.stderr, flush=True)
