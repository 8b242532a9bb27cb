"""Several engines on one campaign, and the ledger of its live answers: two real engines on one
redis-server, one of them killed; the ledger against the engines' own journals; the account that a
new engine begins with."""

import collections
import csv
import io
import json
import os
import subprocess
import time

import harness as h
from harness import check, wait_for

PERSON = ("connected", "abandoned", "callee_left", "agent_failed", "message_played", "transferred")


def engine(where, name, yaml, leads, *more):
    """Its log is new with each start: NAME.log, NAME.2.log …"""
    log = next(p for p in (where / f"{name}.{n}.log" for n in range(9)) if not p.exists())
    return h.start([h.program("peal"), "run", yaml, "--leads", leads, "--data", where / name,
                    "--log", "info", *more], log)


def count_of(leads):
    return len(leads.read_text().strip().splitlines()) - 1


def journal(where, *names):
    return [r for name in names for r in h.lines(where / name / "calls.jsonl") if r["attempt"] > 0]


def live_of(records):
    """Call-IDs of the live answers, by what the records say."""
    return {r["call_id"]: r for r in records
            if r["delivery"] in PERSON or
            (r["delivery"] == "none" and r["result"] in ("human", "human_silent"))}


def ledger(yaml, *more):
    done = subprocess.run([h.program("peal"), "ledger", yaml, *map(str, more)],
                          capture_output=True, text=True, timeout=120)
    check(done.returncode == 0, f"peal ledger ended with {done.returncode}: {done.stderr}")
    return done.stdout


def entries(yaml, *more):
    return list(csv.DictReader(io.StringIO(ledger(yaml, "--csv", *more))))


def agree(rows, records, limit_ms=2000):
    """The ledger's lines are the journals' live answers, each once and rightly judged."""
    live = live_of(records)
    ids = collections.Counter(row["call_id"] for row in rows)
    check(max(ids.values(), default=1) == 1, "no answer is entered twice")
    check(set(ids) == set(live), f"the ledger lacks {set(live) - set(ids)} and has "
                                 f"{set(ids) - set(live)} that no journal has")
    places = sorted(int(row["entry"]) for row in rows)
    check(places == list(range(1, len(rows) + 1)), f"places without a hole: {places}")
    for row in rows:
        record = live[row["call_id"]]
        times = record["times"]
        start = times.get("greeting_end", times.get("verdict", times["answered"]))
        check(row["lead"] == record["lead"] and int(row["attempt"]) == record["attempt"],
              f"{row} is the record's")
        check(row["number"] != record["number"] and "*" in row["number"], "numbers are masked")
        if record["delivery"] == "connected":
            waited = max(0, times["agent_heard"] - start)
            check(int(row["waited_ms"]) == waited, f"{row} against {times}")
            check(row["what"] == ("connected" if waited <= limit_ms else "connected_late"),
                  f"{row} against {times}")
        check((int(row["live"]), int(row["abandoned"]), int(row["not_counted"])) in
              ((1, 0, 0), (1, 1, 0), (0, 0, 1)), f"counted one way: {row}")


