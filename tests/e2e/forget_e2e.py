"""peal forget, end to end: after a real campaign nothing in its data folder holds the number or the
name any more, recordings are gone, every count is as it was."""

import csv
import json
import sqlite3

import harness as h
from harness import check, peal

MIX = "scenarios:\n  - { scenario: human-short, weight: 1 }\n" \
      "agents: { prefix: agent-, scenario: agents/agent }\n" \
      "settings:\n  - { name: talk_mean, value: 2 }\n  - { name: patience_mean, value: 6 }\n"


def holds(folder, text):
    return sorted(str(p.relative_to(folder)) for p in folder.rglob("*")
                  if p.is_file() and text.encode() in p.read_bytes())


def finished(where, yaml, leads, log):
    engine = h.start([h.program("peal"), "run", yaml, "--leads", leads, "--data", where / "data",
                      "--log", "info"], where / log)
    check(engine.wait(300) == 0, "the campaign ends")
    return json.loads((where / "data/run.json").read_text())


def forget():
    where = h.folder()
    (where / "mix.yaml").write_text(MIX)
    simulator, address, _ = h.serve(where, seed=31, mix=where / "mix.yaml")
    yaml = h.campaign(where, address)
    yaml.write_text(yaml.read_text() + "\nrecording: { mode: agent }\n"
                    if "\nrecording:" not in yaml.read_text() else yaml.read_text())
    yaml.write_text(yaml.read_text() + "\ncomments: yes\n")
    rows = list(csv.DictReader(open(h.leads(where, 6, seed=31))))
    leads = where / "people.csv"  # no ids: a lead's id is its number
    leads.write_text("number,name,city\n" + "".join(
        f"{r['number']},Person Nr{i}x,Town{i}x\n" for i, r in enumerate(rows)))
    before = finished(where, yaml, leads, "run.log")
    h.judge_simulator(h.stop(simulator))
    data = where / "data"
    records = h.lines(data / "calls.jsonl")
    connected = [r for r in records if r["delivery"] == "connected" and r.get("recording")]
    if not connected:
        raise h.RunInvalid()  # nobody waited for an agent on this busy machine
    who = connected[0]["number"]
    digits, name = who[1:], next(f"Nr{i}x" for i, r in enumerate(rows) if r["number"] == who)
    recordings = [p for p in (data / "recordings").iterdir() if digits in p.name]
    check(recordings, "the call was recorded under its lead's id")
    peal("dnc", "add", who, "--list", "campaign", "demo", "--why", "her own words", "--data", data)
    check(holds(data, digits) and holds(data, name), "it is all over the place")

    said = peal("forget", who, "--why", "letter", "--who", "ana", "--data", data)
    check(f"{who}: 1 leads erased, 1 of its do-not-call entries, " in said, said)
    check("1 recordings removed" in said and "on no do-not-call list any more" in said, said)
    for text in (digits, name, f"Town{name[2:]}", "her own words"):
        check(not holds(data, text), f"{text} is still in {holds(data, text)}")
    check(not any(digits in p.name for p in data.rglob("*")), "nor in the name of a file")

    after = h.lines(data / "calls.jsonl")
    strip = lambda rs: [{k: v for k, v in r.items() if k not in ("number", "lead", "recording")}
                        for r in rs]
    check(strip(after) == strip(records), "records are as they were but for who it was")
    check([r["number"] == q["number"] for r, q in zip(after, records)].count(False) ==
          sum(r["number"] == who for r in records), "others' records are untouched")
    with sqlite3.connect(data / "calls.sqlite") as db:
        rows_now = db.execute("SELECT count(*), count(DISTINCT lead), sum(result = 'human') "
                              "FROM attempts").fetchone()
    check(rows_now[0] == len(records) and rows_now[1] == len({r["lead"] for r in records}),
          f"SQLite has the same attempts: {rows_now}")
    ledger = peal("ledger", yaml, "--data", data)
    check("do not agree" not in ledger, "the ledger's entries give its sums")
    log = peal("dnc", "log", "--data", data)
    check("forget" in log and "by ana: letter" in log and who not in log, log)
    again = peal("forget", who, "--data", data)
    check("0 leads erased" in again and "0 call records" in again, again)

    # Nothing is dialled anew, and the books are whole; the records are read back as they are.
    simulator, address2, truth = h.serve(where, seed=32, mix=where / "mix.yaml")
    yaml.write_text(yaml.read_text().replace(address, address2))
    others = where / "others.csv"
    others.write_text("".join(line for line in leads.read_text().splitlines(True)
                              if digits not in line))
    calls = len(h.lines(truth))
    now = finished(where, yaml, others, "again.log")
    h.stop(simulator)
    check(now["finished"] == now["leads"] == before["leads"] == 6, f"{now}")
    check(len(h.lines(data / "calls.jsonl")) == len(records), "no call was made")
    kept = peal("forget", rows[0]["number"], "--do-not-call", "--data", data)
    check("is on the global do-not-call list" in kept, kept)
    check("global do-not-call list since" in peal("dnc", "check", rows[0]["number"], "--data",
                                                  data), "kept off")
    log = peal("dnc", "log", "--data", data)
    check(rows[0]["number"] not in log, log)
    peal("forget", "12", "--data", data, code=2)
    peal("forget", who, "--data", where / "nothing", code=1)


if __name__ == "__main__":
    h.main(forget)
