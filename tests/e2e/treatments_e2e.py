"""What a judged answer gets, seen from the far side: a message after the beep, a flow, the
safe-harbour message; a second Ctrl-C; a full disk under the recordings."""

import json
import os
import shutil
import signal
import subprocess
import time

import harness as h
from harness import check, wait_for
from campaign_e2e import books, count_leads, finish, run_engine

TALKER = """
return callee {
  truth = "human",
  run = function(call)
    call:ring(0.4)
    call:answer()
    call:wait(0.4)
    call:play(pick("human"), { limit = 3 })
    local heard = call:listen { "speech", limit = 12 }
    check(heard, "the flow's prompt is heard")
    call:send_dtmf("42", { in_band = IN_BAND })
    check(call:listen { "speech", limit = 12 }, "the flow answers the keys")
    check(call:wait_hangup(20) == "hangup", "the flow ends the call")
  end,
}
"""

FLOW = """
return flow {
  run = function(call)
    local keys = call:digits { min = 2, max = 2, wait = 10, prompt = "ask.wav" }
    if keys ~= "42" then
      call:hangup()
      return
    end
    call:play("thanks.wav")
    call:hangup()
  end,
}
"""

RECORDER = """
return callee {
  truth = "machine",
  run = function(call)
    call:ring(0.4)
    call:answer()
    call:wait(0.5)
    call:play(pick("machine"), { limit = 20 })
    call:wait(0.6)
    call:tone(1000, 0.5)
    call:mark("beep")
    local message = call:record { limit = 40 }
    check(message.speech > 2, "the whole message is on the tape: " .. message.speech)
    check(message.outcome == "hangup", "the caller hangs up after it")
  end,
}
"""

TWICE = RECORDER.replace("call:tone(1000, 0.5)",
                         "call:tone(1000, 0.25) call:wait(0.15) call:tone(1000, 0.25)")

WAITER = """
return callee {
  truth = "human",
  run = function(call)
    call:ring(0.4)
    call:answer()
    call:wait(0.4)
    call:play(pick("human"), { limit = 3 })
    local heard
    for _ = 1, 3 do -- an agent speaks when spoken to
      heard = heard or call:listen { "speech", limit = 3 }
      if not heard then call:play(pick("human"), { limit = 3 }) end
    end
    check(heard, "the safe-harbour message, or the agent, is heard")
    check(call:wait_hangup(60) == "hangup", "and ends the call")
  end,
}
"""


def serve(where, settings=None, **scripts):
    simulator, address, _ = h.serve(where, seed=7, **h.stage(where, scripts, settings=settings))
    return simulator, address


def campaign(where, address, extra):
    path = where / "campaign.yaml"
    path.write_text(f"""
name: treatments
country: us
attempts: 1
ring_timeout: 8s
trunks: [{{ name: carrier, address: "{address}", max_calls: 20 }}]
caller_ids: ["+12025550100"]
sip: {{ address: 127.0.0.1 }}
""" + extra)
    return path


AGENTLESS = "pacing: { mode: agentless, calls_per_second: 5, concurrent: 10 }\n"


def dialled(records):
    return [r for r in records if r["attempt"] > 0]


def message_after_the_beep():
    where = h.folder()
    simulator, address = serve(where, recorder=RECORDER, twice=TWICE)
    shutil.copy(h.AUDIO / "talk/001.wav", where / "long.wav")
    subprocess.run(["sox", where / "long.wav", where / "message.wav", "trim", "0", "5"], check=True)
    seconds = float(subprocess.run(["soxi", "-D", where / "message.wav"], check=True, text=True,
                                   stdout=subprocess.PIPE).stdout)
    yaml = campaign(where, address, AGENTLESS + """
on: { machine: message message.wav after beep, human: message message.wav after beep,
      unknown: message message.wav after beep, human_silent: hangup }
""")
    leads = h.leads(where, 8, seed=11)
    finish(where, run_engine(where, yaml, leads), simulator)
    records, truth, _ = books(where, count_leads(leads))
    left = [r for r in dialled(records) if r["delivery"] == "message_left"]
    check(len(left) * 4 >= len(truth) * 3, f"messages are left: {len(left)} of {len(truth)}")
    by_call = {t["call_id"]: t for t in truth}
    check(any(by_call[r["call_id"]]["scenario"].endswith("twice") for r in left),
          "one after two beeps")
    for r in left:
        t = by_call[r["call_id"]]
        check(t["checks"]["failed"] == 0, f"the far side has the whole message: {t['checks']}")
        check(abs(r["beep_ms"] - t["beep_end_ms"]) < 400,
              f"the beep is found where it was: {r['beep_ms']} and {t['beep_end_ms']}")
        begins = r["times"]["end"] - seconds * 1000
        check(begins > t["beep_end_ms"],
              f"the message begins after the last beep: {begins:.0f} and {t['beep_end_ms']}")


