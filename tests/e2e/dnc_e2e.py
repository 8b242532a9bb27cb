"""Do-not-call, end to end: what is on a list is not dialled, whoever put it there and when; what
rings is hung up; what the commands say is true."""

import csv
import json
import re
import subprocess
import time

import harness as h
from harness import check, wait_for

RINGS = "scenarios:\n  - { scenario: no-answer, weight: 1 }\n" \
        "agents: { prefix: agent-, scenario: agents/agent }\n"
BUSY = RINGS.replace("no-answer", "busy")


def dnc(where, *words, code=0):
    """peal dnc on the private server of `where`/data."""
    done = subprocess.run([h.program("peal"), "dnc", *map(str, words), "--data", where / "data"],
                          capture_output=True, text=True, timeout=120)
    check(done.returncode == code, f"peal dnc {words} ended with {done.returncode}: {done.stderr}")
    return done.stdout


def begin(where, mix, leads, seed, **replace):
    (where / "mix.yaml").write_text(mix)
    simulator, address, truth = h.serve(where, seed=seed, mix=where / "mix.yaml")
    yaml = h.campaign(where, address, **replace)
    path = h.leads(where, leads, seed=seed)
    numbers = [row["number"] for row in csv.DictReader(open(path))]
    return simulator, yaml, path, numbers, truth


def run(where, yaml, leads):
    return h.start([h.program("peal"), "run", yaml, "--leads", leads, "--data", where / "data",
                    "--log", "info"], where / "run.log")


def records(where):
    return h.lines(where / "data/calls.jsonl")


def dialled(truth):
    return {t["number"] for t in h.lines(truth) if t.get("kind") != "agent"}


def lists():
    """Each kind of list, put there before the campaign starts."""
    where = h.folder()
    simulator, yaml, leads, numbers, truth = begin(where, BUSY, 30, 21)
    prefix = next(p for p in (n[1:5] for n in numbers[5:])
                  if not any(n[1:].startswith(p) for n in numbers[:5]))
    covered = {n for n in numbers if n[1:].startswith(prefix)}
    dnc(where, "add", numbers[0], "--list", "own")
    dnc(where, "add", numbers[1], "--list", "global", "--why", "asked by letter", "--who", "ana")
    dnc(where, "add", numbers[2], "--list", "campaign", "demo")
    dnc(where, "add", numbers[3], "--list", "campaign", "another")
    dnc(where, "add", numbers[4], "--list", "channel", "mail")
    dnc(where, "add", f"{prefix}*", "--list", "channel", "phone")
    engine = run(where, yaml, leads)
    check(engine.wait(300) == 0, "the campaign ends")
    h.judge_simulator(h.stop(simulator))
    want = {numbers[0]: ("own_number", "list own"), numbers[1]: ("dnc", "list *"),
            numbers[2]: ("dnc", "list c:demo")}
    want.update({n: ("dnc", f"list ch:phone by prefix {prefix}") for n in covered})
    got = {r["number"]: (r["result"], r["sip_reason"]) for r in records(where)
           if r["result"] in ("dnc", "own_number")}
    check(got == want, f"{got}\nis not\n{want}")
    check(all(r["attempt"] == 0 for r in records(where) if r["number"] in want),
          "no attempt is charged")
    check(dialled(truth) == set(numbers) - set(want), "all others were dialled, and only they: "
          f"{dialled(truth) ^ (set(numbers) - set(want))}")
    run_json = json.loads((where / "data/run.json").read_text())
    check(run_json["finished"] == 30 and run_json["not_dialled"] == len(want), f"{run_json}")
    said = dnc(where, "check", numbers[1], numbers[0], numbers[4], next(iter(covered)))
    check(re.search(r"global do-not-call list since 20.*UTC, by ana: asked by letter", said), said)
    check("own numbers since" in said and "channel mail since" in said, said)
    check(f"by the prefix {prefix}* since" in said, said)
    check(re.search(r"called [12] times", dnc(where, "check", numbers[4])), "calls are counted")
    log = dnc(where, "log")
    check(log.count("  add ") == 6 and "6 of 6 changes" in log, log)


