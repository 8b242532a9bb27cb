"""peal leads import CAMPAIGN.yaml -: leads fed line by line by another program while the campaign runs,
each line answered when Redis has it; what cannot be used is said; Redis that is away makes the feeder
wait and loses nothing."""
import fcntl
import json
import os
import select
import signal
import subprocess
import time

import harness as h
from carrier import BUSY, Carrier
from harness import check

CAMPAIGN = """\
name: fed
country: us
windows: any
attempts: 1
trunks: [ {{ name: carrier, address: "{address}" }} ]
caller_ids: [ "+12025550199" ]
pacing: {{ mode: agentless, calls_per_second: 20, concurrent: 10 }}
media: {{ ports: {ports} }}
on: {{ human: hangup }}
results:
  invalid_number: {{ finish: unusable }}
"""


class Feed:
    """A feeder that is under way: put() a line, take() an answer."""

    def __init__(self, where, socket, *options, address="127.0.0.1:9"):
        self.yaml = where / "campaign.yaml"
        self.yaml.write_text(CAMPAIGN.format(address=address, ports=h.free_range(200)))
        self.log = where / "feed.log"
        self.process = subprocess.Popen([h.program("peal"), "leads", "import", self.yaml, "-", "--redis",
                                         f"unix:{socket}", *options], stdin=subprocess.PIPE,
                                        stdout=subprocess.PIPE, stderr=open(self.log, "wb"))
        self.process.log = self.log
        h._running.append(self.process)
        self.buffer = b""

    def put(self, *leads):
        self.process.stdin.write("".join(x if isinstance(x, str) else json.dumps(x) + "\n" for x in leads).encode())
        self.process.stdin.flush()

    def take(self, limit=30):
        until = time.monotonic() + limit
        while b"\n" not in self.buffer:
            ready, _, _ = select.select([self.process.stdout], [], [], max(0, until - time.monotonic()))
            check(ready, f"an answer within {limit} s")
            got = os.read(self.process.stdout.fileno(), 65536)
            check(got, f"an answer, not the end: {self.log.read_text()}")
            self.buffer += got
        line, self.buffer = self.buffer.split(b"\n", 1)
        return json.loads(line)

    def end(self, code=0):
        self.process.stdin.close()
        check(self.process.wait(30) == code, f"exit {code}: {self.log.read_text()}")
        return self.log.read_text()


def is_there(socket, id):
    return h.ask_redis(socket, "HEXISTS", "{fed}:tasks", id) == ["1"]


def each_line_is_answered():
    where = h.folder()
    _, socket = h.redis(where)
    feed = Feed(where, socket)
    feed.put({"id": "a", "number": "2025550101", "city": "Ptuj"})
    check(feed.take() == {"line": 1, "id": "a", "state": "new"}, "a is new")
    check(is_there(socket, "a"), "and there, while the feed goes on")
    feed.put({"id": "a", "number": "2025550102"}, {"number": 12025550103}, "\n", "{no json\n",
             {"id": "none"}, {"id": "long", "number": "2025550104", "name": "x" * 500},
             {"id": "half", "number": "2025550105"})
    check(feed.take() == {"line": 2, "id": "a", "state": "known"}, "a is known by its id, and stays as it is")
    check(feed.take() == {"line": 3, "id": "+12025550103", "state": "new"}, "without an id, its number is it")
    bad = feed.take()
    check(bad["line"] == 5 and bad["state"] == "rejected" and "no JSON object" in bad["why"], str(bad))
    none = feed.take()
    check(none == {"line": 6, "id": "none", "state": "new", "why": "it has no number"}, str(none))
    check(h.ask_redis(socket, "HGET", "{fed}:s:none", "st") == ["done"], "it is finished")
    long = feed.take()
    check(long["id"] == "long" and long["state"] == "rejected" and "longer" in long["why"], str(long))
    check(feed.take()["id"] == "half", "in order")
    feed.put('{"id": "pieces", "num')
    check(not select.select([feed.process.stdout], [], [], 0.3)[0], "half a line is none yet")
    feed.put('ber": "2025550106"}\n')
    check(feed.take() == {"line": 9, "id": "pieces", "state": "new"}, "a line may come in pieces")
    said = feed.end()
    check("8 rows read" in said and "5 new leads, 1 known" in said and "2 bad rows" in said, said)
    check(not list(where.glob("*rejected*")), "no file of rejects: each was answered")

    feed = Feed(where, socket, "--update", "--unique-numbers", "--quiet", "--rejects", where / "bad.csv")
    feed.put({"id": "a", "number": "2025550107"}, {"id": "a", "number": "2025550107"},
             {"id": "b", "number": "2025550103"}, {"id": "a", "number": "2025550107", "call_back": "2099-01-01"})
    check([feed.take() for _ in range(4)] == [
        {"line": 1, "id": "a", "state": "changed"}, {"line": 2, "id": "a", "state": "known"},
        {"line": 3, "id": "b", "state": "rejected", "why": "another lead has this number"},
        {"line": 4, "id": "a", "state": "changed"}], "changes, and numbers of others")
    feed.process.send_signal(signal.SIGTERM)
    check(feed.process.wait(30) == 0, "all that came was answered: a signal is a good end")
    check((where / "bad.csv").read_text().count("another lead") == 1, "rejects are written where asked for")


