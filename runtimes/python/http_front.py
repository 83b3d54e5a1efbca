"""What a container made of the image runs: OpenWhisk's HTTP contract (`POST /init`, `POST /run`) in front of an action. See ../README.md for what it says beyond
that contract.

Listens on port 8080, or where RUNTIME_LISTEN says: a port, `host:port` or the path of a unix socket. One thread answers and runs, as the action's own main thread:
while a run is under way further requests wait, but for those that come after SIGTERM, which are told that the container is going.
"""

import json
import os
import signal
import sys
import threading
import time

_decode = json.JSONDecoder().decode
_clock = time.monotonic

SENTINEL = b"XXX_THE_END_OF_A_WHISK_ACTIVATION_XXX\n"
# On the answer of a run that printed nothing, with and without sentinels.
WITH_END = (("X-Stave-Output", "none"),)
WITHOUT_END = (*WITH_END, ("X-Stave-Silent", "1"))
SHUTTING_DOWN = b'{"error":"The action container is shutting down."}'
# Idle connections that a request may just be coming in on are given this long to hear that the container is going.
_LINGER_SECONDS = 0.25


def _own_modules(*names):
    """Imports modules from beside this file and hides them again: an action may have modules of the same names."""
    directory = os.path.dirname(os.path.abspath(__file__))
    sys.path.insert(0, directory)
    try:
        return [__import__(name) for name in names]
    finally:
        sys.path[:] = [entry for entry in sys.path if entry != directory]
        for name in names:
            sys.modules.pop(name, None)


action_output, action_code, action_runs, direct_output, http_requests = _own_modules(
    "action_output", "action_code", "action_runs", "direct_output", "http_requests"
)
Refused = action_code.Refused


class _Stop(Exception):
    """Breaks off the wait for requests."""


class _Front:
    def __init__(self):
        address = os.environ.pop("RUNTIME_LISTEN", "8080")
        self.action = action_runs.Action()
        self.stopping = False
        self.refusing = False
        # The connection whose request is being answered, and what it is told when the action ends the process.
        self.asking = None
        self.last_answer = None
        action_output.configure_streams()
        self.output = action_output.Tracking()
        action_output.before_exit(self.before_exit)
        self.direct = direct_output.DirectOutput()
        # What accepts connections can be stopped.
        self.connections = http_requests.Connections()
        signal.signal(signal.SIGTERM, self.stop)
        signal.signal(signal.SIGINT, self.stop)
        self.connections.listen(address)

    def serve(self):
        """Answers requests until the process is told to end. Does not return."""
        try:
            while not self.stopping:
                self.connections.serve_once(self.handle)
        except _Stop:
            pass
        self.linger()

    def handle(self, connection, request):
        """Carries out one request and answers it."""
        if self.stopping:
            connection.answer(503, SHUTTING_DOWN, close=True)
            return
        try:
            if request.method != "POST" or request.path not in ("/init", "/run"):
                connection.answer(404, b'{"error":"The runtime answers POST /init and POST /run."}')
                return
            try:
                message = _decode(str(request.body, "utf-8")) if request.body else {}
                if not isinstance(message, dict):
                    raise ValueError("not an object")
            except (ValueError, RecursionError) as error:
                raise Refused(400, "Error unmarshaling request: %s" % error) from None
            request.body = b""
            self.asking = connection
            if request.path == "/init":
                self.init(connection, message)
            else:
                self.run(connection, message, request.headers.get("x-stave-silent") == "1")
        except Refused as refused:
            if refused.log is not None:
                action_output.log(refused.log)
            connection.answer(refused.status, refused.body(), close=self.stopping)
        finally:
            self.asking = self.last_answer = None

    def init(self, connection, message):
        self.last_answer = Refused(502, action_runs.START_FAILED, action_runs.EXITED_AT_INIT)
        try:
            self.action.init(message)
        except Refused as refused:
            self.action.stay()
            if refused.status != 502:
                raise
            if refused.log is not None:
                action_output.log(refused.log)
            self.end_output()
            connection.answer(502, refused.body(), close=self.stopping)
            return
        self.action.stay()
        connection.answer(200, b'{"ok":true}\n', close=self.stopping)

    def run(self, connection, message, optional):
        self.last_answer = Refused(400, "command exited")
        try:
            status, body = 200, self.action.run(message)
        except Refused as refused:
            self.action.stay()
            if refused.status != 502:
                raise
            status, body = 502, refused.body()
        except action_runs.Ended as ended:
            action_runs.leave(ended.code)
        self.action.stay()
        connection.answer(status, body, self.end_output(optional), close=self.stopping)

    def end_output(self, optional=False):
        """Ends the output of a run, or of an init that failed; returns the headers that tell whether there was any. Where there was none, and that is
        `optional`, it needs no end: two lines a run are work for whoever keeps the log."""
        silent = not self.output.finish() and not self.direct.possible
        if silent and optional:
            return WITHOUT_END
        for fd in (1, 2):
            try:
                action_output.write_all(fd, SENTINEL)
            except OSError:
                # Closed by the action, or nobody reads any more.
                continue
        return WITH_END if silent else ()

    def before_exit(self):
        """The action ends the process while it loads or runs: the answer that OpenWhisk's proxy would give is the last thing it does."""
        answer, connection = self.last_answer, self.asking
        self.last_answer = self.asking = None
        if answer is None or os.getpid() != self.action.pid:
            return
        if answer.log is not None:
            action_output.log(answer.log)
        self.end_output()
        connection.answer(answer.status, answer.body(), close=True)

    def stop(self, number, frame):
        """On SIGTERM: the end comes at once where nothing is under way, else after that; until then others are told."""
        if self.stopping:
            return
        self.stopping = True
        if self.connections.waiting:
            raise _Stop
        self.refusing = True
        threading.Thread(target=self.refuse, daemon=True).start()

    def refuse(self):
        while True:
            self.connections.serve_once(self.handle)

    def linger(self):
        """Tells requests that are just coming in that the container is going, then ends the process."""
        end = _clock() + _LINGER_SECONDS
        while self.connections.any_open() and _clock() < end:
            if self.refusing:
                time.sleep(0.01)
            else:
                self.connections.serve_once(self.handle, end - _clock())
        action_runs.leave(0)


if __name__ == "__main__":
    _Front().serve()
