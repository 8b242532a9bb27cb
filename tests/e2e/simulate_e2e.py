"""A virtual week with leads in 11 time zones, over a change of summer time, judged by an oracle of its
own: Python's zoneinfo and the rules as this file states them, over calls.jsonl alone. Then the same
seed again, which gives the same bytes, and another seed, which does not."""

import collections
import datetime
import json
import re
import subprocess
import zoneinfo

import harness as h
from harness import check

DAYS = 7
START = "2026-03-05"  # a Thursday; New York, Chicago, Denver, Los Angeles and Anchorage change on the 8th
LEADS = 550
ATTEMPTS = 3
ZONES = ["America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles",
         "America/Anchorage", "Pacific/Honolulu", "America/St_Johns", "Europe/Ljubljana",
         "Asia/Kolkata", "Australia/Lord_Howe", "Pacific/Chatham"]
# Weekday (0: Monday) → open hours.
WINDOWS = {0: (9, 20), 1: (9, 20), 2: (9, 20), 3: (9, 20), 4: (9, 20), 5: (10, 14), 6: (12, 18)}
MINUTE, HOUR, DAY = 60, 3600, 86400
# Result → seconds after the first, second … attempt; None: no further one.
AFTER = {"busy": [5 * MINUTE, 15 * MINUTE], "no_answer": [HOUR, DAY], "unreachable": [2 * HOUR, 6 * HOUR],
         "rejected": None, "congestion": [30, 120], "vacant": None, "changed": None, "fax": None,
         "human": [DAY], "unknown": [4 * HOUR, DAY], "machine": [4 * HOUR, DAY],
         "hung_up_early": [4 * HOUR, DAY], "dropped": [HOUR, DAY]}
STATUS = {"rejected": "refused", "vacant": "invalid", "changed": "invalid", "fax": "invalid"}

CAMPAIGN = """name: week
country: us
zone: America/New_York
windows: mon-fri 09:00-20:00, sat 10:00-14:00, sun 12:00-18:00
attempts: 3
ring_timeout: 25s
trunks:
  - { name: carrier, address: 192.0.2.1:5060, max_calls: 60 }
caller_ids: ["+12025550100"]
agents:
  - { name: agent-%d, uri: "sip:agent-%d@192.0.2.2:5060", count: 4 }
pacing: { mode: predictive }
results:
  busy: { after: "5m, 15m" }
  no_answer: { after: "1h, 1d" }
  unreachable: { after: "2h, 6h" }
  rejected: { next: finish, finish: refused }
  congestion: { after: "30s, 2m" }
  vacant: { next: finish, finish: invalid }
  changed: { next: finish, finish: invalid }
  fax: { next: finish, finish: invalid }
  human: { after: 1d }
  unknown: { after: "4h, 1d" }
  machine: { after: "4h, 1d" }
  hung_up_early: { after: "4h, 1d" }
  dropped: { after: "1h, 1d" }
"""

# Agents around the clock, so that the callees' windows alone decide.
POPULATION = """agents: { shifts: [ any ], zone: UTC }
talk: { length: 40s }
wrap_up: { length: 10s }
answer: { hours: 0-23 1, weekdays: mon-sun 1, share: 30% }
"""


def write_leads(path):
    """Numbers that are nobody's: 555-0100 to 555-0199 of several areas."""
    areas = [202, 212, 213, 312, 415, 617, 702, 303, 404, 512, 206]
    zone_of = {}
    with open(path, "w") as out:
        out.write("id,number,zone\n")
        for i in range(LEADS):
            zone = ZONES[i % len(ZONES)]
            zone_of[f"lead-{i}"] = zone
            out.write(f"lead-{i},+1{areas[i // 100]}5550{100 + i % 100},{zone}\n")
    return zone_of


def simulate(where, out, seed, days=DAYS):
    done = subprocess.run([h.program("peal"), "simulate", where / "week.yaml", "--leads", where / "leads.csv",
                           "--days", str(days), "--start", START, "--population", where / "population.yaml",
                           "--seed", str(seed), "--out", where / out],
                          capture_output=True, text=True, timeout=600)
    return done


