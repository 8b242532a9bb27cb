"""Stored calls judged again (peal report relabel), and swept when they are too old (peal retain):
what changes, what must not, and that it is on record who did it."""

import fcntl
import hashlib
import json
import os
import random
import signal
import subprocess
import time

import harness as h
from harness import check, peal_says as peal

LOST = "the engine was lost during the call"
DAY_MS = 86400000


def make(folder, count, seed, *more):
    subprocess.run([h.program("make-records"), folder, str(count), str(seed), *map(str, more)],
                   check=True)
    return folder


def sql(folder, query):
    done = subprocess.run(["sqlite3", "-cmd", ".timeout 5000", "-separator", "\t",
                           folder / "calls.sqlite", query], capture_output=True, text=True)
    check(done.returncode == 0, f"{query}: {done.stderr}")
    return [line.split("\t") for line in done.stdout.splitlines()]


def count(folder, condition="1", table="attempts"):
    return int(sql(folder, f"SELECT count(*) FROM {table} WHERE {condition}")[0][0])


def files(folder):
    return {str(p.relative_to(folder)): hashlib.sha256(p.read_bytes()).hexdigest()
            for p in sorted(folder.rglob("*")) if p.is_file() and not p.name.endswith(("-shm", "-wal"))}


def relabel(folder, *args, code=0):
    return peal("report", "relabel", "--data", folder, "--zone", "UTC", *args, code=code)


def labels(folder):
    return {(lead, int(attempt)): label for lead, attempt, label in
            sql(folder, "SELECT hex(lead), attempt, result FROM attempts")}


def history(where, folder, *args):
    peal("history", "--data", folder, "--zone", "UTC", "--rows", 0, "--json", where / "h.jsonl", *args)
    return h.lines(where / "h.jsonl")


def the_same_rules_give_the_same_label():
    where = h.folder()
    folder = make(where / "data", 1500, 5)
    journal = (folder / "calls.jsonl").read_bytes()
    check("0 of 1500 calls would" in relabel(folder), "nothing to change")
    # As if an earlier Peal had judged differently.
    busy, true = count(folder, "result = 'busy'"), labels(folder)
    check(busy > 50, f"{busy} busy calls")
    sql(folder, "UPDATE attempts SET result = 'congestion' WHERE result = 'busy'")
    said = relabel(folder)
    check(f"{busy} of 1500 calls would" in said and "congestion     -> busy" in said, said)
    check(count(folder, "result = 'busy'") == 0, "a question changes nothing")
    said = relabel(folder, "--from", "2030-01-01", "--apply")
    check("0 of 0 calls" in said and count(folder, "result = 'busy'") == 0, "the filter holds")
    check(f"{busy} of 1500 calls have" in relabel(folder, "--apply"), "applied")
    check(labels(folder) == true, "every label is back")
    check(count(folder, "old = 'congestion' AND new = 'busy'", "relabels") == busy, "old labels kept")
    [[who, at]] = sql(folder, "SELECT who, at_ms FROM relabel_runs")
    check(who and abs(int(at) / 1000 - time.time()) < 300, "who and when")
    check(sum(r.get("first_result") == "congestion" for r in history(where, folder)) == busy,
          "the history knows the first label")
    check("0 of 1500 calls have" in relabel(folder, "--apply"), "again: nothing")
    check(count(folder, "1", "relabel_runs") == 1 and count(folder, "1", "relabels") == busy,
          "and no new entry")
    check((folder / "calls.jsonl").read_bytes() == journal, "the journal is as it was written")


