"""A machine that falls behind takes no new calls, says why, and takes them again when it is in time.
The engine is stopped for a second (SIGSTOP) with a call up: whole rounds of slots are left out, which
closes the door at once, however fast or slow this machine is."""

import signal
import time

import harness as h
from harness import check, wait_for
from serve_kit import Service

FLOW = """return flow {
  limit = 300,
  run = function(call)
    call:answer()
    call:wait(tonumber(call.row.stay))
    call:hangup()
  end,
}
"""
CALLER = """return caller {
  limit = 300,
  run = function(call)
    if call:wait_answer { limit = 20 } then call:wait(280) end
  end,
}
"""


def health(where):
    return (h.lines(where / "health.jsonl") or [{}])[-1]


def call(where, service, number, log, *more, wait=True):
    script = where / "caller.lua"
    script.write_text(CALLER)
    p = h.start([h.program("peal-sim"), "call", "--scenario", script, "--to",
                 f"sip:{number}@{service.address}", "--late-limit", "60000", "--min-success", "0",
                 "--media-ports", h.free_range(40), "--report", where / log, *more],
                where / f"{log}.log")
    if wait:
        p.wait(60)
    return p


def refused_while_late():
    where = h.folder()
    (where / "stay.lua").write_text(FLOW)
    service = Service(where, "numbers:\n"
                      "  - { number: \"+12025550101\", flow: stay.lua, with: { stay: \"240\" } }\n"
                      "  - { number: \"+12025550102\", flow: stay.lua, with: { stay: \"0.3\" } }\n",
                      args=("--health", where / "health.jsonl"), late_limit="200ms")
    first = call(where, service, "+12025550101", "first", wait=False)
    wait_for("a call to be up and its audio to run",
             lambda: health(where).get("rtp_received", 0) > 20)
    check(health(where)["admits"] is True, "calls are admitted at first")

    # one a half second, all the while the door is closed
    callers = call(where, service, "+12025550102", "second", "--rate", "2/s", "--calls", "24",
                   wait=False)
    wait_for("the first of the callers", lambda: h.lines(where / "second/truth.jsonl"))
    service.process.send_signal(signal.SIGSTOP)
    time.sleep(1.5)  # what the worker is to be behind
    service.process.send_signal(signal.SIGCONT)
    wait_for("the door to have closed", lambda: health(where).get("closed_times", 0) >= 1)
    callers.wait(60)
    wait_for("the door to open again", lambda: health(where).get("admits") is True, 120)
    call(where, service, "+12025550102", "third")

    second = h.lines(where / "second/truth.jsonl")
    refused = [t for t in second if t["code"] == 503]
    check(0 < len(refused) < len(second), f"refused while late, and only then: {second}")
    third = h.lines(where / "third/truth.jsonl")[0]
    check(third["answered_ms"] is not None, f"taken when it is in time: {third}")
    check(health(where)["calls_refused"] == len(refused), "they are counted")
    records = service.records(len(second) + 1)
    late = [r for r in records if r["outcome"] == "audio_late"]
    check(len(late) == len(refused) and {r["result"] for r in late} == {"congestion"},
          f"the refused calls are on record: {records}")
    check(first.poll() is None, "the call that was up stays up")
    h.stop(first)
    log = service.stop()
    check("no new calls are taken for now" in log and "taken again" in log, "the log says both")
    check(f"{len(refused)} while the audio was late" in log, "and so does the end")


if __name__ == "__main__":
    h.main(refused_while_late)
