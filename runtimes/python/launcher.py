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
_environ = os.environ
_write = os.write
_getpid = os.getpid

# The platform's own descriptors are moved up here, out of reach of programs that close everything from 3 to 255.
_FIRST_PRIVATE_FD = 700

OK = b'{"ok":true}'
_INIT_KEYS = frozenset(("value", "pipelined"))
NO_CODE = "Missing main/no code to execute."
INIT_TWICE = "Cannot initialize the action more than once."
# The Python images run the proxy with OW_LOG_INIT_ERROR: the reason is in the log, these are the answers.
COMPILE_FAILED = "The action failed to generate or locate a binary. See logs for details."
START_FAILED = "Cannot start action. Check logs for details."
EXITED_AT_INIT = "Command exited abruptly during initialization."
NOT_INITIALIZED = "no action defined yet"
EXITED = "command exited"
NOT_A_DICTIONARY = "The action did not return a dictionary or array."
NO_ACTIVATE_SCRIPT = "Invalid virtualenv. Zip file does not include 'activate_this.py'."
NO_MAIN_MODULE = "Zip file does not include main__"


class Refused(Exception):
    """An init or run that ends in an answer other than 200: HTTP status, error text and whether another init may follow."""

    def __init__(self, status, message, log=None):
        super().__init__(message)
        self.status = status
        self.message = message
        self.log = log


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
        self.answers = _move(3)
        # 64 kB at a time; a line of any length is collected in linear time.
        self.messages = open(_move(0), "rb", buffering=65536)
        # Code that reads standard input finds its end instead of the next message.
        os.open(os.devnull, os.O_RDONLY)
        for stream in (sys.stdout, sys.stderr):
            # As the images have it (PYTHONIOENCODING), whatever the locale; lines leave as they are printed, so that a crash does not lose them.
            stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)

    def handle(self, line):
        """Carries out one message and answers it."""
        try:
            try:
                message = _decode(str(line, "utf-8"))
                if not isinstance(message, dict):
                    raise ValueError("not an object")
            except (ValueError, RecursionError) as error:
                raise Refused(400, "Error unmarshaling request: %s" % error) from None
            del line
            if self.main is None or is_init(message):
                self.init(message)
                reply = OK
            else:
                reply = self.run(message)
        except Refused as refused:
            if refused.log is not None:
                log(refused.log)
            reply = b'!%d {"error":%s}' % (refused.status, _encode_ascii(refused.message).encode("ascii"))
        if _getpid() != self.pid:
            # The action forked and both came back; only the container's own process answers.
            leave(0)
        flush()
        self.answer(reply)

    def init(self, message):
        """Loads the action. Raises Refused."""
        if not is_init(message) and "activation_id" in message:
            raise Refused(500, EXITED if self.loading else NOT_INITIALIZED)
        if self.loading:
            raise Refused(403, INIT_TWICE, INIT_TWICE)
        value = message.get("value")
        code = value.pop("code", None) if isinstance(value, dict) else None
        if not isinstance(code, str) or code == "":
            raise Refused(403, NO_CODE)
        name = value.get("main") or "main"
        binary = value.get("binary") is True
        export_init(value.get("env"))
        directory = new_directory()
        message = value = None
        path = place(code, binary, directory)
        del code
        activate(directory)
        compiled = compile_main(path)
        self.loading = True
        try:
            self.main = load(compiled, path, name)
        except BaseException as error:  # noqa: BLE001 - whatever user code raises while it loads ends here
            if _getpid() != self.pid:
                leave(1)
            report(error)
            raise Refused(502, START_FAILED, EXITED_AT_INIT) from None

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
            report(error)
            result = {"error": text_of(error)}
        except BaseException as error:  # noqa: BLE001 - sys.exit and its like
            if _getpid() == self.pid:
                self.exit(error)
            leave(exit_code(error))
        try:
            text = _encode(result)
        except Exception as error:  # noqa: BLE001 - NaN, cycles, objects that are no JSON, or user code in a subclass
            raise Refused(502, "The action did not return valid JSON: %s" % text_of(error)) from None
        if text[0] not in "{[":
            raise Refused(502, NOT_A_DICTIONARY)
        try:
            return text.encode("utf-8")
        except UnicodeEncodeError:
            # Lone surrogates have no UTF-8 form, but an escaped one.
            return _encode_ascii(result).encode("ascii")

    def exit(self, error):
        """The action ended its process: the proxy's answer to that, then the end."""
        report(error)
        flush()
        self.answer(b'!400 {"error":"command exited"}')
        leave(exit_code(error))

    def answer(self, data):
        """Writes one answer line; ends the process when the platform is gone."""
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


def export(key, value):
    """Sets an environment variable unless it has that value already."""
    if _environ.get(key) != value:
        try:
            _environ[key] = value
        except ValueError as error:
            log("environment variable %r was not set: %s" % (key, error))


def export_init(env):
    """Exports the init environment: strings as they are, other values as JSON."""
    if isinstance(env, dict):
        for key, value in env.items():
            export(key, value if isinstance(value, str) else _encode_ascii(value))


def new_directory():
    """Makes the action's own directory below the working directory, or below /tmp where that cannot be written; returns its path."""
    for parent in (os.getcwd(), "/tmp"):
        for number in range(1, 1000):
            path = os.path.join(parent, "action", str(number))
            try:
                os.makedirs(path, 0o755)
                return path
            except FileExistsError:
                continue
            except OSError:
                break
    raise Refused(502, "The action's working directory cannot be written.")


