"""ActionLoop launcher for Python actions: one init message, then runs, a line each (protocol: runtimes/README.md).

Behaves as OpenWhisk's Python images do behind their Go proxy, messages included. Runs on Python 3.9 to 3.14 with the standard library only. It is
what every container starts with, so modules that only some actions need are imported where they are needed.
"""

import json
import os
import sys

# Bound here: user code may replace attributes of the modules, not these.
_decode = json.JSONDecoder().decode
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_encode_ascii = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode
_write = os.write
_getpid = os.getpid

# The platform's own descriptors are moved up here, out of reach of programs that close everything from 3 to 255.
_FIRST_PRIVATE_FD = 700

OK = b'{"ok":true}'
OK_PIPELINED = b'{"ok":true,"pipelined":true}'
NO_CODE = "Missing main/no code to execute."
INIT_TWICE = "Cannot initialize the action more than once."
# The Python images run the proxy with OW_LOG_INIT_ERROR: the reason is in the log, this is the answer.
START_FAILED = "Cannot start action. Check logs for details."
EXITED_AT_INIT = "Command exited abruptly during initialization."
NOT_INITIALIZED = "no action defined yet"
EXITED = "command exited"
NOT_A_DICTIONARY = "The action did not return a dictionary or array."

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


action_output, action_code = _own_modules("action_output", "action_code")
Refused = action_code.Refused
export = action_code.export


def serve():
    """Answers messages until standard input ends. Does not return."""
    launcher = _Launcher()
    launcher.answer(OK)
    while True:
        line = launcher.messages.readline()
        # A line without an end was cut off: the platform has gone.
        if not line.endswith(b"\n"):
            leave(0)
        launcher.handle(line)


class _Launcher:
    def __init__(self):
        self.pid = _getpid()
        self.main = None
        self.loading = False
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
            if self.main is None or is_init(message):
                reply = self.init(message)
            else:
                reply = self.run(message)
        except Refused as refused:
            if refused.log is not None:
                action_output.log(refused.log)
            reply = b'!%d {"error":%s}' % (refused.status, _encode_ascii(refused.message).encode("ascii"))
        if _getpid() != self.pid:
            # The action forked and both came back; only the container's own process answers.
            leave(0)
        self.answer(reply)

    def init(self, message):
        """Loads the action; returns the answer. Raises Refused."""
        if not is_init(message) and "activation_id" in message:
            raise Refused(500, EXITED if self.loading else NOT_INITIALIZED)
        if self.loading:
            raise Refused(403, INIT_TWICE, INIT_TWICE)
        value = message.get("value")
        code = value.pop("code", None) if isinstance(value, dict) else None
        if not isinstance(code, str) or code == "":
            raise Refused(403, NO_CODE)
        compiled, path = action_code.prepare(code, value.get("binary") is True, value.get("env"))
        del code
        self.loading = True
        try:
            self.main = action_code.load(compiled, path, value.get("main") or "main")
        except BaseException as error:  # noqa: BLE001 - whatever user code raises while it loads ends here
            if _getpid() != self.pid:
                leave(1)
            action_output.report(error, _OWN_FILES)
            raise Refused(502, START_FAILED, EXITED_AT_INIT) from None
        if message.get("pipelined") is not True:
            return OK
        self.attribution = action_output.Attribution()
        return OK_PIPELINED

    def run(self, message):
        """Calls the action; returns the answer. Raises Refused."""
        payload = message.pop("value", None)
        if payload is None:
            payload = {}
        for key, value in message.items():
            if type(value) is str:
                export("__OW_" + key.upper(), value)
        try:
            result = self.main(payload)
        except Exception as error:  # noqa: BLE001 - an application error, not ours
            action_output.report(error, _OWN_FILES)
            result = {"error": action_output.text_of(error)}
        except BaseException as error:  # noqa: BLE001 - sys.exit and its like
            if _getpid() == self.pid:
                # The proxy's answer to an action that ended its process, then the end.
                action_output.report(error, _OWN_FILES)
                self.answer(b'!400 {"error":"%s"}' % EXITED.encode())
            leave(exit_code(error))
        try:
            text = _encode(result)
        except Exception as error:  # noqa: BLE001 - NaN, cycles, objects that are no JSON, or user code in a subclass
            raise Refused(502, "The action did not return valid JSON: %s" % action_output.text_of(error)) from None
        if text[0] not in "{[":
            raise Refused(502, NOT_A_DICTIONARY)
        try:
            return text.encode("utf-8")
        except UnicodeEncodeError:
            # Lone surrogates have no UTF-8 form, but an escaped one.
            return _encode_ascii(result).encode("ascii")

    def answer(self, data):
        """Writes one answer line behind all output; ends the process when the platform is gone."""
        if self.attribution is None:
            action_output.flush()
        elif self.attribution.finish():
            data = b"+" + data
        rest = memoryview(data + b"\n")
        while rest:
            try:
                rest = rest[_write(self.answers, rest) :]
            except BlockingIOError:
                import select

                select.select([], [self.answers], [])
            except OSError:
                leave(0)


def is_init(message):
    """True for an init message: a value with code and main, and beside it nothing but offers of the platform, where each run names its activation."""
    value = message.get("value")
    return isinstance(value, dict) and "binary" in value and "main" in value and message.keys() <= _INIT_KEYS


def exit_code(error):
    """The status that Python would exit with."""
    code = getattr(error, "code", 1)
    return 0 if code is None else code & 0xFF if isinstance(code, int) else 1


def leave(code):
    """Ends the process at once: threads and exit handlers of user code must not keep a container that nobody needs."""
    action_output.flush_last()
    os._exit(code)


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


# Frames that are no business of a traceback's reader, by the names under which these files were compiled.
_OWN_FILES = (serve.__code__.co_filename, action_code.load.__code__.co_filename)

if __name__ == "__main__":
    serve()
