"""peal leads import: what a list becomes in Redis, what is left out and told, changes to leads that are
there, JSON Lines, and an importer that is killed in the middle."""
import json
import os
import re
import signal
import subprocess

import harness as h
from harness import check

class List:
    """A folder with a campaign and a redis-server, and what is in it."""

    def __init__(self):
        self.where = h.folder()
        self.server, self.socket = h.redis(self.where)
        self.campaign = h.campaign(self.where, "127.0.0.1:9")

    def run(self, *files, code=0, text=None):
        done = subprocess.run([h.program("peal"), "leads", "import", self.campaign, *map(str, files), "--redis",
                               f"unix:{self.socket}"], capture_output=True, text=True, input=text, timeout=300)
        check(done.returncode == code, f"exit {code}, not {done.returncode}: {done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def file(self, name, text):
        (self.where / name).write_text(text)
        return self.where / name

    def ask(self, *words):
        done = subprocess.run(["redis-cli", "-s", self.socket, *map(str, words)], check=True, capture_output=True,
                              text=True)
        return done.stdout.rstrip("\n")

    def payload(self, id):
        numbers, name, zone, priority, expires, fields = self.ask("HGET", "{demo}:tasks", id).split("\x1f", 5)
        return {"numbers": numbers, "name": name, "zone": zone, "priority": int(priority),
                "expires": int(expires), "fields": json.loads(fields)}

    def order(self):
        return self.ask("ZRANGE", "{demo}:fresh", 0, -1).split()


ROWS = """id,number,kind,number_work,name,zone,priority,expires,city
a,(202) 555-0101,mobile,,Ann Bee,America/New_York,1,2027-12-31,"Elm ""Old"" Falls"
b,12,,2025550102,Bob,,,2027-12-31T18:00:00+01:00,Ptuj
c,,,,Nobody,,,,
d,+38600100100,,,Invented,,,,
e,2025550105,,,Eve,Mars/Crater,5,,
f,2025550106,,,Fay,,high,,
g,2025550107,,,Gus,,,2027-02-30,
short,row
"""


def a_list_and_its_rejects():
    q = List()
    leads = q.file("leads.csv", ROWS)
    said = q.run(leads)
    for sentence in ("8 rows read in", "5 new leads", "1 have no number and 1 no valid one",
                     "1 invalid numbers are left out of leads that have others", "1 name a time zone that is none",
                     "3 bad rows are left out", f"What cannot be dialled is in {leads}.rejected.csv"):
        check(sentence in said, f"{sentence!r} is said: {said}")
    check(q.order() == ["e", "a", "b"], f"by priority, then in order: {q.order()}")
    a, b, e = q.payload("a"), q.payload("b"), q.payload("e")
    check(a["numbers"] == "+12025550101 mobile" and a["fields"] == {"city": 'Elm "Old" Falls'}, str(a))
    check(a["expires"] == 1830315600000, f"31 December 2027 ends in New York five hours later: {a['expires']}")
    check(b["numbers"] == "+12025550102 work" and b["expires"] == 1830272400000, str(b))
    check(e["zone"] == "" and e["priority"] == 5, str(e))
    check(q.ask("HGET", "{demo}:finished", "invalid") == "2", "two are finished as invalid")
    check((q.where / "leads.csv.rejected.csv").read_text() == """\
id,number,kind,number_work,name,zone,priority,expires,city,line,reason
c,,,,Nobody,,,,,4,"it has no number"
d,+38600100100,,,Invented,,,,,5,"number '+38600100100': no number of its country begins like this"
f,2025550106,,,Fay,,high,,,7,"the priority 'high' is no whole number"
g,2025550107,,,Gus,,,2027-02-30,,8,"'2027-02-30' is neither a date (2026-12-31) nor an instant (2026-12-31T18:00:00Z)"
short,row,9,"it has 2 fields, the header has 9"
""", (q.where / "leads.csv.rejected.csv").read_text())
    said = q.run(leads)
    check("0 new leads, 5 known already and left as they are" in said, said)
    check(q.order() == ["e", "a", "b"], "importing again changes nothing")
    check("cannot be opened" in q.run(q.where / "none.csv", code=1), "a missing file is told")


def changes_to_leads_that_are_there():
    q = List()
    q.run(q.file("one.csv", "id,number,priority,city\na,2025550101,0,x\nb,2025550102,0,x\nc,12,0,x\nd,2025550104,0,x\n"))
    check(q.order() == ["a", "b", "d"], str(q.order()))
    # d has had two attempts and waits for its time
    q.ask("ZREM", "{demo}:fresh", "d")
    q.ask("ZADD", "{demo}:due", 4102444800000.5, "d")
    q.ask("HSET", "{demo}:s:d", "st", "due", "tries", 2, "charged", 1, "last", "2:7")
    two = q.file("two.csv", "id,number,number2,priority,city\na,2025550101,,0,x\nb,2025550112,2025550113,3,y\n"
                            "c,2025550103,,0,y\nd,2025550114,,2047,y\nn,2025550199,,0,new\n")
    said = q.run(two)
    check("1 new leads, 4 known already" in said, f"without --update they stay as they are: {said}")
    check(q.payload("b")["numbers"] == "+12025550102", "b is as it was")
    said = q.run(two, "--update")
    check("0 new leads, 3 changed, 2 known already" in said, said)
    check(q.payload("b")["numbers"] == "+12025550112,+12025550113", str(q.payload("b")))
    check(q.order() == ["b", "a", "n", "c"], f"b goes first now, c can be dialled now: {q.order()}")
    check(q.ask("HGET", "{demo}:finished", "invalid") == "0", "c is not finished any more")
    check(q.ask("HMGET", "{demo}:s:d", "st", "tries", "charged").split() == ["due", "2", "1"], "d's attempts stay")
    check(4102444800000 <= float(q.ask("ZSCORE", "{demo}:due", "d")) < 4102444800000.5, "d's time stays")
    said = q.run(q.file("three.csv", "id,number,priority\nb,1,3\n"), "--update")
    check("1 changed" in said and q.order() == ["a", "n", "c"], f"b has no number any more: {said}{q.order()}")
    check(q.ask("HGET", "{demo}:finished", "invalid") == "1", "b is finished")


def call_backs():
    q = List()
    said = q.run(q.file("leads.csv", "id,number,call_back,expires\n"
                        "day,2025550101,2030-05-06,2030-05-06\noffice,2025550102,2030-05-06 14:30,\n"
                        "instant,2025550103,2030-05-06T14:30:00+02:00,\nnow,2025550104,,\nbad,2025550105,soon,\n"))
    check("4 new leads" in said and "1 bad rows" in said, said)
    due = {id: int(float(q.ask("ZSCORE", "{demo}:due", id))) for id in ("day", "office", "instant")}
    check(due == {"day": 1904270400000, "office": 1904322600000, "instant": 1904301000000},
          f"a date begins, and a time is, on New York's clock: {due}")
    check(q.order() == ["now"], "only who need not wait is fresh")
    check(q.payload("day")["expires"] == due["day"] + 86400000, "the date it expires on is over a day later")


def call_backs_that_move():
    q = List()
    day = 86400000
    now = int(q.ask("TIME").split()[0]) * 1000
    text = lambda ms: h.time.strftime("%Y-%m-%dT%H:%M:%SZ", h.time.gmtime(ms / 1000))
    due = lambda id: int(float(q.ask("ZSCORE", "{demo}:due", id) or 0))

    def update(**times):
        rows = "".join(f"{id},{numbers[id]},{text(ms) if ms else ''}\n" for id, ms in times.items())
        said = q.run(q.file("update.csv", "id,number,call_back\n" + rows), "--update")
        changed = re.search(r"(\d+) changed", said)
        return int(changed[1]) if changed else 0

    numbers = {id: f"20255501{i:02d}" for i, id in enumerate(["fresh", "waits", "retries", "called", "ended", "bad"])}
    q.run(q.file("one.csv", "id,number,call_back\n" + "".join(
        f"{id},{number if id != 'bad' else '12'},{text(now + day) if id == 'waits' else ''}\n"
        for id, number in numbers.items())))
    # retries waits for the delay of a rule, an engine has called, and ended was reached
    for id in ("retries", "called", "ended"):
        q.ask("ZREM", "{demo}:fresh", id)
        q.ask("HSET", "{demo}:s:" + id, "st", {"retries": "due", "called": "leased", "ended": "done"}[id],
              "tries", 3, "charged", 2, "last", "3:7")
    q.ask("ZADD", "{demo}:due", now + 3600500.5, "retries")
    q.ask("ZADD", "{demo}:leased", now + 60000, "called")
    q.ask("HSET", "{demo}:s:called", "tok", 9, "eng", "e#1")
    q.ask("HSET", "{demo}:s:ended", "status", "reached")
    q.ask("HINCRBY", "{demo}:finished", "reached", 1)

    at = now // 1000 * 1000 + 2 * day
    check(update(fresh=at, waits=at, retries=at, called=at, ended=at) == 4, "all but who is being called")
    check([due(id) for id in ("fresh", "waits", "retries", "ended")] == [at] * 4, "they wait for that time")
    check(q.order() == [], f"nobody is fresh: {q.order()}")
    check(q.ask("HMGET", "{demo}:s:called", "st", "tok").split() == ["leased", "9"], "called stays its engine's")
    check(due("called") == 0 and q.ask("ZCARD", "{demo}:leased") == "1", "and nobody else's")
    check(q.ask("HMGET", "{demo}:s:ended", "st", "tries", "status", "charged").split() == ["due", "3"],
          "ended is open again, with all of its attempts before it")
    check(q.ask("HGET", "{demo}:finished", "reached") == "0", "and not counted as reached")
    check(q.ask("HGET", "{demo}:s:retries", "charged") == "2", "a lead that was open keeps what it has spent")
    check(update(fresh=at, waits=at, retries=at, ended=at) == 0, "again the same: nothing changes")
    check(update(fresh=None, waits=None) == 0 and due("fresh") == at, "no time told: it stays")

    past = now - day
    check(update(waits=past) == 1 and due("waits") == past // 1000 * 1000, "an earlier time is now")
    q.ask("ZADD", "{demo}:due", now + 3600500.5, "retries")  # called back, busy, and waits for its delay
    q.ask("ZREM", "{demo}:due", "ended")
    q.ask("HSET", "{demo}:s:ended", "st", "done", "status", "reached")
    q.ask("HINCRBY", "{demo}:finished", "reached", 1)
    check(update(retries=past, ended=past) == 0, "an old list with times that are over changes nothing")
    check(due("retries") == now + 3600500 and q.ask("HGET", "{demo}:s:ended", "st") == "done", "as they were")

    check(q.ask("HGET", "{demo}:finished", "invalid") == "1", "bad has no number that can be dialled")
    numbers["bad"] = "2025550199"
    check(update(bad=at) == 1 and due("bad") == at, "it has one now, and is called back")
    check(q.ask("HGET", "{demo}:finished", "invalid") == "0", "and is not finished any more")
    status = subprocess.run([h.program("peal"), "status", q.campaign, "--redis", f"unix:{q.socket}"],
                            capture_output=True, text=True)
    check(status.returncode == 0 and "Leads                                     6" in status.stdout, status.stdout + status.stderr)


def json_lines_and_standard_input():
    q = List()
    lines = [{"id": "a", "number": 12025550101, "kind": "Mobile", "number2": "2025550102", "vip": True,
              "tags": ["x", {"y": 1}], "priority": 4, "expires": "2027-12-31T00:00:00Z"},
             {"numbers": ["2025550103", {"number": "2025550104", "kind": "work"}], "name": "Žaba"},
             {"id": "bad", "number": ["no"]}, {"id": "none"}]
    text = "".join(json.dumps(x) + "\n" for x in lines) + "{not json\n\n"
    said = q.run(q.file("leads.jsonl", text), "--rejects", q.where / "bad.csv")
    check("5 rows read" in said and "3 new leads" in said and "2 bad rows" in said, said)
    a = q.payload("a")
    check(a["numbers"] == "+12025550101 mobile,+12025550102" and a["expires"] == 1830211200000, str(a))
    check(a["fields"] == {"vip": True, "tags": ["x", {"y": 1}]} and a["priority"] == 4, str(a))
    b = q.payload("+12025550103")
    check(b["numbers"] == "+12025550103,+12025550104 work" and b["name"] == "Žaba", str(b))
    bad = (q.where / "bad.csv").read_text().splitlines()
    check(bad[0] == "row,line,reason" and len(bad) == 4, str(bad))
    check(bad[1] == '"{""id"": ""bad"", ""number"": [""no""]}",3,"\'number\' is neither a text nor a whole number"',
          bad[1])
    check(bad[3].startswith('"{not json",5,"it is no JSON object'), bad[3])
    said = q.run("-", "--rejects", q.where / "bad.csv", text="number\n2025550120\n")
    check("1 new leads" in said and q.payload("+12025550120")["numbers"] == "+12025550120", said)


def numbers_of_other_leads():
    q = List()
    q.run(q.file("one.csv", "id,number,number2\na,2025550101,2025550102\n"))
    two = q.file("two.csv", "id,number,city\na,2025550101,x\nb,+1 202 555 0102,x\nc,2025550103,x\nd,2025550103,x\n")
    said = q.run(two, "--unique-numbers")
    check("1 new leads, 1 known already" in said and "2 are left out: another lead has their number" in said, said)
    check(q.order() == ["a", "c"], str(q.order()))
    check((q.where / "two.csv.rejected.csv").read_text().splitlines()[1:] ==
          ['b,+1 202 555 0102,x,3,"another lead has this number"', 'd,2025550103,x,5,"another lead has this number"'],
          (q.where / "two.csv.rejected.csv").read_text())
    said = q.run(two)
    check("2 new leads" in said, f"without the option they are leads of their own: {said}")


def killed_in_the_middle():
    q, count = List(), 60000
    leads = q.file("many.csv", "id,number,n\n" + "".join(
        f"lead-{i},+1202555{100 + i % 100:04d},{i}\n" for i in range(count)))
    kills = 0
    while kills < 3:
        args = [h.program("peal"), "leads", "import", q.campaign, leads, "--redis", f"unix:{q.socket}", "--quiet"]
        before = int(q.ask("HLEN", "{demo}:tasks"))
        importer = h.start(args, q.where / "importer.log")
        h.wait_for("some leads to be new", lambda: int(q.ask("HLEN", "{demo}:tasks")) > before
                   or importer.poll() is not None, limit=60)
        if importer.poll() is not None:
            break
        os.kill(importer.pid, signal.SIGKILL)
        importer.wait()
        kills += 1
    check(kills > 0, "it was killed while it imported")
    said = q.run(leads)
    check(f"{count} rows read" in said, said)
    check(int(q.ask("HLEN", "{demo}:tasks")) == count, "each lead is there once")
    order = q.ask("ZRANGE", "{demo}:fresh", 0, -1, "WITHSCORES").split()
    check(len(order) == 2 * count, f"each is fresh once: {len(order) // 2}")
    check(len(set(order[1::2])) == count, "each has a turn of its own")
    check(order[0::2] == [f"lead-{i}" for i in range(count)], "in the order of the list")


h.main(a_list_and_its_rejects, changes_to_leads_that_are_there, call_backs, call_backs_that_move,
       json_lines_and_standard_input, numbers_of_other_leads, killed_in_the_middle)