def rules_of_ones_own_come_first():
    where = h.folder()
    folder = make(where / "data", 1500, 6)
    ours = where / "ours.yaml"
    ours.write_text("sip:\n  603: congestion\n  480: vacant\n")
    rejected, gone = count(folder, "sip_code = 603"), count(folder, "sip_code = 480")
    check(rejected > 50 and gone > 50, "both are there")
    before = labels(folder)
    relabel(folder, "--rules", ours, "--apply")
    check(count(folder, "sip_code = 603 AND result = 'congestion'") == rejected, "603")
    check(count(folder, "sip_code = 480 AND result = 'vacant'") == gone, "480")
    changed = sum(before[k] != v for k, v in labels(folder).items())
    check(changed == rejected + gone, f"{changed} changed, and no other")
    check(sql(folder, "SELECT rules FROM relabel_runs")[0] == ["sip:"], "the rules are kept")
    ours.write_text("sip: {603: busy}\n")
    relabel(folder, "--rules", ours, "--apply")
    first = {r["first_result"] for r in history(where, folder, "--result", "busy")
             if r.get("sip_code") == 603}
    check(first == {"rejected"}, f"the first label stays the first: {first}")
    relabel(folder, "--apply")
    check(labels(folder) == before, "by the built-in rules all is as before")
    for text, told in [("sip: {99: busy}", ":1: no code"), ("sip: {486: human_being}", "no result"),
                       ("sap: {486: busy}", "no table"), ("sit:\n  xx: busy", ":2: no category"),
                       ("sip: [486]", "no mapping"), ("sip: {486: dnc}", "no result"),
                       ("a: b: c", "no YAML")]:
        ours.write_text(text)
        check(told in relabel(folder, "--rules", ours, code=2), f"{text}: it says {told}")


def what_was_not_judged_by_evidence_stays():
    where = h.folder()
    folder = make(where / "data", 600, 7)
    for change in [f"result = 'unknown', sip_reason = '{LOST}' WHERE lead IN ('lead-1', 'lead-2')",
                   "result = 'cancelled' WHERE lead IN ('lead-3', 'lead-4')",
                   "result = 'dnc' WHERE lead = 'lead-5'",
                   "result = 'our_fault', sip_code = NULL, end = NULL WHERE lead = 'lead-6'"]:
        sql(folder, f"UPDATE attempts SET {change}")
    # Heard after the verdict, while the agent talked: the call had been judged.
    later = ('json_insert(evidence, "$[#]", json(\'{"kind":"heard","what":"sit","sit":"vc","at":%d}\'))'
             % 10**6).replace('"$[#]"', "'$[#]'")
    sql(folder, f"UPDATE attempts SET evidence = {later} WHERE result = 'human'")
    # A machine that was heard before it.
    sooner = ("json_array(json('{\"kind\":\"heard\",\"what\":\"cng\",\"at\":5000}'),"
              " json_extract(evidence, '$[0]'), json_extract(evidence, '$[1]'))")
    machines = count(folder, "result = 'machine'")
    sql(folder, f"UPDATE attempts SET evidence = {sooner} WHERE result = 'machine'")
    before = labels(folder)
    said = relabel(folder, "--apply")
    check(f"{machines} of 600" in said and "machine        -> fax" in said and machines > 50, said)
    after = labels(folder)
    check({before[k] for k in before if before[k] != after[k]} == {"machine"}, "only those changed")


