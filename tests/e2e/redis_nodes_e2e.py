"""Redis with sentinels, as a cluster, and torn in every way: engines (without calls: queue-work)
share leads while masters are killed, slots move, connections are cut and files end in the middle.
Every lead is finished; no attempt is dialled twice; none is missing."""

import time

import harness as h
import redis_kit as kit
from harness import check

SETTLE = 6000  # ms, as engines have it: each is connected to the new master by then


def sentinels_name_the_master_and_the_next_one():
    where = h.folder()
    s = kit.Sentinels(where, password="open sesame")
    work = kit.Workers(where, "spring", 400)
    login = ":open%20sesame@"
    work.start("a", s.url(login), add=True, settle=SETTLE)
    work.progress(0.1)
    s.watchers[0].kill()  # the next one in the URL is asked
    work.start("b", s.url(login), settle=SETTLE)
    work.progress(0.3)
    first = s.master()
    first.kill()
    work.progress(0.5)
    h.wait_for("another one to be the master", lambda: s.master() not in (None, first))
    work.end()
    lost = work.check()
    print(f"fail-over by sentinels: {len(work.dialled())} calls, {lost} missing")


def a_cluster_is_followed():
    where = h.folder()
    c = kit.Cluster(where)
    names = ["spring", "summer", "autumn"]
    works = []
    for i, name in enumerate(names):
        folder = where / name
        folder.mkdir()
        works.append(kit.Workers(folder, name, 150))
        works[-1].start("a", c.url(), add=True, work=150, most=8, settle=SETTLE)
    for w in works:
        w.progress(0.2)
    move_slot(c, "{spring}")
    works[0].progress(0.4)
    owner, _ = c.owner("{spring}")
    owner.kill()
    before = len(works[0].dialled())
    for w in works:
        w.end()
        w.check()
    check(before < 290, f"{before} of 300 calls when the master died: it came too late")
    check(len({c.owner("{" + n + "}")[1] for n in names}) == 3, "campaigns of three slots")


def move_slot(c, key):
    """While it is in use, key by key: clients get ASK, and wait; then MOVED."""
    source, slot = c.owner(key)
    target = next(s for s in c.servers if s is not source and "role:master" in
                  kit.ask(s.port, "INFO", "replication"))
    ids = {s: kit.ask(s.port, "CLUSTER", "MYID") for s in (source, target)}
    check(kit.ask(target.port, "CLUSTER", "SETSLOT", slot, "IMPORTING", ids[source]) == "OK", "import")
    check(kit.ask(source.port, "CLUSTER", "SETSLOT", slot, "MIGRATING", ids[target]) == "OK", "migrate")
    moved, until = 0, time.monotonic() + 60
    while keys := kit.ask(source.port, "CLUSTER", "GETKEYSINSLOT", slot, 10).split():
        kit.ask(source.port, "MIGRATE", "127.0.0.1", target.port, "", 0, 5000, "KEYS", *keys)
        moved += len(keys)
        check(time.monotonic() < until, f"slot {slot} cannot be moved: {keys[:3]}")
    for s in (target, source):
        check(kit.ask(s.port, "CLUSTER", "SETSLOT", slot, "NODE", ids[target]) == "OK", "node")
    print(f"moved slot {slot} with {moved} keys from {source.port} to {target.port}")
    return source


h.main(sentinels_name_the_master_and_the_next_one, a_cluster_is_followed)
