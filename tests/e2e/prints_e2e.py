"""Known recordings from end to end: tools/make-prints builds the library of the rows of
"unreachable", the network plays its announcements before and after the answer, and each call's
result and evidence name the very recording, "temporarily blocked" and "blocked" apart."""
import collections
import subprocess

import harness as h
from harness import check

MAKE = h.SOURCE / "tools" / "make-prints"
ROWS = {  # id: what its library label says
    "ru-temporarily-blocked-1": "unreachable", "ru-blocked-1": "vacant",
    "ru-temporarily-unavailable-2": "unreachable", "ru-does-not-exist-2": "vacant",
    "en-switched-off-1": "unreachable", "en-talking-2": "busy",
    "en-not-available-2": "vacant", "en-temporarily-unavailable-1": "unreachable",
}
EARLY = """return callee {{
  truth = "unreachable",
  run = function(call)
    call:wait(uniform(0.1, 0.9))
    call:progress()
    call:play("wav/{id}.wav")
    call:wait(1)
    call:reject(480, "Temporarily Unavailable")
  end,
}}
"""
AFTER = """return callee {{
  truth = "machine",
  run = function(call)
    call:wait(uniform(0.1, 0.9))
    call:answer()
    call:wait(0.5)
    call:play("wav/{id}.wav")
    call:wait(5)
    call:hangup()
  end,
}}
"""
CAMPAIGN = """name: known
prints: prints/unreachable.prints
ring_timeout: 20s
attempts: 1
trunks: [{{address: {address}}}]
pacing: {{mode: agentless, concurrent: 20, calls_per_second: 10}}
on: {{human: hangup, human_silent: hangup, unknown: hangup, machine: hangup}}
sip: {{address: 127.0.0.1}}
media: {{address: 127.0.0.1, ports: {ports}}}
"""


def library(where):
    subprocess.run([MAKE, where / "prints", "--peal", h.program("peal")], check=True, timeout=120,
                   stdout=subprocess.PIPE)
    return where / "prints"


def every_recording_is_itself():
    """Each played whole is named once, and nothing else is."""
    folder = library(h.folder())
    files = sorted((folder / "wav").glob("*.wav"))
    check(len(files) == 60, f"{len(files)} recordings")
    for path in files:
        run = subprocess.run([h.program("peal"), "prints", "test", folder / "unreachable.prints",
                              path], stdout=subprocess.PIPE, text=True, timeout=20)
        said = run.stdout.splitlines()
        check(run.returncode == 0 and len(said) == 1 and f" {path.stem} (" in said[0],
              f"{path.stem}: {run.stdout}")


def calls_take_their_result_from_it():
    where = h.folder()
    sounds = library(where)
    callees = {f"{kind}-{number}": text.format(id=ident) for number, ident in enumerate(ROWS)
               for kind, text in (("early", EARLY), ("after", AFTER))}
    simulator, address, _ = h.serve(where, sounds=sounds, **h.stage(where, callees))
    yaml = where / "campaign.yaml"
    yaml.write_text(CAMPAIGN.format(address=address, ports=h.free_range(400)))
    engine = h.start([h.program("peal"), "run", yaml, "--leads", h.leads(where, 64), "--data",
                      where / "data", "--log", "info"], where / "engine.log")
    check(engine.wait(120) == 0, "the engine ended well")
    h.judge_simulator(h.stop(simulator))
    truth = {t["call_id"]: t["scenario"] for t in h.lines(where / "truth.jsonl")}
    seen = collections.Counter()
    for r in h.lines(where / "data" / "calls.jsonl"):
        if r["attempt"] == 0:
            continue
        kind, number = truth[r["call_id"]].split("/")[-1].split("-")
        ident = list(ROWS)[int(number)]
        known = [e for e in r["evidence"] if e.get("what") == "known"]
        check(len(known) == 1 and known[0].get("id") == ident, f"{kind} {ident}: heard {known}")
        check(known[0].get("early", False) == (kind == "early"), f"{kind}: {known[0]}")
        check(r["result"] == ROWS[ident], f"{kind} {ident}: {r['result']}")
        seen[kind] += 1
    check(min(seen["early"], seen["after"]) >= 15, f"calls of both kinds: {seen}")


def a_missing_library_is_told():
    where = h.folder()
    yaml = where / "campaign.yaml"
    h.leads(where, 2)
    yaml.write_text("leads: leads.csv\n" +
                    CAMPAIGN.format(address="127.0.0.1:9", ports="20000-20999"))
    run = subprocess.run([h.program("peal"), "check", yaml],
                         stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, timeout=20)
    check(run.returncode == 2 and "unreachable.prints" in run.stderr, run.stderr)


h.main(every_recording_is_itself, calls_take_their_result_from_it, a_missing_library_is_told)