def two_engines():
    where = h.folder()
    _, socket = h.redis(where)
    simulator, address, _ = h.serve(where, seed=11)
    leads = h.leads(where, 36, seed=11)
    url = f"unix:{socket}"
    yamls = {}
    for name, first, ports in (("a", 1, "21000-23998"), ("b", 5, "24000-26998")):
        path = h.campaign(where, address, agents=4, **{
            "count: 4": f"count: 4, first: {first}", "21000-28999": ports})
        yamls[name] = path.rename(where / f"{name}.yaml")
    running = {n: engine(where, n, yamls[n], leads, "--redis", url) for n in ("a", "b")}
    for n in ("a", "b"):
        wait_for(f"engine {n} to see the other", lambda: "another engine works on this campaign" in
                 (where / f"{n}.0.log").read_text(), 60)
    wait_for("both to have records, and live answers",
             lambda: len(journal(where, "a")) >= 6 and len(journal(where, "b")) >= 6 and
             len(live_of(journal(where, "a", "b"))) >= 2, 180)
    check(all(p.poll() is None for p in running.values()), "both are in mid-campaign")
    running["b"].kill()
    running["b"].wait()
    wait_for("engine a to notice", lambda: "an engine of this campaign is gone" in
             (where / "a.0.log").read_text(), 60)
    check(running["a"].wait(400) == 0, "engine a goes on and finishes the list")
    run = json.loads((where / "a/run.json").read_text())
    check(run["finished"] == run["leads"] == 36 and run["pending"] == 0, f"every lead: {run}")

    # What b had judged before it was killed is in its journal; its next start brings it.
    again = engine(where, "b", yamls["b"], leads, "--redis", url)
    check(again.wait(120) == 0, "engine b has nothing left to dial")
    records = journal(where, "a", "b")
    attempts = collections.Counter((r["lead"], r["attempt"]) for r in records)
    twice = {k: n for k, n in attempts.items() if n > 1}
    for lead, number in twice:  # b's journal had it, and a closed it without knowing
        calls = {r["call_id"] for r in records if (r["lead"], r["attempt"]) == (lead, number)}
        check(len(calls) == 1, f"attempt {number} of {lead} was dialled twice: {calls}")
    h.stop(simulator)
    seen = collections.Counter(t["call_id"] for t in h.lines(where / "truth.jsonl")
                               if t.get("kind") != "agent")
    check(max(seen.values()) == 1, "no Call-ID reached the far side twice")
    check(set(seen) <= {r["call_id"] for r in records}, "every call of the far side is on record")
    by_lead = collections.defaultdict(set)
    for lead, number in attempts:
        by_lead[lead].add(number)
    for lead, numbers in by_lead.items():
        check(sorted(numbers) == list(range(1, len(numbers) + 1)), f"{lead}: {sorted(numbers)}")

    rows = entries(yamls["a"], "--redis", url)
    agree(rows, records)
    names = {(where / n / "engine-id").read_text().strip(): n for n in ("a", "b")}
    check({names[row["engine"]] for row in rows} <= {"a", "b"}, "each entry names its engine")
    own = {n: set(live_of(journal(where, n))) for n in ("a", "b")}
    for row in rows:
        check(row["call_id"] in own[names[row["engine"]]], "and it is that engine's call")
    table = ledger(yamls["a"], "--redis", url)
    counted = sum(int(row["live"]) for row in rows)
    shown = sum(int(line.split()[1]) for line in table.splitlines() if line[:2] == "20")
    check(counted == shown, f"the table says {shown} live answers, the entries {counted}")


def ledger_lost():
    """The engine is killed in mid-campaign and Redis forgets the ledger: the journal brings it
    back, whole and once."""
    where = h.folder()
    _, socket = h.redis(where)
    simulator, address, _ = h.serve(where, seed=12)
    leads = h.leads(where, 24, seed=12)
    yaml = h.campaign(where, address)
    url = f"unix:{socket}"
    first = engine(where, "data", yaml, leads, "--redis", url)
    wait_for("some live answers", lambda: len(live_of(journal(where, "data"))) >= 2 or
             first.poll() is not None, 180)
    first.kill()
    first.wait()
    keys = [k for k in h.ask_redis(socket, "KEYS", "{demo}:ledger*")]
    if keys:
        h.ask_redis(socket, "DEL", *keys)
    check(not entries(yaml, "--redis", url), "the ledger is empty")
    second = engine(where, "data", yaml, leads, "--redis", url)
    check(second.wait(400) == 0, "the second run finishes the list")
    check("were not in the ledger and are now" in (where / "data.1.log").read_text(),
          "it says what it entered")
    h.stop(simulator)
    agree(entries(yaml, "--redis", url), journal(where, "data"))
    # Taking an entry away by hand is seen.
    days = [k for k in h.ask_redis(socket, "KEYS", "{demo}:ledger:[0-9]*")]
    some = h.ask_redis(socket, "HKEYS", days[0])[0]
    h.ask_redis(socket, "HDEL", days[0], some)
    done = subprocess.run([h.program("peal"), "ledger", yaml, "--redis", url],
                          capture_output=True, text=True, timeout=120)
    check(done.returncode == 1 and "do not agree" in done.stderr, f"unseen: {done.stderr}")


def old_record(n, ago_s, delivery, **times):
    """A line as the journal has it."""
    invite = int((time.time() - ago_s) * 1000)
    times = {"answered": 5000, "greeting_end": 6000, "verdict": 6600, **times}
    return json.dumps({
        "campaign": "demo", "lead": f"old-{n}", "attempt": 1, "number": f"+1202555{n:04}",
        "call_id": f"old-{n}@peal.invalid", "result": "human", "delivery": delivery,
        "claimed_ms": invite - 100, "invite_ms": invite, "times": times, "ended_by": "us",
        "cancelled": False, "abandoned": delivery != "connected", "media": {}, "evidence": []},
        separators=(",", ":"))


