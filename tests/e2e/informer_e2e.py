#!/usr/bin/env python3
"""The auto-informer: a message with the lead's columns, keys 1, 2 and 9, the machine's message after its
beep, and leads that an event outside stops, wherever they are."""

import http.server
import json
import os
import subprocess
import threading

import harness as h
from harness import check, wait_for
from sipp_kit import Callee, usable

FLOW = h.SOURCE / "scenarios" / "flows" / "informer.lua"
CALLEE = """
return callee {{
  truth = "human",
  run = function(call)
    call:ring(0.4)
    call:answer()
    call:wait(0.4)
    call:play(pick("human"), {{ limit = 3 }})
    check(call:listen {{ "speech", limit = 40 }}, "the message is heard")
    {keys}
    call:wait_hangup(200)
  end,
}}
"""
CALLEES = {
    "again": CALLEE.format(keys='call:send_dtmf("1") '
                           'check(call:listen { "speech", limit = 40 }, "and heard again") '
                           'call:wait(1) call:send_dtmf("9")'),
    "talks": CALLEE.format(keys='call:send_dtmf("2") for _ = 1, 30 do if call.ended then break end '
                           'call:play(pick("human"), { limit = 3 }) call:wait(0.3) end'),
    "listens": CALLEE.format(keys=""),
    "rings": "return callee { truth = 'no_answer', run = function(call) call:ring(90) end }",
    "machine": """
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
    local message = call:record { limit = 60 }
    check(message.speech > 1, "the message is on the tape: " .. message.speech)
  end,
}
""",
}
NUMBERS = {name: f"1202555010{n}" for n, name in enumerate(CALLEES, 1)}


class Informer:
    def __init__(self, leads, seconds=4, flow=FLOW, flows="", trunk=None, numbers=None):
        """leads: (id, callee, more columns as text: name,parcel,point,call_back,language)."""
        self.where = h.folder()
        stage = h.stage(self.where, CALLEES)
        stage["mix"].write_text(stage["mix"].read_text() + "numbers:\n" + "".join(
            f'  - {{ number: "{n}", scenario: {name} }}\n' for name, n in NUMBERS.items()))
        self.simulator, self.address, self.truth = h.serve(self.where, **stage, extra=(
            "--late-limit", "5000", "--media-ports", h.free_range(200)))
        self.speaks(seconds)
        (self.where / "campaign.yaml").write_text(f"""
name: parcels
country: us
attempts: 1
ring_timeout: 60s
trunks: [{{ name: carrier, address: "{trunk or self.address}", max_calls: 20 }}]
caller_ids: ["+12025550190"]
sip: {{ address: 127.0.0.1 }}
agents: [{{ name: agent-%d, uri: "sip:agent-%d@{self.address}", count: 1, wrap_up: 10ms }}]
pacing: {{ mode: agentless, calls_per_second: 5, concurrent: 10 }}
flows: {{ speech_ahead: no{flows} }}
on: {{ human: flow {flow}, unknown: flow {flow}, machine: message message.wav after beep,
      human_silent: hangup }}
""")
        (self.where / "leads.csv").write_text("id,number,name,parcel,point,call_back,language\n" + "".join(
            f"{key},+{numbers[n] if numbers else NUMBERS[name]},{more}{',' * (4 - more.count(','))}\n"
            for n, (key, name, more) in enumerate(leads)))
        self.engine = self.run()

    def speaks(self, seconds):
        """A synthesiser that is quick, and keeps what it was to say: sentences take `seconds`,
        words of numbers a fifth of one."""
        (self.where / "bin").mkdir()
        subprocess.run(["sox", h.AUDIO / "talk/003.wav", "-r", "8000", self.where / "message.wav",
                        "trim", "0", "3"], check=True)
        subprocess.run(["sox", h.AUDIO / "talk/004.wav", "-r", "8000", self.where / "bin/voice.wav",
                        "trim", "0", str(seconds)], check=True)
        subprocess.run(["sox", h.AUDIO / "talk/004.wav", "-r", "8000", self.where / "bin/word.wav",
                        "trim", "1", "0.2"], check=True)
        speak = self.where / "bin" / "espeak-ng"
        speak.write_text('#!/bin/sh\nwhile [ "$1" != "--" ]; do [ "$1" = "-w" ] && file="$2"; shift;'
                         ' done\necho "$2" >>"${0%/*}/said"\n'
                         'case "$2" in *" "*) voice=voice.wav ;; *) voice=word.wav ;; esac\n'
                         'exec cp "${0%/*}/$voice" "$file"\n')
        speak.chmod(0o755)

    def run(self, *more):
        return h.start([h.program("peal"), "run", self.where / "campaign.yaml", "--leads",
                        self.where / "leads.csv", "--data", self.where / "data", "--quiet", *more],
                       self.where / "engine.log",
                       env={**os.environ, "PATH": f"{self.where / 'bin'}:{os.environ['PATH']}"})

    def peal(self, *words, code=0):
        done = subprocess.run([h.program("peal"), *map(str, words)], capture_output=True, text=True,
                              timeout=120)
        check(code in (None, done.returncode), f"{words}: {done.returncode} {done.stdout}{done.stderr}")
        return done.stdout

    def stop(self, *ids, code=0):
        return self.peal("leads", "stop", self.where / "campaign.yaml", *ids, "--data",
                         self.where / "data", "--why", "picked up", code=code)

    def records(self):
        return {r["lead"]: r for r in h.lines(self.where / "data" / "calls.jsonl")
                if r["attempt"] > 0}

    def seen(self, name):
        """What the far side says of calls that ended at this callee."""
        return [t for t in h.lines(self.truth) if t["scenario"].endswith(name)]

    def finish(self):
        check(self.engine.wait(300) == 0, "the campaign ends by itself")
        code = h.stop(self.simulator)
        h.judge_simulator(code)
        check(code == 0, [t["checks"] for t in h.lines(self.truth) if t["checks"]["failed"]])


