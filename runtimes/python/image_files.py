"""Lays out what an image has beside the interpreter, for the Dockerfile: `python3 image_files.py OUT` writes the runtime to OUT/stave/python, and compiled copies
of it and of the standard library, which a container that cannot write any would compile anew at each start."""

import os
import py_compile
import shutil
import sys
import sysconfig

RUNTIME = ("http_front.py", "http_requests.py", "direct_output.py", "action_runs.py", "action_code.py", "action_output.py", "action_archive.py")
# Parts of the standard library that no action needs.
LEFT_OUT = frozenset(("test", "tests", "idlelib", "tkinter", "turtledemo", "ensurepip", "lib2to3", "site-packages", "dist-packages", "__pycache__"))


def main(out):
    os.umask(0o022)
    here = os.path.dirname(os.path.abspath(__file__))
    for name in RUNTIME:
        target = os.path.join(out, "stave/python", name)
        os.makedirs(os.path.dirname(target), exist_ok=True)
        shutil.copyfile(os.path.join(here, name), target)
        compile_for("/stave/python/" + name, target, out)
    library = sysconfig.get_path("stdlib")
    for directory, folders, files in os.walk(library):
        folders[:] = [name for name in folders if name not in LEFT_OUT and not name.startswith("config-")]
        for name in files:
            source = os.path.join(directory, name)
            if name.endswith(".py") and not os.path.exists(cache_of(source)):
                compile_for(source, source, out)


def compile_for(path, source, out):
    """Compiles `source`, which is `path` in the image, to where an interpreter looks for it there. One that cannot be compiled is left as it is."""
    target = out + cache_of(path)
    try:
        # Unchecked: the files of an image do not change, and a COPY may give them other times.
        py_compile.compile(source, target, path, True, invalidation_mode=py_compile.PycInvalidationMode.UNCHECKED_HASH)
    except py_compile.PyCompileError as error:
        print(error)


def cache_of(path):
    return os.path.join(os.path.dirname(path), "__pycache__", "%s.%s.pyc" % (os.path.basename(path)[:-3], sys.implementation.cache_tag))


main(sys.argv[1])
