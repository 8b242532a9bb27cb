#!/usr/bin/env python3
"""The masked-number exchange: workers call shops and shops call back, every path of it; the numbers
shown are read from the SIP messages that the far side received, and what is stored, recorded and posted
is compared."""

import http.server
import json
import subprocess
import threading
import time

import harness as h
from harness import check, wait_for
from serve_kit import Service, callers, quick_voice
from serve_line_e2e import channels
from sipp_kit import Caller, usable

FLOW = h.SOURCE / "scenarios" / "flows" / "masked-number.lua"
CALLER = (h.SOURCE / "scenarios" / "callers" / "order-line.lua").read_text()
OUT, FIRST, SECOND, BACK = "+38600100300", "+38600100301", "+38600100302", "+38600100399"
ONE, TWO, NONE, STRANGER, AWAY = (f"+1202555015{n}" for n in range(5))  # workers' own numbers
SHOP, OTHER, BUSY, MUTE, VACANT = (f"1202555010{n}" for n in range(1, 6))


def answers(shown):
    return f"""
return callee {{
  truth = "human",
  run = function(call)
    check(call.caller == "{shown}", "From shows " .. call.caller)
    local asserted = call:header("P-Asserted-Identity") or "none"
    check(asserted:find("<sip:{shown}@", 1, true), "P-Asserted-Identity is " .. asserted)
    call:ring(0.3)
    call:answer()
    call:play(pick("human"), {{ limit = 4 }})
    call:listen {{ "speech", limit = 20 }}
    call:play(pick("human"), {{ limit = 4 }})
    call:hangup()
  end,
}}
"""


CALLEES = {
    "shop": answers(FIRST), "other": answers(SECOND), "worker": answers(BACK),
    "busy": "return callee { truth = 'busy', run = function(call) call:reject(486) end }",
    "mute": "return callee { truth = 'no_answer', run = function(call) call:ring(90) end }",
    "vacant": "return callee { truth = 'vacant', run = function(call) call:reject(404) end }",
}
WHO = {SHOP: "shop", OTHER: "other", BUSY: "busy", MUTE: "mute", VACANT: "vacant", ONE: "worker",
       TWO: "worker", AWAY: "mute"}
TALKING = CALLER.replace('check(call:wait_hangup(500) == "hangup"', """
    for _ = 1, 20 do
      if call.ended then break end
      call:play(pick("human"), { limit = 3 })
      call:listen { "speech", limit = 2 }
    end
    check(call:wait_hangup(500) == "hangup\"""")


