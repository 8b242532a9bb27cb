"""A reload that opens the calling windows brings forward the leads that were put off to an opening of the
old ones, and nobody else: delays of rules and call-backs are kept."""
import datetime

import harness as h
from carrier import BUSY, Carrier, VACANT
from harness import check

CAMPAIGN = """\
name: hours
country: us
zone: UTC
windows: {windows}
attempts: 3
trunks: [ {{ name: carrier, address: "{address}" }} ]
caller_ids: [ "+12025550199" ]
pacing: {{ mode: agentless, calls_per_second: 20, concurrent: 10 }}
media: {{ ports: {ports} }}
on: {{ human: hangup }}
results:
  busy: {{ after: 6s }}
  vacant: {{ after: 2h, next: retry }}
"""
NUMBERS = {"fresh": "+12025550101", "short": "+12025550102", "long": "+12025550103", "promised": "+12025550104"}


def only_who_waited_for_the_hours_comes_sooner():
    where = h.folder()
    carrier = Carrier({NUMBERS["fresh"]: BUSY, NUMBERS["short"]: BUSY, NUMBERS["long"]: VACANT,
                       NUMBERS["promised"]: BUSY})
    _, socket = h.redis(where)
    yaml, ports = where / "campaign.yaml", h.free_range(200)
    later = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(hours=6)
    closed = f"daily {later:%H}:00-{later:%H}:30"

    def peal(*words):
        h.peal(*words, "--redis", f"unix:{socket}")

    def write(windows):
        yaml.write_text(CAMPAIGN.format(windows=windows, address=carrier.address, ports=ports))

    def leads(name, *ids, more=""):
        path = where / name
        path.write_text("id,number,zone,call_back\n" + "".join(f"{id},{NUMBERS[id]},UTC,{more}\n" for id in ids))
        return path

    def reload(windows, times):
        write(windows)
        peal("reload", yaml)
        h.wait_for("the reload", lambda: (where / "engine.log").read_text().count("was read again") == times)

    def due(id):
        score = h.ask_redis(socket, "ZSCORE", "{hours}:due", id)
        return int(float(score[0])) if score and score[0] else 0

    def called(id):
        return [to for to, _ in carrier.invites].count(NUMBERS[id])

    write("any")
    engine = h.start([h.program("peal"), "run", yaml, "--leads", leads("one.csv", "short", "long"), "--data",
                      where / "data", "--redis", f"unix:{socket}", "--log", "info"], where / "engine.log")
    h.wait_for("the first calls", lambda: due("short") and due("long"))
    reload(closed, 1)
    peal("leads", "import", yaml, leads("two.csv", "fresh"))
    promise = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(minutes=40)
    peal("leads", "import", yaml, leads("three.csv", "promised", more=f"{promise:%Y-%m-%dT%H:%M:00Z}"))
    opens = lambda ms: (ms // 60000) % 60 == 0 and ms // 3600000 % 24 == later.hour
    h.wait_for("both to be put off to the next opening", lambda: opens(due("fresh")) and opens(due("short")), 60)
    check(called("short") == 1 and called("fresh") == 0, f"before the reload: {carrier.invites}")
    long, promised = due("long"), due("promised")
    check(not opens(promised) and not opens(long), f"a call-back and a delay: {promised} {long}")

    reload("any", 2)
    h.wait_for("their calls", lambda: called("short") >= 2 and called("fresh") >= 1, 60)
    log = lambda: (where / "engine.log").read_text().split("come sooner")
    h.wait_for("all leads to be looked at, after each reload", lambda: len(log()) == 3)
    check("leads=0 " in log()[1] and "leads=2 " in log()[2], "nobody, then two were brought forward")
    check((due("long"), due("promised")) == (long, promised), "the others wait for what they waited for")
    check(called("long") == 1 and called("promised") == 0, f"{carrier.invites}")
    h.stop(engine, h.signal.SIGINT)


h.main(only_who_waited_for_the_hours_comes_sooner)
