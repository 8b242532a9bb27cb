"""Programs that others wrote must be told the port they listen on, so it is one that was free a
moment ago; somebody else may have taken it since. They are started again with another until they
hold it themselves, by what the kernel says."""
import os
import socket
import time


def free_port():
    """A port free for UDP and TCP a moment ago."""
    for _ in range(50):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as u:
            u.bind(("127.0.0.1", 0))
            port = u.getsockname()[1]
            with socket.socket() as t:
                try:
                    t.bind(("127.0.0.1", port))
                    return port
                except OSError:
                    continue
    raise RuntimeError("no free port on 127.0.0.1")


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
