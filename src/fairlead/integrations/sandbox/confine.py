"""Gives up everything that a command must not have, then becomes that command. Runs alone, as a script, with nothing of Fairlead in it.

In order: another user if it is root, namespaces of its own (user, network, processes, IPC, host name), limits, Landlock, a filter of system
calls, and only then the command. If any step fails, the command is not run. The status pipe says ``+`` when all is in place, and anything
else is a failure.

Numbers of system calls and flags: Linux 6.12 UAPI headers (``linux/landlock.h``, ``linux/sched.h``, ``linux/prctl.h``,
``linux/seccomp.h``, ``asm/unistd.h``; read in November 2026).
"""

import ctypes
import json
import os
import resource
import signal
import struct
import sys
from typing import NoReturn

_CLONE_NEWUTS, _CLONE_NEWIPC, _CLONE_NEWUSER, _CLONE_NEWPID, _CLONE_NEWNET = 0x04000000, 0x08000000, 0x10000000, 0x20000000, 0x40000000
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_NO_NEW_PRIVS = 1, 4, 38
_CREATE_RULESET, _ADD_RULE, _RESTRICT_SELF = 444, 445, 446
_VERSION_FLAG, _RULE_PATH_BENEATH = 1, 1
_FS_BITS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
"""How many kinds of access to files each version of Landlock knows; later versions know those of the last one here."""
_EXECUTE, _WRITE_FILE, _READ_FILE, _READ_DIR = 1 << 0, 1 << 1, 1 << 2, 1 << 3
_TRUNCATE = 1 << 14
_NET_TCP, _SCOPE_ALL = 0b11, 0b11
_PR_SET_SECCOMP, _FILTER = 22, 2
_ALLOW, _EPERM, _KILL = 0x7FFF0000, 0x00050001, 0x80000000
_LOAD, _EQUAL, _AT_LEAST, _RETURN = 0x20, 0x15, 0x35, 0x06
_X32 = 0x40000000
_DENIED = {
    "x86_64": (0xC000003E, (41, 425, 272, 308, 101, 165, 248, 249, 250, 298, 321, 323)),
    "aarch64": (0xC00000B7, (198, 425, 97, 268, 117, 40, 217, 218, 219, 241, 280, 282)),
}
"""For each processor: its audit number, and socket, io_uring_setup, unshare, setns, ptrace, mount, add_key, request_key, keyctl,
perf_event_open, bpf, userfaultfd. Sockets with a name in the file system are reached past Landlock and namespaces, so there are none."""
_NOBODY = 65534
_DEVICES = ("/dev/null", "/dev/zero", "/dev/urandom")
_libc = ctypes.CDLL(None, use_errno=True)


def main() -> None:
    """Confine this process as its first argument says, a JSON object, and run the rest."""
    told = json.loads(sys.argv[1])
    status = int(told["status"])
    os.set_inheritable(status, False)  # noqa: FBT003 - the call's own signature
    try:
        _become_nobody()
        _leave_namespaces()
        child = os.fork()
        if child:
            os.close(status)
            _wait(child)
        _checked("prctl", _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0))
        _limit(told["limits"])
        os.chdir(told["folder"])
        _checked("prctl", _libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0))
        _fence(told["readable"], told["folder"])
        _filter()
        os.write(status, b"+")
        os.execve(sys.argv[2], sys.argv[2:], told["environment"])  # noqa: S606 - running it is what this is for
    except (OSError, ValueError, KeyError) as error:
        os.write(status, str(error).encode()[:500])
        os._exit(126)


def _become_nobody() -> None:
    if os.geteuid() == 0:
        os.setgroups([])
        os.setresgid(_NOBODY, _NOBODY, _NOBODY)
        os.setresuid(_NOBODY, _NOBODY, _NOBODY)
        _checked("prctl", _libc.prctl(_PR_SET_DUMPABLE, 1, 0, 0, 0))  # else the maps below belong to root