def place(code, binary, directory):
    """Writes the action's files below `directory` and makes that the working directory; returns the main module's path. Raises Refused."""
    path = os.path.join(directory, "main__.py")
    if binary:
        import binascii

        try:
            data = binascii.a2b_base64(code)
        except ValueError as error:
            raise Refused(400, "cannot decode the request: %s" % error) from None
        if data[:4] in (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08") or data[:3] == b"\x1f\x8b\x08":
            archive = own_module("action_archive")
            try:
                archive.unpack(data, directory, log)
            except archive.Rejected as error:
                raise Refused(502, "There was an error uncompressing the action archive: %s" % error) from None
            adopt_main(directory, path)
            data = None
    else:
        # A lone surrogate is no text that a source file can hold; Python then says so.
        data = code.encode("utf-8", "surrogatepass")
    if data is not None:
        try:
            with open(path, "wb") as file:
                file.write(data)
        except OSError as error:
            raise Refused(502, "The action's code cannot be written: %s" % error.strerror) from None
    os.chdir(directory)
    return path


def own_module(name):
    """Imports a module from beside this file and hides it again: an action may have modules of the same name."""
    if name not in _own_modules:
        sys.path.insert(0, _own_directory)
        try:
            _own_modules[name] = __import__(name)
        finally:
            sys.path.remove(_own_directory)
            sys.modules.pop(name, None)
    return _own_modules[name]


def adopt_main(directory, path):
    """Gives the archive's main module the name under which the images import it."""
    for name in ("__main__.py", "main__.py", "exec"):
        found = os.path.join(directory, name)
        if os.path.isfile(found):
            os.replace(found, path)
            return


def activate(directory):
    """Puts the action's directory on the module path, and its virtualenv before that. Raises Refused."""
    sys.path.insert(0, directory)
    forget_shadowed(directory)
    environment = os.path.join(directory, "virtualenv")
    if not os.path.isdir(environment):
        listing = os.path.join(directory, "requirements.txt")
        if os.path.exists(listing):
            missing = own_module("action_archive").missing_requirements(listing)
            if missing:
                raise Refused(
                    502,
                    "requirements.txt names packages that are not there: %s. Put them into the archive, "
                    "in a 'virtualenv' directory or beside __main__.py." % ", ".join(missing),
                )
        return
    for folder in ("bin", "Scripts"):
        script = os.path.join(environment, folder, "activate_this.py")
        if os.path.isfile(script):
            break
    else:
        raise Refused(502, COMPILE_FAILED, NO_ACTIVATE_SCRIPT)
    try:
        with open(script, "rb") as file:
            exec(compile(file.read(), script, "exec"), {"__file__": script, "__name__": "__main__"})
    except Exception as error:  # noqa: BLE001 - the script is the user's
        report(error)
        raise Refused(502, COMPILE_FAILED) from None


def forget_shadowed(directory):
    """Unloads those of the zygote's modules that the action has under the same name: in an interpreter of its own they would be the ones imported."""
    own = {name.partition(".")[0] for name in os.listdir(directory)} & preloaded
    for name in [name for name in sys.modules if name.partition(".")[0] in own]:
        del sys.modules[name]


def compile_main(path):
    """Compiles the main module; returns the code object. Raises Refused."""
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError:
        raise Refused(502, COMPILE_FAILED, NO_MAIN_MODULE) from None
    try:
        return compile(source, path, "exec", dont_inherit=True)
    except Exception as error:  # noqa: BLE001 - SyntaxError, and ValueError or RecursionError for what is hardly a source
        report(error)
        raise Refused(502, COMPILE_FAILED) from None


def load(compiled, path, name):
    """Runs the main module as `main__` and returns the function called `name`, which may be a dotted path. Raises what user code raises."""
    module = type(sys)("main__")
    module.__file__ = path
    sys.modules["main__"] = module
    sys.argv[:] = [path]
    exec(compiled, module.__dict__)
    found = module
    for part in str(name).split("."):
        try:
            found = getattr(found, part)
        except AttributeError:
            raise ImportError("cannot import name %r from 'main__' (%s)" % (name, path)) from None
    return found


def report(error):
    """Prints what user code raised as Python would, without the launcher's own frames."""
    if isinstance(error, SystemExit):
        if error.code is not None and not isinstance(error.code, int):
            log(text_of(error))
        return
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename == report.__code__.co_filename:
        trace = trace.tb_next
    # The interpreter's own printer: importing the traceback module would cost more than the whole run.
    sys.__excepthook__(type(error), error.with_traceback(trace), trace)


def text_of(error):
    """str(error), for exceptions whose own __str__ fails as well."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - user code
        return type(error).__name__


def exit_code(error):
    """The status that Python would exit with."""
    code = getattr(error, "code", 1)
    return 0 if code is None else code & 0xFF if isinstance(code, int) else 1


def log(text):
    """Prints a line to standard error; user code may have broken that, which is its own loss."""
    try:
        sys.stderr.write(text + "\n")
    except (OSError, ValueError, AttributeError):
        return


def flush():
    """Writes out what the action has printed, on its own replacements of the streams too."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue


def leave(code):
    """Ends the process at once: threads and exit handlers of user code must not keep a container that nobody needs."""
    flush()
    os._exit(code)


# Top-level names of what the zygote has loaded ahead; none in an interpreter that was started for this container.
preloaded = frozenset()
_own_directory = os.path.dirname(os.path.abspath(__file__))
_own_modules = {}

if __name__ == "__main__":
    # Unless started with -I the directory of this file is on the module path, where an action's imports must not find it.
    sys.path[:] = [entry for entry in sys.path if entry != _own_directory]
    serve()
