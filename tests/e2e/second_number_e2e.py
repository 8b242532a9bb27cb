"""A lead's further numbers in a running campaign: the first is busy, unobtainable, listed or rings out,
and the rules say which number is dialled next. The far side is a carrier that is
not ours and writes down every INVITE; what it received and what the engine stored must be one story."""
import collections
import subprocess

import harness as h
from carrier import ANSWERS, BUSY, Carrier, RINGS, VACANT
from harness import check

# lead: its numbers in order with what the line says (None: never to be dialled), then the numbers
# dialled, by place, with the results, and the status that is left
LEADS = {
    "busy-first": ([BUSY, ANSWERS], [(1, "busy"), (2, "no_media")], "answered"),
    "unobtainable-first": ([VACANT, ANSWERS], [(1, "vacant"), (2, "no_media")], "answered"),
    "unobtainable-then-busy": ([VACANT, BUSY], [(1, "vacant"), (2, "busy"), (1, "vacant"), (2, "busy")],
                               "gave_up"),
    "busy-both": ([BUSY, BUSY], [(1, "busy"), (2, "busy"), (1, "busy"), (2, "busy")], "gave_up"),
    "unobtainable-both": ([VACANT, VACANT, VACANT], [(1, "vacant"), (2, "vacant"), (3, "vacant")], "invalid"),
    "listed-first": ([None, ANSWERS], [(2, "no_media")], "answered"),
    "listed-both": ([None, None], [], "kept_away"),
    "rings-out": ([RINGS, None], [(1, "no_answer")] * 4, "not_reached"),
    "one-number": ([BUSY], [(1, "busy")] * 4, "gave_up"),
}
CAMPAIGN = """\
name: numbers
country: us
windows: any
attempts: 4
leads: leads.csv
trunks: [ {{ name: carrier, address: "{address}" }} ]
caller_ids: [ "+12025550199" ]
pacing: {{ mode: agentless, calls_per_second: 20, concurrent: 10 }}
media: {{ ports: {ports} }}
on: {{ human: hangup }}
results:
  busy: {{ after: 1s, next: other_number, finish: gave_up }}
  vacant: {{ after: 0s, next: next_number, finish: invalid }}
  no_answer: {{ after: "0s, 1s", next: retry, finish: not_reached }}
  no_media: {{ next: finish, finish: answered }}
  dnc: {{ after: 0s, next: next_number, finish: kept_away }}
  own_number: {{ after: 0s, next: other_number }}
"""


def number(lead, place):
    return f"+120255501{list(LEADS).index(lead)}{place}"


def the_next_number_is_dialled_as_the_rules_say():
    where = h.folder()
    carrier = Carrier({number(lead, i + 1): line for lead, row in LEADS.items() for i, line in enumerate(row[0])})
    server, redis = h.redis(where)
    yaml = where / "campaign.yaml"
    yaml.write_text(CAMPAIGN.format(address=carrier.address, ports=h.free_range(200)))
    (where / "leads.csv").write_text("id,number,number2,number3,kind2\n" + "".join(
        ",".join([lead] + [number(lead, i + 1) if i < len(row[0]) else "" for i in range(3)] +
                 ["work" if len(row[0]) > 1 else ""]) + "\n" for lead, row in LEADS.items()))
    said = subprocess.run([h.program("peal"), "check", yaml], capture_output=True, text=True)
    check(said.returncode == 0, said.stdout + said.stderr)
    check("after busy: again after 1s, by the next number, round and round; in the end gave_up." in said.stdout,
          said.stdout)
    check(said.stdout.count("the same number waits at least 10m") == 2, f"of dnc and own_number: {said.stdout}")
    for lead, (lines, *_) in LEADS.items():
        for i, line in enumerate(lines):
            if line is None:
                subprocess.run([h.program("peal"), "dnc", "add", number(lead, i + 1), "--list", "global",
                                "--redis", f"unix:{redis}"],
                               check=True, capture_output=True)
    engine = h.start([h.program("peal"), "run", yaml, "--data", where / "data", "--redis", f"unix:{redis}",
                      "--log", "info"], where / "engine.log")
    check(engine.wait(120) == 0, "the campaign ended by itself")

    received = collections.defaultdict(list)
    lead_of = {number(lead, i + 1): lead for lead, row in LEADS.items() for i in range(len(row[0]))}
    for to, call in carrier.invites:
        check(to in lead_of, f"an INVITE to {to}, a number of nobody")
        received[lead_of[to]].append((to, call))
    stored = collections.defaultdict(list)
    for record in h.lines(where / "data" / "calls.jsonl"):
        if record["attempt"]:
            stored[record["lead"]].append(record)
    for lead, (lines, story, status) in LEADS.items():
        want = [number(lead, place) for place, _ in story]
        got = [to for to, _ in received[lead]]
        check(got == want, f"{lead}: INVITEs to {got}, not {want}")
        mine = stored[lead]
        check([(r["number_place"], r["result"]) for r in mine] == story, f"{lead}: {mine}")
        check([(r["number"], r["call_id"]) for r in mine] == received[lead], f"{lead}: each record is of one INVITE")
        check([r["attempt"] for r in mine] == list(range(1, len(story) + 1)), f"{lead}: {mine}")
        check(all(("number_kind" in r) == (r["number_place"] == 2) for r in mine), f"{lead}: kinds: {mine}")
        state = subprocess.run(["redis-cli", "-s", redis, "HMGET", f"{{numbers}}:s:{lead}", "st", "status", "charged"],
                               check=True, capture_output=True, text=True).stdout.split("\n")
        check(state[:3] == ["done", status, str(len(story)) if story else ""], f"{lead}: {state}")
    h.stop(server)


h.main(the_next_number_is_dialled_as_the_rules_say)
