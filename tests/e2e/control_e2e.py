"""Orders to a running campaign: pause, resume, drain, stop and what they do to its engine and its
calls, with a real redis-server and the simulator at the far side."""

import json
import subprocess

import harness as h
from harness import check, peal_says as peal, wait_for


def engine(where, yaml, leads, url, n):
    return h.start([h.program("peal"), "run", yaml, "--leads", leads, "--data", where / "data",
                    "--redis", url, "--log", "info"], where / f"engine.{n}.log")


def number(socket, *words):
    answer = h.ask_redis(socket, *words)
    return int(answer[0]) if answer else 0


def attempts(socket):
    return number(socket, "GET", "{demo}:attempts_total")


def leased(socket):
    return number(socket, "ZCARD", "{demo}:leased")


def seen(where):
    return [t for t in h.lines(where / "truth.jsonl") if t.get("kind") != "agent"]


def cancelled(where):
    return [r for r in h.lines(where / "data/calls.jsonl") if r["result"] == "cancelled"]


def orders():
    where = h.folder()
    _, socket = h.redis(where)
    simulator, address, _ = h.serve(where, seed=21)
    leads = h.leads(where, 60, seed=21)
    yaml = h.campaign(where, address)
    url = f"unix:{socket}"
    running = engine(where, yaml, leads, url, 0)
    wait_for("some attempts", lambda: attempts(socket) >= 4, 120)

    # Paused: when the command returns, not one more attempt is made; live calls go on to their end.
    said = peal("pause", yaml, "--redis", url, "--why", "stock is counted", "--who", "anna")
    at_pause = attempts(socket)
    check("demo is paused since" in said and "by anna: stock is counted" in said, said)
    check("no new calls" in said, f"its engine has answered: {said}")
    wait_for("live calls to end", lambda: leased(socket) == 0, 120)
    check(running.poll() is None, "the engine stays")
    check(attempts(socket) == at_pause, f"{at_pause} attempts, no more while paused")
    wait_for("it to be shown", lambda: "paused: no new calls" in
             (where / "engine.0.log").read_text(), 30)
    check("nothing has changed" in peal("pause", "demo", "--redis", url), "once is enough")

    # Resumed by name: it dials on.
    check("dials" in peal("resume", "demo", "--redis", url), "the engine has answered")
    wait_for("more attempts", lambda: attempts(socket) > at_pause + 3, 60)

    # Stopped at once: live calls are hung up, the engine ends, none can be started.
    said = peal("stop", yaml, "--now", "--redis", url, "--why", "wrong offer", "--who", "bert")
    at_stop = attempts(socket)
    check("demo is stopped since" in said, said)
    check(running.wait(60) == 0, "the engine ends in order")
    check(attempts(socket) == at_stop, "no more attempts")
    check(leased(socket) == 0, "nothing is left open")
    run = json.loads((where / "data/run.json").read_text())
    check(run["interrupted"] is True and run["pending"] > 0, "leads stay queued")
    refused = engine(where, yaml, leads, url, 1)
    check(refused.wait(60) == 1, "a stopped campaign is not run")
    text = (where / "engine.1.log").read_text()
    check("stopped since" in text and "bert: wrong offer" in text and "peal resume" in text, text)
    check("peal resume" in peal("pause", yaml, "--redis", url, code=1), "nor paused")
    check("No engine works on it now" in peal("resume", yaml, "--redis", url), "resumed")

    # Drained: what is live ends by itself, then the campaign is stopped.
    running = engine(where, yaml, leads, url, 2)
    wait_for("a call in the air", lambda: attempts(socket) > at_stop and leased(socket) > 0, 60)
    hung_up = len(cancelled(where))
    check(hung_up > 0, "stop --now did")
    peal("drain", yaml, "--redis", url)
    at_drain = attempts(socket)
    check(running.wait(120) == 0, "the engine ends when its calls are over")
    check(attempts(socket) == at_drain, "no more attempts while draining")
    check(h.ask_redis(socket, "HGET", "{demo}:control", "state") == ["stopped"], "and is stopped")
    check(len(cancelled(where)) == hung_up, "a drain hangs nobody up")

    # To the end, and the books: every order is on record with who and why.
    peal("resume", yaml, "--redis", url)
    running = engine(where, yaml, leads, url, 3)
    check(running.wait(300) == 0, "the list is finished")
    run = json.loads((where / "data/run.json").read_text())
    check(run["finished"] == run["leads"] == 60 and run["pending"] == 0, f"every lead: {run}")
    records = [r for r in h.lines(where / "data/calls.jsonl") if r["attempt"] > 0]
    check(len({(r["lead"], r["attempt"]) for r in records}) == len(records) == attempts(socket),
          "every attempt has its record, once")
    check({t["call_id"] for t in seen(where)} <= {r["call_id"] for r in records},
          "every call of the far side is on record")
    audit = subprocess.run(["redis-cli", "-s", socket, "LRANGE", "{demo}:audit", "0", "-1"],
                           capture_output=True, text=True, check=True).stdout.splitlines()
    got = [line.split("\x1f")[1:] for line in audit]
    check([g[0] for g in got] == ["pause", "resume", "stop now", "resume", "drain", "stop",
                                  "resume"], f"the orders: {got}")
    check(got[0][1:] == ["anna", "stock is counted"] and got[2][1:] == ["bert", "wrong offer"] and
          got[5][1] == "peal", f"who and why: {got}")
    h.stop(simulator)


