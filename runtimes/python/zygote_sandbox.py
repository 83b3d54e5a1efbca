"""Builds a container's sandbox around the calling process, by system calls: what src/containers/process/sandbox-plan.ts describes.

Used by the zygote's children, between `clone` and the first line of user code. Linux only. Every step that fails raises OSError with the step's name:
a sandbox is complete or there is none.
"""

import ctypes
import fcntl
import itertools
import os
import resource
import signal
import socket
import struct

# PyDLL keeps the interpreter's lock: a clone must not come back in the child with the lock given away.
_libc = ctypes.PyDLL(None, use_errno=True)
_libc.prctl.argtypes = [ctypes.c_int] + [ctypes.c_ulong] * 4
_MACHINE = os.uname().machine

# Numbers of include/uapi/asm-generic/unistd.h (arm64) and arch/x86/entry/syscalls/syscall_64.tbl.
_NUMBERS = {
    "x86_64": {"clone": 56, "pivot_root": 155, "capset": 126},
    "aarch64": {"clone": 220, "pivot_root": 41, "capset": 91},
}
# Newer calls have one number everywhere.
_COMMON_NUMBERS = {"mount_setattr": 442, "landlock_create_ruleset": 444, "landlock_restrict_self": 446}

CLONE_NEWNS = 0x00020000
CLONE_NEWCGROUP = 0x02000000
CLONE_NEWUTS = 0x04000000
CLONE_NEWIPC = 0x08000000
CLONE_NEWUSER = 0x10000000
CLONE_NEWPID = 0x20000000
CLONE_NEWNET = 0x40000000

_MS_NOSUID, _MS_NODEV, _MS_NOEXEC, _MS_BIND, _MS_REC, _MS_PRIVATE = 0x2, 0x4, 0x8, 0x1000, 0x4000, 0x40000
_MNT_DETACH = 2
_AT_FDCWD, _AT_RECURSIVE = -100, 0x8000
_ATTR_RDONLY, _ATTR_NOSUID, _ATTR_NODEV, _ATTR_NOEXEC = 0x1, 0x2, 0x4, 0x8
_READ_ONLY = _ATTR_RDONLY | _ATTR_NOSUID | _ATTR_NODEV

_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_SECCOMP, _PR_CAPBSET_READ = 1, 4, 22, 23
_PR_CAPBSET_DROP, _PR_SET_NO_NEW_PRIVS, _PR_CAP_AMBIENT = 24, 38, 47
_PR_CAP_AMBIENT_CLEAR_ALL, _SECCOMP_MODE_FILTER = 4, 2
_CAPABILITY_VERSION_3 = 0x20080522
_SIOCGIFFLAGS, _SIOCSIFFLAGS, _IFF_UP = 0x8913, 0x8914, 1


def unsupported():
    """Why this host cannot do it at all, as text; None when it can."""
    if _MACHINE not in _NUMBERS:
        return "no system call numbers for %s" % _MACHINE
    if ctypes.sizeof(ctypes.c_void_p) != 8:
        return "the interpreter is a 32 bit program"
    # mount_setattr of a path that is not there: any answer but ENOSYS (38) tells that the kernel has it (Linux 5.12).
    _libc.syscall(_number("mount_setattr"), _AT_FDCWD, b"", 0, None, ctypes.c_size_t(0))
    if ctypes.get_errno() == 38:
        return "the kernel is older than 5.12"
    return None


def clone(plan):
    """Forks into the plan's namespaces; returns the child's process id, or 0 in the child, which is process 1 of the container.

    A raw clone, because only that makes the namespaces and the zygote's own child in one step. It runs none of Python's fork handlers: the child
    does nothing but build and wait, and forks the interpreter that runs user code the usual way.
    """
    flags = CLONE_NEWNS | CLONE_NEWPID | CLONE_NEWIPC | CLONE_NEWUTS | signal.SIGCHLD
    if plan.get("user") is None:
        flags |= CLONE_NEWUSER
    if plan["network"] == "none":
        flags |= CLONE_NEWNET
    zero = ctypes.c_long(0)
    pid = _libc.syscall(_number("clone"), ctypes.c_long(flags), zero, zero, zero, zero)
    if pid < 0:
        _fail("clone")
    return pid