def _leave_namespaces() -> None:
    user, group = os.getuid(), os.getgid()
    flags = _CLONE_NEWUSER | _CLONE_NEWNET | _CLONE_NEWPID | _CLONE_NEWIPC | _CLONE_NEWUTS
    _checked("namespaces", _libc.unshare(flags))
    for name, text in (("setgroups", "deny"), ("uid_map", f"{user} {user} 1"), ("gid_map", f"{group} {group} 1")):
        # Nothing more can be imported, not even a codec: Python's own files may be out of reach by now.
        descriptor = os.open(f"/proc/self/{name}", os.O_WRONLY | os.O_CLOEXEC)
        os.write(descriptor, text.encode())
        os.close(descriptor)


def _wait(child: int) -> NoReturn:
    """Wait for the command, and end as it did."""
    _, how = os.waitpid(child, 0)
    os._exit(128 + os.WTERMSIG(how) if os.WIFSIGNALED(how) else os.WEXITSTATUS(how))


def _limit(limits: dict[str, int]) -> None:
    for name, most in limits.items():
        resource.setrlimit(getattr(resource, f"RLIMIT_{name}"), (most, most))


def _fence(readable: list[str], folder: str) -> None:
    """Let nothing of the file system be reached but what is named; nor TCP, signals and abstract sockets where the kernel can say so."""
    version = _checked("landlock", _libc.syscall(_CREATE_RULESET, None, ctypes.c_size_t(0), _VERSION_FLAG))
    files = (1 << _FS_BITS[min(version, 5)]) - 1
    attributes = struct.pack("QQQ", files, _NET_TCP if version >= 4 else 0, _SCOPE_ALL if version >= 6 else 0)
    size = 24 if version >= 6 else 16 if version >= 4 else 8
    ruleset = _checked("landlock", _libc.syscall(_CREATE_RULESET, attributes, ctypes.c_size_t(size), 0))
    for path in readable:
        _allow(ruleset, path, (_EXECUTE | _READ_FILE | _READ_DIR) & files)
    for path in _DEVICES:
        _allow(ruleset, path, (_READ_FILE | _WRITE_FILE | _TRUNCATE) & files)
    _allow(ruleset, folder, files)
    _checked("landlock", _libc.syscall(_RESTRICT_SELF, ruleset, 0))
    os.close(ruleset)


def _allow(ruleset: int, path: str, access: int) -> None:
    try:
        beneath = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except FileNotFoundError:
        return
    if not os.path.isdir(path):  # noqa: PTH112 - as above
        access &= _EXECUTE | _READ_FILE | _WRITE_FILE | _TRUNCATE
    _checked("landlock", _libc.syscall(_ADD_RULE, ruleset, _RULE_PATH_BENEATH, struct.pack("=Qi", access, beneath), 0))
    os.close(beneath)


def _filter() -> None:
    """Deny system calls that a command of an agent has no use for."""
    machine = os.uname().machine
    if machine not in _DENIED:
        raise OSError(f"seccomp: the processor {machine} is not known")
    audit, denied = _DENIED[machine]
    count = len(denied)
    steps = [(_LOAD, 0, 0, 4), (_EQUAL, 0, count + 4, audit), (_LOAD, 0, 0, 0), (_AT_LEAST, count + 1, 0, _X32)]
    steps += [(_EQUAL, count - place, 0, number) for place, number in enumerate(denied)]
    steps += [(_RETURN, 0, 0, _ALLOW), (_RETURN, 0, 0, _EPERM), (_RETURN, 0, 0, _KILL)]
    code = ctypes.create_string_buffer(b"".join(struct.pack("=HBBI", *step) for step in steps))
    program = struct.pack("@HP", len(steps), ctypes.addressof(code))
    _checked("seccomp", _libc.prctl(_PR_SET_SECCOMP, _FILTER, program, 0, 0))


def _checked(what: str, result: int) -> int:
    if result < 0:
        number = ctypes.get_errno()
        raise OSError(number, f"{what}: {os.strerror(number)}")
    return result


if __name__ == "__main__":
    main()
