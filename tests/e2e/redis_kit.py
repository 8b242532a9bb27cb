"""Redis servers of the tests' own, on loopback, with ports that were free a moment ago: one, three
with three sentinels, six as a cluster; and a proxy that can cut connections."""

import pathlib
import random
import socket
import subprocess
import threading
import time

import harness as h


def ports(count):
    """Free TCP ports below those that the kernel gives out by itself."""
    held = []
    while len(held) < count:
        s = socket.socket()
        try:
            s.bind(("127.0.0.1", random.randrange(12000, 32000)))
            held.append(s)
        except OSError:
            s.close()
    numbers = [s.getsockname()[1] for s in held]
    for s in held:
        s.close()
    return numbers


def ask(port, *words, password=None):
    done = subprocess.run(["redis-cli", "-h", "127.0.0.1", "-p", str(port),
                           *(["-a", password, "--no-auth-warning"] if password else []),
                           *map(str, words)], capture_output=True, text=True, timeout=20)
    return done.stdout.strip() + done.stderr.strip()


class Server:
    """One redis-server that can be killed and started again on what it has."""

    def __init__(self, where, port, *options, aof="everysec"):
        self.folder = pathlib.Path(where) / f"redis-{port}"
        self.folder.mkdir()
        self.port = port
        self.options = [str(o) for o in options]
        self.aof = aof
        self.lives = 0
        self.start()

    def start(self, *more):
        self.lives += 1
        self.process = h.start(
            ["redis-server", "--port", self.port, "--bind", "127.0.0.1", "--dir", self.folder,
             "--save", "", "--appendonly", "yes", "--appendfsync", self.aof, "--daemonize", "no",
             "--repl-diskless-sync-delay", "0", *self.options, *map(str, more)],
            self.folder / f"log-{self.lives}")
        h.wait_for(f"Redis on {self.port}", lambda: ask(self.port, "PING") == "PONG" or
                   "NOAUTH" in ask(self.port, "PING"), 30)

    def kill(self):
        self.process.kill()
        self.process.wait()

    def aof_file(self):
        return max((self.folder / "appendonlydir").glob("*.incr.aof"), key=lambda p: p.name)


class Sentinels:
    """A master, two replicas, and three who watch them."""

    def __init__(self, where, name="peal", password=None):
        where = pathlib.Path(where)
        numbers = ports(6)
        login = ["--requirepass", password, "--masterauth", password] if password else []
        self.password, self.name = password, name
        self.servers = [Server(where, p, *login) for p in numbers[:3]]
        for s in self.servers[1:]:
            self.command(s.port, "REPLICAOF", "127.0.0.1", numbers[0])
        h.wait_for("the replicas", lambda: self.command(numbers[0], "WAIT", 2, 100) == "2", 30)
        self.ports, self.watchers = numbers[3:], []
        for p in self.ports:
            folder = where / f"sentinel-{p}"
            folder.mkdir()
            (folder / "sentinel.conf").write_text(
                f"port {p}\nbind 127.0.0.1\ndir {folder}\n"
                f"sentinel monitor {name} 127.0.0.1 {numbers[0]} 2\n"
                f"sentinel down-after-milliseconds {name} 2000\n"
                f"sentinel failover-timeout {name} 8000\n" +
                (f"sentinel auth-pass {name} \"{password}\"\n" if password else ""))
            self.watchers.append(
                h.start(["redis-server", folder / "sentinel.conf", "--sentinel"], folder / "log"))
        for p in self.ports:
            h.wait_for("the sentinels to know each other and the replicas",
                       lambda p=p: self.knows(p), 40)

    def command(self, port, *words):
        return ask(port, *words, password=self.password)

    def knows(self, port):
        told = ask(port, "SENTINEL", "MASTER", self.name).splitlines()
        state = dict(zip(told[::2], told[1::2]))
        return state.get("num-other-sentinels") == "2" and state.get("num-slaves") == "2"

    def master(self):
        told = ask(self.ports[-1], "SENTINEL", "GET-MASTER-ADDR-BY-NAME", self.name).splitlines()
        return next((s for s in self.servers if len(told) == 2 and str(s.port) == told[1]), None)

    def url(self, login=""):
        return "redis-sentinel://" + login + ",".join(f"127.0.0.1:{p}" for p in self.ports) + \
            f"/{self.name}"