def old_ones_go_and_nothing_else():
    where = h.folder()
    now = int(time.time() * 1000)
    folder = make(where / "data", 120, 8, "past", "UTC", now - 20 * DAY_MS)
    make(folder, 80, 9, "recent", "UTC", now - 5 * DAY_MS)
    recordings = folder / "recordings"
    recordings.mkdir()
    outside = where / "outside.wav"
    outside.write_bytes(b"not ours")
    for name, campaign, lead in [("a.wav", "past", "lead-1"), ("b.wav", "recent", "lead-2"),
                                 ("link.wav", "past", "lead-3")]:
        sql(folder, f"UPDATE attempts SET recording = '/old/place/{name}' WHERE campaign ="
            f" '{campaign}' AND lead = '{lead}' AND attempt = 1")
    sql(folder, f"UPDATE attempts SET recording = '{outside}' WHERE campaign = 'past' AND"
        " lead = 'lead-4' AND attempt = 1")
    for name in ("a.wav", "b.wav", "orphan-old.wav", "orphan-new.wav", "notes.txt"):
        (recordings / name).write_bytes(b"x" * 1000)
    (recordings / "link.wav").symlink_to(outside)
    old = now / 1000 - 30 * 86400
    for name in ("orphan-old.wav", "notes.txt"):
        os.utime(recordings / name, (old, old))
    sql(folder, "UPDATE attempts SET result = 'busy' WHERE campaign = 'past' AND result = 'vacant'")
    relabel(folder, "--apply")
    check(count(folder, "campaign = 'past'", "relabels") > 0, "some were judged again")

    before = files(folder)
    said = peal("retain", "--days", 10, "--data", folder)
    check("would remove 2 recordings" in said and "120 lines" in said and "120 rows" in said, said)
    check(files(folder) == before, "a question changes nothing")
    with open(folder / "calls.jsonl") as journal:
        fcntl.flock(journal, fcntl.LOCK_SH)  # as an engine holds it
        said = peal("retain", "--days", 10, "--data", folder, "--apply", code=1)
        check("an engine is writing" in said and files(folder) == before, said)
        said = peal("retain", "--days", 10, "--data", folder, "--apply", "--recordings-only")
        check("removed 2 recordings" in said, said)
    check(sorted(p.name for p in recordings.iterdir()) ==
          ["b.wav", "link.wav", "notes.txt", "orphan-new.wav"] and outside.exists(), "recordings")
    said = peal("retain", "--days", 10, "--data", folder, "--apply")
    check("120 lines of calls.jsonl (80 stay), 120 rows" in said, said)
    check(count(folder) == 80 and count(folder, "campaign = 'past'", "relabels") == 0, "SQLite")
    check({r["campaign"] for r in h.lines(folder / "calls.jsonl")} == {"recent"}, "the journal")
    for name, path in [(p.name, p) for p in folder.iterdir() if p.is_file()]:
        check(b"past-1" not in path.read_bytes(), f"{name} still has bytes of them")
    entries = [(who, json.loads(detail)) for who, detail in
               sql(folder, "SELECT who, detail FROM audit WHERE action = 'retain' ORDER BY id")]
    check([d["state"] for _, d in entries] == ["done", "done"] and entries[1][1]["rows"] == 120 and
          entries[0][1]["recordings"] == 2 and all(who for who, _ in entries), f"audit: {entries}")
    check("removed 0 recordings (0.0 MB), 0 lines of calls.jsonl (80 stay), 0 rows" in
          peal("retain", "--days", 10, "--data", folder, "--apply"), "again: nothing")
    make(folder, 10, 10, "next", "UTC", now - DAY_MS)
    check(count(folder) == 90 and len(h.lines(folder / "calls.jsonl")) == 90, "a later run adds to it")
    peal("retain", "--data", folder, code=2)
    peal("retain", "--days", 0, "--data", folder, code=2)


def interrupted_it_goes_on():
    where = h.folder()
    now = int(time.time() * 1000)
    source = make(where / "source", 3000, 11, "past", "UTC", now - 20 * DAY_MS)
    make(source, 300, 12, "recent", "UTC", now - 5 * DAY_MS)
    chance, cut = random.Random(1), 0
    for i in range(8):
        folder = where / f"data-{i}"
        subprocess.run(["cp", "-r", source, folder], check=True)
        process = h.start([h.program("peal"), "retain", "--days", 10, "--data", folder, "--apply"],
                          where / "retain.log")
        time.sleep(chance.uniform(0, 0.25))
        cut += process.poll() is None
        h.stop(process, signal.SIGKILL)
        peal("retain", "--days", 10, "--data", folder, "--apply")
        check(count(folder) == 300 and len(h.lines(folder / "calls.jsonl")) == 300, "all in order")
        check(sql(folder, "PRAGMA integrity_check") == [["ok"]], "SQLite is whole")
        states = [json.loads(d)["state"] for [d] in sql(folder, "SELECT detail FROM audit ORDER BY id")]
        check(states[-1] == "done", f"{states}")
    print(f"{cut} of 8 were interrupted")


h.main(the_same_rules_give_the_same_label, rules_of_ones_own_come_first,
       what_was_not_judged_by_evidence_stays, old_ones_go_and_nothing_else, interrupted_it_goes_on)
