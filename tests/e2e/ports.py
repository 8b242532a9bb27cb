"""Ports for what a test starts. Programs that others wrote must be told the port they listen on, so
it is one that was free a moment ago; somebody else may have taken it since. They are started again
with another until they hold it themselves, by what the kernel says."""
import contextlib
import fcntl
import os
import random
import socket
import time

LEASES_FILE = "/tmp/peal-test-ports"  # of the machine: ports are, whatever TMPDIR a run has
LEASES = 24  # of one test; what it was given before is in use by now, or never will be


def alive(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        pass  # somebody else's
    return True


@contextlib.contextmanager
def leases():
    """The ranges given to tests that still run, as [pid, first, end]: a range is not in use at once
    and never as a whole, and a neighbour in it would be in what this test captures."""
    with open(LEASES_FILE, "a+") as f:
        fcntl.flock(f, fcntl.LOCK_EX)
        f.seek(0)
        given = [[int(n) for n in line.split()] for line in f if line.count(" ") == 2]
        given = [lease for lease in given if alive(lease[0])]
        yield given
        own = [lease for lease in given if lease[0] == os.getpid()]
        f.truncate(0)
        f.writelines("%d %d %d\n" % tuple(lease) for lease in given if lease not in own[:-LEASES])


def free_range(count, kinds=(socket.SOCK_DGRAM,)):
    """`count` ports in a row, free a moment ago, below those the kernel gives out by itself, and
    none that a running test has been given: "FIRST-LAST", and FIRST is even."""
    with leases() as given:
        others = [lease for lease in given if lease[0] != os.getpid()]
        first = pick(count, kinds, given) or pick(count, kinds, others)
        if not first:
            raise RuntimeError(f"no {count} free ports in a row on 127.0.0.1")
        given.append([os.getpid(), first, first + count])
    return f"{first}-{first + count - 1}"


def pick(count, kinds, given):
    for _ in range(400):  # simulators and engines of other tests have some here and there
        first = random.randrange(10000, 32000 - count, 2)
        if any(first < end and begin < first + count for _, begin, end in given):
            continue
        sockets = []
        try:
            for port in range(first, first + count):
                for kind in kinds:
                    sockets.append(socket.socket(socket.AF_INET, kind))
                    sockets[-1].bind(("127.0.0.1", port))
            return first
        except OSError:
            continue
        finally:
            for s in sockets:
                s.close()
    return None


def free_port():
    """Likewise one, for UDP and TCP."""
    return int(free_range(1, (socket.SOCK_DGRAM, socket.SOCK_STREAM)).split("-")[0])


def family(pid):
    """The process and what it started."""
    try:
        with open(f"/proc/{pid}/task/{pid}/children") as f:
            children = f.read().split()
    except OSError:
        children = []
    return [pid] + [p for child in children for p in family(child)]


def has_socket(pid, inodes):
    try:
        for fd in os.listdir(f"/proc/{pid}/fd"):
            link = os.readlink(f"/proc/{pid}/fd/{fd}")
            if link.startswith("socket:[") and link[8:-1] in inodes:
                return True
    except OSError:
        pass  # it has just ended, or closed that one
    return False


def holds(pid, port, kind="udp"):
    """Whether the process itself, or one that it started, has a socket on the port."""
    with open("/proc/net/" + kind) as f:
        inodes = {line.split()[9] for line in f.readlines()[1:]
                  if line.split()[1].endswith(f":{port:04X}")}
    return any(has_socket(p, inodes) for p in family(pid))


def start_listening(start, kinds=("udp",), tries=5, limit=60):
    """start(ports) starts the process on these ports, one a kind; returns (ports, process) once it
    holds them all, or has done its work already (exit 0)."""
    for _ in range(tries):
        ports = [free_port() for _ in kinds]
        process = start(ports)
        end = time.monotonic() + limit
        while time.monotonic() < end and process.poll() is None:
            if all(holds(process.pid, port, kind) for port, kind in zip(ports, kinds)):
                return ports, process
            time.sleep(0.02)
        if process.poll() == 0:
            return ports, process
        process.kill()
        process.wait()
    raise RuntimeError(f"{process.args[0]} does not listen, on {tries} ports one after the other")
