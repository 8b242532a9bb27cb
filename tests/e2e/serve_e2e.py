#!/usr/bin/env python3
"""peal serve: numbers answered by their flows, called by peal-sim and by SIPp; limits of a number;
numbers it does not know; the file read again; draining; a file that is wrong."""

import signal
import subprocess

import harness as h
from harness import check, wait_for
from serve_kit import Service, callers
from sipp_kit import Caller, usable

HELLO = h.SOURCE / "scenarios" / "flows" / "hello.lua"
NUMBERS = f"""
numbers:
  - {{ number: "+38600100100", flow: "{HELLO}", language: en }}
  - {{ number: "+38600100101", flow: "{HELLO}", calls: 1, full: 486, with: {{ hz: "880" }} }}
"""
KEYS = """
return caller {
  run = function(call)
    check(call:wait_answer { limit = 30 }, "the call was answered")
    call:send_dtmf("12#")
    check(call:digits { min = 2, max = 2, wait = 30 } == "12", "the keys come back")
    check(call:wait_hangup(30) == "hangup", "the flow hangs up")
  end,
}
"""
HOLD = """
return caller {
  run = function(call)
    check(call:wait_answer { limit = 30 }, "the call was answered")
    call:wait_hangup(120)
  end,
}
"""


def hold(service, number, name):
    """A caller that stays until the far side hangs up; started, not waited for."""
    path = service.where / f"{name}.lua"
    path.write_text(HOLD)
    return h.start([h.program("peal-sim"), "call", "--to", f"sip:{number}@{service.address}",
                    "--scenario", path, "--report", service.where / name, "--media-ports",
                    h.free_range(64), "--late-limit", "5000"], service.where / f"{name}.log")


def a_flow_answers():
    service = Service(h.folder(), NUMBERS)
    callers(service, "+38600100100", KEYS, calls=5, caller="+12025550123")
    for r in service.records(5):
        check((r["result"], r["delivery"], r["outcome"]) == ("human", "flow", "done"), r)
        check((r["number"], r["caller_id"]) == ("+38600100100", "+12025550123"), r)
        check(r["campaign"] == "lines" and r["media"]["received"] > 0 and "answered" in r["times"],
              r)
    check("5 calls came, 5 answered" in service.stop(), "the counts at the end")


def by_sipp():
    if not usable():
        print("skipped: SIPp plays keys as root only")
        return
    service = Service(h.folder(), NUMBERS)
    sipp = Caller(service.where, service.address)
    sipp.call("38600100100", [("pause", 300), ("keys", "12#"), "wait_bye"])
    sipp.call("38600100100", [("pause", 300), ("keys_in_band", "12#"), "wait_bye"])
    sipp.call("38600100100", [("pause", 300), ("keys_lost", "12#"), "wait_bye"])
    sipp.call("38600100100", [("pause", 300), "bye"])
    records = service.records(4)
    check([r["outcome"] for r in records] == ["done"] * 3 + ["hangup"], records)
    check([r["ended_by"] for r in records] == ["us"] * 3 + ["callee"], records)
    service.stop()


def no_such_number():
    service = Service(h.folder(), NUMBERS)
    truth = callers(service, "38600100199", HOLD.replace("check(", "print("), extra=(
        "--min-success", "0"))
    check(truth[0]["code"] == 404, truth)
    record = service.records(1)[0]
    check((record["result"], record["outcome"], record["q850"] if "q850" in record else 1) ==
          ("vacant", "unknown_number", 1), record)
    service.stop()
    named = Service(h.folder(), f'unknown: {{ flow: "{HELLO}", with: {{ wait: "30" }} }}\n')
    callers(named, "anything", KEYS)
    check(named.records(1)[0]["outcome"] == "done", "the named flow answers")
    named.stop()