class Messages(http.server.BaseHTTPRequestHandler):
    """Where text messages are ordered: keeps what is posted."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.posted.append((self.path, json.loads(body)))
        self.send_response(204)
        self.end_headers()

    def log_message(self, *_):
        pass


class Exchange:
    def __init__(self):
        self.where = h.folder()
        stage = h.stage(self.where, CALLEES)
        stage["mix"].write_text(stage["mix"].read_text() + "numbers:\n" + "".join(
            f'  - {{ number: "{n}", scenario: {name} }}\n' for n, name in WHO.items()))
        self.simulator, address, self.truth = h.serve(self.where, **stage, extra=(
            "--late-limit", "5000", "--media-ports", h.free_range(300)))
        self.web = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Messages)
        self.web.posted = []
        threading.Thread(target=self.web.serve_forever, daemon=True).start()
        port = self.web.server_address[1]
        common = 'ring: "{}", wait: "5", pause: "4"'
        masked = (f'role: masked, return_number: "{BACK}", delay: "1", '
                  f'webhook: "http://127.0.0.1:{port}/message", {common.format(5)}')
        lines = [(OUT, f"role: outbound, {common.format(5)}"), (FIRST, masked), (SECOND, masked),
                 (BACK, f"role: return, {common.format(5)}")]
        self.service = Service(self.where, "numbers:\n" + "".join(
            f'  - {{ number: "{n}", flow: "{FLOW}", language: en, with: {{ {w} }} }}\n'
            for n, w in lines), more=f'trunk: {{ address: "{address}" }}\n'
            f'http: "127.0.0.1:{port}"\naudio: "{h.AUDIO}"\n' + quick_voice(self.where))
        self.redis("SET", f"peal:worker:{ONE}", json.dumps({"masked": [FIRST]}))
        self.redis("SET", f"peal:worker:{TWO}", json.dumps({"masked": [FIRST, SECOND],
                                                            "announce": True}))
        self.redis("SET", f"peal:worker:{NONE}", json.dumps({"masked": []}))
        self.redis("SET", f"peal:masked:{FIRST}", ONE)
        self.redis("SET", f"peal:masked:{SECOND}", AWAY)

    def redis(self, *words):
        return subprocess.run(["redis-cli", "-s", self.service.data / "redis.sock",
                               *map(str, words)], capture_output=True, text=True,
                              check=True).stdout.strip()

    def list(self, key):
        return [json.loads(x) for x in self.redis("LRANGE", f"peal:{key}", 0, -1).splitlines() if x]

    def calls(self, count):
        """What was noted of each call, once there are so many."""
        return wait_for(f"{count} calls noted", lambda: (
            lambda found: found if len(found) >= count else None)(self.list("calls")), 60)

    def call(self, number, plans, script=CALLER):
        """plans: (caller, kind, plan)."""
        rows = [{"phone": p[0], "kind": p[1], "plan": p[2]} for p in plans]
        return callers(self.service, number, script, calls=len(rows), rate="5/s", row=rows,
                       extra=("--from", "{phone}"))

    def finish(self):
        self.service.stop()
        self.web.shutdown()
        code = h.stop(self.simulator)
        h.judge_simulator(code)
        failed = [t["checks"]["texts"] for t in h.lines(self.truth) if t["checks"]["failed"]]
        check(code == 0, f"what the far side saw: {failed}")


def calling_out():
    x = Exchange()
    x.call(OUT, [
        (ONE, "events", f"{SHOP}#"), (ONE, "in_band", f"{SHOP}#"),
        (ONE, "events", SHOP),  # ended by a pause of 4 s
        (TWO, "events", f"2# {OTHER}#"), (TWO, "in_band", f"2#{OTHER}#"),
        (TWO, "events", f"0# w1 1# {SHOP}#"), (TWO, "slow", f"7#0#1#{SHOP}#"),
    ], TALKING)
    noted = x.calls(7)
    check(sorted((c["worker"], c["masked"], c["shop"], c["outcome"]) for c in noted) == sorted(
        [(ONE, FIRST, SHOP, "connected")] * 3 + [(TWO, SECOND, OTHER, "connected")] * 2 +
        [(TWO, FIRST, SHOP, "connected")] * 2), noted)
    for came in x.service.records(7):
        left, right = channels(came["recording"])
        check(left > 0.2 and right > 0.2, f"worker {left} s left, shop {right} s right")
    legs = x.service.records(7, leg=2)
    check({leg["caller_id"] for leg in legs} == {FIRST, SECOND}, "the shown numbers are kept")
    x.finish()


def not_connected():
    x = Exchange()
    x.call(OUT, [(STRANGER, "events", ""), (NONE, "events", ""), (ONE, "events", f"{BUSY}#"),
                 (ONE, "in_band", f"{VACANT}#"), (ONE, "events", f"{MUTE}#")])
    x.call(OUT, [(ONE, "events", f"{MUTE}# w2 h")])  # hangs up while it rings
    noted = x.calls(6)
    check(sorted(c["outcome"] for c in noted) == sorted(
        ["unknown_worker", "no_masked", "busy", "vacant", "no_answer", "hangup"]), noted)
    last = [r for r in x.service.records(4, leg=2) if r["cancelled"]]
    check(len(last) == 2, "the leg that rang too long, and the one whose worker left")
    x.finish()


def called_back():
    x = Exchange()
    x.call(FIRST, [(f"+{SHOP}", "events", "")], TALKING)  # the worker answers; shown: BACK
    noted = x.calls(1)
    check(noted == [{"kind": "masked", "worker": ONE, "masked": FIRST, "shop": f"+{SHOP}",
                     "outcome": "connected"}], noted)
    leg = x.service.records(1, leg=2)[0]
    check(leg["caller_id"] == BACK and leg["number"] == ONE, leg)
    left, right = channels(leg["recording"])
    check(left > 0.2 and right > 0.2, f"worker {left} s left, shop {right} s right")
    # nobody answers: an announcement, a missed call, a message
    began = int(time.time())
    x.call(SECOND, [(f"+{OTHER}", "events", "")])
    x.call(SECOND, [(f"+{SHOP}", "events", "w2 h")])  # gives up while it rings
    missed = wait_for("two missed calls", lambda: (
        lambda found: found if len(found) == 2 else None)(x.list(f"missed:{AWAY}")), 60)
    check(missed == [{"seq": 1, "masked": SECOND, "shop": f"+{OTHER}"},
                     {"seq": 2, "masked": SECOND, "shop": f"+{SHOP}"}], missed)
    wait_for("two messages", lambda: len(x.web.posted) == 2, 60)
    for seq, (path, body) in enumerate(x.web.posted, 1):
        check(path == "/message" and began <= body.pop("time") <= time.time() + 1, path)
        check(body == {"event": "missed_call", "seq": seq, "masked": SECOND, "worker": AWAY}, body)
    # the worker calls the return number: two are pending, the first is chosen, after a wrong number
    x.call(BACK, [(AWAY, "events", "9#1#")], TALKING)
    noted = x.calls(4)[3]
    check((noted["shop"], noted["masked"], noted["outcome"]) == (f"+{OTHER}", SECOND, "connected"),
          noted)
    wait_for("one is left", lambda: x.list(f"missed:{AWAY}") == missed[1:], 60)
    x.finish()


def return_calls():
    x = Exchange()
    x.call(BACK, [(ONE, "events", "")])
    check(x.calls(1)[0]["outcome"] == "none_missed", "none")
    x.redis("RPUSH", f"peal:missed:{ONE}", json.dumps(
        {"masked": FIRST, "seq": 41, "shop": f"+{SHOP}"}, separators=(",", ":")))
    x.call(BACK, [(ONE, "events", "")], TALKING)  # the only one: at once
    check(x.calls(2)[1]["outcome"] == "connected", x.list("calls"))
    wait_for("nothing is left", lambda: x.list(f"missed:{ONE}") == [], 60)
    for seq, (masked, shop) in enumerate(((FIRST, SHOP), (SECOND, OTHER)), 42):
        x.redis("RPUSH", f"peal:missed:{TWO}", json.dumps(
            {"masked": masked, "seq": seq, "shop": f"+{shop}"}, separators=(",", ":")))
    x.call(BACK, [(TWO, "in_band", "43#")], TALKING)
    noted = x.calls(3)[2]
    check((noted["outcome"], noted["masked"], noted["shop"]) == ("connected", SECOND, f"+{OTHER}"),
          noted)
    wait_for("the other is left", lambda: [m["seq"] for m in x.list(f"missed:{TWO}")] == [42], 60)
    x.call(BACK, [(TWO, "events", "42#")], TALKING)
    x.finish()


def by_sipp():
    if not usable():
        print("skipped: SIPp plays keys as root only")
        return
    x = Exchange()
    sipp = Caller(x.where, x.service.address)
    running = [sipp.start(number, [("pause", 500), (word, keys), "wait_bye"] if keys else
                          ["wait_bye"], caller=caller)
               for number, caller, word, keys in (
        (OUT, ONE, "keys", f"{SHOP}#"), (OUT, ONE, "keys_in_band", f"{BUSY}#"),
        (OUT, TWO, "keys_lost", f"2#{OTHER}#"), (OUT, ONE, "keys", SHOP),
        (OUT, TWO, "keys_in_band", f"0#1#{SHOP}#"), (BACK, ONE, "", ""),
        (OUT, ONE, "play_dtmf", f"{SHOP}#"), (OUT, TWO, "play_dtmf", f"2#{OTHER}#"),
        (OUT, ONE, "keys_lossy", f"{VACANT}#"), (OUT, ONE, "play_dtmf", f"{MUTE}#"),
        (OUT, STRANGER, "", ""), (OUT, NONE, "", ""),
        # the other direction: the shop calls the masked number; BACK is shown to the worker
        (FIRST, f"+{SHOP}", "", ""), (SECOND, f"+{OTHER}", "", ""))]
    for n, process in enumerate(running):
        sipp.wait(process, f"SIPp's caller {n}")
    noted = x.calls(len(running))
    # SIPp plays tones from files by its own clock: where it stands still, a tone has a hole.
    keyed = {SHOP, OTHER, BUSY, VACANT, MUTE}
    if any(c["kind"] == "outbound" and c.get("shop", SHOP).lstrip("+") not in keyed for c in noted):
        raise h.RunInvalid("SIPp")
    check(sorted((c["kind"], c["outcome"], c.get("masked", "")) for c in noted) == sorted(
        [("outbound", "connected", FIRST)] * 4 + [("outbound", "connected", SECOND)] * 2 +
        [("outbound", "busy", FIRST), ("outbound", "vacant", FIRST),
         ("outbound", "no_answer", FIRST), ("outbound", "unknown_worker", ""),
         ("outbound", "no_masked", ""), ("return", "none_missed", ""),
         ("masked", "connected", FIRST), ("masked", "no_answer", SECOND)]), noted)
    missed = wait_for("the missed call", lambda: x.list(f"missed:{AWAY}"), 60)
    check([(m["masked"], m["shop"]) for m in missed] == [(SECOND, f"+{OTHER}")], missed)
    x.finish()


if __name__ == "__main__":
    h.main(calling_out, not_connected, called_back, return_calls, by_sipp, at_once=3)
