"""What an action prints and what is printed about it.

Normally its output goes straight to descriptors 1 and 2. Where the platform sends runs ahead of their turn, each line that Python's streams write carries
the activation that it belongs to: byte 0x1E, activation id, space (runtimes/README.md).
"""

import io
import os
import sys

_ID_LENGTH = 32
# A longer line is cut in two: it must not be held back for its newline for ever, and the platform reads lines of up to 1 MB.
_MAX_PARTIAL = 900 * 1024
_write = os.write


def log(text):
    """Prints a line to standard error; user code may have broken that, which is its own loss."""
    try:
        sys.stderr.write(text + "\n")
    except (OSError, ValueError, AttributeError):
        return


def report(error, hidden):
    """Prints what user code raised as Python would, without the frames of the files in `hidden` that lead to it."""
    if isinstance(error, SystemExit):
        if error.code is not None and not isinstance(error.code, int):
            log(text_of(error))
        return
    trace = error.__traceback__
    while trace is not None and trace.tb_frame.f_code.co_filename in hidden:
        trace = trace.tb_next
    # The interpreter's own printer: importing the traceback module would cost more than the whole run.
    sys.__excepthook__(type(error), error.with_traceback(trace), trace)


def text_of(error):
    """str(error), for exceptions whose own __str__ fails as well."""
    try:
        return str(error)
    except Exception:  # noqa: BLE001 - user code
        return type(error).__name__


def flush():
    """Writes out what the action has printed, on its own replacements of the streams too."""
    for stream in (sys.stdout, sys.stderr, sys.__stdout__, sys.__stderr__):
        try:
            stream.flush()
        except (OSError, ValueError, AttributeError):
            continue


def flush_last():
    """As `flush`, for a process that ends: lines without an end go out as well."""
    flush()
    for stream in (sys.stdout, sys.stderr):
        binary = getattr(stream, "buffer", None)
        if isinstance(binary, _AttributedStream):
            binary.close_line()


def configure_streams():
    """UTF-8 whatever the locale, as the images have it (PYTHONIOENCODING); lines leave as they are printed, so that a crash does not lose them."""
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(encoding="utf-8", errors="backslashreplace", line_buffering=True)


def before_exit(notify):
    """Has `notify` called when something ends this process by `os._exit`, which runs no exit handlers."""
    exit_now = os._exit

    def exit_with_last_words(status):
        try:
            notify()
        finally:
            exit_now(status)

    os._exit = exit_with_last_words


class Tracking:
    """Knows whether Python's streams wrote anything since the last `finish`. What they write is passed on as it comes."""

    def __init__(self):
        self.printed = False
        self.streams = _install(_TrackedStream(1, self), _TrackedStream(2, self))

    def finish(self):
        """Writes out what was printed, closing its last line; True when there was anything."""
        flush()
        for stream in self.streams:
            stream.close_line()
        printed, self.printed = self.printed, False
        return printed


class Attribution:
    """Puts the current run's id before every line of the streams that it installs, and knows whether the run printed."""

    def __init__(self):
        self.prefix = b""
        self.printed = False
        self.streams = _install(_AttributedStream(1, self), _AttributedStream(2, self))
        # What was flushed counts as written, though its line has no end yet; what was not is lost, as it always is with os._exit.
        before_exit(self._close_lines)
        # The line that was open at a fork is the parent's to end.
        os.register_at_fork(after_in_child=self._forget_lines)

    def _close_lines(self):
        for stream in self.streams:
            stream.close_line()

    def _forget_lines(self):
        for stream in self.streams:
            stream.partial = b""

    def begin(self, activation):
        """What is printed from now on belongs to that activation."""
        known = isinstance(activation, str) and len(activation) == _ID_LENGTH and activation.isascii()
        self.prefix = b"\x1e" + activation.encode() + b" " if known else b""
        self.printed = False

    def finish(self):
        """Writes out what the run printed, closing its last line; True when there was anything."""
        flush()
        for stream in self.streams:
            stream.close_line()
        self.prefix = b""
        return self.printed


_originals = []


def _install(out, error):
    """Makes these the binary sides of sys.stdout and sys.stderr, and returns them."""
    # Kept: an interpreter closes the descriptors of streams that nobody holds any more.
    _originals.extend((sys.stdout, sys.stderr))
    flush()
    sys.stdout, sys.stderr = (
        io.TextIOWrapper(stream, encoding="utf-8", errors="backslashreplace", line_buffering=True) for stream in (out, error)
    )
    sys.__stdout__, sys.__stderr__ = sys.stdout, sys.stderr
    return out, error


class _Stream(io.RawIOBase):
    """What the binary sides have in common."""

    def __init__(self, fd, owner):
        self.fd = fd
        self.owner = owner

    def fileno(self):
        return self.fd

    def isatty(self):
        return False

    def writable(self):
        return True


class _TrackedStream(_Stream):
    """The binary side of sys.stdout or sys.stderr where runs need not be told apart: notes that it was written to, and whether its last line is open."""

    def __init__(self, fd, owner):
        super().__init__(fd, owner)
        self.open = False

    def write(self, data):
        data = bytes(data)
        if data:
            self.owner.printed = True
            self.open = not data.endswith(b"\n")
            write_all(self.fd, data)
        return len(data)

    def close_line(self):
        """Ends a line that was left open: what comes next on this stream is no part of it."""
        if self.open:
            self.open = False
            try:
                write_all(self.fd, b"\n")
            except OSError:
                # The action closed the descriptor.
                return


class _AttributedStream(_Stream):
    """The binary side of sys.stdout or sys.stderr: whole lines go out in one write, each behind its prefix."""

    def __init__(self, fd, owner):
        super().__init__(fd, owner)
        self.partial = b""

    def write(self, data):
        data = bytes(data)
        if not data:
            return 0
        attribution = self.owner
        attribution.printed = True
        lines = (self.partial + data).split(b"\n")
        self.partial = lines.pop()
        if len(self.partial) > _MAX_PARTIAL:
            lines.append(self.partial)
            self.partial = b""
        if lines:
            prefix = attribution.prefix
            write_all(self.fd, b"".join([prefix + line + b"\n" for line in lines]))
        return len(data)

    def close_line(self):
        """Ends a line that the run left open: the next one on this stream is another run's."""
        if self.partial:
            line, self.partial = self.partial, b""
            try:
                write_all(self.fd, self.owner.prefix + line + b"\n")
            except OSError:
                # The action closed the descriptor.
                return


def write_all(fd, data):
    """Writes all of `data`, waiting for a slow reader."""
    rest = memoryview(data)
    while rest:
        try:
            rest = rest[_write(fd, rest) :]
        except BlockingIOError:
            import select

            select.select([], [fd], [])
