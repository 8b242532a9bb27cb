"""Finished attempts' records as a Redis stream: what `peal history --json` says of each, in the journal's
order, once, through killed engines and a killed Redis; bounded; and no more than it can be when old records
were removed meanwhile."""
import collections
import json
import os
import signal
import subprocess

import harness as h
from carrier import BUSY, Carrier, RINGS, VACANT
from harness import check

CAMPAIGN = """\
name: flow-of-records
country: us
windows: any
attempts: 2
trunks: [ {{ name: carrier, address: "{address}" }} ]
caller_ids: [ "+12025550199" ]
pacing: {{ mode: agentless, calls_per_second: 30, concurrent: 20 }}
media: {{ ports: {ports} }}
on: {{ human: hangup }}
records: {{ stream: calls, keep: {keep} }}
results:
  busy: {{ after: 500ms }}
  no_answer: {{ after: 1s }}
  unknown: {{ after: 500ms }}
  unreachable: {{ after: 1s }}
"""


class Run:
    def __init__(self, keep=100000):
        self.where = h.folder()
        self.carrier = Carrier({f"+1202555{i:04d}": (BUSY, RINGS, VACANT)[i % 3] for i in range(100, 400)})
        self.server, self.socket = h.redis(self.where)
        self.yaml = self.where / "campaign.yaml"
        self.yaml.write_text(CAMPAIGN.format(address=self.carrier.address, ports=h.free_range(200), keep=keep))
        self.journal = self.where / "data" / "calls.jsonl"

    def start(self, first, count):
        leads = self.where / "leads.csv"
        leads.write_text("id,number\nnobody-%d,\n" % first + "".join(
            f"lead-{i},202555{i:04d}\n" for i in range(first, first + count)))
        return h.start([h.program("peal"), "run", self.yaml, "--leads", leads, "--data", self.where / "data",
                        "--redis", f"unix:{self.socket}", "--log", "info"], self.where / "engine.log")

    def redis(self, *words):
        return json.loads(subprocess.run(["redis-cli", "-s", self.socket, "--json", *map(str, words)], check=True,
                                         capture_output=True, text=True).stdout)

    def entries(self):
        out = []
        for _, fields in self.redis("XRANGE", "{flow-of-records}:stream:calls", "-", "+"):
            entry = dict(zip(fields[::2], fields[1::2])) if isinstance(fields, list) else fields
            out.append((entry["id"], json.loads(entry["record"]), entry["engine"]))
        return out

    def recorded(self):
        return [f"{r['campaign']}/{r['lead']}/{r['attempt']}" for r in h.lines(self.journal)]

    def history(self):
        out = self.where / "history.json"
        out.unlink(missing_ok=True)
        subprocess.run([h.program("peal"), "history", "--data", self.where / "data", "--json", out], check=True,
                       capture_output=True)
        return {f"{r['campaign']}/{r['lead']}/{r['attempt']}": r for r in map(json.loads, out.read_text().splitlines())}


def same(entries, history):
    for id, record, engine in entries:
        check(record == history[id], f"{id}: {record}\nis not the history's\n{history[id]}")
        check(engine, "each says whose it is")


def each_record_is_there_once_as_the_history_has_it():
    run = Run()
    check(run.start(100, 60).wait(120) == 0, "the campaign ended")
    entries = run.entries()
    check([id for id, *_ in entries] == run.recorded(), "every record of the journal, in its order, once")
    check(len(entries) >= 60 + 40 + 1, f"{len(entries)} attempts")
    check("flow-of-records/nobody-100/0" in [id for id, *_ in entries], "a lead without a number is among them")
    same(entries, run.history())
    said = subprocess.run([h.program("peal"), "check", run.yaml], capture_output=True, text=True)
    check("{flow-of-records}:stream:calls" in said.stdout, said.stdout + said.stderr)
    check(run.start(200, 5).wait(120) == 0, "another run")
    check([id for id, *_ in run.entries()] == run.recorded(), "goes on where the first left off")


