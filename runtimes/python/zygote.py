"""The zygote: an interpreter with the launcher and the usual modules loaded that forks ready containers, each in its sandbox, in a few milliseconds.

It never runs user code. The platform writes a JSON line a request to its standard input:
  {"op": "start", "id": 1, "container": "…", "socket": "/…", "token": "…", "script": "/…/launcher.py", "plan": {SandboxPlan}}
  {"op": "kill", "pid": 123}
and reads JSON lines from its standard output:
  {"ready": true} or {"unsupported": reason}, first of all
  {"id": 1, "pid": 123}      process 1 of the container, by its number on the host
  {"id": 1, "error": "…"}    the container could not be built; its process ends by itself
  {"pid": 123, "code": 0} or {"pid": 123, "signal": "SIGKILL"}
A container takes its standard streams from the platform's socket: it connects once for each and announces `container stream token`.
The zygote ends with its standard input, and every container ends with the zygote.

What all children of one zygote have in common is the address space's layout and the seed of string hashes, which CPython draws once at start. Generators of
random numbers they do not share: `random` is seeded anew after a fork, and the zygote never draws from OpenSSL's, so that each child seeds its own.
"""

import json
import os
import sys

# What the launcher has in an interpreter of its own.
PLAIN = frozenset(sys.modules)

import gc  # noqa: E402
import importlib  # noqa: E402
import select  # noqa: E402
import signal  # noqa: E402
import socket  # noqa: E402

# What actions import most. A module loaded here costs its memory once instead of once a container.
PRELOADED = (
    "argparse asyncio base64 binascii bisect calendar collections concurrent.futures contextlib copy csv dataclasses datetime decimal difflib "
    "email.message enum fractions functools glob gzip hashlib heapq hmac html http.client http.cookies inspect io itertools json logging math "
    "mimetypes multiprocessing operator pathlib pickle platform pprint queue random re secrets select shutil socket ssl stat statistics string "
    "struct subprocess tarfile tempfile textwrap threading time traceback types typing unicodedata urllib.parse urllib.request uuid warnings "
    "weakref xml.etree.ElementTree zipfile zlib zoneinfo"
).split()

STREAMS = ("stdin", "stdout", "stderr", "answers")


def main():
    """Serves requests until standard input ends; returns only in a child, as the container's interpreter."""
    directory = os.path.dirname(os.path.abspath(__file__))
    try:
        # The launcher takes the directory off the path when it has its own modules.
        sys.path.insert(0, directory)
        sandbox = importlib.import_module("zygote_sandbox")
        relocation = importlib.import_module("zygote_relocation")
        launcher = importlib.import_module("launcher")
    except ImportError as error:
        tell({"unsupported": str(error)})
        return None
    launcher.action_code.archive_module()
    reason = sandbox.unsupported()
    if reason is not None:
        tell({"unsupported": reason})
        return None
    for name in PRELOADED:
        try:
            importlib.import_module(name)
        except ImportError:
            # An interpreter that was built without it.
            continue
    launcher.action_code.preloaded = frozenset(name.partition(".")[0] for name in sys.modules.keys() - PLAIN)
    os.chdir("/")
    zygote = Zygote(sandbox, relocation)
    gc.collect()
    # Collections in children would touch, and thereby copy, every page that has an object.
    gc.freeze()
    tell({"ready": True})
    script = zygote.serve()
    if script is None:
        return None
    return lambda: become_launcher(launcher, script)


