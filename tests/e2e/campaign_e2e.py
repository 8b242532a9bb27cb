"""A campaign from end to end, and through what goes wrong: the books must balance each time.

The simulator's truth file says which calls really reached the far side; the engine's records and
Redis must tell the same story, call by call."""

import array
import collections
import json
import os
import resource
import signal
import subprocess
import time
import wave

import harness as h
from harness import check, wait_for

# Result labels that only one truth can give, whatever the detectors think.
SIGNALLED = {"busy": {"busy"}, "rejected": {"rejected"}, "vacant": {"vacant"}}
NOT_SILENT_PEOPLE = {"dead_air", "no_media", "machine"}


def run_engine(where, yaml, leads, data="data", redis=None):
    """redis: the socket of a server of the test's own. A file too large is an error of the write,
    not a signal (Python ignores SIGXFSZ, and the engine is left so)."""
    return h.start([h.program("peal"), "run", yaml, "--leads", leads, "--data", where / data,
                    "--log", "info", *(["--redis", f"unix:{redis}"] if redis else [])],
                   where / "engine.log", restore_signals=False)


LOST = "the engine was lost during the call"


def ids_of(where, lost):
    return {r["call_id"] for r in h.lines(where / "data/calls.jsonl")
            if r["attempt"] > 0 and (r.get("sip_reason") == LOST) == lost}


def wait_for_far_side(where):
    """Calls of an engine that was killed end on the far side when its own timers say so (64 × T1).
    An attempt that was on record when the engine died may never have left it."""
    seen = lambda: {t["call_id"] for t in h.lines(where / "truth.jsonl")}
    wait_for("the far side to have ended every call", lambda: ids_of(where, False) <= seen(), 30)
    until = time.monotonic() + 75
    while not ids_of(where, True) <= seen() and time.monotonic() < until:
        time.sleep(0.2)


def finish(where, engine, simulator, limit=240):
    """Waits for the engine's own end, stops the simulator, makes the report."""
    try:
        code = engine.wait(limit)
    except subprocess.TimeoutExpired:
        h.fail(f"the engine did not end within {limit} s")
    check(code == 0, f"the engine ended with {code}")
    wait_for_far_side(where)
    sim_code = h.stop(simulator, signal.SIGINT)
    check(sim_code in (0, 3), f"the simulator ended with {sim_code}")
    h.judge_simulator(sim_code)
    report = subprocess.run(
        [h.program("peal"), "report", "--calls", where / "data/calls.jsonl", "--run",
         where / "data/run.json", "--truth", where / "truth.jsonl", "--simulator",
         where / "simulator.json", "--out", where / "report"], capture_output=True, text=True)
    summary = json.loads((where / "report/summary.json").read_text())
    missing = (ids_of(where, False) | ids_of(where, True)) - {
        t["call_id"] for t in h.lines(where / "truth.jsonl")}
    check(missing <= ids_of(where, True), f"attempts that never left the engine: {missing}")
    if not missing:
        check(report.returncode == 0 and summary["balance_ok"] is True,
              f"the books balance: {report.stdout}\n{report.stderr}")
    return summary


def books(where, leads):
    """Every lead accounted for, no attempt dialled twice, none of the far side's calls unknown."""
    records = h.lines(where / "data/calls.jsonl")
    dialled = [r for r in records if r["attempt"] > 0]
    truth = [t for t in h.lines(where / "truth.jsonl") if t.get("kind") != "agent"]
    attempts = collections.Counter((r["lead"], r["attempt"]) for r in dialled)
    check(max(attempts.values()) == 1, "one record an attempt")
    seen = collections.Counter(t["call_id"] for t in truth)
    check(max(seen.values()) == 1, "no Call-ID reached the far side twice")
    ids = {r["call_id"] for r in dialled}
    check(set(seen) <= ids, f"calls without a record: {set(seen) - ids}")
    by_lead = collections.defaultdict(list)
    for r in dialled:
        by_lead[r["lead"]].append(r["attempt"])
    for lead, numbers in by_lead.items():
        check(sorted(numbers) == list(range(1, len(numbers) + 1)),
              f"attempts of {lead} are 1…n without a gap: {numbers}")
    run = json.loads((where / "data/run.json").read_text())
    check(run["leads"] == leads, f"{leads} leads in the queue, not {run['leads']}")
    return records, truth, run


def count_leads(path):
    return len(path.read_text().strip().splitlines()) - 1


def peak(path, channel):
    with wave.open(str(path)) as w:
        samples = array.array("h", w.readframes(w.getnframes()))
        check(w.getnchannels() == 2 and w.getframerate() == 8000, f"{path} is 8 kHz stereo")
    return max((abs(s) for s in samples[channel::2]), default=0)


