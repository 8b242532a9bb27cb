"""The shipped campaign `unreachable` over real SIP: rows of the survey desk's table, each a number of
its own, played by SIP causes, tones of silence, recorded announcements before and after the answer,
lists and an agent's key. Stored status, attempts, mark and comment lines must be those of the table;
only the delays are shorter than a desk's. A window that closes while leads wait is kept to."""
import datetime
import json
import re
import subprocess
import zoneinfo

import harness as h
from harness import check

CODE = """return callee {{
  truth = "{truth}",
  run = function(call)
    call:wait(0.3)
    call:reject({code}, "{phrase}", {cause})
  end,
}}
"""
RINGS = """return callee {
  truth = "no_answer",
  run = function(call)
    call:wait(0.2)
    call:ring(60)
    call:reject(480, "Temporarily Unavailable", 19)
  end,
}
"""
EARLY = """return callee {{
  truth = "unreachable",
  run = function(call)
    call:wait(0.3)
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
    call:wait(0.3)
    call:answer()
    call:wait(0.5)
    call:play("wav/{id}.wav")
    call:wait(5)
    call:hangup()
  end,
}}
"""
LEAVES = """return callee {
  truth = "hung_up_early",
  run = function(call)
    call:ring(0.5)
    call:answer()
    call:wait(1.4)
    call:hangup()
  end,
}
"""
# Says a greeting that a person says: a recording of the people of the simulator.
STRANGER = """return callee {
  truth = "human",
  run = function(call)
    call:ring(0.4)
    call:answer()
    call:wait(0.4)
    call:play(pick("human"), { limit = 3 })
    for _ = 1, 6 do
      if call:listen { "speech", limit = 3 } then break end
      call:play(pick("human"), { limit = 2 })
    end
    call:wait_hangup(40)
  end,
}
"""
# Hears a stranger, says so by key 9, and ends the talk.
AGENT = """return agent {
  limit = 24 * 3600,
  run = function(call)
    call:answer()
    if not call:listen { "speech", limit = 3600 } then return end
    call:play(pick("talk"), { limit = 2 })
    call:send_dtmf("9")
    call:wait(0.5)
    call:hangup()
  end,
}
"""

# name: (script, attempts, mark, comment)
INVALID = "invalid contact"
ROWS = {
    "busy": (CODE.format(truth="busy", code=486, phrase="Busy Here", cause=17), 3, None, "busy"),
    "rings": (RINGS, 3, None, "ringing, no answer"),
    "leaves": (LEAVES, 3, None, "answers and hangs up"),
    "talking": (EARLY.format(id="ru-talking-1"), 3, None, "the subscriber is talking"),
    "off": (EARLY.format(id="en-switched-off-1"), 3, None, "switched off or out of coverage"),
    "temporarily": (EARLY.format(id="ru-temporarily-blocked-1"), 3, None, "temporarily blocked"),
    "unavailable": (AFTER.format(id="en-temporarily-unavailable-1"), 3, None,
                    "temporarily unavailable"),
    "blocked": (EARLY.format(id="ru-blocked-1"), 1, INVALID, "blocked"),
    "not-available": (AFTER.format(id="en-not-available-2"), 1, INVALID, "not available"),
    "vacant": (CODE.format(truth="vacant", code=404, phrase="Not Found", cause=1), 1, INVALID,
               "no such number"),
    "stranger": (STRANGER, 1, INVALID, "a stranger, or not the contact"),
}
UNDIALLED = {  # name: (number, comment)
    "malformed": ("12", "malformed number in the card"),
    "missing": ("", "no number in the card"),
    "no-calls": ("+12025550190", "do not call this client"),
    "own": ("+12025550191", "a number of our own"),
}


def number(i):
    return f"+120255501{i:02d}"


def far_side(where):
    sounds = where / "prints"
    subprocess.run([h.SOURCE / "tools" / "make-prints", sounds, "--peal", h.program("peal")],
                   check=True, timeout=120, stdout=subprocess.PIPE)
    for kind in ("human", "talk"):  # the simulator's people, beside the announcements
        (sounds / kind).symlink_to(h.pathlib.Path(h.audio()) / kind)
    staged = h.stage(where, {name: row[0] for name, row in ROWS.items()}, agent="key9")
    (where / "scenarios" / "agents" / "key9.lua").write_text(AGENT)
    with open(staged["mix"], "a") as mix:
        mix.write("numbers:\n")
        for i, name in enumerate(ROWS):
            mix.write(f"  - {{ number: \"{number(i)}\", scenario: {name} }}\n")
    return h.serve(where, sounds=sounds, **staged)


def shipped(where, address, **replace):
    """The campaign file as it is shipped, at this address, with a desk's hours made seconds."""
    text = (h.SOURCE / "scenarios/campaigns/unreachable.yaml").read_text()
    for old, new in {"../../out/prints/": "prints/", "127.0.0.1:5070": address,
                     "\"20m, 2h\"": "1s", "\"2h, next day\"": "1s", "\"3h, next day\"": "1s",
                     "windows: mon-fri 09:00-21:00, sat 10:00-18:00": "windows: any",
                     "ring_timeout: 30s": "ring_timeout: 3s", **replace}.items():
        check(old in text, f"the shipped campaign has {old!r}")
        text = text.replace(old, new)
    path = where / "campaign.yaml"
    path.write_text(text + f"media: {{ ports: {h.free_range(400)} }}\n")
    return path


