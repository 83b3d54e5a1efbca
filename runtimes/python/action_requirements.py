"""Checks an action's requirements.txt against what can be imported. Nothing is ever installed: a container has no business with a package index."""

import re
from importlib import metadata

_NAME = re.compile(r"^[A-Za-z0-9][A-Za-z0-9._-]*")


def missing(path):
    """Names in the requirements file at `path` that no installed distribution has, in the file's order."""
    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [line.split("#", 1)[0].split(";", 1)[0].strip() for line in file]
    names = [match.group() for match in map(_NAME.match, lines) if match is not None]
    return [name for name in names if not _installed(name)]


def _installed(name):
    try:
        metadata.version(name)
        return True
    except metadata.PackageNotFoundError:
        return False
