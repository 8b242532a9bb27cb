"""An agent behind a NAT: a forwarder of the test's own that rewrites sources and ports, and gives
others in the middle of the call. The agent calls itself 192.168.77.5, as its own network knows it."""

import random
import re
import select
import signal
import socket
import struct
import threading
import time

import harness as h
import peers_e2e as peers
from far_end import Message
from harness import check, wait_for
from net_e2e import PERSON

PRIVATE = "192.168.77.5"


def bound(host):
    s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    s.bind((host, 0))
    return s


class Nat:
    """One inside socket's way out: what it sends to `door` leaves from `outside`; what comes there is
    brought to it. Who was not spoken to or heard of is not known here: one far side."""

    def __init__(self, inside):
        self.inside, self.door, self.outside, self.far = inside, bound("127.0.0.4"), bound("127.0.0.3"), None
        self.lock, self.open = threading.Lock(), True
        self.thread = threading.Thread(target=self.work)
        self.thread.start()

    @property
    def public(self):
        return self.outside.getsockname()

    def work(self):
        while self.open:
            with self.lock:
                out = self.outside
            for s in select.select([self.door, out], [], [], 0.05)[0]:
                try:
                    data, sender = s.recvfrom(65535)
                except OSError:
                    continue
                if s is self.door and self.far:
                    self.outside.sendto(data, self.far)
                elif s is not self.door:
                    self.far = sender
                    self.door.sendto(data, self.inside.getsockname())

    def rebind(self):
        """The table is lost: another port from now on, and nothing comes in by the old one."""
        with self.lock:
            old, self.outside = self.outside, bound("127.0.0.3")
        old.close()

    def close(self):
        self.open = False
        self.thread.join()
        self.door.close()
        self.outside.close()


class Agent:
    """A phone that knows only its own network; RTP both ways from the answer on."""

    def __init__(self):
        self.sip, self.rtp = bound("127.0.0.2"), bound("127.0.0.2")
        self.nat, self.rtp_nat = Nat(self.sip), Nat(self.rtp)
        self.heard, self.packets, self.id = [], [], f"{random.getrandbits(48):x}"
        self.sip.settimeout(0.05)
        self.rtp.setblocking(False)
        self.invite, self.talks, self.open, self.cseq = None, False, True, 0
        self.threads = [threading.Thread(target=self.listen), threading.Thread(target=self.talk)]
        for t in self.threads:
            t.start()

    def out(self, text):
        self.sip.sendto(text.encode(), self.nat.door.getsockname())

    def answer(self, m, body=""):
        text = "SIP/2.0 200 OK\r\n" + "".join(
            f"{n}: {v}\r\n" for n in ("Via", "From", "Call-ID", "CSeq") for v in m.all(n))
        to = m.header("To")
        text += f"To: {to}" + ("" if "tag=" in to else f";tag={self.id}") + "\r\n"
        text += f"Contact: <sip:agent@{PRIVATE}:5060>\r\n"
        text += "Content-Type: application/sdp\r\n" if body else ""
        self.out(text + f"Content-Length: {len(body)}\r\n\r\n{body}")

    def request(self, method):
        """Within the call."""
        self.cseq += 1
        target = re.search(r"<([^>]+)>", self.invite.header("Contact")).group(1)
        self.out(f"{method} {target} SIP/2.0\r\n"
                 f"Via: SIP/2.0/UDP {PRIVATE}:5060;rport;branch=z9hG4bK{self.id}{self.cseq}\r\n"
                 f"From: {self.invite.header('To')};tag={self.id}\r\nTo: {self.invite.header('From')}\r\n"
                 f"Call-ID: {self.invite.header('Call-ID')}\r\nCSeq: {self.cseq} {method}\r\n"
                 f"Max-Forwards: 70\r\nContact: <sip:agent@{PRIVATE}:5060>\r\nContent-Length: 0\r\n\r\n")

    def listen(self):
        while self.open:
            try:
                data, sender = self.sip.recvfrom(65535)
            except TimeoutError:
                continue
            m = Message(data, time.monotonic(), sender)
            m.public = self.nat.public
            self.heard.append(m)
            if m.what == "INVITE":
                self.invite = m
                self.answer(m, f"v=0\r\no=- 1 1 IN IP4 {PRIVATE}\r\ns=-\r\nc=IN IP4 {PRIVATE}\r\n"
                               "t=0 0\r\nm=audio 4000 RTP/AVP 8\r\n")
                port = int(re.search(r"m=audio (\d+)", m.body).group(1))
                self.rtp_nat.far = ("127.0.0.1", port)
                self.talks = True
            elif not m.code and m.what != "ACK":
                self.answer(m)

    def talk(self):
        seq, at = 0, time.monotonic()
        while self.open:
            if self.talks:
                self.rtp.sendto(struct.pack("!BBHII", 128, 8, seq & 0xffff, seq * 160, 77) + b"\x2a" * 160,
                                self.rtp_nat.door.getsockname())
                seq += 1
            try:
                while True:
                    self.packets.append((time.monotonic(), self.rtp.recv(2048)))
            except BlockingIOError:
                pass
            at += 0.02
            time.sleep(max(0, at - time.monotonic()))

    def has(self, what, after=0):
        return [m for m in self.heard if m.what == what and m.at >= after]

    def speech(self, after):
        """Packets of something else than silence."""
        return [p for at, p in self.packets if at >= after and len(p) == 172 and len(set(p[12:])) > 4]

    def close(self):
        self.open = False
        for t in self.threads:
            t.join()
        for n in (self.nat, self.rtp_nat):
            n.close()
        self.sip.close()
        self.rtp.close()


