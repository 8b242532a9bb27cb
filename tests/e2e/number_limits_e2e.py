"""What holds for a number whichever campaign calls it: limits of calls, and the lock-out after an
abandoned call."""

import csv
import re
import signal
import subprocess
import time

import harness as h
from harness import check, wait_for

BUSY = "scenarios:\n  - { scenario: busy, weight: 1 }\n" \
       "agents: { prefix: agent-, scenario: agents/agent }\n"
PEOPLE = "scenarios:\n  - { scenario: human-short, weight: 1 }\n" \
         "agents: { prefix: agent-, scenario: agents/agent }\n" \
         "settings:\n  - { name: talk_mean, value: 12 }\n  - { name: patience_mean, value: 30 }\n"
HOUR_MS = 3600000


def run(where, name, yaml, leads, url):
    return h.start([h.program("peal"), "run", yaml, "--leads", leads, "--data", where / name,
                    "--redis", url, "--log", "info"], where / f"{name}.log")


def write_leads(path, rows):
    path.write_text("id,number\n" + "".join(f"{r['id']},{r['number']}\n" for r in rows))
    return path


def attempts(where, name):
    return [r for r in h.lines(where / name / "calls.jsonl") if r["attempt"] > 0]


def due(socket, campaign):
    """{lead: due ms} of those that wait for longer than an hour."""
    words = h.ask_redis(socket, "ZRANGE", f"{{{campaign}}}:due", 0, -1, "WITHSCORES")
    waits = {lead: float(at) for lead, at in zip(words[::2], words[1::2])}
    return {lead: at for lead, at in waits.items() if at > time.time() * 1000 + HOUR_MS}


def checked(url, number):
    return subprocess.run([h.program("peal"), "dnc", "check", number, "--redis", url], check=True,
                          capture_output=True, text=True).stdout


def limits():
    """Two campaigns, one call a day for each number: the second leaves the first's numbers alone."""
    where = h.folder()
    _, socket = h.redis(where)
    url = f"unix:{socket}"
    (where / "mix.yaml").write_text(BUSY)
    simulator, address, truth = h.serve(where, seed=41, mix=where / "mix.yaml")
    yaml = h.campaign(where, address, agents=2, **{
        "attempts: 2": "attempts: 1\nnumber_limits: [{ calls: 1, per: 24h }, { calls: 9, per: 7d }]"})
    second = where / "second.yaml"
    second.write_text(yaml.read_text().replace("name: demo", "name: second"))
    rows = list(csv.DictReader(open(h.leads(where, 14, seed=41))))
    first = run(where, "first", yaml, write_leads(where / "first.csv", rows[:9]), url)
    check(first.wait(200) == 0, "the first campaign ends")
    engine = run(where, "second", second, write_leads(where / "second.csv", rows), url)
    wait_for("the second to dial what is left, and the rest to wait",
             lambda: len(attempts(where, "second")) >= 5 and len(due(socket, "second")) == 9 or
             engine.poll() is not None, 120)
    waiting = due(socket, "second")
    check(engine.poll() is None, "it waits for the numbers to be free")
    h.stop(engine, signal.SIGINT)
    h.judge_simulator(h.stop(simulator))
    check({r["lead"] for r in attempts(where, "second")} == {r["id"] for r in rows[9:]},
          "only those that the first did not call")
    calls = [t["number"] for t in h.lines(truth) if t.get("kind") != "agent"]
    check(len(calls) == len(set(calls)) == 14, f"each number once: {calls}")
    by_lead = {r["lead"]: r["invite_ms"] for r in attempts(where, "first")}
    for lead, at in waiting.items():
        # From when the gate let the call pass, some milliseconds before its INVITE left.
        check(-1000 < at - by_lead[lead] - 24 * HOUR_MS < 60000,
              f"{lead} is due when its call is a day old: {at} after {by_lead[lead]}")
    check("was called 1 times" in checked(url, rows[0]["number"]), "the call is counted")
    check("was called 0 times" in checked(url, "+12025559999"), "and no other")


def lock_out():
    """A number whose call was abandoned is left alone for 72 hours, by every campaign."""
    where = h.folder()
    _, socket = h.redis(where)
    url = f"unix:{socket}"
    (where / "mix.yaml").write_text(PEOPLE)
    simulator, address, _ = h.serve(where, seed=42, mix=where / "mix.yaml")
    # Calls go out whoever is free, so that one agent has not got time for all who answer.
    yaml = h.campaign(where, address, agents=1, **{"cap: 3": "cap: 3\n  lock_out: 72h",
                                                   "mode: ratio\n  ratio: 5": "mode: agentless"})
    rows = list(csv.DictReader(open(h.leads(where, 8, seed=42))))
    leads = write_leads(where / "people.csv", rows)
    engine = run(where, "first", yaml, leads, url)

    def dropped():
        return {r["lead"]: r for r in attempts(where, "first") if r["abandoned"]}

    wait_for("abandoned calls, and their leads to wait for three days",
             lambda: len(dropped()) >= 2 and due(socket, "demo").keys() >= dropped().keys() or
             engine.poll() is not None, 150)
    check(engine.poll() is None, "their leads are not finished")
    locked, waiting = dropped(), due(socket, "demo")
    h.stop(engine, signal.SIGINT)
    for lead, r in locked.items():
        later = [x for x in attempts(where, "first") if x["lead"] == lead and
                 x["invite_ms"] > r["invite_ms"]]
        check(not later, f"{lead} was called again: {later}")
        answered = r["invite_ms"] + r["times"]["answered"]
        check(int(waiting[lead]) == answered + 72 * HOUR_MS, f"{waiting[lead]} after {answered}")
        said = checked(url, r["number"])
        check(re.search(r"is locked until 20.* UTC: abandoned call of campaign demo", said), said)

    # Another campaign may not call them either; one that was answered by an agent it may.
    second = where / "second.yaml"
    second.write_text(yaml.read_text().replace("name: demo", "name: second"))
    some = [r for r in rows if r["id"] in locked]
    engine = run(where, "second", second, write_leads(where / "second.csv", some), url)
    wait_for("the second's leads to wait", lambda: due(socket, "second").keys() == locked.keys() or
             engine.poll() is not None, 60)
    check(due(socket, "second") .keys() == locked.keys(), "all of them wait")
    h.stop(engine, signal.SIGINT)
    check(not attempts(where, "second"), "none was called")

    # A crash between the record and the lock: the next start brings it from the journal.
    number = some[0]["number"]
    keys = [k for k in h.ask_redis(socket, "KEYS", "{peal-n-*}:lock*")]
    h.ask_redis(socket, "DEL", *keys)
    check("locked" not in checked(url, number), "the locks are gone")
    again = run(where, "first", yaml, leads, url)
    wait_for("the lock to be there again", lambda: "is locked until" in checked(url, number) or
             again.poll() is not None, 60)
    check("is locked until" in checked(url, number), "it is")
    h.stop(again, signal.SIGINT)
    h.stop(simulator)


if __name__ == "__main__":
    h.main(limits, lock_out)
