"""The wall clock is set forwards and backwards while a campaign runs: no call leaves outside its
window by the clock as it is then. libfaketime gives the engine its wall clock; redis-server, the
simulator and the monotonic clock keep theirs."""

import datetime
import glob
import os
import zoneinfo

import harness as h
from harness import check, wait_for

ZONE = zoneinfo.ZoneInfo("America/New_York")
LIBRARY = (glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1") + [None])[0]


def set_clock(where, step):
    """In one step, so that no reader sees half a text."""
    (where / "clock.new").write_text(step + "\n")
    os.rename(where / "clock.new", where / "clock")


def stepped(step, seed):
    """After some calls the engine's wall clock is set. An engine whose clock is behind Redis' may
    claim a lead and put it off many times: it waits for an instant that is over for Redis."""
    check(LIBRARY, "libfaketime is there (tools/setup test)")
    where = h.folder()
    _, socket = h.redis(where)
    mix = where / "mix.yaml"
    mix.write_text("scenarios: [{ scenario: busy, weight: 100 }]\n"
                   "agents: { prefix: agent-, scenario: agents/agent }\n")
    simulator, address, _ = h.serve(where, seed=seed, mix=mix)
    hour = datetime.datetime.now(ZONE).hour
    opens, closes = (hour - 1) % 24, (hour + 3) % 24
    yaml = h.campaign(where, address, agents=2, **{
        "windows: any": f"windows: daily {opens:02}:00-{closes:02}:00",
        "calls_per_second: 7": "calls_per_second: 2", "attempts: 2": "attempts: 1",
        "mode: ratio\n  ratio: 5": "mode: agentless", "human: agent": "human: hangup",
        "human_silent: agent": "human_silent: hangup", "unknown: agent": "unknown: hangup"})
    leads = where / "leads.csv"
    leads.write_text("id,number\n" + "".join(f"L{i},+120255501{i:02}\n" for i in range(60)))
    set_clock(where, "+0")
    engine = h.start([h.program("peal"), "run", yaml, "--leads", leads, "--data", where / "data",
                      "--redis", f"unix:{socket}"], where / "engine.log",
                     env=dict(os.environ, LD_PRELOAD=LIBRARY, FAKETIME_NO_CACHE="1",
                              FAKETIME_TIMESTAMP_FILE=str(where / "clock"),
                              FAKETIME_DONT_FAKE_MONOTONIC="1",
                              ASAN_OPTIONS=os.environ.get("ASAN_OPTIONS", "") +
                              ":verify_asan_link_order=0"))
    dialled = lambda: [r for r in h.lines(where / "data/calls.jsonl") if r["attempt"] > 0]
    claimed = lambda: int(h.ask_redis(socket, "HGET", "{demo}:meta", "token")[0])
    fresh = lambda: int(h.ask_redis(socket, "ZCARD", "{demo}:fresh")[0])
    wait_for("calls inside the window", lambda: len(dialled()) >= 4, 60)
    check(fresh() > 20, "most leads are still to be dialled")
    set_clock(where, step)
    before = claimed()
    wait_for("leads to be looked at, and put off", lambda: fresh() == 0 or
             claimed() >= before + 100, 120)
    check(engine.poll() is None, "the engine goes on")
    h.stop(engine)
    h.stop(simulator)
    for r in dialled():
        at = datetime.datetime.fromtimestamp(r["invite_ms"] / 1000, ZONE)
        inside = (at.hour - opens) % 24 < 4
        check(inside or r["result"] == "out_of_window", f"{r['lead']} was called at {at}")
    ids = {t["call_id"] for t in h.lines(where / "truth.jsonl")}
    closed = {r["call_id"] for r in dialled() if r["result"] == "out_of_window"}
    check(not ids & closed, "what was stopped at the last moment never left")
    return len(ids)


def forwards():
    check(4 <= stepped("+8h", 61) < 60, "calls before the step, none after")


def backwards():
    check(4 <= stepped("-8h", 62) < 60, "calls before the step, none after")


if __name__ == "__main__":
    h.main(forwards, backwards)