def keys_and_machines():
    x = Informer([("a", "again", "Ana,10017,North,"), ("t", "talks", "Tom,10018,South,"),
                  ("m", "machine", "Max,10019,West,"), ("l", "listens", "Lea,10020,East,")])
    check(x.engine.wait(300) == 0, "the campaign ends by itself")
    records = x.records()
    check(records["a"]["delivery"] == "flow" and records["l"]["delivery"] == "flow", records)
    check((records["t"]["delivery"], records["t"]["agent"]) == ("connected", "agent-1"), records["t"])
    talked = records["t"]
    check(talked["by_flow"] and talked["answer_to_agent_ms"] ==
          talked["times"]["agent_heard"] - talked["times"]["answered"] and
          talked["times"]["agent_heard"] > talked["times"]["verdict"],
          f"when the agent was heard is on record, after the flow had the call: {talked}")
    check(records["l"].get("answer_to_agent_ms") is None and not talked["abandoned"], records["l"])
    check(records["m"]["delivery"] == "message_left", records["m"])
    said = (x.where / "bin" / "said").read_text()
    for text in ("Hello Ana. Your parcel", "one", "zero", "seven", "waits for you at North."):
        check(text in said.splitlines(), f"'{text}' in {said}")
    check("Hello Lea." in said and said.splitlines().count("zero") == 1, said)
    held = x.peal("dnc", "check", "+" + NUMBERS["again"], "--data", x.where / "data")
    check("global" in held and "the callee" in held, held)
    # the same number in another list: refused, no call
    callees = lambda: [t for t in h.lines(x.truth) if t["kind"] == "callee"]
    calls = len(callees())
    (x.where / "leads.csv").write_text(f"id,number\nb,+{NUMBERS['again']}\n")
    engine = x.run()
    check(engine.wait(120) == 0, "the second run ends")
    x.finish()
    refused = [r for r in h.lines(x.where / "data" / "calls.jsonl") if r["lead"] == "b"]
    check([r["result"] for r in refused] == ["dnc"] and len(callees()) == calls, refused)


def stopped_by_an_event():
    later = "2099-01-01T00:00:00Z"
    x = Informer([("rings", "rings", "A,1,N,"), ("hears", "listens", "B,2,N,"),
                  ("waits", "listens", f"C,3,N,{later}"), ("also", "again", f"D,4,N,{later}")],
                 seconds=50)
    wait_for("the message being heard", lambda: (x.where / "bin" / "said").exists() and
             "Hello B" in (x.where / "bin" / "said").read_text(), 120)
    check("is stopped; its call is being ended" in x.stop("rings"), "it rings")
    wait_for("the end of the ringing", lambda: x.seen("rings"), 60)
    check("is stopped; its call is being ended" in x.stop("hears"), "it hears the message")
    ended = wait_for("the end of the message", lambda: x.seen("listens"), 45)[0]
    check(ended["ended_by"] == "far_side" and ended["ended_ms"] < 50000, f"not to its end: {ended}")
    told = x.stop("waits", "also", "nobody", code=1).splitlines()
    check(told == ["waits: is stopped", "also: is stopped", "nobody: there is no such lead"], told)
    check("was finished already" in x.stop("waits"), "once")
    x.finish()
    records = x.records()
    check(set(records) == {"rings", "hears"}, f"who waited was never called: {records}")
    check(records["rings"]["result"] == "cancelled" and records["rings"]["cancelled"], records)
    status = x.peal("status", x.where / "campaign.yaml", "--data", x.where / "data")
    check("cancelled" in status, status)


