"""A lead's further numbers in a running campaign: the first is busy, unobtainable, listed or rings out,
and the rules say which number is dialled next. The far side is a carrier of this file's own, plain
sockets that write down every INVITE; what it received and what the engine stored must be one story."""
import collections
import re
import socket
import subprocess
import threading

import harness as h
from harness import check

BUSY, VACANT, RINGS, ANSWERS = "486 Busy Here", "404 Not Found", "480 Temporarily Unavailable", "200 OK"

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


class Carrier:
    """Says of each number what LEADS says, and keeps (number, call id) of every INVITE in order."""

    def __init__(self):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.says = {number(lead, i + 1): line for lead, row in LEADS.items() for i, line in enumerate(row[0])}
        self.invites, self.answered = [], {}
        threading.Thread(target=self.work, daemon=True).start()

    def work(self):
        while True:
            data, peer = self.socket.recvfrom(65536)
            text = data.decode(errors="replace")
            method = text.split(" ", 1)[0]
            if method == "INVITE":
                self.invited(text, peer)
            elif method in ("BYE", "CANCEL", "OPTIONS"):
                self.answer(text, peer, "200 OK")

    def invited(self, text, peer):
        call = re.search(r"(?mi)^call-id:\s*(\S+)", text)[1]
        to = re.match(r"INVITE sip:([^@;>]+)@", text)[1]
        if call not in self.answered:  # else a retransmission
            self.invites.append((to, call))
            self.answered[call] = self.says.get(to) or "603 Decline"
        status, body = self.answered[call], ""
        if status == RINGS:
            self.answer(text, peer, "180 Ringing")
        if status == ANSWERS:
            body = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"
        self.answer(text, peer, status, body)

    def answer(self, text, peer, status, body=""):
        lines = [f"SIP/2.0 {status}"]
        for line in text.split("\r\n\r\n")[0].split("\r\n")[1:]:
            name = line.split(":", 1)[0].strip().lower()
            if name in ("via", "from", "call-id", "cseq"):
                lines.append(line)
            elif name == "to":
                lines.append(line if ";tag=" in line else line + ";tag=far")
        lines.append(f"Contact: <sip:far@{self.address}>")
        if status == RINGS:
            lines.append("Reason: Q.850;cause=19")
        if body:
            lines.append("Content-Type: application/sdp")
        lines += [f"Content-Length: {len(body)}", "", body]
        self.socket.sendto("\r\n".join(lines).encode(), peer)


def the_next_number_is_dialled_as_the_rules_say():
    where, carrier = h.folder(), Carrier()
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
