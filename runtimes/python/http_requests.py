"""HTTP/1.1 as a container's front needs it: many connections that are kept, one request at a time on each, bodies of known length or in chunks, all in one thread.

The standard library's servers take a thread a connection, or answer one connection after the other; they also cost 20 ms to import.
"""

import selectors
import socket

# An action's code is 48 MB at most; what JSON adds to it (escapes, names, the environment) comes on top.
MAX_BODY = 64 * 1024 * 1024
_MAX_HEAD = 64 * 1024
_READ = 256 * 1024
# Answers are read at once by whoever asked; this is for a reader that has stopped.
_SEND_TIMEOUT = 60

_REASONS = {200: "OK", 400: "Bad Request", 403: "Forbidden", 404: "Not Found", 413: "Payload Too Large", 500: "Internal Server Error", 502: "Bad Gateway", 503: "Service Unavailable"}


class Request:
    """One request, whole."""

    def __init__(self, method, path, headers):
        self.method = method
        self.path = path
        self.headers = headers
        self.body = b""


class Unreadable(Exception):
    """What came is no request, or too large: the status of the answer, after which the connection is closed."""

    def __init__(self, status, message):
        super().__init__(message)
        self.status = status
        self.message = message


class Connection:
    """One connection: collects bytes until they are a request, and answers it."""

    def __init__(self, stream):
        self.stream = stream
        self.held = bytearray()
        # The request whose body is still coming, and how it comes: bytes that are missing, or None for chunks.
        self.request = None
        self.missing = 0
        self.chunks = bytearray()
        # False when an answer has been given, or lost, after which there is nothing more to say.
        self.keep = True
        self.last = False

    def receive(self):
        """Reads what is there. False when the other side is gone."""
        try:
            data = self.stream.recv(_READ)
        except BlockingIOError:
            return True
        except OSError:
            return False
        self.held += data
        return bool(data)

    def next(self):
        """A request that is whole, or None while it is not. Raises Unreadable."""
        if self.request is None and not self._head():
            return None
        body = self._chunks() if self.missing is None else self._sized()
        if body is None:
            return None
        request, self.request = self.request, None
        request.body = body
        return request

    def _head(self):
        end = self.held.find(b"\r\n\r\n")
        if end == -1:
            if len(self.held) > _MAX_HEAD:
                raise Unreadable(400, "the request's head is too long")
            return False
        lines = bytes(self.held[:end]).decode("latin-1").split("\r\n")
        del self.held[: end + 4]
        words = lines[0].split(" ")
        if len(words) != 3 or not words[2].startswith("HTTP/1."):
            raise Unreadable(400, "not an HTTP request")
        headers = {}
        for line in lines[1:]:
            name, colon, value = line.partition(":")
            if not colon:
                raise Unreadable(400, "not a header: %s" % line[:100])
            headers[name.strip().lower()] = value.strip()
        self.request = Request(words[0], words[1], headers)
        wish = headers.get("connection", "").lower()
        self.last = wish != "keep-alive" if words[2] == "HTTP/1.0" else wish == "close"
        self._expect_body(headers)
        return True

    def _expect_body(self, headers):
        length = headers.get("content-length", "0")
        if not length.isdigit():
            raise Unreadable(400, "not a length: %s" % length[:100])
        self.missing = None if "chunked" in headers.get("transfer-encoding", "").lower() else int(length)
        if self.missing is not None and self.missing > MAX_BODY:
            raise Unreadable(413, "the request's body is larger than %d bytes" % MAX_BODY)
        if headers.get("expect", "").lower() == "100-continue":
            self._send(b"HTTP/1.1 100 Continue\r\n\r\n")

    def _sized(self):
        if len(self.held) < self.missing:
            return None
        if len(self.held) == self.missing:
            body, self.held = self.held, bytearray()
            return body
        body = self.held[: self.missing]
        del self.held[: self.missing]
        return body

    def _chunks(self):
        """The whole body when its last chunk is there. Those that are whole are put together as they come."""
        while True:
            start = self.held.find(b"\r\n") + 2
            if start == 1:
                if len(self.held) > _MAX_HEAD:
                    raise Unreadable(400, "not a chunk")
                return None
            try:
                size = int(bytes(self.held[: start - 2]).split(b";")[0], 16)
            except ValueError:
                raise Unreadable(400, "not a chunk's length") from None
            if not 0 <= size <= MAX_BODY - len(self.chunks):
                raise Unreadable(413, "the request's body is larger than %d bytes" % MAX_BODY)
            if len(self.held) < start + size + 2:
                return None
            self.chunks += self.held[start : start + size]
            del self.held[: start + size + 2]
            if size == 0:
                body, self.chunks = self.chunks, bytearray()
                return body

    def answer(self, status, body, headers=(), close=False):
        """Sends an answer, always with its length. Never raises: whoever asked may be gone."""
        if close or self.last:
            self.keep = False
        head = "HTTP/1.1 %d %s\r\nContent-Type: application/json\r\nContent-Length: %d\r\n" % (status, _REASONS.get(status, "-"), len(body))
        for name, value in headers:
            head += "%s: %s\r\n" % (name, value)
        # Idle connections are never closed here, and whoever made one may know: a container that was suspended is asked on the one that there is.
        head += "Keep-Alive: timeout=86400\r\n" if self.keep else "Connection: close\r\n"
        self._send(head.encode("latin-1") + b"\r\n" + body)

    def _send(self, data):
        try:
            self.stream.settimeout(_SEND_TIMEOUT)
            self.stream.sendall(data)
            self.stream.setblocking(False)
        except OSError:
            self.keep = False


class Connections:
    """Everything that may have something to read."""

    def __init__(self):
        self.listener = None
        self.selector = selectors.DefaultSelector()
        # Nothing that was read is in anybody's hands: an exception may be raised here without losing any of it.
        self.waiting = False

    def listen(self, address):
        """Listens on `8080`, `127.0.0.1:8080` or `/path/of.sock`."""
        if address.startswith("/"):
            self.listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
            self.listener.bind(address)
        else:
            host, _, port = address.rpartition(":")
            self.listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind((host, int(port)))
        self.listener.setblocking(False)
        self.listener.listen(128)
        self.selector.register(self.listener, selectors.EVENT_READ, None)

    def serve_once(self, handle, timeout=None):
        """Waits for something to read, up to `timeout` seconds, and calls `handle(connection, request)` for each request that is whole. Another thread may
        do the same: a connection is read by one of them at a time."""
        self.waiting = True
        ready = self.selector.select(timeout)
        self.waiting = False
        for key, _ in ready:
            if key.data is None:
                self._accept()
            else:
                self._read(key.data, handle)

    def any_open(self):
        return len(self.selector.get_map()) > 1

    def _accept(self):
        try:
            stream, _ = self.listener.accept()
        except OSError:
            return
        stream.setblocking(False)
        if stream.family != socket.AF_UNIX:
            stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.selector.register(stream, selectors.EVENT_READ, Connection(stream))

    def _read(self, connection, handle):
        try:
            self.selector.unregister(connection.stream)
        except (KeyError, ValueError):
            # Another thread has it, or has closed it.
            return
        alive = connection.receive()
        try:
            while alive and connection.keep:
                request = connection.next()
                if request is None:
                    break
                handle(connection, request)
        except Unreadable as error:
            connection.answer(error.status, b'{"error":"Error unmarshaling request: %s"}' % error.message.encode("ascii", "replace"), close=True)
        if alive and connection.keep:
            self.selector.register(connection.stream, selectors.EVENT_READ, connection)
        else:
            connection.stream.close()
