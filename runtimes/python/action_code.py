"""Loads an action: its files, its virtualenv, its main module and the function in it. Upstream's build step and launcher in one."""

import json
import os
import sys

import action_output

_encode = json.JSONEncoder(separators=(",", ":")).encode

# The Python images run the proxy with OW_LOG_INIT_ERROR: the reason is in the log, this is the answer.
COMPILE_FAILED = "The action failed to generate or locate a binary. See logs for details."
NO_ACTIVATE_SCRIPT = "Invalid virtualenv. Zip file does not include 'activate_this.py'."
NO_MAIN_MODULE = "Zip file does not include main__"

# Top-level names of what the zygote has loaded ahead; none in an interpreter that was started for this container.
preloaded = frozenset()
_archive = []


class Refused(Exception):
    """An init or run that ends in an answer other than 200: HTTP status, error text, and a line for the log."""

    def __init__(self, status, message, log=None):
        super().__init__(message)
        self.status = status
        self.message = message
        self.log = log

    def body(self):
        """The answer's JSON."""
        return b'{"error":%s}' % _encode(self.message).encode("ascii")


def prepare(code, binary, env):
    """Exports `env`, places the code and compiles its main module; returns (code object, path). No line of the action runs, but a virtualenv's
    activation. Raises Refused."""
    if isinstance(env, dict):
        for key, value in env.items():
            # Strings as they are, other values as JSON.
            export(key, value if isinstance(value, str) else _encode(value))
    directory = _new_directory()
    path = _place(code, binary, directory)
    _activate(directory)
    return _compile(path), path


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


def export(key, value):
    """Sets an environment variable unless it has that value already."""
    if os.environ.get(key) != value:
        try:
            os.environ[key] = value
        except ValueError as error:
            action_output.log("environment variable %r was not set: %s" % (key, error))


def archive_module():
    """action_archive, imported at the first archive and hidden from the action, which may have a module of that name."""
    if not _archive:
        directory = os.path.dirname(os.path.abspath(__file__))
        sys.path.insert(0, directory)
        try:
            _archive.append(__import__("action_archive"))
        finally:
            sys.path.remove(directory)
            sys.modules.pop("action_archive", None)
    return _archive[0]


def _new_directory():
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


def _place(code, binary, directory):
    """Writes the action's files below `directory` and makes that the working directory; returns the main module's path."""
    path = os.path.join(directory, "main__.py")
    data = _decoded(code) if binary else code.encode("utf-8", "surrogatepass")
    is_zip = data[:4] in (b"PK\x03\x04", b"PK\x05\x06", b"PK\x07\x08")
    if binary and (is_zip or data[:3] == b"\x1f\x8b\x08"):
        archive = archive_module()
        try:
            archive.unpack(data, directory, action_output.log)
        except archive.Rejected as error:
            raise Refused(502, "There was an error uncompressing the action archive: %s" % error) from None
        _adopt_main(directory, path)
    else:
        try:
            with open(path, "wb") as file:
                file.write(data)
        except OSError as error:
            raise Refused(502, "The action's code cannot be written: %s" % error.strerror) from None
    os.chdir(directory)
    return path


def _decoded(code):
    import binascii

    try:
        return binascii.a2b_base64(code)
    except ValueError as error:
        raise Refused(400, "cannot decode the request: %s" % error) from None


def _adopt_main(directory, path):
    """Gives the archive's main module the name under which the images import it."""
    for name in ("__main__.py", "main__.py", "exec"):
        found = os.path.join(directory, name)
        if os.path.isfile(found):
            os.replace(found, path)
            return


def _activate(directory):
    """Puts the action's directory on the module path, and its virtualenv before that."""
    sys.path.insert(0, directory)
    _forget_shadowed(directory)
    environment = os.path.join(directory, "virtualenv")
    if not os.path.isdir(environment):
        _check_requirements(os.path.join(directory, "requirements.txt"))
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
        action_output.report(error, (_FILE,))
        raise Refused(502, COMPILE_FAILED) from None


def _check_requirements(listing):
    missing = archive_module().missing_requirements(listing) if os.path.exists(listing) else []
    if missing:
        raise Refused(
            502,
            "requirements.txt names packages that are not there: %s. Put them into the archive, "
            "in a 'virtualenv' directory or beside __main__.py." % ", ".join(missing),
        )


def _forget_shadowed(directory):
    """Unloads those of the zygote's modules that the action has under the same name: in an interpreter of its own they would be the ones imported."""
    own = {name.partition(".")[0] for name in os.listdir(directory)} & preloaded
    for name in [name for name in sys.modules if name.partition(".")[0] in own]:
        del sys.modules[name]


def _compile(path):
    try:
        with open(path, "rb") as file:
            source = file.read()
    except OSError:
        raise Refused(502, COMPILE_FAILED, NO_MAIN_MODULE) from None
    try:
        return compile(source, path, "exec", dont_inherit=True)
    except Exception as error:  # noqa: BLE001 - SyntaxError, and ValueError or RecursionError for what is hardly a source
        action_output.report(error, (_FILE,))
        raise Refused(502, COMPILE_FAILED) from None


# The frames of this file, whatever name it was started under.
_FILE = load.__code__.co_filename