def a_running_campaign_dials_what_is_fed():
    where, carrier = h.folder(), Carrier({"+12025550101": BUSY, "+12025550102": BUSY})
    _, socket = h.redis(where)
    feed = Feed(where, socket, address=carrier.address)
    later = {"id": "later", "number": "2025550109", "call_back": "2099-01-01"}  # keeps the campaign going
    feed.put(later)
    check(feed.take()["state"] == "new", "it waits")
    (where / "none.csv").write_text("id,number\n")
    engine = h.start([h.program("peal"), "run", feed.yaml, "--leads", where / "none.csv", "--data", where / "data",
                      "--redis", f"unix:{socket}", "--log", "info"], where / "engine.log")
    h.wait_for("the engine", lambda: h.ask_redis(socket, "EXISTS", "{fed}:engines") != ["0"] or
               "{fed}" in " ".join(h.ask_redis(socket, "KEYS", "{fed}:eng*")) or engine.poll() is not None)
    for id, number in (("a", "2025550101"), ("b", "2025550102")):
        feed.put({"id": id, "number": number})
        check(feed.take() == {"line": 2 if id == "a" else 3, "id": id, "state": "new"}, id)
        h.wait_for(f"the call of {id}", lambda: "+1" + number in [to for to, _ in carrier.invites])
    check([to for to, _ in carrier.invites] == ["+12025550101", "+12025550102"], str(carrier.invites))
    feed.end()
    h.stop(engine, signal.SIGINT)
    check([r["lead"] for r in h.lines(where / "data" / "calls.jsonl")] == ["a", "b"], "each was called once")


def redis_that_is_away_makes_the_feeder_wait():
    where = h.folder()
    server, socket = h.redis(where)
    feed = Feed(where, socket)
    feed.put({"id": "first", "number": "2025550100"})
    check(feed.take()["id"] == "first", "it works")
    server.kill()
    server.wait()
    lines = "".join(json.dumps({"id": f"n{i}", "number": f"202555{i % 10000:04d}"}) + "\n"
                    for i in range(30000)).encode()
    pipe = feed.process.stdin.fileno()
    fcntl.fcntl(pipe, fcntl.F_SETFL, fcntl.fcntl(pipe, fcntl.F_GETFL) | os.O_NONBLOCK)
    given = 0

    def give():
        nonlocal given
        try:
            given += os.write(pipe, lines[given:given + 65536])
        except BlockingIOError:
            return False
        return given < len(lines)

    def full():  # nothing more went in for as long as a look at the log takes
        while give():
            pass
        return "Redis is away" in feed.log.read_text()

    h.wait_for("the feeder to be told to wait", full)
    while give():
        pass
    check(given < len(lines) - 500000, f"{given} of {len(lines)} bytes are taken: the writer waits")
    check(not feed.buffer and not select.select([feed.process.stdout], [], [], 0)[0], "no line is answered")
    socket.unlink(missing_ok=True)
    h.redis(where)
    answers = []
    while len(answers) < 30000:
        give()
        if feed.buffer or select.select([feed.process.stdout], [], [], 0.05)[0]:
            answers.append(feed.take())
    check([a["id"] for a in answers] == [f"n{i}" for i in range(30000)], "every line is answered once, in order")
    states = {a["state"] for a in answers[1:]}
    check(states == {"new"} and answers[0]["state"] in ("new", "known"), f"{states}, {answers[0]}")
    check(h.ask_redis(socket, "HLEN", "{fed}:tasks") == ["30001"], "each is there once")
    check("Redis is back" in feed.end(), feed.log.read_text())


h.main(each_line_is_answered, a_running_campaign_dials_what_is_fed, redis_that_is_away_makes_the_feeder_wait)
