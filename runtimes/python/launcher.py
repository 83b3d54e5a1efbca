"""ActionLoop launcher for Python actions: one init message, then runs, a line each (protocol: runtimes/README.md).

Behaves as OpenWhisk's Python images do behind their Go proxy, messages included. Runs on Python 3.9 to 3.14 with the standard library only. It is
what every container starts with, so modules that only some actions need are imported where they are needed.
"""

import json
import os
import sys
import time

# Bound here: user code may replace attributes of the modules, not these.
_decode = json.JSONDecoder().decode
_write = os.write
_now_ns = time.perf_counter_ns

# The platform's own descriptors are moved up here, out of reach of programs that close everything from 3 to 255.
_FIRST_PRIVATE_FD = 700

OK = b'{"ok":true}'
OK_PIPELINED = b'{"ok":true,"pipelined":true}'

_INIT_KEYS = frozenset(("value", "pipelined"))


def _own_modules(*names):
    """Imports modules from beside this file and hides them again: an action may have modules of the same names."""
    directory = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, directory)
    try:
        return [__import__(name) for name in names]
    finally:
        # Run as a script without -I the directory is there a second time; nothing of it is for the action.
        sys.path[:] = [entry for entry in sys.path if entry != directory]
        for name in names:
            sys.modules.pop(name, None)


action_output, action_code, action_runs = _own_modules("action_output", "action_code", "action_runs")
Refused = action_code.Refused


def serve():
    """Answers messages until standard input ends. Does not return."""
    launcher = _Launcher()
    launcher.answer(OK)
    while True:
        line = launcher.messages.readline()
        # A line without an end was cut off: the platform has gone.
        if not line.endswith(b"\n"):
            action_runs.leave(0)
        launcher.handle(line)


class _Launcher:
    def __init__(self):
        self.action = action_runs.Action()
        # Set where the platform sends runs ahead of their turn.
        self.attribution = None
        self.answers = _move(3)
        # 64 kB at a time; a line of any length is collected in linear time.
        self.messages = open(_move(0), "rb", buffering=65536)
        # Code that reads standard input finds its end instead of the next message.
        os.open(os.devnull, os.O_RDONLY)
        action_output.configure_streams()

    def handle(self, line):
        """Carries out one message and answers it."""
        attribution = self.attribution
        began = 0 if attribution is None else _now_ns()
        action = self.action
        try:
            try:
                message = _decode(str(line, "utf-8"))
                if not isinstance(message, dict):
                    raise ValueError("not an object")
            except (ValueError, RecursionError) as error:
                raise Refused(400, "Error unmarshaling request: %s" % error) from None
            del line
            if attribution is not None:
                attribution.begin(message.get("activation_id"))
            if action.main is None or is_init(message):
                reply = self.init(message)
            else:
                reply = action.run(message)
        except Refused as refused:
            if refused.log is not None:
                action_output.log(refused.log)
            reply = b"!%d %s" % (refused.status, refused.body())
        except action_runs.Ended as ended:
            self.answer(b"!400 " + action_runs.EXITED)
            action_runs.leave(ended.code)
        action.stay()
        self.answer(reply, began)

    def init(self, message):
        """Loads the action; returns the answer. Raises Refused."""
        if not is_init(message) and "activation_id" in message:
            # A run, which says why there is nothing to run.
            return self.action.run(message)
        self.action.init(message)
        if message.get("pipelined") is not True:
            return OK
        self.attribution = action_output.Attribution()
        return OK_PIPELINED

    def answer(self, data, began=0):
        """Writes one answer line behind all output, with the time since it began where that is told; ends the process when the platform is gone."""
        if self.attribution is None:
            action_output.flush()
        elif self.attribution.finish():
            data = b"+" + data
        if began > 0:
            data = b"~%d %s" % ((_now_ns() - began) // 1000, data)
        rest = memoryview(data + b"\n")
        while rest:
            try:
                rest = rest[_write(self.answers, rest) :]
            except BlockingIOError:
                import select

                select.select([], [self.answers], [])
            except OSError:
                action_runs.leave(0)


def is_init(message):
    """True for an init message: a value with code and main, and beside it nothing but offers of the platform, where each run names its activation."""
    value = message.get("value")
    return isinstance(value, dict) and "binary" in value and "main" in value and message.keys() <= _INIT_KEYS


def _move(fd):
    """Moves a descriptor up to where user code does not stumble over it, closed on exec; returns its new number."""
    target = _FIRST_PRIVATE_FD + fd
    try:
        os.dup2(fd, target, inheritable=False)
    except OSError:
        # The limit of open files is lower than that.
        target = os.dup(fd)
    os.close(fd)
    return target


if __name__ == "__main__":
    serve()
