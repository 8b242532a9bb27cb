#!/usr/bin/env python3
"""Calls put through by flows: a leg of the script's own with the caller id it chose, both sides heard
and recorded in stereo, hold, every way a leg may fail, agents, hours, what runs after the call."""

import signal
import subprocess
import wave
from pathlib import Path

import harness as h
from harness import check, wait_for
from serve_kit import Service, callers
from sipp_kit import Caller, usable

GATE = """
return flow {
  run = function(call)
    local outcome, code = "none", 0
    call:finally(function() store.push("outcomes", outcome .. " " .. code) end)
    call:afterwards(function(how)
      call:pause(0.2)
      store.push("afterwards", how .. " " .. outcome)
    end)
    call:answer()
    local to = call:digits { min = 1, max = 20, wait = 60 }
    local ok, why, sip = call:dial(to, { caller = "+12025550199", name = "Survey",
                                         ring = tonumber(call.row.ring or "20") })
    if not ok then
      outcome, code = why, sip
      return
    end
    outcome = call:bridge { record = true, stop = "*" }
    if outcome == "key" then
      call:hold { leg = "far", music = call.row.music }
      call:wait(1.5)
      call:hold(false, { leg = "far" })
      outcome = "held " .. call:bridge { record = true }
    end
  end,
}
"""
SHOWN = """
    check(call.caller == "+12025550199", "From shows " .. call.caller)
    local asserted = call:header("P-Asserted-Identity") or "none"
    check(asserted:find("<sip:+12025550199@", 1, true), "P-Asserted-Identity is " .. asserted)
    check((call:header("From") or ""):find("Survey", 1, true), "the name is shown")
"""
TALKER = "return callee { truth = 'human', run = function(call)" + SHOWN + """
    call:ring(0.3)
    call:answer()
    check(call:listen { "speech", limit = 40 }, "the caller is heard")
    for _ = 1, 40 do -- until the caller has heard enough
      call:play(pick("human"), { limit = 5 })
      call:wait(0.3)
    end
  end,
}
"""
HELD = "return callee { truth = 'human', run = function(call)" + SHOWN + """
    call:answer()
    check(call:listen { "speech", limit = 40 }, "the caller is heard")
    check(call:listen { "silence", silence = 0.6, limit = 40 }, "then nothing, while on hold")
    check(call:listen { "speech", limit = 40 }, "and the caller again")
    call:hangup()
  end,
}
"""
MUSIC = "return callee { truth = 'human', run = function(call)" + SHOWN + """
    call:answer()
    check(call:listen { "speech", limit = 40 }, "the caller is heard")
    check(call:hears("ivr/001.wav", { within = 40 }))
    call:hangup()
  end,
}
"""
CALLEES = {
    "talker": TALKER,
    "music": MUSIC,
    "held": HELD,
    "busy": "return callee { truth = 'busy', run = function(call) call:reject(486) end }",
    "vacant": "return callee { truth = 'vacant', run = function(call) call:reject(404) end }",
    "mute": "return callee { truth = 'no_answer', run = function(call) call:ring(90) end }",
}
SPEAKER = """
return caller {
  run = function(call)
    check(call:wait_answer { limit = 60 }, "the call was answered")
    call:send_dtmf(call.row.to .. "#")
    if call.row.talk then
      for _ = 1, 40 do
        if call.row.key == "*" then call:wait(1) else call:wait(0.1) end
        call:play(pick("human"), { limit = 4 })
        if call.row.key and call.row.key ~= "" then
          call:send_dtmf(call.row.key)
          call:wait(4)
        elseif call:listen { "speech", limit = 2 } then
          call:mark("heard")
          break
        end
      end
    end
    if call.row.leave then call:wait(tonumber(call.row.leave)) call:hangup() end
    call:wait_hangup(90)
  end,
}
"""


def far_side(where):
    """peal-sim serve with a callee for each number; (process, address)."""
    stage = h.stage(where, CALLEES)
    text = stage["mix"].read_text() + "numbers:\n" + "".join(
        f'  - {{ number: "{n}", scenario: {name} }}\n'
        for n, name in enumerate(CALLEES, 12025550101))
    stage["mix"].write_text(text)
    simulator, address, truth = h.serve(where, **stage, extra=(
        "--late-limit", "5000", "--media-ports", h.free_range(200)))
    return simulator, address, truth


def number(name):
    return str(12025550101 + list(CALLEES).index(name))


def gate(where, address, more="", row=""):
    flow = where / "gate.lua"
    flow.write_text(GATE)
    return Service(where, f"""
numbers:
  - {{ number: "+38600100110", flow: "{flow}", with: {{ {row} }} }}
""", more=f'trunk: {{ address: "{address}" }}\naudio: "{h.AUDIO}"\n' + more)


def stored(service, key):
    return [line for line in subprocess.run(
        ["redis-cli", "-s", service.data / "redis.sock", "LRANGE", "peal:" + key, "0", "-1"],
        capture_output=True, text=True, check=True).stdout.splitlines() if line]


