"""One Redis, and everything that can happen to it: killed again and again, its file torn in the
middle, connections cut while answers are on the way; and engines that are killed. Engines here make
no calls (queue-work); each says in a log what it dials, before it does. No attempt is dialled
twice, none is missing but those of engines that died between the record and the call."""

import random
import time

import harness as h
import redis_kit as kit
from harness import check


def killed_in_loops():
    """Redis (which syncs each command) and engines by kill -9, at moments of chance."""
    where, chance = h.folder(), random.Random(7)
    server = kit.Server(where, kit.ports(1)[0], aof="always")
    url = f"redis://127.0.0.1:{server.port}"
    work = kit.Workers(where, "spring", 300)
    for engine in ("a", "b"):
        work.start(engine, url, add=engine == "a", work=40, most=8)
    for turn in range(6):
        work.progress(0.1 + 0.12 * turn)
        time.sleep(chance.uniform(0, 0.05))  # where in its work it is hit is left to chance
        if turn % 2:
            work.kill("b")
            work.start("b", url, work=40, most=8)
        else:
            server.kill()
            server.start()
    work.end()
    missing = work.check(whole=False)
    check(missing <= work.killed * 8, f"{missing} calls are missing")
    print(f"Redis killed 3 times, an engine {work.killed}: {missing} calls not made (recorded, then "
          "their engine died)")


def torn_files():
    """kill -9, and the end of its file is gone: acknowledged commands with it, the last one half
    written. What engines know makes it good."""
    where, chance = h.folder(), random.Random(11)
    server = kit.Server(where, kit.ports(1)[0])
    url = f"redis://127.0.0.1:{server.port}"
    work = kit.Workers(where, "spring", 240)
    for engine in ("a", "b"):
        work.start(engine, url, add=engine == "a", work=50, most=8, settle=2500)
    lost = 0
    h.wait_for("the first call", work.dialled, 30)
    imported = server.aof_file().stat().st_size + 20000  # what must stay: the leads
    for turn in range(3):
        work.progress(0.2 + 0.22 * turn)
        server.kill()
        file = server.aof_file()
        whole = file.read_bytes()
        cut = min(chance.randrange(15000, 30000), max(0, len(whole) - imported))
        lost += whole[len(whole) - cut:].count(b"_complete") + whole[len(whole) - cut:].count(b"HSET")
        file.write_bytes(whole[:len(whole) - cut])
        server.start("--aof-load-truncated", "yes")
    work.end()
    work.check()
    check(lost > 20, f"only {lost} commands were cut off")
    counts = kit.ask(server.port, "HGET", "{spring}:finished", "reached")
    check(counts == "240", f"finished: {counts}")
    total = kit.ask(server.port, "GET", "{spring}:attempts_total")
    check(total == str(len(work.dialled())), f"{total} attempts on record, {len(work.dialled())} made")
    print(f"{lost} commands torn off, {len(work.dialled())} calls")


def half_a_transaction_counts_once():
    """Its file ends within an attempt's transaction. Redis 7.0 forgets that half when it starts, and
    does it after all at the start after that, when the engines have long said it again."""
    where = h.folder()
    server = kit.Server(where, kit.ports(1)[0])
    work = kit.Workers(where, "spring", 40)
    work.start("a", f"redis://127.0.0.1:{server.port}", add=True, work=300, most=8, settle=2500)
    h.wait_for("the first calls", lambda: len(work.dialled()) >= 8, 30)
    server.kill()
    file, counter = server.aof_file(), b"attempts_total\r\n"
    whole = file.read_bytes()
    end = whole.index(b"*", whole.rindex(counter) + len(counter) + 1)
    check(b"EXEC" in whole[end:], "the transaction has no end")
    file.write_bytes(whole[:end + 20])
    server.start("--aof-load-truncated", "yes")
    half = int(kit.ask(server.port, "GET", "{spring}:attempts_total"))
    h.wait_for("what was torn off to be said again",
               lambda: int(kit.ask(server.port, "GET", "{spring}:attempts_total")) > half, 30)
    server.kill()
    server.start("--aof-load-truncated", "yes")
    work.end()
    work.check()
    total = kit.ask(server.port, "GET", "{spring}:attempts_total")
    check(total == str(len(work.dialled())), f"{total} attempts on record, {len(work.dialled())} made")


def cut_connections():
    """The network between engines and Redis is cut while commands and answers are on it."""
    where, chance = h.folder(), random.Random(3)
    server = kit.Server(where, kit.ports(1)[0])
    proxy = kit.Proxy(server.port)
    url = f"redis://127.0.0.1:{proxy.port}"
    work = kit.Workers(where, "spring", 300)
    for engine in ("a", "b"):
        work.start(engine, url, add=engine == "a", work=30, most=8)
    for turn in range(12):
        work.progress(0.05 + 0.06 * turn)
        time.sleep(chance.uniform(0, 0.03))
        proxy.closed = turn % 4 == 3
        proxy.cut()
        if proxy.closed:
            time.sleep(0.7)  # away for a while: engines find nobody there
            proxy.closed = False
    work.end()
    work.check()
    check(proxy.cuts >= 12, f"{proxy.cuts} connections were cut")


def a_dead_engine_is_noticed_within_its_lease():
    where = h.folder()
    server = kit.Server(where, kit.ports(1)[0])
    url = f"redis://127.0.0.1:{server.port}"
    work = kit.Workers(where, "spring", 60)
    work.start("a", url, add=True, work=60000, most=16, lease=3000)
    h.wait_for("its calls", lambda: len(work.dialled()) == 16, 30)
    work.kill("a")
    died = time.monotonic()
    del work.running["a"]
    held = lambda: int(kit.ask(server.port, "ZCARD", "{spring}:leased"))
    check(held() >= 16, "its leases are still there")
    work.start("b", url, work=10, most=16, lease=3000)
    work.end()
    took = time.monotonic() - died
    missing = work.check(whole=False)
    check(missing == 0, f"{missing} are missing: those it had dialled were dialled")
    check(held() == 0, "nothing is left leased")
    print(f"all was finished {took:.1f} s after it died, with a lease of 3 s")


def a_user_of_its_own_rights():
    """An ACL user with what README names, and no more."""
    where = h.folder()
    server = kit.Server(where, kit.ports(1)[0])
    kit.ask(server.port, "ACL", "SETUSER", "peal", "on", ">pass word", "~{*", "+@all", "-@admin",
            "-@dangerous", "+function", "+wait", "+role")
    kit.ask(server.port, "ACL", "SETUSER", "default", "off")
    work = kit.Workers(where, "spring", 30)
    work.start("a", f"redis://peal:pass%20word@127.0.0.1:{server.port}", add=True)
    work.end()
    work.check()


h.main(killed_in_loops, torn_files, half_a_transaction_counts_once, cut_connections,
       a_dead_engine_is_noticed_within_its_lease, a_user_of_its_own_rights)
