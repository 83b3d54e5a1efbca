"""Notices what may write to the process's standard output and error without passing through `sys.stdout` and `sys.stderr`: other processes, descriptors written
directly, native modules. Once there was such a thing nobody can say any more that a run has printed nothing."""

import os
import sys

_PROCESSES = frozenset(("subprocess.Popen", "os.system", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.exec", "pty.spawn", "ctypes.dlopen"))
_DESCRIPTOR_PATHS = ("/dev/stdout", "/dev/stderr", "/dev/fd/", "/dev/tty", "/dev/console", "/proc/")


class DirectOutput:
    """`possible` turns true at the first sign, for good. Watches from its making on; that cannot be undone."""

    def __init__(self):
        self.possible = False
        # Native modules of the interpreter's own, which do not print.
        self.own_modules = os.path.join(os.path.dirname(os.__file__), "lib-dynload") + os.sep
        self._wrap("write")
        self._wrap("writev")
        sys.addaudithook(self._look)

    def _wrap(self, name):
        original = getattr(os, name)

        def watched(fd, data, /):
            if fd == 1 or fd == 2:
                self.possible = True
            return original(fd, data)

        watched.__name__ = watched.__qualname__ = name
        setattr(os, name, watched)

    def _look(self, event, arguments):
        if self.possible:
            return
        if event in _PROCESSES:
            self.possible = True
        elif event == "open":
            path = arguments[0]
            if isinstance(path, int):
                self.possible = path in (1, 2)
            elif isinstance(path, str):
                self.possible = path.startswith(_DESCRIPTOR_PATHS)
        elif event == "import":
            # A module with a file here is native. multiprocessing has ways of its own to start processes.
            name, file = arguments[0], arguments[1]
            own = file is None or str(file).startswith(self.own_modules)
            self.possible = not own or name.startswith("multiprocessing.popen_")
