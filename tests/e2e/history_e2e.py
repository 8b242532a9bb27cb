"""`peal history` beside other readers: SQLite's own shell for the totals, Python's csv for the CSV,
XML (and openpyxl, where it is installed) for the XLSX. The records are invented, some of their
texts hostile to spreadsheets and terminals."""

import collections
import csv
import datetime
import json
import os
import subprocess
import sys
import xml.etree.ElementTree
import zipfile
import zoneinfo

import harness as h
from harness import check

BERLIN = zoneinfo.ZoneInfo("Europe/Berlin")
ROWS = 6000
LOST = "the engine was lost during the call"


def make(folder, count, seed, *more):
    subprocess.run([h.program("make-records"), folder, str(count), str(seed), *more], check=True)
    return folder


def peal(*args, code=0, cwd=None, env=None):
    done = subprocess.run([h.program("peal"), *map(str, args)], capture_output=True, cwd=cwd,
                          env={**os.environ, **(env or {})})
    check(done.returncode == code, f"peal {args}: {done.returncode}: {done.stderr.decode()[-800:]}")
    return done


def sql(folder, query):
    done = subprocess.run(["sqlite3", "-separator", "\t", folder / "calls.sqlite", query],
                          capture_output=True, check=True, text=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def read_csv(path):
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f, strict=True))


def csv_of(where, *args):
    peal("history", *args, "--rows", 0, "--csv", where / "some.csv")
    return read_csv(where / "some.csv")


def ids(rows):
    return sorted(r["call_id"] for r in rows)


def ids_by_sql(folder, condition):
    return sorted(r[0] for r in sql(folder, f"SELECT call_id FROM attempts WHERE {condition}"))


def berlin_ms(*at):
    return int(datetime.datetime(*at, tzinfo=BERLIN).timestamp() * 1000)