def in_a_data_folder():
    """The private redis-server of a running campaign is found by its data folder."""
    where = h.folder()
    simulator, address, _ = h.serve(where, seed=22)
    leads = h.leads(where, 20, seed=22)
    yaml = h.campaign(where, address)
    running = h.start([h.program("peal"), "run", yaml, "--leads", leads, "--data", where / "data"],
                      where / "engine.log")
    wait_for("some records", lambda: len(h.lines(where / "data/calls.jsonl")) >= 2, 120)
    peal("pause", yaml, "--data", where / "data")
    peal("stop", yaml, "--data", where / "data")
    check(running.wait(120) == 0, "the engine ends in order")
    said = peal("resume", yaml, "--data", where / "data")
    check("demo is running" in said, f"also while nothing runs: {said}")
    check("no data folder" in peal("pause", yaml, "--data", where / "none", code=1), "none is made")
    check(not (where / "none").exists(), "none is made")
    h.stop(simulator)


def reloaded():
    """The file is read again: what may change does, at once; what may not changes nothing."""
    where = h.folder()
    _, socket = h.redis(where)
    url = f"unix:{socket}"
    simulator, address, _ = h.serve(where, seed=23)
    leads = h.leads(where, 60, seed=23)
    yaml = h.campaign(where, address, **{"windows: any": "windows: any\nstarts: 2040-01-01"})
    text = yaml.read_text()
    running = engine(where, yaml, leads, url, 0)
    wait_for("the leads", lambda: number(socket, "HLEN", "{demo}:tasks") == 60, 60)
    wait_for("the start to be told", lambda: "begins 2040-01-01 00:00" in
             (where / "engine.0.log").read_text(), 30)
    lead = h.ask_redis(socket, "HRANDFIELD", "{demo}:tasks")[0]
    check("begins 2040-01-01 00:00 (America/New_York)" in peal("why", lead, yaml, "--redis", url) or
          "finished" in peal("why", lead, yaml, "--redis", url), "why says so, too")
    check(attempts(socket) == 0, "nothing is dialled before the campaign begins")

    yaml.write_text(text.replace("address: 127.0.0.1:", "address: 127.0.0.2:", 1)
                    .replace("starts: 2040-01-01", ""))
    said = peal("reload", yaml, "--redis", url, code=1)
    check("nothing is changed: the trunk 'carrier' has another address" in said and
          "peal stop" in said, f"refused with a sentence: {said}")
    yaml.write_text(text.replace("starts: 2040-01-01", "starts: soon"))
    check("2026-03-02 14:30" in peal("reload", "demo", "--redis", url, code=1), "so is nonsense")
    check(attempts(socket) == 0, "and neither has changed anything")

    yaml.write_text(text.replace("starts: 2040-01-01", "starts: 2026-01-01")
                    .replace("attempts: 2\n", "attempts: 1\n"))
    said = peal("reload", yaml, "--redis", url, "--why", "go")
    check("other dates" in said and "1 attempts" in said, f"what was taken: {said}")
    wait_for("calls", lambda: attempts(socket) >= 5, 60)

    # Its last day is over: live calls end, the engine ends, leads stay.
    yaml.write_text(text.replace("starts: 2040-01-01", "ends: 2026-01-01"))
    check("other dates" in peal("reload", yaml, "--redis", url), "taken")
    check(running.wait(120) == 0, "the engine drains and ends")
    made = attempts(socket)
    run = json.loads((where / "data/run.json").read_text())
    check(run["pending"] > 0 and not cancelled(where), f"leads stay queued, nobody is hung up: {run}")
    late = engine(where, yaml, leads, url, 1)
    check(late.wait(60) == 0 and attempts(socket) == made, "and a later engine dials nothing")
    h.stop(simulator)


if __name__ == "__main__":
    h.main(orders, in_a_data_folder, reloaded)