class Cluster:
    """Three masters with a replica each."""

    def __init__(self, where):
        numbers = ports(12)
        self.servers = [Server(where, p, "--cluster-enabled", "yes", "--cluster-node-timeout", 3000,
                               "--cluster-port", bus, "--cluster-replica-validity-factor", 0)
                        for p, bus in zip(numbers[:6], numbers[6:])]
        done = subprocess.run(["redis-cli", "--cluster", "create",
                               *[f"127.0.0.1:{s.port}" for s in self.servers],
                               "--cluster-replicas", "1", "--cluster-yes"],
                              capture_output=True, text=True, timeout=120)
        h.check(done.returncode == 0, f"cluster create: {done.stdout[-2000:]}{done.stderr}")
        for s in self.servers:
            h.wait_for("the cluster", lambda s=s: "cluster_state:ok" in
                       ask(s.port, "CLUSTER", "INFO"), 60)
        h.wait_for("the replicas", lambda: sum("slave" in n for n in self.nodes()) == 3 and
                   all(ask(s.port, "WAIT", 1, 100) == "1" for s in self.servers[:3]), 60)

    def nodes(self):
        for s in self.servers:
            if s.process.poll() is None:
                return ask(s.port, "CLUSTER", "NODES").splitlines()
        return []

    def owner(self, key):
        """The server that has the slot of a key now."""
        alive = next(s for s in self.servers if s.process.poll() is None)
        slot = int(ask(alive.port, "CLUSTER", "KEYSLOT", key))
        for line in self.nodes():
            words = line.split()
            if "master" not in words[2] or "fail" in words[2]:
                continue
            for part in words[8:]:
                if part.startswith("["):
                    continue
                first, _, last = part.partition("-")
                if int(first) <= slot <= int(last or first):
                    return self.by_port(int(words[1].split("@")[0].rsplit(":", 1)[1])), slot
        return None, slot

    def by_port(self, port):
        return next(s for s in self.servers if s.port == port)

    def url(self, login=""):
        return "redis-cluster://" + login + ",".join(f"127.0.0.1:{s.port}" for s in self.servers[:4])


class Proxy:
    """Passes bytes to a port, until it is told to cut: connections end in the middle of whatever
    they carry; while `closed`, none is taken."""

    def __init__(self, to):
        self.to, self.closed, self.pairs = to, False, []
        self.cuts = 0
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            near, _ = self.listener.accept()
            if self.closed:
                near.close()
                continue
            try:
                far = socket.create_connection(("127.0.0.1", self.to))
            except OSError:
                near.close()
                continue
            self.pairs.append((near, far))
            for a, b in ((near, far), (far, near)):
                threading.Thread(target=self.pump, args=(a, b), daemon=True).start()

    @staticmethod
    def pump(a, b):
        try:
            while data := a.recv(1500):
                b.sendall(data)
        except OSError:
            pass
        for s in (a, b):
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def cut(self):
        pairs, self.pairs = self.pairs, []
        self.cuts += len(pairs)
        for near, far in pairs:
            for s in (near, far):
                try:  # a reset: what is on the way is gone
                    s.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
                    s.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass


class Workers:
    """Engines without calls (tests/tools/queue-work) on one campaign, and their books."""

    def __init__(self, where, campaign, leads):
        self.where, self.campaign, self.leads = pathlib.Path(where), campaign, leads
        self.running, self.killed = {}, 0

    def start(self, engine, url, add=False, **options):
        words = [w for k, v in options.items() for w in (f"--{k}", v)]
        self.running[engine] = h.start(
            [h.program("queue-work"), "--redis", url, "--campaign", self.campaign, "--engine", engine,
             "--log", self.where / f"{engine}.dialled", "--print",
             *(["--leads", self.leads] if add else []), *words],
            self.where / f"{engine}-{time.monotonic_ns()}.log")
        return self.running[engine]

    def kill(self, engine):
        self.running[engine].kill()
        self.running[engine].wait()
        self.killed += 1

    def dialled(self):
        return [tuple(line.split()) for p in sorted(self.where.glob("*.dialled"))
                for line in p.read_text().splitlines()]

    def progress(self, share, limit=90):
        wanted = int(share * sum(1 + i % 3 for i in range(self.leads)))
        h.wait_for(f"{wanted} calls of {self.campaign}", lambda: len(self.dialled()) >= wanted, limit)

    def end(self, limit=110):
        until = time.monotonic() + limit
        for engine, process in self.running.items():
            try:
                code = process.wait(max(1, until - time.monotonic()))
            except subprocess.TimeoutExpired:
                h.fail(f"{engine} did not end: {pathlib.Path(process.log).read_text()[-500:]}")
            if code != 0:
                self.check(whole=False)
            h.check(code == 0, f"{engine} ended with {code}")

    def check(self, whole=True):
        """Every lead has all its attempts, none twice, none too many. whole: also none missing; an
        engine that was killed may have died between the record and its call."""
        dialled = self.dialled()
        twice = [d for d in set(dialled) if dialled.count(d) > 1] if \
            len(set(dialled)) < len(dialled) else []
        h.check(not twice, f"dialled twice: {twice[:10]} of {len(dialled)}")
        wanted = {(f"lead-{i}", str(a)) for i in range(self.leads) for a in range(1, 2 + i % 3)}
        h.check(set(dialled) <= wanted, f"too many: {sorted(set(dialled) - wanted)[:10]}")
        missing = wanted - set(dialled)
        if whole:
            h.check(not missing, f"never dialled: {sorted(missing)[:10]}")
        return len(missing)