def check_csv(folder, path):
    raw = path.read_bytes()
    rows = read_csv(path)
    check(len(rows) == ROWS, f"{len(rows)} rows in the CSV")
    check(raw.count(b"\r\n") >= ROWS + 1 and raw.endswith(b"\r\n"), "lines end with CRLF")
    stored = {r["call_id"]: r for r in json_rows(folder)}
    changed = 0
    for row in rows:
        for name, cell in row.items():
            if cell[:1] in ("=", "-", "@", "\t", "\r") or \
                    (cell[:1] == "+" and not cell[1:].replace(":", "").isdigit()):
                check(False, f"{name} is a formula: {cell!r}")
        true = stored[row["call_id"]]
        at = datetime.datetime.fromtimestamp(true["invite_ms"] // 1000, BERLIN)
        check(row["time"] == at.strftime("%Y-%m-%d %H:%M:%S"), f"{row['time']} is not {at}")
        check(row["utc_offset"] == at.strftime("%z")[:3] + ":" + at.strftime("%z")[3:], "offset")
        lead = row["lead"]
        if lead != true["lead"]:
            changed += 1
            check(lead == "'" + true["lead"] and true["lead"][0] in "=+-@", f"lead {lead!r}")
        check(row["result"] == true["result"] and row["number"] == true["number"], "result, number")
        group = true.get("group", "")
        check(row["group"] == ("'" + group if group[:1] == "=" else group), f"group {row['group']!r}")
    check(changed >= 25, f"only {changed} formulas were guarded")
    return rows


def json_rows(folder):
    return h.lines(folder / "calls.jsonl")


def column_of(reference):
    n = 0
    for c in reference:
        if c.isdigit():
            break
        n = n * 26 + ord(c) - 64
    return n - 1


def read_sheet(archive, name):
    ns = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
    rows = []
    with archive.open(name) as f:
        for _, element in xml.etree.ElementTree.iterparse(f):
            check(element.tag != ns + "f", "a formula in the sheet")
            if element.tag != ns + "row":
                continue
            row = {}
            for cell in element.iter(ns + "c"):
                text = "".join(t.text or "" for t in cell.iter(ns + "t"))
                value = cell.find(ns + "v")
                row[column_of(cell.get("r"))] = text if cell.get("t") == "inlineStr" else \
                    float(value.text)
            rows.append(row)
            element.clear()
    return rows


def check_xlsx(path, from_csv):
    with zipfile.ZipFile(path) as archive:
        check(archive.testzip() is None, "the archive is whole")
        totals = {row.get(0): row.get(1) for row in read_sheet(archive, "xl/worksheets/sheet1.xml")}
        calls = read_sheet(archive, "xl/worksheets/sheet2.xml")
    head = [calls[0][i] for i in range(len(calls[0]))]
    check(len(calls) == ROWS + 1 and head == list(from_csv[0]), "rows and columns as in the CSV")
    zero = datetime.datetime(1899, 12, 30)
    for row, other in zip(calls[1:], from_csv):
        for i, name in enumerate(head):
            value, text = row.get(i, ""), other[name]
            if name == "time":
                value = (zero + datetime.timedelta(seconds=round(value * 86400))).isoformat(" ")
            if isinstance(value, float):
                check(abs(value - float(text)) < 1e-6, f"{name}: {value}, not {text}")
            else:
                check(value.replace("_x001B_", "\x1b").replace("_x000D_", "\r").replace("\r\n", "\n")
                      == text.replace("\r\n", "\n"), f"{name}: {value!r}, not {text!r}")
    check(totals["calls"] == ROWS, "the sheet of totals counts all calls")
    code = ("import openpyxl,sys; b=openpyxl.load_workbook(sys.argv[1], read_only=True); "
            "print(b.sheetnames, sum(1 for _ in b['Calls'].rows))")
    done = subprocess.run(["/usr/bin/python3", "-c", code, path], capture_output=True, text=True)
    if "No module named" not in done.stderr:
        check(done.stdout.strip() == f"['Totals', 'Calls'] {ROWS + 1}", done.stdout + done.stderr)
    return totals


def check_totals(folder, totals, printed):
    by_result = dict(sql(folder, "SELECT result, count(*) FROM attempts GROUP BY result"))
    for label, count in by_result.items():
        check(totals[label] == int(count), f"{label}: {totals[label]}, not {count}")
        check(f"  {label} " in printed, f"{label} is among the totals shown")
    [[answered, humans, connected, talk, duration]] = sql(
        folder, "SELECT count(answered), sum(result IN ('human','human_silent')),"
        " count(agent_heard), sum(end - agent_heard), sum(end - answered) FROM attempts")
    check(totals["answered"] == int(answered) and totals["humans"] == int(humans), "answered, humans")
    check(totals["connected"] == int(connected), "connected")
    check(abs(totals["talk_s"] - int(talk) / 1000) < 0.002, "talk")
    check(abs(totals["duration_s"] - int(duration) / 1000) < 0.002, "duration")
    [[handling]] = sql(folder, "SELECT avg(end - connect) FROM attempts WHERE agent_heard NOT NULL")
    check(abs(totals["average_handling_s"] - float(handling) / 1000) < 0.001, "handling")


def exports():
    where = h.folder()
    folder = make(where / "data", ROWS, 1)
    # As it is written in the handbook, from the folder that has the data folders.
    done = peal("history", "--from", "2026-03-01", "--to", "2026-04-30", "--csv", "all.csv",
                "--rows", ROWS, cwd=where)
    peal("history", "--from", "2026-03-01", "--to", "2026-04-30", "--xlsx", "all.xlsx", cwd=where)
    peal("history", "--from", "2026-03-01", "--to", "2026-04-30", "--json", "all.jsonl", cwd=where)
    printed = done.stdout.decode()
    check("\x1b" not in printed and "Europe/Berlin" in printed, "nothing steers the terminal")
    rows = check_csv(folder, where / "all.csv")
    totals = check_xlsx(where / "all.xlsx", rows)
    check_totals(folder, totals, printed)
    lines, stored = h.lines(where / "all.jsonl"), {r["call_id"]: r for r in json_rows(folder)}
    check(len(lines) == ROWS, f"{len(lines)} JSON lines")
    for line in lines:
        true = stored[line["call_id"]]
        check(line["time_ms"] == true["invite_ms"] and line["lead"] == true["lead"], "time, lead")
        check(datetime.datetime.fromisoformat(line["time"]).timestamp() * 1000 == line["time_ms"],
              f"{line['time']} is not {line['time_ms']}")
        check(line["times"] == true["times"] and line["evidence"] == true["evidence"], "evidence")
        check(line.get("group") == true.get("group"), "group")
    check(not list(where.glob("*.tmp")), "nothing half-written is left")
    return where, folder


def filters(where, folder):
    data = ("--data", folder)
    day = csv_of(where, *data, "--from", "2026-03-29", "--to", "2026-03-29")
    low, high = berlin_ms(2026, 3, 29), berlin_ms(2026, 3, 30)
    check(high - low == 23 * 3600000, "that day has 23 hours")
    check(ids(day) == ids_by_sql(folder, f"invite_ms >= {low} AND invite_ms < {high}") and
          0 < len(day) < ROWS, "a day by its local dates")
    for a, b in [("2026-03-28T12:00", "2026-03-28T13:30"), ("2026-03-28T11:00Z", "2026-03-28T12:30Z"),
                 ("2026-03-28T16:30+05:30", "2026-03-28T18:00+05:30"),
                 ("2026-03-28T07:00[America/New_York]", "2026-03-28T08:30:00.000[America/New_York]")]:
        some = csv_of(where, *data, "--from", a, "--to", b)
        low, high = berlin_ms(2026, 3, 28, 12), berlin_ms(2026, 3, 28, 13, 30)
        check(ids(some) == ids_by_sql(folder, f"invite_ms >= {low} AND invite_ms < {high}"),
              f"from {a} to {b}: {len(some)} rows")
    cases = [
        (["--agent", "agent-3"], "agent = 'agent-3'"),
        (["--lead", "lead-7"], "lead = 'lead-7'"),
        (["--client", "lead-7"], "lead = 'lead-7'"),
        (["--client", "+1 (202) 555-0012"], "number = '+12025550012'"),
        (["--number", "+1202555001*"], "number LIKE '+1202555001_'"),
        (["--number", "50012"], "number LIKE '%50012'"),
        (["--campaign", "summer"], "campaign = 'summer'"),
        (["--result", "busy,human"], "result IN ('busy', 'human')"),
        (["--kind", "machine"], "result = 'machine'"),
        (["--kind", "answered"], "answered NOT NULL"),
        (["--kind", "human,network", "--result", "human,machine"], "result = 'human'"),
        (["--delivery", "connected", "--min-duration", "30s", "--max-duration", "7m"],
         "delivery = 'connected' AND end - answered BETWEEN 30000 AND 420000"),
        (["--max-duration", "0"], "answered IS NULL OR end <= answered"),
        (["--lead", "' OR 1=1 --"], "0"),
        (["--disposition", "refused"], "0"),
        (["--group", "sales"], "agent_group = 'sales'"),
        (["--group", "sales", "--agent", "agent-3"], "agent = 'agent-3'"),
        (["--group", "none"], "0"),
    ]
    for args, condition in cases:
        check(ids(csv_of(where, *data, *args)) == ids_by_sql(folder, condition), f"{args}")
    shown = peal("history", *data, "--rows", 3).stdout.decode()
    newest = sql(folder, "SELECT number FROM attempts ORDER BY invite_ms DESC LIMIT 3")
    check(all(number in shown for [number] in newest) and f"{ROWS - 3} earlier" in shown,
          "the newest are shown, and how many are not")
    peal("history", *data, "--kind", "nonsense", code=2)
    peal("history", *data, "--from", "2026-02-29", code=2)
    peal("history", *data, "--from", "2026-03-02", "--to", "2026-03-01", code=2)
    peal("history", *data, "--csv", where / "none/x.csv", code=1)
    peal("history", *data, "--xlsx", where / "none/x.xlsx", code=1)
    peal("history", "--data", where / "none", code=1)
    check(not (where / "none").exists(), "asking makes no folder")


def folders(where, folder):
    """Two folders: merged by time, one zone no more; an attempt that both have is one row."""
    other = make(where / "other", 500, 2, "autumn", "America/New_York", "1774652403000")
    both = ["--data", folder, "--data", other]
    done = peal("history", *both, "--rows", 0, "--csv", where / "both.csv")
    check(b"no one zone" in done.stderr, "it says that the zones differ")
    rows = read_csv(where / "both.csv")
    check(len(rows) == ROWS + 500, f"{len(rows)} rows of both")
    check([r["time"] for r in rows] == sorted(r["time"] for r in rows), "in the order of their time")
    check(collections.Counter(r["campaign"] for r in rows)["autumn"] == 500, "all of the second")
    # The same lead and attempt: the second engine closed what the first one had left open.
    [[lead, attempt]] = sql(folder, "SELECT lead, attempt FROM attempts WHERE result = 'busy'"
                            " AND lead LIKE 'lead-%' LIMIT 1")
    sql(other, f"ATTACH '{folder}/calls.sqlite' AS f; INSERT INTO attempts SELECT * FROM f.attempts"
        f" WHERE lead = '{lead}' AND attempt = {attempt} AND campaign = 'spring';"
        f"UPDATE attempts SET result = 'unknown', sip_reason = '{LOST}', invite_ms = invite_ms + 9"
        f" WHERE lead = '{lead}' AND attempt = {attempt} AND campaign = 'spring'")
    for order in (both, both[2:] + both[:2]):
        rows = csv_of(where, *order, "--zone", "UTC", "--campaign", "spring", "--lead", lead)
        mine = [r for r in rows if r["attempt"] == attempt]
        check([r["result"] for r in mine] == ["busy"], f"the one that knows: {mine}")


def an_older_folder(where, folder):
    """One whose engine knew of no groups: all its attempts are there, none of a group."""
    old = where / "old"
    old.mkdir()
    subprocess.run(["cp", *folder.glob("calls.*"), old], check=True)
    sql(old, "ALTER TABLE attempts DROP COLUMN agent_group; PRAGMA user_version = 1")
    check(len(csv_of(where, "--data", old)) == ROWS, "all are there")
    check(not csv_of(where, "--data", old, "--group", "sales"), "none is of a group")


MEASURE = """import os, sys
pid = os.posix_spawn(sys.argv[1], sys.argv[1:], os.environ)
_, status, usage = os.wait4(pid, 0)
print(status, usage.ru_maxrss)"""


def memory(where):
    """Ten times the rows, the same memory."""
    peaks = []
    for count in (3000, 30000):
        folder = make(where / f"data-{count}", count, 3)
        out = where / "big"
        # By a small process: a program begins with the peak of the one that it is started from.
        done = subprocess.run(
            [sys.executable, "-S", "-c", MEASURE, h.program("peal"), "history", "--data", folder,
             "--csv", f"{out}.csv", "--json", f"{out}.jsonl", "--xlsx", f"{out}.xlsx"],
            capture_output=True, text=True,
            env={**os.environ, "ASAN_OPTIONS": "quarantine_size_mb=1:detect_leaks=0"})
        status, peak = map(int, done.stdout.split()[-2:])
        check(status == 0, f"{done.stdout}{done.stderr}")
        check(len(read_csv(f"{out}.csv")) == count, "all rows")
        peaks.append(peak)
    print(f"memory: {peaks[0]} KiB for 3,000 rows, {peaks[1]} KiB for 30,000")
    check(peaks[1] < peaks[0] + 12 * 1024, f"memory grows with the rows: {peaks} KiB")


PLACE, FOLDER = None, None


def the_exports_say_what_is_stored():
    global PLACE, FOLDER
    PLACE, FOLDER = exports()


def filters_choose_as_sql_does():
    filters(PLACE, FOLDER)


def several_folders_are_one_history():
    folders(PLACE, FOLDER)


def a_folder_from_before_there_were_groups():
    an_older_folder(PLACE, FOLDER)


def memory_does_not_grow_with_the_rows():
    memory(PLACE)


h.main(the_exports_say_what_is_stored, filters_choose_as_sql_does, several_folders_are_one_history,
       a_folder_from_before_there_were_groups, memory_does_not_grow_with_the_rows)