def enter(plan, own_ids, is_orphan):
    """Turns the fresh clone into the container's first process: confined for good, in its own root and without any privilege.

    `own_ids` are the zygote's user and group, which a user namespace is to show. `is_orphan` tells whether the zygote has gone: it is asked after the parent-death signal was armed, so that no moment is left uncovered.
    """
    user = plan.get("user")
    if user is None:
        _map_own_user(*own_ids)
    filters = _read(plan["seccompFile"]) if plan.get("seccompFile") else None
    for procs in plan["cgroupProcs"]:
        # 0 is the writer itself, whatever its number is in which namespace.
        _write(procs, b"0")
    if plan["network"] == "isolated":
        _join_network(plan["networkNamespace"])
    _check(_libc.unshare(CLONE_NEWCGROUP), "unshare cgroup")
    if plan["network"] == "none":
        _raise_loopback()
    socket.sethostname(plan["hostname"])
    _build_root(plan["root"], plan["mounts"])
    os.chdir(plan["workingDirectory"])
    os.setsid()
    os.umask(0o022)
    _limit(plan["rlimits"])
    _drop_privileges(user)
    _check(_libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0), "parent death signal")
    if is_orphan():
        os._exit(125)
    if plan.get("hideAbstractSockets"):
        _hide_abstract_sockets()
    if filters is not None:
        _load_seccomp(filters)


def make_dumpable():
    """Gives the process its own /proc files back, which a change of user takes away: without them /dev/stdout cannot be opened."""
    _check(_libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0), "dumpable")


def _map_own_user(uid, gid):
    """The one mapping that the kernel lets an ordinary user make: itself to itself. Groups have to be given up for it."""
    _write("/proc/self/setgroups", b"deny")
    _write("/proc/self/uid_map", b"%d %d 1" % (uid, uid))
    _write("/proc/self/gid_map", b"%d %d 1" % (gid, gid))


def _join_network(path):
    with open(path, "rb") as namespace:
        _check(_libc.setns(namespace.fileno(), CLONE_NEWNET), "join network namespace")


def _raise_loopback():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as control:
        flags = struct.unpack_from("16sh", fcntl.ioctl(control, _SIOCGIFFLAGS, struct.pack("16sh14x", b"lo", 0)))[1]
        fcntl.ioctl(control, _SIOCSIFFLAGS, struct.pack("16sh14x", b"lo", flags | _IFF_UP))


def _build_root(root, mounts):
    """Mounts the plan's root and everything in it, then leaves the host's file system behind."""
    _mount(None, "/", None, _MS_REC | _MS_PRIVATE)
    _mount(root, root, None, _MS_BIND)
    # One call makes the root and all binds before it read-only; none of the mounts after the binds lies below one of them.
    binds = list(itertools.takewhile(lambda mount: mount["type"] == "bind", mounts))
    for mount in binds:
        _mount(mount["source"], root + mount["target"], None, _MS_BIND | _MS_REC)
    _set_attributes(root, _READ_ONLY, _AT_RECURSIVE)
    for mount in mounts[len(binds) :]:
        _mount_one(mount, root + mount["target"])
    os.chdir(root)
    # pivot_root(2): with "." twice the old root is stacked on the new one and can be detached without a directory for it.
    _check(_libc.syscall(_number("pivot_root"), b".", b"."), "pivot_root")
    _check(_libc.umount2(b".", _MNT_DETACH), "umount old root")
    os.chdir("/")


def _mount_one(mount, target):
    kind = mount["type"]
    if kind == "bind":
        _mount(mount["source"], target, None, _MS_BIND | _MS_REC)
        _set_attributes(target, _READ_ONLY, _AT_RECURSIVE)
    elif kind == "device":
        _mount(mount["source"], target, None, _MS_BIND)
        _set_attributes(target, _ATTR_NOSUID | _ATTR_NOEXEC, 0)
    elif kind == "tmpfs":
        # As the other ways of building have it: 4 KB a file on average, inodes are memory, too.
        size = mount["sizeMb"]
        data = "size=%dm,nr_inodes=%d,mode=%s" % (size, size * 256, mount["mode"])
        _mount("tmpfs", target, "tmpfs", _MS_NOSUID | _MS_NODEV, data)
    elif kind == "proc":
        _mount("proc", target, "proc", _MS_NOSUID | _MS_NODEV | _MS_NOEXEC)
    else:
        raise OSError(22, "unknown mount type %s" % kind)