def finish(service, simulator):
    service.stop()
    code = h.stop(simulator)
    h.judge_simulator(code)
    check(code == 0, f"no check of the far side failed: {code}")


def channels(path):
    """Seconds in which each channel of a recording is not silent."""
    with wave.open(str(path)) as w:
        check(w.getnchannels() == 2, f"{path} is stereo")
        frames = w.readframes(w.getnframes())
    loud = [0, 0]
    for at in range(0, len(frames) - 640, 640):  # 20 ms
        for side in (0, 1):
            top = max(abs(int.from_bytes(frames[i:i + 2], "little", signed=True))
                      for i in range(at + 2 * side, at + 640, 16))
            loud[side] += top > 1000
    return [n / 50 for n in loud]


def put_through():
    where = h.folder()
    simulator, address, _ = far_side(where)
    service = gate(where, address)
    truth = callers(service, "38600100110", SPEAKER, caller="+12025550150",
                    row=[{"to": number("talker"), "talk": "yes", "leave": "1"}])
    check(any(m["name"] == "heard" for m in truth[0]["marks"]), "the caller hears the far side")
    leg = service.records(1, leg=2)[0]
    came = service.records(1)[0]
    check((leg["number"], leg["caller_id"], leg["delivery"]) ==
          (number("talker"), "+12025550199", "transferred"), leg)
    check(leg["lead"] == came["lead"] and leg["call_id"] != came["call_id"], "one call's records")
    left, right = channels(came["recording"])
    check(left > 0.5 and right > 0.5, f"both sides are on the recording: {left} s, {right} s")
    wait_for("what is stored", lambda: stored(service, "afterwards"))
    check(stored(service, "outcomes") == ["hangup 0"], stored(service, "outcomes"))
    check(stored(service, "afterwards") == ["done hangup"], "what ran after the call")
    finish(service, simulator)


def by_sipp():
    if not usable():
        print("skipped: SIPp plays keys as root only")
        return
    where = h.folder()
    simulator, address, _ = far_side(where)
    service = gate(where, address)
    sipp = Caller(where, service.address)
    sipp.call("38600100110", [("pause", 500), ("keys", number("busy") + "#"), "wait_bye"])
    sipp.call("38600100110", [("pause", 500), ("keys_in_band", number("vacant") + "#"), "wait_bye"])
    service.records(2, leg=2)
    wait_for("the outcomes", lambda: stored(service, "outcomes") == ["busy 486", "vacant 404"])
    finish(service, simulator)


def on_hold():
    where = h.folder()
    simulator, address, _ = far_side(where)
    service = gate(where, address)
    callers(service, "38600100110", SPEAKER, row=[{"to": number("held"), "talk": "y", "key": "*"}])
    wait_for("the outcome", lambda: stored(service, "outcomes") == ["held far 0"])
    finish(service, simulator)


def on_hold_with_music():
    where = h.folder()
    simulator, address, _ = far_side(where)
    service = gate(where, address, row='music: "ivr/001.wav"')
    callers(service, "38600100110", SPEAKER, row=[{"to": number("music"), "talk": "y", "key": "*"}])
    wait_for("the outcome", lambda: stored(service, "outcomes"))
    finish(service, simulator)  # a check of the far side that failed would end it with 1


KNOWS = """
return flow {
  run = function(call)
    call:answer()
    local kind, what = call:listen { "recording", limit = 30 }
    store.push("known", (kind or "nothing") .. " " .. (what.id or what) .. " " .. (what.result or ""))
  end,
}
"""
PLAYS = """
return caller {
  run = function(call)
    call:wait_answer { limit = 30 }
    call:play("announcement/FILE", { limit = 40 })
    call:wait_hangup(40)
  end,
}
"""


def known_recordings():
    """The flow knows which recording the far side plays."""
    where = h.folder()
    files = sorted((Path(h.AUDIO) / "announcement").glob("*.wav"))[:2]
    for n, file in enumerate(files):
        subprocess.run([h.program("peal"), "prints", "add", where / "known.prints", file, "--id",
                        f"known-{n}", "--result", ("vacant", "busy")[n]], check=True,
                       stdout=subprocess.DEVNULL)
    (where / "knows.lua").write_text(KNOWS)
    service = Service(where, f"""
numbers:
  - {{ number: "+38600100111", flow: "{where / 'knows.lua'}" }}
""", more="prints: known.prints\n")
    callers(service, "38600100111", PLAYS.replace("FILE", files[1].name))
    wait_for("what was heard", lambda: stored(service, "known"))
    check(stored(service, "known") == ["recording known-1 busy"], stored(service, "known"))
    service.stop()