def flow_for_people():
    where = h.folder()
    simulator, address = serve(where, rfc4733=TALKER.replace("IN_BAND", "false"),
                               inband=TALKER.replace("IN_BAND", "true"))
    (where / "ask.lua").write_text(FLOW)
    for name, source in (("ask", "talk/002.wav"), ("thanks", "talk/003.wav")):
        subprocess.run(["sox", h.AUDIO / source, where / f"{name}.wav", "trim", "0", "3"],
                       check=True)
    yaml = campaign(where, address, AGENTLESS + """
on: { human: flow ask.lua, unknown: flow ask.lua, machine: flow ask.lua, human_silent: hangup }
""")
    leads = h.leads(where, 8, seed=12)
    finish(where, run_engine(where, yaml, leads), simulator)
    records, truth, _ = books(where, count_leads(leads))
    check(len(truth) >= 6 and len({t["scenario"] for t in truth}) == 2, "both kinds of keys came")
    by_call = {t["call_id"]: t for t in truth}
    for r in dialled(records):
        check(r["delivery"] == "flow", f"a flow had it: {r['delivery']}")
        t = by_call[r["call_id"]]
        check(t["checks"]["passed"] == 3 and t["checks"]["failed"] == 0,
              f"{t['scenario']} heard the flow and was answered: {t['checks']}")


def safe_harbour():
    """More live answers than agents (calls go out whoever is free): those without one hear the
    message, and are counted."""
    where = h.folder()
    simulator, address = serve(where, waiter=WAITER)
    subprocess.run(["sox", h.AUDIO / "talk/004.wav", where / "sorry.wav", "trim", "0", "3"],
                   check=True)
    yaml = campaign(where, address, f"""
agents: [{{ name: agent-%d, uri: "sip:agent-%d@{address}", count: 1, wrap_up: 8s }}]
pacing: {{ mode: agentless, calls_per_second: 5, concurrent: 6 }}
abandonment: {{ limit: 2s, message: sorry.wav, cap: 3 }}
on: {{ human: agent, unknown: agent, machine: agent, human_silent: agent }}
""")
    leads = h.leads(where, 8, seed=13)
    finish(where, run_engine(where, yaml, leads), simulator)
    records, truth, run = books(where, count_leads(leads))
    played = [r for r in dialled(records) if r["delivery"] == "message_played"]
    check(played and all(r["abandoned"] for r in played), "unserved people hear the message")
    check(any(r["delivery"] == "connected" for r in records), "the agent talks to one at a time")
    check(run["abandoned"] == len(played), "each of them is in the account")
    for r in played:
        late = r["times"]["greeting_end"]
        timer = [e for e in r["evidence"] if e["kind"] == "timer"]
        check(timer and 1500 <= timer[-1]["at"] - late <= 3500,
              f"the limit counts from the end of the greeting: {late} {timer}")
    begun = [[e for e in r["evidence"] if e["kind"] == "timer"][-1]["at"] -
             r["times"]["greeting_end"] for r in played]
    check(min(begun) < 2000, f"the message begins before the limit is over: {begun}")


def agents_that_leads_name():
    """A lead's `agent` column: who answers is put through to that agent, when they are free."""
    where = h.folder()
    simulator, address = serve(where, {"talk_mean": 3}, waiter=WAITER)
    yaml = campaign(where, address, f"""
agents: [{{ name: agent-%d, uri: "sip:agent-%d@{address}", count: 3, wrap_up: 10ms }}]
pacing: {{ mode: progressive, concurrent: 1 }}
on: {{ human: agent, unknown: agent, machine: agent, human_silent: agent }}
""")
    names = ["agent-3", "agent-3", "agent-1", "agent-2", "agent-2", "nobody", "agent-3"]
    leads = where / "leads.csv"
    leads.write_text("id,number,agent\n" + "".join(
        f"{i},+120255501{i:02},{name}\n" for i, name in enumerate(names)))
    finish(where, run_engine(where, yaml, leads), simulator)
    records, _, _ = books(where, len(names))
    talks = {int(r["lead"]): r["agent"] for r in records if r["delivery"] == "connected"}
    check(len(talks) >= 5, f"people are put through: {talks}")
    for lead, agent in talks.items():
        check(agent == names[lead] or names[lead] == "nobody", f"{lead} wants {names[lead]}: {agent}")


def second_stop_leaves_at_once():
    where = h.folder()
    simulator, address, _ = h.serve(where, seed=9)
    leads = h.leads(where, 20, seed=9)
    yaml = h.campaign(where, address)
    engine = run_engine(where, yaml, leads)
    wait_for("calls in the air", lambda: len(h.lines(where / "data/calls.jsonl")) >= 3, 60)
    engine.send_signal(signal.SIGINT)
    time.sleep(0.3)  # two signals at once would be one
    engine.send_signal(signal.SIGINT)
    began = time.monotonic()
    check(engine.wait(20) is not None and time.monotonic() - began < 10, "the second one leaves")
    finish(where, run_engine(where, yaml, leads), simulator)
    _, _, run = books(where, count_leads(leads))
    check(run["finished"] == run["leads"], "the next start settles what was open and finishes")


def full_disk():
    where = h.folder()
    small = where / "small"
    small.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", small],
                      capture_output=True).returncode != 0:
        print("skipped full_disk: mounting a small file system is not permitted here")
        return
    try:
        simulator, address, _ = h.serve(where, seed=10)
        leads = h.leads(where, 15, seed=10)
        yaml = h.campaign(where, address, **{
            "recording: { mode: agent }": f"recording: {{ mode: all, dir: {small} }}"})
        finish(where, run_engine(where, yaml, leads), simulator)
        records, _, run = books(where, count_leads(leads))
        check(run["finished"] == run["leads"], "calls go on while the disk is full")
        check(run["recordings_failed"] > 0, "the loss is counted")
        check(any(r.get("recording_error") for r in records), "and said with the call")
    finally:
        subprocess.run(["umount", "-l", small], check=False)


if __name__ == "__main__":
    h.main(message_after_the_beep, flow_for_people, safe_harbour, agents_that_leads_name,
           second_stop_leaves_at_once, full_disk)