def spent_account():
    """An engine begins with what the campaign has spent, and keeps to one call an agent."""
    where = h.folder()
    simulator, address, _ = h.serve(where, seed=13)
    leads = h.leads(where, 12, seed=13)
    yaml = h.campaign(where, address)
    data = where / "data"
    data.mkdir()
    old = [old_record(n, 3 * 86400, "connected", connect=6700, agent_heard=7000, end=90000)
           for n in range(60)]
    old += [old_record(n, 2 * 86400, "abandoned", end=8100) for n in range(60, 80)]
    (data / "calls.jsonl").write_text("\n".join(old) + "\n")
    run = engine(where, "data", yaml, leads)
    says = "one call an agent: the abandonment of 30 days is at its cap of 3.0 %"
    wait_for("the fallback to be said", lambda: says in (where / "data.0.log").read_text() or
             run.poll() is not None, 120)
    check(says in (where / "data.0.log").read_text(), "the engine says why it dials so few")
    check(run.wait(300) == 0, "and goes on with one call an agent")
    h.stop(simulator)
    rows = entries(yaml, "--data", data)
    agree(rows, journal(where, "data"))
    check(sum(int(row["abandoned"]) for row in rows) >= 20, "the old ones are there")
    week = entries(yaml, "--data", data, "--from", time.strftime("%Y-%m-%d", time.gmtime(
        time.time() - 4 * 86400)), "--to", time.strftime("%Y-%m-%d", time.gmtime(
            time.time() - 86400 * 1.9)), "--whole-numbers")
    check(len(week) == 80, f"from and to: {len(week)}")
    check(week[0]["number"] == "+12025550000", week[0]["number"])
    table = ledger(yaml, "--data", data)
    check("25.00 %" in table, f"twenty of eighty: {table}")


def killed_in_loops():
    """Three engines, one of them killed again and again and started anew: the others notice, every
    lead is accounted for, no attempt is dialled twice, none is lost."""
    where = h.folder()
    _, socket = h.redis(where)
    simulator, address, _ = h.serve(where, seed=13)
    leads = h.leads(where, 60, seed=13)
    url = f"unix:{socket}"
    names, yamls, running = ("a", "b", "c"), {}, {}
    for n, (name, ports) in enumerate(zip(names, ("20000-22998", "23000-25998", "26000-28998"))):
        path = h.campaign(where, address, agents=3, **{
            "count: 3": f"count: 3, first: {1 + 3 * n}", "21000-28999": ports})
        yamls[name] = path.rename(where / f"{name}.yaml")
        running[name] = engine(where, name, yamls[name], leads, "--redis", url)
    log = lambda name: "".join(p.read_text() for p in sorted(where.glob(f"{name}.*.log")))
    made = lambda: int((h.ask_redis(socket, "GET", "{demo}:attempts_total") or ["0"])[0])
    gone = "an engine of this campaign is gone"
    killed = 0
    for victim in ("a", "b", "c", "b"):
        before = made()
        wait_for("more attempts", lambda: made() >= before + 5 or
                 all(p.poll() is not None for p in running.values()), 120)
        if running[victim].poll() is not None:
            continue  # the list is finished already
        others = [n for n in names if n != victim and running[n].poll() is None]
        told = {n: log(n).count(gone) for n in others}
        name = (where / victim / "engine-id").read_text().strip()
        running[victim].kill()
        running[victim].wait()
        killed += 1
        wait_for("the others to notice", lambda: all(
            log(n).count(gone) > told[n] or running[n].poll() is not None for n in others), 60)
        check(all(f"engine={name}" in log(n) for n in others if running[n].poll() is None),
              "and they name it")
        running[victim] = engine(where, victim, yamls[victim], leads, "--redis", url)
    check(killed >= 3, f"engines were killed in mid-campaign, {killed} times")
    for name in names:
        check(running[name].wait(400) == 0, f"engine {name} ends in order")
    h.stop(simulator)
    count = count_of(leads)
    states = {name: int(n) for name, n in zip(
        *[iter(h.ask_redis(socket, "HGETALL", "{demo}:finished"))] * 2)}
    check(sum(states.values()) == count, f"every lead is finished: {states}")
    for key in ("{demo}:leased", "{demo}:due", "{demo}:fresh"):
        check(h.ask_redis(socket, "ZCARD", key) == ["0"], f"{key} is empty")
    check(h.ask_redis(socket, "HLEN", "{demo}:open") == ["0"], "no call counts any more")
    records = journal(where, *names)
    by_call = collections.defaultdict(set)
    for r in records:
        by_call[r["lead"], r["attempt"]].add(r["call_id"])
    check(all(len(ids) == 1 for ids in by_call.values()), "one call an attempt")
    check(len(by_call) == made(), f"{made()} attempts in Redis, {len(by_call)} on record")
    seen = collections.Counter(t["call_id"] for t in h.lines(where / "truth.jsonl")
                               if t.get("kind") != "agent")
    check(max(seen.values()) == 1, "no Call-ID reached the far side twice")
    check(set(seen) <= {r["call_id"] for r in records}, "every call of the far side is on record")
    numbers = collections.defaultdict(list)
    for lead, number in by_call:
        numbers[lead].append(number)
    for lead, made_of_it in numbers.items():
        check(sorted(made_of_it) == list(range(1, len(made_of_it) + 1)), f"{lead}: {made_of_it}")


if __name__ == "__main__":
    h.main(two_engines, ledger_lost, spent_account,
           killed_in_loops)