def whole_campaign():
    where = h.folder()
    simulator, address, _ = h.serve(where)
    leads = h.leads(where, 30)
    engine = run_engine(where, h.campaign(where, address), leads)
    summary = finish(where, engine, simulator)
    records, truth, run = books(where, count_leads(leads))
    check(run["finished"] == run["leads"] and run["pending"] == 0, "every lead is finished")
    check(summary["attempts"] == len(truth), "as many attempts as calls the far side saw")
    for name in ("summary.json", "results.csv", "report.html"):
        check((where / "report" / name).stat().st_size > 100, f"{name} is there")

    by_call = {t["call_id"]: t for t in truth}
    for r in records:
        t = by_call.get(r["call_id"])
        if t and t["truth"] in SIGNALLED:
            check(r["result"] in SIGNALLED[t["truth"]],
                  f"{t['scenario']} was judged {r['result']}: {json.dumps(r)}")
        if t and t["scenario"] == "human-silent":
            check(r["result"] not in NOT_SILENT_PEOPLE, f"a silent person: {json.dumps(r)}")
    connected = [r for r in records if r["delivery"] == "connected"]
    check(len(connected) >= 3, "live people were connected to agents")
    right = [r for r in connected if by_call[r["call_id"]]["truth"].startswith("human")]
    check(len(right) * 2 > len(connected), "most of the connected are people")
    for r in connected:
        check(r["agent"] and r["recording"], "a connected call has its agent and its recording")
        check(r["times"]["answered"] <= r["times"]["connect"] <= r["times"]["agent_heard"],
              f"times run forward: {r['times']}")
    talked = [r for r in right if r["times"]["end"] - r["times"]["agent_heard"] > 2000]
    check(talked, "conversations lasted")
    heard = [r for r in talked if peak(r["recording"], 0) > 500 and peak(r["recording"], 1) > 500]
    check(len(heard) * 2 > len(talked), "recordings hold the callee and the agent")


def engine_killed():
    where = h.folder()
    simulator, address, _ = h.serve(where, seed=2)
    leads = h.leads(where, 30, seed=2)
    yaml = h.campaign(where, address)
    engine = run_engine(where, yaml, leads)
    for stage in (8, 20):
        wait_for(f"{stage} records", lambda: len(h.lines(where / "data/calls.jsonl")) >= stage or
                 engine.poll() is not None, 120)
        check(engine.poll() is None, "the engine is in mid-campaign when it is killed")
        engine.kill()
        engine.wait()
        engine = run_engine(where, yaml, leads)
    finish(where, engine, simulator)
    records, _, run = books(where, count_leads(leads))
    check(run["finished"] == run["leads"], "every lead is finished")
    check(run["attempts_redis"] == len([r for r in records if r["attempt"] > 0]),
          "every attempt in Redis has its record")


def open_attempts(socket):
    """(lead, attempt) of each attempt that is open in Redis → the engine it is leased to."""
    tasks = {task: h.ask_redis(socket, "HMGET", f"{{demo}}:s:{task}", "open", "eng")
             for task in h.ask_redis(socket, "ZRANGE", "{demo}:leased", 0, -1)}
    return {(task, int(state[0])): state[-1] for task, state in tasks.items() if len(state) > 1}


def has_opened_its_files(engine):
    """Its records, then its sockets (Redis and SIP) are open."""
    folder = f"/proc/{engine.pid}/fd"
    links = [os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder)
             if os.path.lexists(f"{folder}/{fd}")]
    return (any(link.endswith("/calls.sqlite") for link in links) and
            sum(link.startswith("socket:") for link in links) >= 2)


def engine_killed_while_it_settles():
    """A new engine puts what was left open on record before it closes it in Redis. Here no record
    can be written, so every attempt must stay open, for the one after it to settle."""
    where = h.folder()
    server, socket = h.redis(where)
    simulator, address, _ = h.serve(where, seed=7)
    leads = h.leads(where, 20, seed=7)
    yaml = h.campaign(where, address)
    engine = run_engine(where, yaml, leads, redis=socket)
    wait_for("5 attempts to be open", lambda: len(open_attempts(socket)) >= 5, 60)
    engine.kill()
    engine.wait()
    left = open_attempts(socket)
    server.send_signal(signal.SIGSTOP)
    engine = run_engine(where, yaml, leads, redis=socket)
    wait_for("the engine to have its files", lambda: has_opened_its_files(engine), 10)
    resource.prlimit(engine.pid, resource.RLIMIT_FSIZE, (1, resource.RLIM_INFINITY))
    server.send_signal(signal.SIGCONT)
    wait_for("the new engine to take them over, or to close them", lambda: all(
        open_attempts(socket).get(task) != name for task, name in left.items()))
    check(engine.poll() is None, "the engine waits for its disk")
    engine.kill()
    engine.wait()
    check(set(open_attempts(socket)) == set(left), "not one is closed without its record")
    finish(where, run_engine(where, yaml, leads, redis=socket), simulator)
    records, _, run = books(where, count_leads(leads))
    check(set(left) <= {(r["lead"], r["attempt"]) for r in records if r.get("sip_reason") == LOST},
          "they are on record as lost with their engine")
    check(run["finished"] == run["leads"], "every lead is finished")