def no_room_on_a_number():
    service = healthy(NUMBERS.replace('hz: "880"', 'wait: "60"'))
    first = hold(service, "38600100101", "first")
    wait_for("the first call", lambda: call_is_up(service))
    truth = callers(service, "38600100101", HOLD.replace("check(", "print("),
                    extra=("--min-success", "0"))[0]
    check(truth["code"] == 486, truth)
    callers(service, "38600100100", KEYS)  # the other number has room
    h.stop(first)
    refused = [r for r in service.records() if r["outcome"] == "number_full"]
    check(len(refused) == 1 and all(r["result"] == "busy" and r["sip_code"] == 486 for r in refused), refused)
    text = service.stop()
    check("38600100101: 1 calls, 1 at once at most, 1 refused" in text, "the number's counters")


def the_file_again():
    service = Service(h.folder(), NUMBERS)
    flow = service.where / "other.lua"
    flow.write_text(HELLO.read_text().replace("call:send_dtmf(keys)", 'call:send_dtmf("99")'))
    service.write(NUMBERS.replace("38600100100", "38600100102").replace(str(HELLO), str(flow)))
    service.process.send_signal(signal.SIGHUP)
    wait_for("the new file", lambda: "the file is taken" in service.log())
    callers(service, "38600100102", KEYS.replace('== "12"', '== "99"'))
    callers(service, "38600100100", HOLD.replace("check(", "print("), extra=("--min-success", "0"))
    check(service.records(2)[1]["sip_code"] == 404, "the number that is gone")
    service.write(NUMBERS.replace("calls: 1,", "calls: many,"))
    service.process.send_signal(signal.SIGHUP)
    wait_for("the refusal", lambda: "the file is not taken" in service.log())
    check("'many' is not accepted" in service.log(), "and why")
    callers(service, "38600100102", KEYS.replace('== "12"', '== "99"'))
    service.stop()


def draining():
    service = healthy(NUMBERS.replace('language: en', 'with: { wait: "60" }'), more="drain: 2s\n")
    caller = hold(service, "38600100100", "held")
    wait_for("the call", lambda: call_is_up(service))
    service.process.send_signal(signal.SIGTERM)
    check(service.process.wait(60) == 0, "the service ends by itself")
    record = service.records(1)[0]
    check((record["outcome"], record["ended_by"]) == ("stopped", "us"), record)
    check(caller.wait(60) == 0, "the caller was hung up on")


def call_is_up(service):
    """What the service says of itself each second."""
    return (h.lines(service.where / "health.jsonl") or [{"calls": 0}])[-1]["calls"] > 0


def healthy(numbers, more=""):
    where = h.folder()
    return Service(where, numbers, more=more, args=("--health", where / "health.jsonl"))


def wrong_files():
    where = h.folder()
    cases = {
        "numbers:\n  - { number: \"1\", flow: x.lua, colour: red }\n":
            ":3: numbers: 'colour' is not known; accepted: number, flow, language, calls, full, with",
        "numbers:\n  - { number: \"1\" }\n": ":3: numbers: it needs flow:",
        "numbers:\n  - { number: \"1\", flow: gone.lua }\n": ":3: flow: ",
        "sip: { address: nowhere }\n": ":2: sip: address: 'nowhere' is not accepted",
        "drain: soon\n": ":2: drain: 'soon' is not accepted; accepted: a duration",
        f"numbers:\n  - {{ number: \"10\", flow: {HELLO} }}\n  - {{ number: \"1-0\", flow: {HELLO} }}\n":
            ":4: the number 1",
        "numbers: [\n": ":3: this is no YAML",
        "": ":1: it answers no number",
    }
    for text, complaint in cases.items():
        path = where / "wrong.yaml"
        path.write_text("name: wrong\n" + text)
        run = subprocess.run([h.program("peal"), "serve", path, "--data", where / "data"],
                             capture_output=True, text=True, timeout=60)
        check(run.returncode == 2, f"exit code 2 for {text!r}, not {run.returncode}: {run.stderr}")
        check(f"wrong.yaml{complaint}" in run.stderr, f"{complaint!r} in {run.stderr!r}")


if __name__ == "__main__":
    h.main(wrong_files, a_flow_answers, by_sipp, no_such_number, no_room_on_a_number,
           the_file_again, draining)