def state_of(socket, lead):
    out = subprocess.run(["redis-cli", "-s", socket, "--json", "HGETALL",
                          f"{{unreachable}}:s:{lead}"], check=True, capture_output=True, text=True)
    comments = subprocess.run(["redis-cli", "-s", socket, "--json", "HGETALL",
                               "{unreachable}:comments"], check=True, capture_output=True, text=True)
    kept = json.loads(comments.stdout)
    lines = [kept[k] for k in sorted(kept) if k.rpartition("/")[0] == lead]
    return json.loads(out.stdout), lines


def days(zone):
    now = datetime.datetime.now(zoneinfo.ZoneInfo(zone))
    return {(now + datetime.timedelta(days=d)).strftime("%d/%m") for d in (-1, 0)}


def each_row_is_stored_as_the_table_says():
    where = h.folder()
    simulator, address, _ = far_side(where)
    server, socket = h.redis(where)
    yaml = shipped(where, address)
    leads = where / "leads.csv"
    leads.write_text("id,number\n" +
                     "".join(f"{name},{number(i)}\n" for i, name in enumerate(ROWS)) +
                     "".join(f"{name},{to}\n" for name, (to, _) in UNDIALLED.items()))
    for lead, on in (("no-calls", "global"), ("own", "own")):
        subprocess.run([h.program("peal"), "dnc", "add", UNDIALLED[lead][0], "--list", on, "--redis",
                        f"unix:{socket}"], check=True, capture_output=True)
    engine = h.start([h.program("peal"), "run", yaml, "--leads", leads, "--data", where / "data",
                      "--redis", f"unix:{socket}", "--log", "info"], where / "engine.log")
    check(engine.wait(180) == 0, "the engine ended well")
    h.judge_simulator(h.stop(simulator))
    records = h.lines(where / "data" / "calls.jsonl")
    for name, (_, attempts, mark, comment) in ROWS.items():
        state, lines = state_of(socket, name)
        mine = [r for r in records if r["lead"] == name]
        heard = [(r["result"], r["delivery"], r.get("outcome")) for r in mine]
        check(state["status"] == "unreachable", f"{name}: {state} {heard}")
        check(int(state["charged"]) == attempts == len(mine), f"{name}: {state} {heard}")
        check(state.get("mark") == mark, f"{name}: {state} {heard}")
        check([re.sub(r"^\d\d/\d\d ", "", l) for l in lines] == [comment] * attempts,
              f"{name}: {lines} {heard}")
        check({l[:5] for l in lines} <= days("America/New_York"), f"{name}: {lines}")
        check([r["comment"] for r in mine] == lines, f"{name}: the records say the same: {mine}")
        check(mine[-1].get("mark") == mark and not any("mark" in r for r in mine[:-1]),
              f"{name}: the mark comes with the end")
    for name, (_, comment) in UNDIALLED.items():
        state, lines = state_of(socket, name)
        check(state["status"] == "unreachable" and state["mark"] == INVALID, f"{name}: {state}")
        check("charged" not in state and "tries" not in state, f"{name} was not dialled: {state}")
        check([l[6:] for l in lines] == [comment], f"{name}: {lines}")
    h.stop(server)


def a_window_that_closes_is_kept_to():
    """Leads that are due again after the window has closed wait for the next day's."""
    where = h.folder()
    simulator, address, truth = far_side(where)
    now = datetime.datetime.now(datetime.timezone.utc)
    if now.hour == 23 and now.minute > 50:
        return  # a window over midnight would prove something else
    closes = now.replace(second=0, microsecond=0) + datetime.timedelta(minutes=1 if now.second < 40
                                                                       else 2)
    yaml = shipped(where, address)
    text = yaml.read_text().replace("windows: any",
                                    f"windows: daily 00:00-{closes:%H:%M}")
    text = text.replace("zone: Europe/Moscow", "zone: UTC").replace("after: 1s", "after: 4s")
    yaml.write_text(text.replace("attempts: 3", "attempts: 90"))
    leads = where / "leads.csv"
    leads.write_text("id,number,zone\nbusy," + number(list(ROWS).index("busy")) + ",UTC\n")
    engine = h.start([h.program("peal"), "run", yaml, "--leads", leads, "--data", where / "data",
                      "--log", "info"], where / "engine.log")
    before = lambda: datetime.datetime.now(datetime.timezone.utc) < closes
    h.wait_for("the window to close", lambda: not before(), 130)
    seen = len(h.lines(where / "data" / "calls.jsonl"))
    check(seen >= 3, f"it was tried again and again while the window was open: {seen}")
    h.wait_for("two more delays to pass", lambda: datetime.datetime.now(datetime.timezone.utc) >
               closes + datetime.timedelta(seconds=9), 20)
    h.stop(engine, h.signal.SIGINT)
    h.stop(simulator)
    last = closes.timestamp() * 1000
    late = [r for r in h.lines(where / "data" / "calls.jsonl") if r["invite_ms"] >= last]
    check(not late, f"calls after the window: {late}")


if __name__ == "__main__":
    h.main(each_row_is_stored_as_the_table_says, a_window_that_closes_is_kept_to)
