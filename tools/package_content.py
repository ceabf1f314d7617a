"""Checks the contents of a wheel and a source archive: python -m tools.package_content dist

The wheel must contain the package and nothing else; the source archive also contains the files needed to build it.
"""

from __future__ import annotations

import pathlib
import sys
import tarfile
import zipfile

_SHIPPED = (".py", ".j2", ".npz")
_SOURCE_FILES = {"LICENSE", "PKG-INFO", "README.md", "pyproject.toml", "setup.cfg"}


def package_files(root: pathlib.Path) -> set[str]:
    """Lists the files of the package, relative to the root."""
    paths = (path for path in (root / "nos_tf").rglob("*") if path.suffix in _SHIPPED)
    return {path.relative_to(root).as_posix() for path in paths}


def differences(found: set[str], wanted: set[str]) -> list[str]:
    """Returns one line for each unexpected or missing file."""
    return [f"unexpected: {name}" for name in sorted(found - wanted)] + [
        f"missing: {name}" for name in sorted(wanted - found)
    ]


def wheel_files(wheel: pathlib.Path) -> set[str]:
    """Lists the files in a wheel, without its metadata."""
    return {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}


def source_files(archive: pathlib.Path) -> set[str]:
    """Lists the files in a source archive, without its metadata."""
    with tarfile.open(archive) as members:
        names = [member.name.partition("/")[2] for member in members.getmembers() if member.isfile()]
    return {name for name in names if ".egg-info/" not in name}


def main() -> None:
    """Prints the differences, if any, and exits."""
    folder, root = pathlib.Path(sys.argv[1]), pathlib.Path(__file__).parents[1]
    (wheel,), (archive,) = folder.glob("*.whl"), folder.glob("*.tar.gz")
    wanted = package_files(root)
    lines = [f"{wheel.name}: {line}" for line in differences(wheel_files(wheel), wanted)]
    lines += [f"{archive.name}: {line}" for line in differences(source_files(archive), wanted | _SOURCE_FILES)]
    if lines:
        sys.exit("\n".join(lines))
    print(f"{wheel.name} and {archive.name} contain the {len(wanted)} files of the package")


if __name__ == "__main__":
    main()
