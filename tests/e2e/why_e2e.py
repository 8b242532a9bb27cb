"""Nothing is silently skipped: of a mixed list every lead has its reason, by `peal why`, and
`peal status` counts them all."""

import datetime
import json
import zoneinfo

import harness as h
from harness import check, peal, wait_for

OPEN, CLOSED = "America/New_York", "Asia/Karachi"  # ten hours or nine between them


def status(yaml, url):
    return json.loads(peal("status", yaml, "--redis", url, "--json", "-"))


def why(lead, *where):
    found = json.loads(peal("why", lead, *where, "--json", "-"))
    check(len(found) == 1, f"{lead} is one lead: {found}")
    return found[0], {r["reason"]: r["sentence"] for r in found[0]["reasons"]}


def window():
    """Four hours around the present in New York."""
    hour = datetime.datetime.now(zoneinfo.ZoneInfo(OPEN)).hour
    return f"daily {(hour - 1) % 24:02}:00-{(hour + 3) % 24:02}:00"


def mixed_list():
    where = h.folder()
    _, socket = h.redis(where)
    url = f"unix:{socket}"
    mix = where / "busy.yaml"
    mix.write_text("scenarios: [{ scenario: busy, weight: 100 }]\n"
                   "agents: { prefix: agent-, scenario: agents/agent }\n")
    simulator, address, _ = h.serve(where, seed=31, mix=mix)
    yaml = h.campaign(where, address, agents=2, **{
        "windows: any": f"windows: {window()}", "busy: { after: 4s }": "busy: { after: 1h }",
        "mode: ratio\n  ratio: 5": "mode: agentless", "human: agent": "human: hangup",
        "human_silent: agent": "human_silent: hangup", "unknown: agent": "unknown: hangup"})
    rows = {"waits-1": ("+12025550101", OPEN), "waits-2": ("+12025550102", ""),
            "closed-1": ("+12025550103", CLOSED), "closed-2": ("+12025550104", CLOSED),
            "listed": ("+12025550105", OPEN), "invalid": ("12", OPEN), "none": ("", OPEN),
            "listed-later": ("+12025550106", CLOSED), "own": ("+12025550107", OPEN)}
    leads = where / "leads.csv"
    leads.write_text("id,number,zone\n" +
                     "".join(f"{k},{n},{z}\n" for k, (n, z) in rows.items()))
    peal("dnc", "add", "+12025550105", "--list", "global", "--redis", url, "--why", "by letter",
         "--who", "eve")
    peal("dnc", "add", "+12025550107", "--list", "own", "--redis", url)
    engine = h.start([h.program("peal"), "run", yaml, "--leads", leads, "--data", where / "data",
                      "--redis", url, "--log", "info"], where / "engine.log")

    def settled():
        s = status(yaml, url)
        return s if s["leads"]["all"] == 9 and s["leads"]["waits"] == 5 and \
            s["leads"]["finished"] == 4 and s["attempts"] == 2 else None

    # The engine looks at those outside their window once and lets them wait until it opens.
    s = wait_for("every lead to have come to rest", settled, 120)
    check(s["attempts_by_result"] == {"busy": 2}, f"attempts by result: {s}")
    check(sum(s["finished_as"].values()) == 4 and s["finished_as"]["invalid"] >= 2, f"{s}")
    check([e["gone"] for e in s["engines"]] == [False], f"its engine is there: {s}")
    peal("dnc", "add", "+12025550106", "--list", "campaign", "demo", "--redis", url)

    for lead in ("waits-1", "waits-2"):
        found, reasons = why(lead, yaml, "--redis", url)
        check(set(reasons) == {"waits"} and "after attempt 1 (busy)" in reasons["waits"],
              f"{lead}: {reasons}")
        check(found["stands"] == "waits" and found["tries"] == 1 and found["next"] and
              [a["result"] for a in found["attempts"]] == ["busy"], f"{found}")
    for lead in ("closed-1", "closed-2"):
        found, reasons = why(lead, yaml, "--redis", url)
        check(set(reasons) == {"waits"} and found["tries"] == 0, f"{lead}: {reasons}")
        opens = datetime.datetime.fromisoformat(found["next"].replace("Z", "+00:00"))
        there = opens.astimezone(zoneinfo.ZoneInfo(CLOSED))
        check(there.minute == 0 and f"windows: daily {there.hour:02}:00-" in yaml.read_text(),
              f"it opens at {there}")
    found, reasons = why("listed-later", yaml, "--redis", url)
    check(set(reasons) == {"waits", "dnc"} and found["next"] is None and
          "list of campaign demo since" in reasons["dnc"], f"listed while it waits: {reasons}")
    found, reasons = why("listed", yaml, "--redis", url)
    check(set(reasons) == {"done", "dnc"} and found["stands"] == "done" and
          "by eve: by letter" in reasons["dnc"], f"{reasons}")
    found, reasons = why("own", yaml, "--redis", url)
    check(set(reasons) == {"done", "own"}, f"{reasons}")
    for lead in ("invalid", "none"):
        found, reasons = why(lead, yaml, "--redis", url)
        check(set(reasons) == {"done"} and "no usable number" in reasons["done"], f"{reasons}")

    # By number, by the campaign's name, and with all campaigns of that Redis.
    for words in (("+12025550101", yaml), ("(202) 555-0101", "demo"), ("waits-1",)):
        found, _ = why(*words, "--redis", url)
        check(found["lead"] == "waits-1" and found["campaign"] == "demo", f"{words}: {found}")
    peal("why", "nobody", yaml, "--redis", url, code=1)

    # Rules that change: attempts are spent now; and a paused campaign says so first.
    fewer = where / "fewer.yaml"
    fewer.write_text(yaml.read_text().replace("attempts: 2\n", "attempts: 1\n"))
    found, reasons = why("waits-1", fewer, "--redis", url)
    check(set(reasons) == {"waits", "spent"} and found["next"] is None, f"{reasons}")
    peal("pause", yaml, "--redis", url, "--who", "anna")
    found, reasons = why("waits-1", yaml, "--redis", url)
    check(set(reasons) == {"waits", "state"} and found["next"] is None and
          found["next_if_it_runs"] and "by anna" in reasons["state"], f"{found}")
    check(status(yaml, url)["state"]["name"] == "paused", "the state is shown")
    peal("stop", yaml, "--redis", url)
    check(engine.wait(60) == 0, "the engine ends")
    _, reasons = why("waits-1", yaml, "--redis", url)
    check(set(reasons) == {"waits", "state", "no_engine"}, f"nobody works on it: {reasons}")
    text = peal("status", yaml, "--redis", url)
    check("Campaign demo is stopped" in text and "wait for their time" in text, text)
    h.stop(simulator)