def redis_pid(where):
    for name in os.listdir("/proc"):
        if not name.isdigit():
            continue
        try:
            with open(f"/proc/{name}/cmdline", "rb") as f:
                line = f.read()
            folder = os.readlink(f"/proc/{name}/cwd")
        except OSError:
            continue
        if b"redis-server" in line and folder.startswith(str(where)):
            return int(name)
    return None


def redis_killed():
    where = h.folder()
    simulator, address, _ = h.serve(where, seed=3)
    leads = h.leads(where, 30, seed=3)
    engine = run_engine(where, h.campaign(where, address), leads)
    for stage in (8, 20):
        wait_for(f"{stage} records", lambda: len(h.lines(where / "data/calls.jsonl")) >= stage, 120)
        pid = wait_for("the private redis-server", lambda: redis_pid(where))
        os.kill(pid, signal.SIGKILL)
        wait_for("redis-server to be started again",
                 lambda: redis_pid(where) not in (None, pid), 30)
    finish(where, engine, simulator)
    _, _, run = books(where, count_leads(leads))
    check(run["finished"] == run["leads"], "every lead is finished")


def stopped_and_resumed():
    where = h.folder()
    simulator, address, _ = h.serve(where, seed=4)
    leads = h.leads(where, 30, seed=4)
    yaml = h.campaign(where, address)
    engine = run_engine(where, yaml, leads)
    wait_for("10 records", lambda: len(h.lines(where / "data/calls.jsonl")) >= 10, 120)
    engine.send_signal(signal.SIGINT)
    check(engine.wait(90) == 0, "Ctrl-C ends the engine in order")
    run = json.loads((where / "data/run.json").read_text())
    check(run["interrupted"] is True and run["pending"] > 0, "leads stay queued")
    before = len(h.lines(where / "data/calls.jsonl"))
    check(run["attempts_redis"] == before, "nothing is open after an orderly end")
    finish(where, run_engine(where, yaml, leads), simulator)
    _, _, run = books(where, count_leads(leads))
    check(run["finished"] == run["leads"], "the second run finishes the list")


def trunk_away():
    where = h.folder()
    port = h.free_port()
    leads = h.leads(where, 6, seed=5)
    yaml = h.campaign(where, f"127.0.0.1:{port}", **{
        "mode: ratio\n  ratio: 5": "mode: agentless", "human: agent": "human: hangup",
        "human_silent: agent": "human_silent: hangup", "unknown: agent": "unknown: hangup"})
    engine = run_engine(where, yaml, leads)
    wait_for("the trunk's silence to be said once",
             lambda: "trunk does not answer" in (where / "engine.log").read_text(), 60)
    check(engine.poll() is None, "the engine waits for its trunk")
    engine.send_signal(signal.SIGINT)
    check(engine.wait(90) == 0, "it can be stopped meanwhile")
    run = json.loads((where / "data/run.json").read_text())
    check(run["pending"] + run["finished"] == run["leads"] and run["pending"] > 0,
          "leads stay queued")
    for r in h.lines(where / "data/calls.jsonl"):
        check(r["result"] in ("no_trunk", "cancelled", "missing_number", "invalid_number"),
              f"nobody is charged for a trunk that is away: {r['result']}")


def recordings_refused():
    where = h.folder()
    (where / "occupied").write_text("a file where the folder should be")
    simulator, address, _ = h.serve(where, seed=6)
    leads = h.leads(where, 15, seed=6)
    yaml = h.campaign(where, address, **{
        "recording: { mode: agent }":
            f"recording: {{ mode: all, dir: {where}/occupied/recordings }}"})
    finish(where, run_engine(where, yaml, leads), simulator)
    records, _, run = books(where, count_leads(leads))
    check(run["finished"] == run["leads"], "calls go on without recordings")
    check(run["recordings_failed"] > 0, "the lost recordings are counted")
    check(any(r.get("recording_error") for r in records), "and each record says so")


if __name__ == "__main__":
    h.main(whole_campaign, engine_killed, engine_killed_while_it_settles, redis_killed,
           stopped_and_resumed, trunk_away, recordings_refused)