def killed(run, first, kill):
    """Kills in the middle of records; returns the engine that is to end."""
    engine = run.start(first, 60)
    seen = len(run.recorded())
    h.wait_for("some records", lambda: len(run.recorded()) > seen + 20 or engine.poll() is not None, 60)
    check(engine.poll() is None, "it was under way")
    return kill(engine)


def through_kills_of_engine_and_redis():
    run = Run()

    def engine_dies(engine):
        os.kill(engine.pid, signal.SIGKILL)
        engine.wait()
        return run.start(100, 60)

    def redis_dies(engine):
        h.wait_for("calls in the air", lambda: run.carrier.ringing >= 3, 60)
        run.server.kill()
        run.server.wait()
        run.socket.unlink(missing_ok=True)
        seen = len(run.recorded())
        h.wait_for("records that Redis does not hear of", lambda: len(run.recorded()) > seen, 60)
        run.server, run.socket = h.redis(run.where)
        return engine

    for first, kill in ((100, engine_dies), (200, redis_dies)):
        engine = killed(run, first, kill)
        check(engine.wait(180) == 0, "the campaign ended")
        ids = [id for id, *_ in run.entries()]
        again = {id: n for id, n in collections.Counter(ids).items() if n > 1}
        check(not again, f"twice: {again}")
        check(ids == run.recorded(), "every record of the journal, in its order")
    same(run.entries(), run.history())


def the_stream_is_bounded():
    run = Run(keep=7)
    check(run.start(100, 20).wait(120) == 0, "the campaign ended")
    check([id for id, *_ in run.entries()] == run.recorded()[-7:], "the latest seven")


def when_old_records_were_removed():
    run = Run()
    check(run.start(100, 10).wait(120) == 0, "the campaign ended")
    before = [id for id, *_ in run.entries()]
    lines = run.journal.read_text().splitlines(keepends=True)
    run.journal.write_text("".join(lines[5:]))  # as peal retain does
    check(run.start(200, 5).wait(120) == 0, "another run")
    ids = [id for id, *_ in run.entries()]
    check(ids[:len(before)] == before and ids[len(before):] == run.recorded()[len(before) - 5:],
          "what is new goes on, what was there is not told again")
    lines = run.journal.read_text().splitlines(keepends=True)
    run.journal.write_text("".join(lines[:-1]))  # the record that the stream had last is gone
    check(run.start(300, 5).wait(120) == 0, "another run")
    check([id for id, *_ in run.entries()][len(ids):] == run.recorded(), "all of the journal: ids tell what is known")
    log = (run.where / "engine.log").read_text()
    check("not in the journal any more" in log, log)


def whoever_is_forgotten_is_gone_from_it():
    run = Run()
    check(run.start(100, 20).wait(120) == 0, "the campaign ended")
    before = run.entries()
    hers = [id for id, record, _ in before if record["number"] == "+12025550105"]
    check(hers, "she was called")
    done = subprocess.run([h.program("peal"), "forget", "+12025550105", "--redis", f"unix:{run.socket}", "--data",
                           run.where / "data"], capture_output=True, text=True)
    check(done.returncode == 0 and f"{len(hers)} entries of streams" in done.stdout, done.stdout + done.stderr)
    after = [id for id, *_ in run.entries()]
    check(after == [id for id, *_ in before if id not in hers], "hers are gone, and nobody else's")
    check(run.start(200, 5).wait(120) == 0, "another run")
    ids = [id for id, *_ in run.entries()]
    check(ids[:len(after)] == after and ids[len(after):] == run.recorded()[len(before):], "what is new goes on")


h.main(each_record_is_there_once_as_the_history_has_it, through_kills_of_engine_and_redis, the_stream_is_bounded,
       when_old_records_were_removed, whoever_is_forgotten_is_gone_from_it)