def an_agent_behind_a_nat_works():
    where, agent = h.folder(), Agent()
    try:
        simulator, trunk, truth = h.serve(
            where, extra=("--media-ports", h.free_range(20), "--late-limit", 1000),
            **h.stage(where, {"person": PERSON.replace(
                "  call:wait_hangup(1)", "  for _ = 1, 60 do call:play(pick(\"human\")) end")}))
        host, port = agent.nat.public
        yaml = peers.write_campaign(
            where, {"address": trunk}, ring_timeout="20s", drain="hangup",
            agents=[{"name": "far", "uri": f"sip:agent@{host}:{port}", "wrap_up": "1s",
                     "keep_alive": "2s"}],
            pacing={"mode": "progressive"}, on={"human": "agent"})
        engine = peers.run_engine(where, yaml, peers.write_leads(where, ("0101",)))
        wait_for("the engine's ACK", lambda: agent.has("ACK"), 60)
        wait_for("a sign of life through the NAT", lambda: agent.has("OPTIONS"), 30)
        check(f"sip:agent@{PRIVATE}:5060" in agent.has("OPTIONS")[0].start, "it is called by its name")
        wait_for("the callee's voice", lambda: len(agent.speech(0)) > 10, 60)

        before = agent.nat.public
        agent.nat.rebind()
        agent.rtp_nat.rebind()
        moved = time.monotonic()
        check(agent.nat.public != before, "another port")
        wait_for("the voice by the new way", lambda: len(agent.speech(moved + 0.3)) > 10, 30)
        agent.request("INFO")
        wait_for("an answer by the new way", lambda: agent.has("200/INFO", moved), 20)
        asked = time.monotonic()
        wait_for("a sign of life by the new way", lambda: agent.has("OPTIONS", asked), 30)
        h.stop(engine, signal.SIGTERM)
        wait_for("the end by the new way", lambda: agent.has("BYE", asked), 30)
        h.stop(simulator, signal.SIGINT)
        (callee,) = [t for t in h.lines(truth) if t["kind"] == "callee"]
        check(callee["rtp"]["received"] > 100, f"the agent was not heard: {callee}")
    finally:
        agent.close()


if __name__ == "__main__":
    h.main(an_agent_behind_a_nat_works)