def trunk_down():
    where = h.folder()
    _, socket = h.redis(where)
    url = f"unix:{socket}"
    yaml = h.campaign(where, f"127.0.0.1:{h.free_port()}", **{
        "mode: ratio\n  ratio: 5": "mode: agentless", "human: agent": "human: hangup",
        "human_silent: agent": "human_silent: hangup", "unknown: agent": "unknown: hangup"})
    leads = where / "leads.csv"
    leads.write_text("id,number\n" + "".join(f"L{i},+1202555010{i}\n" for i in range(9)))
    engine = h.start([h.program("peal"), "run", yaml, "--leads", leads, "--data", where / "data",
                      "--redis", url], where / "engine.log")
    wait_for("the trunk's silence to be a reason", lambda: any(
        "trunk carrier does not answer" in str(e["trouble"])
        for e in status(yaml, url)["engines"]), 90)
    _, reasons = wait_for("a lead that is not in an engine's hands", lambda: next(
        ((f, r) for f, r in (why(f"L{i}", yaml, "--redis", url) for i in range(9))
         if f["stands"] != "leased"), None), 60)
    check("trouble" in reasons and "does not answer" in reasons["trouble"], f"{reasons}")
    h.stop(engine)


if __name__ == "__main__":
    h.main(mixed_list, trunk_down)