def not_reached():
    where = h.folder()
    simulator, address, truth = far_side(where)
    service = gate(where, address, row='ring: "3"')
    callers(service, "38600100110", SPEAKER, row=[{"to": number("busy")}])
    callers(service, "38600100110", SPEAKER, row=[{"to": number("vacant")}])
    callers(service, "38600100110", SPEAKER, row=[{"to": number("mute")}])
    wait_for("three outcomes", lambda: len(stored(service, "outcomes")) == 3)
    check([o.split()[0] for o in stored(service, "outcomes")] == ["busy", "vacant", "no_answer"],
          stored(service, "outcomes"))
    check([r["result"] for r in service.records(3, leg=2)] == ["busy", "vacant", "no_answer"],
          "and their records")
    service.write(f"""
numbers:
  - {{ number: "+38600100110", flow: "{where / 'gate.lua'}", with: {{ ring: "60" }} }}
""")
    service.process.send_signal(signal.SIGHUP)
    wait_for("the longer ring", lambda: "the file is taken" in service.log())
    callers(service, "38600100110", SPEAKER, row=[{"to": number("mute"), "leave": "3"}])
    wait_for("the caller who gave up", lambda: len(stored(service, "outcomes")) == 4)
    check(stored(service, "outcomes")[3].startswith("hangup"), stored(service, "outcomes"))
    last = service.records(4, leg=2)[3]
    check(last["cancelled"] and last["ended_by"] == "us", last)
    finish(service, simulator)


DESK = """
return flow {
  run = function(call)
    local how, who = "nothing", ""
    call:finally(function() store.push("outcomes", how .. " " .. (who or "")) end)
    call:answer()
    how = call:is_open("operator") and "open" or "closed"
    if how == "closed" then return end
    how, who = call:transfer(call.row.desk or "agent", { ring = tonumber(call.row.ring or "60") })
    how = how or "nobody"
  end,
}
"""
WAITS = """
return caller {
  run = function(call)
    check(call:wait_answer { limit = 60 }, "the call was answered")
    for _ = 1, 30 do
      call:play(pick("human"), { limit = 4 })
      if call.ended or call:listen { "speech", limit = 2 } then break end
    end
    call:wait_hangup(90)
  end,
}
"""
AGENT = """
return agent {
  run = function(call)
    call:answer()
    check(call:listen { "speech", limit = 90 }, "the caller is heard")
    for _ = 1, 4 do call:play(pick("human"), { limit = 4 }) end
    call:hangup()
  end,
}
"""


def agents():
    where = h.folder()
    stage = h.stage(where, {"busy": CALLEES["busy"]})
    (where / "scenarios" / "agents" / "agent.lua").write_text(AGENT)
    simulator, address, _ = h.serve(where, **stage, extra=(
        "--late-limit", "5000", "--media-ports", h.free_range(200)))
    flow = where / "desk.lua"
    flow.write_text(DESK)
    numbers = f'numbers:\n  - {{ number: "1", flow: "{flow}" }}\n'
    hours = 'hours: {{ operator: "{}" }}\naudio: "' + str(h.AUDIO) + '"\n'
    sales = f'  - {{ number: "2", flow: "{flow}", with: {{ desk: "agent sales" }} }}\n'
    desk = (f'agents:\n  - {{ name: anna, uri: "sip:agent-anna@{address}", groups: [ support ] }}\n'
            f'  - {{ name: berta, uri: "sip:agent-berta@{address}", groups: [ sales ] }}\n')
    service = Service(where, numbers + sales, more=hours.format("daily 00:00-24:00") + desk)
    for n in (1, 2):  # again, though anna has then been free for longer
        callers(service, "2", WAITS, name=f"sales-{n}")
        wait_for("berta", lambda: stored(service, "outcomes") == n * ["far berta"])
    callers(service, "1", WAITS)
    wait_for("the one who has been free for longest",
             lambda: stored(service, "outcomes")[2:] == ["far anna"])
    said = [(r["delivery"], r["agent"], r.get("group")) for r in service.records(3)]
    check(said == 2 * [("connected", "berta", "sales")] + [("connected", "anna", None)], said)
    service.stop()
    code = h.stop(simulator)
    h.judge_simulator(code)
    nobody = Service(where, numbers, more=hours.format("daily 00:00-24:00"), name="nobody")
    callers(nobody, "1", WAITS, name="lonely")
    check(stored(nobody, "outcomes") == ["nobody no_agents"], stored(nobody, "outcomes"))
    weekday = subprocess.run(["date", "-u", "+%u"], capture_output=True, text=True).stdout
    other = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][(int(weekday) + 2) % 7]
    nobody.write(numbers, more=hours.format(f"{other} 08:00-16:00"))
    nobody.process.send_signal(signal.SIGHUP)
    wait_for("the hours", lambda: "the file is taken" in nobody.log())
    callers(nobody, "1", WAITS, name="lonely")
    check(stored(nobody, "outcomes")[1] == "closed ", stored(nobody, "outcomes"))
    nobody.stop()


if __name__ == "__main__":
    h.main(put_through, by_sipp, on_hold, on_hold_with_music, known_recordings, not_reached, agents)