def _limit(rlimits):
    limits = [(resource.RLIMIT_CORE, 0), (resource.RLIMIT_NOFILE, rlimits["openFiles"]), (resource.RLIMIT_FSIZE, rlimits["fileBytes"])]
    if rlimits.get("processes") is not None:
        limits.append((resource.RLIMIT_NPROC, rlimits["processes"]))
    for which, value in limits:
        hard = resource.getrlimit(which)[1]
        # A limit that this host holds lower stays as it is.
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        resource.setrlimit(which, (value, value))


def _drop_privileges(user):
    """Becomes the container's user and gives up every capability, those included that a program could bring back."""
    capability = 0
    while _libc.prctl(_PR_CAPBSET_READ, capability, 0, 0, 0) >= 0:
        _check(_libc.prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0), "drop bounding set")
        capability += 1
    if user is not None:
        os.setgroups([])
        os.setresgid(user["gid"], user["gid"], user["gid"])
        os.setresuid(user["uid"], user["uid"], user["uid"])
    _check(_libc.prctl(_PR_CAP_AMBIENT, _PR_CAP_AMBIENT_CLEAR_ALL, 0, 0, 0), "clear ambient set")
    header = struct.pack("Ii", _CAPABILITY_VERSION_3, 0)
    _check(_libc.syscall(_number("capset"), header, bytes(24)), "capset")
    _check(_libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0), "no new privileges")


class _Program(ctypes.Structure):
    """struct sock_fprog of linux/filter.h."""

    _fields_ = [("length", ctypes.c_ushort), ("filter", ctypes.c_char_p)]


def _hide_abstract_sockets():
    """Landlock's scope for sockets that have a name but no file: those of the host's network are not the container's to connect to."""
    # struct landlock_ruleset_attr of linux/landlock.h: handled_access_fs, handled_access_net, scoped = LANDLOCK_SCOPE_ABSTRACT_UNIX_SOCKET.
    attributes = struct.pack("QQQ", 0, 0, 1)
    rules = _libc.syscall(_number("landlock_create_ruleset"), attributes, ctypes.c_size_t(len(attributes)), 0)
    _check(rules, "landlock rules")
    _check(_libc.syscall(_number("landlock_restrict_self"), rules, 0), "landlock")
    os.close(rules)


def _load_seccomp(filters):
    program = _Program(len(filters) // 8, filters)
    _check(_libc.prctl(_PR_SET_SECCOMP, _SECCOMP_MODE_FILTER, ctypes.addressof(program), 0, 0), "seccomp")


def _mount(source, target, kind, flags, data=None):
    encoded = [None if text is None else os.fsencode(text) for text in (source, target, kind, data)]
    result = _libc.mount(encoded[0], encoded[1], encoded[2], ctypes.c_ulong(flags), encoded[3])
    _check(result, "mount %s" % target)


def _set_attributes(path, attributes, flags):
    """mount_setattr(2): adds attributes without touching those that the mount has, which a user namespace may not."""
    argument = struct.pack("QQQQ", attributes, 0, 0, 0)
    size = ctypes.c_size_t(len(argument))
    result = _libc.syscall(_number("mount_setattr"), _AT_FDCWD, os.fsencode(path), ctypes.c_uint(flags), argument, size)
    _check(result, "mount attributes of %s" % path)


def _read(path):
    with open(path, "rb") as file:
        return file.read()


def _write(path, data):
    fd = os.open(path, os.O_WRONLY)
    try:
        os.write(fd, data)
    finally:
        os.close(fd)


def _number(name):
    return ctypes.c_long(_COMMON_NUMBERS.get(name) or _NUMBERS[_MACHINE][name])


def _check(result, step):
    if result < 0:
        _fail(step)


def _fail(step):
    number = ctypes.get_errno()
    raise OSError(number, "%s: %s" % (step, os.strerror(number)))
