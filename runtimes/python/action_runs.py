"""The life of one action, loaded once and then run, whichever way its messages come; with the answers and error texts of OpenWhisk's Python images."""

import json
import os

import action_code
import action_output

# Bound here: user code may replace attributes of the modules, not these.
_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, separators=(",", ":")).encode
_encode_ascii = json.JSONEncoder(ensure_ascii=True, allow_nan=False, separators=(",", ":")).encode
_getpid = os.getpid

NO_CODE = "Missing main/no code to execute."
INIT_TWICE = "Cannot initialize the action more than once."
# The Python images run the proxy with OW_LOG_INIT_ERROR: the reason is in the log, this is the answer.
START_FAILED = "Cannot start action. Check logs for details."
EXITED_AT_INIT = "Command exited abruptly during initialization."
NOT_INITIALIZED = "no action defined yet"
NOT_A_DICTIONARY = "The action did not return a dictionary or array."
# The proxy's answer to an action that ended its process, as a body.
EXITED = b'{"error":"command exited"}'

Refused = action_code.Refused
export = action_code.export


class Ended(BaseException):
    """The action ended its process (`sys.exit` and its like) with this code; what it printed about that is in the log."""

    def __init__(self, code):
        super().__init__(code)
        self.code = code


class Action:
    """One action. `main` is its function once it is loaded."""

    def __init__(self):
        self.pid = _getpid()
        self.main = None
        self.loading = False

    def init(self, message):
        """Loads the action of an init message. Raises Refused."""
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

    def run(self, message):
        """Calls the action with a run message; returns its result as JSON. Raises Refused and Ended."""
        if self.main is None:
            # One that was not loaded to the end is what the proxy calls a command that has exited.
            raise Refused(500, "command exited" if self.loading else NOT_INITIALIZED)
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
            if _getpid() != self.pid:
                leave(exit_code(error))
            action_output.report(error, _OWN_FILES)
            raise Ended(exit_code(error)) from None
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

    def stay(self):
        """Ends a process in which the action forked and both came back: only the container's own one answers."""
        if _getpid() != self.pid:
            leave(0)


def exit_code(error):
    """The status that Python would exit with."""
    code = getattr(error, "code", 1)
    return 0 if code is None else code & 0xFF if isinstance(code, int) else 1


def leave(code):
    """Ends the process at once: threads and exit handlers of user code must not keep a container that nobody needs."""
    action_output.flush_last()
    os._exit(code)


# Frames that are no business of a traceback's reader, by the names under which these files were compiled.
_OWN_FILES = (leave.__code__.co_filename, action_code.load.__code__.co_filename)
