"""Whole engines with real calls, while Redis fails over, is cut off, or comes back without what it
had acknowledged. Judged by the far side: each call it saw has one record, no attempt of a lead was
dialled twice, every lead is finished."""

import collections
import json
import random
import time

import harness as h
import redis_kit as kit
from harness import check, wait_for

LEADS = 45
AGENTLESS = {"mode: ratio\n  ratio: 5": "mode: agentless", "human: agent": "human: hangup",
             "human_silent: agent": "human_silent: hangup", "unknown: agent": "unknown: hangup",
             "calls_per_second: 7": "calls_per_second: 6",
             "busy: { after: 4s }": "busy: { after: 1s }",
             "no_answer: { after: 6s }": "no_answer: { after: 1s }"}
CALLEES = {
    "talks": "return callee { truth = 'human', run = function(call)\n"
             "  call:ring(2) call:answer() call:wait_hangup(30)\nend }",
    "busy": "return callee { truth = 'busy', run = function(call)\n"
            "  call:ring(1) call:reject(486)\nend }",
    "rings": "return callee { truth = 'no_answer', run = function(call)\n  call:ring(30)\nend }",
}


class Room:
    """A far side, a list, and engines on one Redis."""

    def __init__(self, seed):
        self.where = h.folder()
        self.simulator, self.address, self.truth = h.serve(self.where, seed=seed,
                                                           **h.stage(self.where, CALLEES))
        self.leads = self.where / "leads.csv"
        self.leads.write_text("id,number\n" + "".join(f"L{i},+120255501{i:02}\n"
                                                      for i in range(LEADS)))
        self.engines = {}

    def start(self, name, url, **replace):
        path = h.campaign(self.where, self.address, agents=1,
                          **{"21000-28999": h.free_range(200), **AGENTLESS, **replace})
        yaml = path.rename(self.where / f"{name}.yaml")
        self.engines[name] = h.start(
            [h.program("peal"), "run", yaml, "--leads", self.leads, "--data", self.where / name,
             "--redis", url], self.where / f"{name}.log")

    def calls(self):
        return [t for t in h.lines(self.truth) if t.get("kind") != "agent"]

    def progress(self, calls):
        wait_for(f"{calls} calls at the far side", lambda: len(self.calls()) >= calls, 150)

    def end(self, killed_ms=0):
        """Every engine ends by itself; returns (the far side's calls, records). Calls that had begun
        when an engine was killed may be without a record."""
        for name, engine in self.engines.items():
            check(engine.wait(300) == 0, f"{name} ends: "
                  f"{(self.where / f'{name}.log').read_text()[-600:]}")
        h.stop(self.simulator)
        calls = self.calls()
        records = [r for name in self.engines
                   for r in h.lines(self.where / name / "calls.jsonl")]
        attempts = collections.Counter((r["lead"], r["attempt"]) for r in records)
        check(max(attempts.values()) == 1,
              f"one record an attempt: {[a for a, n in attempts.items() if n > 1][:5]}")
        by_call = {r["call_id"]: r for r in records}
        seen = collections.Counter(c["call_id"] for c in calls if c["call_id"] in by_call)
        check(max(seen.values()) == 1, "each call has an id of its own")
        lost = [c for c in calls if c["call_id"] not in by_call and c["started"] > killed_ms]
        check(not lost, f"calls without a record: {lost[:3]}")
        dialled = collections.Counter((by_call[c]["lead"], by_call[c]["attempt"]) for c in seen)
        check(max(dialled.values()) == 1, "no attempt was dialled twice")
        run = json.loads((self.where / next(iter(self.engines)) / "run.json").read_text())
        check(run["leads"] == LEADS and run["finished"] == LEADS, f"every lead is finished: {run}")
        return calls, records


def the_master_dies():
    room = Room(51)
    s = kit.Sentinels(room.where)
    for name in ("e0", "e1"):
        room.start(name, s.url())
    room.progress(15)
    first = s.master()
    first.kill()
    room.progress(30)
    wait_for("another one to be the master", lambda: s.master() not in (None, first))
    calls, _ = room.end()
    print(f"{len(calls)} calls over a fail-over")


def the_network_is_cut():
    room = Room(52)
    server = kit.Server(room.where, kit.ports(1)[0])
    proxy = kit.Proxy(server.port)
    for name in ("e0", "e1"):
        room.start(name, f"redis://127.0.0.1:{proxy.port}")
    for turn in range(5):
        room.progress(8 + 7 * turn)
        proxy.closed = turn % 2 == 1
        proxy.cut()
        if proxy.closed:  # calls end meanwhile, and their records wait
            before = len(room.calls())
            wait_for("calls to end while Redis is away", lambda: len(room.calls()) > before, 60)
            proxy.closed = False
    calls, _ = room.end()
    check(proxy.cuts >= 5, f"{proxy.cuts} connections were cut")
    print(f"{len(calls)} calls, {proxy.cuts} connections cut")


def tear(server, kept, at_most, chance):
    """The dead server's file lacks its end; returns how many attempts were in it."""
    file = server.aof_file()
    whole = file.read_bytes()
    cut = max(0, min(chance.randrange(at_most // 2, at_most), len(whole) - kept))
    file.write_bytes(whole[:len(whole) - cut])
    return whole[len(whole) - cut:].count(b"\x1f") // 4


def redis_forgets():
    """kill -9, and its file lacks the end: calls that are in the air are unknown to it."""
    room, chance = Room(53), random.Random(9)
    server = kit.Server(room.where, kit.ports(1)[0])
    room.start("e0", f"redis://127.0.0.1:{server.port}")
    wait_for("all leads to be in Redis",
             lambda: kit.ask(server.port, "HLEN", "{demo}:tasks") == str(LEADS), 60)
    kept = server.aof_file().stat().st_size
    lost = 0
    for turn in range(3):
        room.progress(12 + 10 * turn)
        server.kill()
        lost += tear(server, kept, 12000, chance)
        server.start("--aof-load-truncated", "yes")
    calls, records = room.end()
    check(lost > 0, "attempts were among what Redis has lost")
    print(f"{len(calls)} calls, {len(records)} records, {lost} attempts torn off")


def the_machine_loses_power():
    """Engine and Redis die at once, and Redis has lost more than the engine's journal: what is on
    record there is not dialled again."""
    room, chance = Room(54), random.Random(2)
    server = kit.Server(room.where, kit.ports(1)[0])
    url = f"redis://127.0.0.1:{server.port}"
    room.start("e0", url)
    wait_for("all leads to be in Redis",
             lambda: kit.ask(server.port, "HLEN", "{demo}:tasks") == str(LEADS), 60)
    kept = server.aof_file().stat().st_size
    room.progress(25)
    room.engines["e0"].kill()
    server.kill()
    killed_ms = time.time() * 1000
    room.engines["e0"].wait()
    before = [(r["lead"], r["attempt"]) for r in h.lines(room.where / "e0" / "calls.jsonl")]
    tear(server, kept, 150000, chance)
    server.start("--aof-load-truncated", "yes")
    known = set(kit.ask(server.port, "HKEYS", "{demo}:attempts").split())
    lost = [a for a in before if f"{a[0]}/{a[1]}" not in known]
    room.start("e0", url)
    calls, records = room.end(killed_ms)
    check(len(lost) >= 5, f"{len(before)} records at the kill, Redis had lost {len(lost)} of them")
    print(f"{len(calls)} calls, {len(records)} records; of {len(before)} at the kill Redis had lost "
          f"{len(lost)}")


if __name__ == "__main__":
    h.main(the_master_dies, the_network_is_cut, redis_forgets, the_machine_loses_power)