def keys_by_sipp():
    """Callees that we did not write, keying by SIPp's play_dtmf: 1, 2 and 9."""
    if not usable():
        print("skipped: SIPp plays keys as root only")
        return
    where = h.folder()
    subprocess.run(["sox", h.AUDIO / "human/001.wav", "-r", "8000", "-b", "16", where / "hello.wav",
                    "trim", "0", "1.5"], check=True)
    far = Callee(where, [("pause", 300), ("speech", where / "hello.wav"), ("pause", 6000),
                         ("play_dtmf", "[field0]"), ("speech", where / "hello.wav")],
                 ["1", "2", "9"], calls=3)
    x = Informer([(key, "listens", f"{key},10017,North,") for key in ("a", "b", "c")], seconds=2,
                 trunk=far.address, numbers=["12025550111", "12025550112", "12025550113"])
    check(x.engine.wait(300) == 0, "the campaign ends by itself")
    far.wait(far.process, "SIPp's callees")
    records = x.records()
    check(sorted(r["delivery"] for r in records.values()) == ["connected", "flow", "flow"], records)
    held = [lead for lead, r in records.items() if "global" in x.peal(
        "dnc", "check", "+" + r["number"].lstrip("+"), "--data", x.where / "data", code=None)]
    check(len(held) == 1 and records[held[0]]["delivery"] == "flow", f"9 stops the calls: {held}")
    again = next(r for lead, r in records.items() if r["delivery"] == "flow" and lead != held[0])
    heard = again["times"]["end"] - again["times"]["answered"]
    check(heard > 2 * 5000, f"1: the message of five seconds was played twice: {heard} ms")
    x.finish()


ASKS = """
return flow {
  prompts = { hello = { en = "Hello to you", sl = "Pozdrav vsem" } },
  run = function(call)
    call:language(call.row.language)
    call:play("hello", { background = true })
    local order = http.get("http://127.0.0.1:PORT/order/" .. call.row.id)
    store.push("heard", { lead = call.row.id, status = order.body.status })
    http.post("http://127.0.0.1:PORT/heard", store.list("heard"))
    call:wait(1)
    call:hangup()
  end,
}
"""


class Orders(http.server.BaseHTTPRequestHandler):
    """Knows the state of every order, and keeps what is posted to it."""
    posted = []

    def answer(self, value):
        body = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self):
        self.answer({"status": "ready for " + self.path.rsplit("/", 1)[1]})

    def do_POST(self):
        Orders.posted.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
        self.answer({})

    def log_message(self, *_):
        pass


def flows_of_a_campaign_store_and_ask():
    """The store on the campaign's Redis, web services that the file allows, prompts by the lead's
    language and by the campaign's."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Orders) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.server_port
        flow = h.folder() / "asks.lua"
        flow.write_text(ASKS.replace("PORT", str(port)))
        x = Informer([("one", "listens", "A,1,N,,"), ("two", "listens", "B,2,N,,en")], seconds=3,
                     flow=flow, flows=f', language: sl, http: "127.0.0.1:{port}"')
        check(x.engine.wait(300) == 0, "the campaign ends by itself")
        x.finish()
        server.shutdown()
    heard = max(Orders.posted, key=len)
    check(sorted((i["lead"], i["status"]) for i in heard) ==
          [("one", "ready for one"), ("two", "ready for two")], Orders.posted)
    said = (x.where / "bin" / "said").read_text().splitlines()
    check(sorted(said) == ["Hello to you", "Pozdrav vsem"], said)
    check({r["delivery"] for r in x.records().values()} == {"flow"}, x.records())


if __name__ == "__main__":
    h.main(keys_and_machines, keys_by_sipp, stopped_by_an_event, flows_of_a_campaign_store_and_ask)