class Zygote:
    def __init__(self, sandbox, relocation):
        self.sandbox = sandbox
        self.relocation = relocation
        self.ids = (os.geteuid(), os.getegid())
        self.children = set()
        self.pending = b""
        self.wake_read, self.wake_write = os.pipe()
        for fd in (self.wake_read, self.wake_write):
            os.set_blocking(fd, False)
        # Its other end is the zygote's alone: a child that finds it closed has outlived the zygote.
        self.life_read, self.life_write = os.pipe()
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self.wake_write, warn_on_full_buffer=False)
        signal.signal(signal.SIGINT, signal.SIG_IGN)

    def serve(self):
        """Handles requests and exits of children. None at the end of standard input; in a child the launcher's path."""
        poll = select.poll()
        poll.register(0, select.POLLIN)
        poll.register(self.wake_read, select.POLLIN)
        while True:
            for fd, _ in poll.poll():
                if fd == self.wake_read:
                    os.read(fd, 4096)
                    self.reap()
                    continue
                data = os.read(0, 1 << 20)
                if not data:
                    return None
                lines = (self.pending + data).split(b"\n")
                self.pending = lines.pop()
                for line in lines:
                    script = self.handle(json.loads(line))
                    if script is not None:
                        return script

    def handle(self, request):
        """Carries out one request. None in the zygote; in a container's interpreter the launcher's path."""
        if request["op"] == "kill":
            # Only a child that was not waited for yet: its number may be another process's by now.
            if request["pid"] in self.children:
                os.kill(request["pid"], signal.SIGKILL)
            return None
        self.move_to(request["plan"]["mounts"])
        try:
            pid = self.sandbox.clone(request["plan"])
        except OSError as error:
            tell({"id": request["id"], "error": str(error)[:1000]})
            return None
        if pid == 0:
            return self.child(request)
        self.children.add(pid)
        tell({"id": request["id"], "pid": pid})
        return None

    def move_to(self, mounts):
        """Moves to where containers see this installation: they all see it at the same place, so the first one tells."""
        if self.relocation is None:
            return
        executable, prefix = self.relocation.own_place()
        place = self.relocation.place_in(mounts, executable, prefix)
        if place is not None:
            # Frozen objects are not found.
            gc.unfreeze()
            self.relocation.relocate(prefix, place)
            gc.collect()
            gc.freeze()
        self.relocation = None

    def reap(self):
        """Tells of all children that have ended."""
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG)
            except ChildProcessError:
                return
            if pid == 0:
                return
            self.children.discard(pid)
            if os.WIFSIGNALED(status):
                tell({"pid": pid, "signal": signal.Signals(os.WTERMSIG(status)).name})
            else:
                tell({"pid": pid, "code": os.WEXITSTATUS(status)})

    def child(self, request):
        """Process 1 of the container: builds the sandbox, forks the interpreter and waits for it. Returns only in the latter."""
        try:
            plan = request["plan"]
            signal.set_wakeup_fd(-1)
            os.close(self.life_write)
            # Connected while the socket can be reached, announced when the sandbox is complete: until then the platform can start the container otherwise.
            streams = [connect(request["socket"]) for _ in STREAMS]
            self.sandbox.enter(plan, self.ids, self.is_orphan)
            interpreter = os.fork()
            if interpreter != 0:
                wait_for(interpreter)
            for name, stream in zip(STREAMS, streams):
                announce(stream, plan["id"], name, request["token"])
            self.settle(streams, plan["environment"])
            return request["script"]
        except BaseException as error:  # noqa: BLE001 - whatever it is, nothing but this report may go on from here
            tell({"id": request["id"], "error": ("%s: %s" % (type(error).__name__, error))[:1000]})
            os._exit(125)

    def is_orphan(self):
        poll = select.poll()
        poll.register(self.life_read, select.POLLIN)
        return len(poll.poll(0)) > 0

    def settle(self, streams, environment):
        """Gives the interpreter its four descriptors, the environment of the plan and the state of a fresh process."""
        for number, stream in enumerate(streams):
            os.dup2(stream.detach(), number + 100, inheritable=False)
        for number in range(len(streams)):
            os.dup2(number + 100, number)
        os.closerange(len(streams), os.sysconf("SC_OPEN_MAX"))
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        signal.signal(signal.SIGINT, signal.default_int_handler)
        os.environ.clear()
        os.environ.update(environment)
        self.sandbox.make_dumpable()


def connect(path):
    """One stream to the platform."""
    stream = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    stream.connect(path)
    return stream


def announce(stream, container, name, token):
    """Says whose stream it is and closes the direction that is not used."""
    stream.sendall(("%s %s %s\n" % (container, name, token)).encode("ascii"))
    stream.shutdown(socket.SHUT_WR if name == "stdin" else socket.SHUT_RD)


def wait_for(interpreter):
    """Reaps whatever becomes an orphan in the container and ends, with all that is left in it, when its interpreter does."""
    os.closerange(0, os.sysconf("SC_OPEN_MAX"))
    while True:
        pid, status = os.wait()
        if pid == interpreter:
            # Process 1 cannot end by a signal of its own; 128 + number is what shells make of it.
            os._exit(128 + os.WTERMSIG(status) if os.WIFSIGNALED(status) else os.WEXITSTATUS(status))


def become_launcher(launcher, script):
    """Runs the launcher as if the interpreter had been started with it as its script."""
    sys.argv[:] = [script]
    # What multiprocessing looks at to start workers of its own.
    launcher.__name__, launcher.__file__, launcher.__spec__ = "__main__", script, None
    sys.modules["__main__"] = sys.modules.pop("launcher")
    sys.modules.pop("zygote_sandbox")
    sys.modules.pop("zygote_relocation")
    launcher.serve()


def tell(message):
    """Writes one line to the platform. Children do so as well: a line this short is written in one piece."""
    os.write(1, json.dumps(message).encode() + b"\n")


if __name__ == "__main__":
    start = main()
    if start is not None:
        start()
