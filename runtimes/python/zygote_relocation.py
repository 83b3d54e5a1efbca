"""Tells a running interpreter that it is installed elsewhere.

Sandboxes show an installation that lies in somebody's home directory at a path that names no home. An interpreter that is started there finds itself;
one that is forked from the zygote has the host's paths in memory, and would look for the rest of its library where there is nothing.
"""

import _imp
import gc
import os
import sys
import types


def place_in(mounts, executable, prefix):
    """Where a sandbox with these mounts (`SandboxMount`) shows `prefix`, told by where it shows the executable below it; None: at its own path."""
    inside = None
    for mount in mounts:
        source = mount.get("source")
        if mount["type"] == "bind" and (executable == source or executable.startswith("%s/" % source)):
            inside = mount["target"] + executable[len(source) :]
    below = executable[len(prefix) :]
    if inside is None or inside == executable or not executable.startswith(prefix + "/") or not inside.endswith(below):
        return None
    return inside[: -len(below)]


def own_place():
    """The executable that runs, without links, and the directory of the installation that it belongs to."""
    return os.path.realpath(sys.executable), sys.base_prefix


def relocate(source, target):
    """Replaces the directory `source` by `target` in all that modules, their specs and their loaders hold, and in the file names of tracebacks.

    Strings are looked at, and lists and dictionaries of them; that is where CPython keeps paths: prefixes, module path, packages' directories, files,
    variables of the build.
    """

    def moved(text):
        return target + text[len(source) :] if text == source or text.startswith(source + "/") else text

    def move_strings(values):
        for key, value in list(values.items()):
            if type(value) is str and source in value:
                values[key] = moved(value)

    def move_values(values):
        move_strings(values)
        # In place: several modules may hold the same one, as all do with sys.path.
        for value in values.values():
            if type(value) is list:
                value[:] = [moved(item) if type(item) is str else item for item in value]
            elif type(value) is dict and value is not values:
                move_strings(value)

    for module in list(sys.modules.values()):
        namespace = getattr(module, "__dict__", None)
        if type(namespace) is not dict:
            continue
        move_values(namespace)
        spec = namespace.get("__spec__")
        for holder in (spec, getattr(spec, "loader_state", None), namespace.get("__loader__")):
            attributes = getattr(holder, "__dict__", None)
            if type(attributes) is dict:
                move_values(attributes)
    # What imports remember of the directories, which are other ones now.
    sys.path_importer_cache.clear()

    # The import system's own way for modules whose compiled files were moved (importlib._bootstrap_external, `_compile_bytecode`).
    for thing in gc.get_objects():
        if type(thing) is types.FunctionType:
            name = thing.__code__.co_filename
            if moved(name) != name:
                _imp._fix_co_filename(thing.__code__, moved(name))
