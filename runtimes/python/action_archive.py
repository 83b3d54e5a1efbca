"""Unpacks an action's archive (zip or gzipped tar) so that a hostile one hurts nobody: it stays in its directory and within bounds. And checks what it
says that it requires: nothing is ever installed, a container has no business with a package index."""

import io
import os
import stat

MAX_BYTES = 512 * 1024 * 1024
MAX_ENTRIES = 50_000
MAX_NAME = 1024
_CHUNK = 65536


class Rejected(Exception):
    """The archive is broken, or asks for what no action needs. The text says what."""


def unpack(data, directory, log):
    """Unpacks `data` below `directory`. Raises Rejected. Links that lead out of the directory are left out, with a line to `log`."""
    target = _Target(os.path.realpath(directory), log)
    try:
        if data[:2] == b"PK":
            _unpack_zip(data, target)
        else:
            _unpack_tar(data, target)
        target.make_links()
    except Rejected:
        raise
    except OSError as error:
        raise Rejected(error.strerror or "it cannot be read") from None
    except Exception as error:  # noqa: BLE001 - zipfile, tarfile and zlib raise a dozen kinds for broken input
        raise Rejected("%s" % (error or type(error).__name__)) from None


class _Target:
    """The directory that is filled, and what is still allowed to go into it."""

    def __init__(self, root, log):
        self.root = root
        self.log = log
        self.bytes_left = MAX_BYTES
        self.entries_left = MAX_ENTRIES
        self.links = []
        self.directories = {root}

    def path(self, name):
        """The path for an entry of that name. Raises Rejected for names that are absolute, lead outside or are too long."""
        self.entries_left -= 1
        if self.entries_left < 0:
            raise _too_many()
        parts = [part for part in name.replace("\\", "/").split("/") if part not in ("", ".")]
        if name.startswith(("/", "\\")) or ".." in parts or "\0" in name:
            raise Rejected("entry %r leads out of the archive" % name[:200])
        if len(name) > MAX_NAME:
            raise Rejected("entry %r... has too long a name" % name[:80])
        return os.path.join(self.root, *parts)

    def make_directory(self, path):
        if path not in self.directories:
            os.makedirs(path, 0o755, exist_ok=True)
            self.directories.add(path)

    def make_file(self, path, source, size, mode):
        """Copies the open `source`. What its header says is too much is refused before anything is written; what comes out of it counts, headers may lie."""
        if size > self.bytes_left:
            raise _too_large()
        self.make_directory(os.path.dirname(path))
        with open(path, "wb") as file:
            while True:
                chunk = source.read(_CHUNK)
                if not chunk:
                    break
                self.bytes_left -= len(chunk)
                if self.bytes_left < 0:
                    raise _too_large()
                file.write(chunk)
        os.chmod(path, 0o644 | mode & 0o111)

    def link_later(self, path, destination):
        """Notes a symbolic link. They are made when all files are there, so that nothing is ever written through one."""
        self.links.append((path, destination))

    def make_links(self):
        for path, destination in self.links:
            end = os.path.normpath(os.path.join(os.path.dirname(path), destination))
            if os.path.isabs(destination) or not (end + "/").startswith(self.root + "/"):
                self.log("archive: link %s to %s was left out, it leads out of the archive" % (path[len(self.root) + 1 :], destination))
                continue
            self.make_directory(os.path.dirname(path))
            if not os.path.lexists(path):
                os.symlink(destination, path)


def _too_large():
    return Rejected("it unpacks to more than %d MB" % (MAX_BYTES >> 20))


def _too_many():
    return Rejected("it has more than %d entries" % MAX_ENTRIES)


def _unpack_zip(data, target):
    import zipfile

    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        entries = archive.infolist()
        if len(entries) > MAX_ENTRIES:
            raise _too_many()
        if sum(entry.file_size for entry in entries) > MAX_BYTES:
            raise _too_large()
        for entry in entries:
            path = target.path(entry.filename)
            mode = entry.external_attr >> 16
            if entry.is_dir():
                target.make_directory(path)
            elif stat.S_ISLNK(mode):
                if entry.file_size > MAX_NAME:
                    raise Rejected("entry %r is no link" % entry.filename[:200])
                target.link_later(path, os.fsdecode(archive.read(entry)))
            else:
                with archive.open(entry) as source:
                    target.make_file(path, source, entry.file_size, mode)


def _unpack_tar(data, target):
    import tarfile

    with tarfile.open(fileobj=io.BytesIO(data), mode="r|gz") as archive:
        for entry in archive:
            path = target.path(entry.name)
            if entry.isdir():
                target.make_directory(path)
            elif entry.isreg():
                target.make_file(path, archive.extractfile(entry), entry.size, entry.mode)
            elif entry.issym():
                target.link_later(path, entry.linkname)
            elif entry.islnk():
                # The other name of a file that came before; made a file of its own, since links are only made at the end.
                original = target.path(entry.linkname)
                with open(original, "rb") as source:
                    target.make_file(path, source, os.path.getsize(original), entry.mode)
            else:
                raise Rejected("entry %r is neither file, directory nor link" % entry.name[:200])
            # The list of members that tarfile keeps is of no use here and grows with each entry.
            archive.members = []


def missing_requirements(path):
    """Names in the requirements file at `path` that no importable distribution has, in the file's order."""
    import re
    from importlib import metadata

    with open(path, encoding="utf-8", errors="replace") as file:
        lines = [line.split("#", 1)[0].split(";", 1)[0].strip() for line in file]
    found = [re.match(r"[A-Za-z0-9][A-Za-z0-9._-]*", line) for line in lines]
    missing = []
    for name in [match.group() for match in found if match is not None]:
        try:
            metadata.version(name)
        except metadata.PackageNotFoundError:
            missing.append(name)
    return missing