def while_it_runs():
    """Leads that wait or are claimed when their numbers are listed are not dialled after a second."""
    where = h.folder()
    simulator, yaml, leads, numbers, truth = begin(
        where, BUSY, 80, 22, **{"calls_per_second: 7": "calls_per_second: 4", "attempts: 2": "attempts: 1"})
    engine = run(where, yaml, leads)
    wait_for("ten calls", lambda: len(records(where)) >= 10 or engine.poll() is not None, 120)
    done = {r["number"] for r in records(where)}
    listed = [n for n in numbers if n not in done]
    dnc(where, "add", *listed[::2], "--list", "global")
    by = time.time() * 1000 + 1000
    check(engine.wait(300) == 0, "the campaign ends")
    h.judge_simulator(h.stop(simulator))
    late = [r for r in records(where) if r["number"] in listed[::2] and r["attempt"] > 0 and
            r["invite_ms"] > by]
    check(not late, f"dialled after a second: {late}")
    dnc_ones = {r["number"] for r in records(where) if r["result"] == "dnc"}
    check(len(dnc_ones) >= 20 and dnc_ones <= set(listed[::2]), f"{len(dnc_ones)} were listed")
    check({r["number"] for r in records(where)} == set(numbers), "and every lead has its record")
    check(dialled(truth) >= set(listed[1::2]), "the others were dialled")


def what_rings():
    where = h.folder()
    simulator, yaml, leads, numbers, truth = begin(where, RINGS, 12, 23,
                                                   **{"ring_timeout: 8s": "ring_timeout: 50s"})
    engine = run(where, yaml, leads)
    wait_for("calls to ring", lambda: ringing(where) >= 4 or engine.poll() is not None, 60)
    digits = sorted({n[1] for n in numbers})
    dnc(where, "add", *[f"{d}*" for d in digits], "--list", "global", "--why", "all of them")
    check(engine.wait(45) == 0, "the campaign ends long before the rings would")
    h.judge_simulator(h.stop(simulator))
    rang = [r for r in records(where) if r["attempt"] > 0]
    check(len(rang) >= 4 and all(r["result"] == "dnc" and r["cancelled"] and
                                 r["sip_reason"].startswith("list * by prefix") for r in rang),
          f"what rang was hung up: {rang}")
    check(len({r["number"] for r in records(where)}) == 12 and
          all(r["result"] == "dnc" for r in records(where)), "all are settled as dnc")


def ringing(where):
    """Calls that have passed the gate and are not over, by the gate's own count."""
    data = where / "data/redis.sock"
    if not data.exists():
        return 0
    keys = h.ask_redis(data, "KEYS", "{peal-n-*}:calls")
    return len(keys) - len({r["number"] for r in records(where)})


def imports():
    where = h.folder()
    path = where / "many.csv"
    with open(path, "w") as out:
        out.write("name;number\n# a comment\n")
        out.writelines(f"x;(202) 555-{n:04}\n" for n in range(5000))
        out.write("x;12\nx;+4930123456\nx;(202) 555-0007\n")
    said = dnc(where, "import", path, "--list", "global", "--country", "us", "--why", "register")
    check("5002 numbers: 5001 added, 0 were there already, 1 in the file twice; 1 rows rejected"
          in said, said)
    check((where / "data/dnc-rejected.csv").read_text() == 'line,reason\n5003,"too few digits"\n',
          "the bad row has its reason")
    check("5001 were there already" in
          dnc(where, "import", path, "--list", "global", "--country", "us"), "again: nothing new")
    check(re.search(r"global do-not-call list +5001 +0", dnc(where, "list")), dnc(where, "list"))
    said = dnc(where, "check", "+12025554999", "+4930123456", "+12025560000")
    check(said.count("by import 1 since") == 2 and "of many.csv, by " in said and
          ": register" in said and "is on no list" in said, said)
    check("5001 taken off" in dnc(where, "import", path, "--list", "global", "--country", "us",
                                  "--remove"), "taken away")
    check("is on no list" in dnc(where, "check", "+12025554999"), "gone")
    for words in (("add", "12", "--list", "global"), ("add", "+12025550100"),
                  ("add", "+1*2", "--list", "own"), ("add", "--list", "own"),
                  ("add", "+12025550100", "--list", "nowhere"), ("what",),
                  ("add", "+12025550100", "--list", "own", "--until", "2026-13-01")):
        dnc(where, *words, code=2)


if __name__ == "__main__":
    h.main(imports, lists, while_it_runs, what_rings)