def opens(at, zone):
    """The first instant from `at` on (seconds, whole) that is inside a window of the zone."""
    tz = zoneinfo.ZoneInfo(zone)
    for minute in range(8 * 24 * 60):
        # Windows begin at whole hours, and offsets are of whole quarters here.
        instant = at if minute == 0 else (int(at) // 60 + minute) * 60
        local = datetime.datetime.fromtimestamp(instant, tz)
        first, last = WINDOWS[local.weekday()]
        if first <= local.hour < last:
            return instant
    raise AssertionError("no window in eight days")


def judge_windows(calls, zone_of):
    for call in calls:
        local = datetime.datetime.fromtimestamp(call["invite_ms"] / 1000, zoneinfo.ZoneInfo(zone_of[call["lead"]]))
        first, last = WINDOWS[local.weekday()]
        check(first <= local.hour < last, f"{call['lead']} was called at {local} in {zone_of[call['lead']]}")


def judge_lead(lead, calls, zone):
    """Each attempt by the strategy; the status that the lead must have, None: it waits."""
    for i, call in enumerate(calls):
        check(call["attempt"] == i + 1, f"{lead}: attempt {call['attempt']} is number {i + 1}")
        check(i + 1 <= ATTEMPTS, f"{lead}: {i + 1} attempts")
        check(call["result"] in AFTER, f"{lead}: a result this test does not know: {call['result']}")
        if i == 0:
            continue
        before = calls[i - 1]
        check(before["delivery"] != "connected", f"{lead}: dialled again after it was reached")
        after = AFTER[before["result"]]
        check(after is not None, f"{lead}: dialled again after {before['result']}")
        ended = (before["invite_ms"] + before["times"]["end"]) / 1000
        due = opens(ended + after[min(i - 1, len(after) - 1)], zone)
        check(call["invite_ms"] / 1000 >= due,
              f"{lead}: attempt {i + 1} at {call['invite_ms'] / 1000}, due at {due} after {before['result']}")
    if not calls:
        return None
    last = calls[-1]
    if last["delivery"] == "connected":
        return "reached"
    if AFTER[last["result"]] is None:
        return STATUS[last["result"]]
    return "not_reached" if len(calls) == ATTEMPTS else None


def judge(where, out, said, zone_of):
    calls = [c for c in h.lines(where / out / "calls.jsonl") if c["attempt"] > 0]
    by_lead = collections.defaultdict(list)
    for call in calls:
        check(call["lead"] in zone_of, f"a call of {call['lead']}, whom nobody named")
        by_lead[call["lead"]].append(call)
    judge_windows(calls, zone_of)
    statuses = collections.Counter()
    for lead, zone in zone_of.items():
        statuses[judge_lead(lead, by_lead[lead], zone) or "waiting"] += 1
    told = {name: int(count) for name, count in re.findall(r"(\w+) (\d+)", re.search(r"leads  +(.*)", said)[1])}
    check({k: v for k, v in told.items() if v} == dict(statuses),
          f"leads by status: the program says {told}, the records {dict(statuses)}")
    run = json.loads((where / out / "run.json").read_text())
    check(run["leads"] == LEADS and run["finished"] + run["pending"] == LEADS, f"run.json: {run['leads']} leads")
    check(run["attempts_redis"] == len(calls), f"{run['attempts_redis']} attempts in Redis, {len(calls)} records")
    check(len(by_lead) == LEADS, f"only {len(by_lead)} leads were called in a week")
    check(statuses["reached"] > LEADS // 10, f"hardly anybody was reached: {statuses}")
    check(any(len(c) == ATTEMPTS for c in by_lead.values()), "no lead needed all attempts")
    # The windows were felt: calls waited for an opening and came soon after it, nearly everywhere.
    felt = set()
    for call in calls:
        local = datetime.datetime.fromtimestamp(call["invite_ms"] / 1000, zoneinfo.ZoneInfo(zone_of[call["lead"]]))
        if local.hour == WINDOWS[local.weekday()][0] and local.minute < 15:
            felt.add(zone_of[call["lead"]])
    check(len(felt) > len(ZONES) / 2, f"no call soon after the opening in {set(ZONES) - felt}")
    return calls


def refuses(where):
    """What is wrong is said, with line and what is accepted; a real run's folder is left alone."""
    bad = where / "bad.yaml"
    bad.write_text("answer:\n  share: 30\n")
    done = subprocess.run([h.program("peal"), "simulate", where / "week.yaml", "--leads", where / "leads.csv",
                           "--days", "1", "--seed", "1", "--population", bad, "--out", where / "x"],
                          capture_output=True, text=True)
    check(done.returncode == 2 and f"{bad}:2: answer: share: '30'" in done.stderr and "accepted" in done.stderr,
          f"a bad population: {done.returncode} {done.stderr}")
    real = where / "real"
    real.mkdir()
    (real / "calls.jsonl").write_text("")
    done = subprocess.run([h.program("peal"), "simulate", where / "week.yaml", "--leads", where / "leads.csv",
                           "--days", "1", "--seed", "1", "--out", real], capture_output=True, text=True)
    check(done.returncode == 2 and "real run" in done.stderr and (real / "calls.jsonl").exists(),
          f"a real run's folder: {done.returncode} {done.stderr}")
    done = subprocess.run([h.program("peal"), "simulate", where / "week.yaml", "--days", "0", "--seed", "1",
                           "--out", real], capture_output=True, text=True)
    check(done.returncode == 2 and "1 to 3660" in done.stderr, f"no days: {done.returncode} {done.stderr}")


def main():
    where = h.folder()
    (where / "week.yaml").write_text(CAMPAIGN)
    (where / "population.yaml").write_text(POPULATION)
    zone_of = write_leads(where / "leads.csv")
    refuses(where)

    first = simulate(where, "a", 1)
    check(first.returncode == 0, f"exit {first.returncode}: {first.stdout}{first.stderr}")
    check(first.stderr == "", f"quiet where there is no terminal: {first.stderr}")
    check("window 0" in first.stdout and "lost 0, doubled 0: kept" in first.stdout, first.stdout)
    calls = judge(where, "a", first.stdout, zone_of)
    for made in ("calls.sqlite", "report/report.html", "report/summary.json"):
        check((where / "a" / made).stat().st_size > 0, f"{made} is not there")

    again = simulate(where, "b", 1)
    bytes_a, bytes_b = ((where / d / "calls.jsonl").read_bytes() for d in "ab")
    check(again.returncode == 0 and bytes_a == bytes_b, "the same seed gives other bytes")
    other = simulate(where, "b", 2, days=1)  # in the same folder: made anew
    check(other.returncode == 0, f"exit {other.returncode}: {other.stdout}{other.stderr}")
    lines_b = h.lines(where / "b" / "calls.jsonl")
    check(0 < len(lines_b) < len(calls) and lines_b != h.lines(where / "a" / "calls.jsonl")[:len(lines_b)],
          "another seed gives the same calls")
    speed = re.search(r"(\d+) x real time", first.stdout)[1]
    print(f"{len(calls)} calls in a virtual week, {speed} x real time; {h.checks} checks passed")


try:
    main()
finally:
    h.clean()
