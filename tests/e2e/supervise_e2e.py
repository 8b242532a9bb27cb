"""A supervisor calls the engine while an agent talks: the PIN, listening, whispering to the agent
alone, joining; then the agent holds the callee with music and takes them back. A callee who waits
for an agent hears ringback from a file until the agent is there, and a service's agents have
supervisors, too. Agent, callee and supervisor are far ends of our own over plain sockets, each with a
tone by which the others know it."""

import array
import cmath
import math
import pathlib
import random
import struct
import threading
import time
import wave

import harness as h
from far_end import FarEnd
from harness import check, wait_for
from serve_kit import Service

PTIME = 0.02
TELEPHONE_EVENT = 101
MUSIC_HZ = 1300
SIZE = 6000


def ulaw(sample):
    sign, x = (0x80, -sample) if sample < 0 else (0, sample)
    x = min(x, 32635) + 132
    exponent = max(x.bit_length() - 8, 0)
    return ~(sign | exponent << 4 | x >> exponent + 3 & 15) & 0xff


def linear(code):
    code = ~code & 0xff
    x = ((code & 15) * 8 + 132 << (code >> 4 & 7)) - 132
    return -x if code & 0x80 else x


TO_LINEAR = [linear(i) for i in range(256)]


class Phone(FarEnd):
    """Answers or calls, says a tone (after a sentence, if it has one), presses keys, hears."""

    def __init__(self, hz, sentence=()):
        self.hz, self.voice, self.keys, self.ears = hz, list(sentence), [], bytearray()
        self.far, self.speaking = None, True
        super().__init__()
        self.speaker = threading.Thread(target=self._speak)
        self.speaker.start()

    def close(self):
        self.speaking = False
        self.speaker.join()
        super().close()

    def sdp(self, direction="sendrecv"):
        return (super().sdp().replace("RTP/AVP 0", f"RTP/AVP 0 {TELEPHONE_EVENT}")
                + f"a=rtpmap:{TELEPHONE_EVENT} telephone-event/8000\r\na={direction}\r\n")

    def talk_to(self, message):
        """Where the SDP of a message says."""
        lines = message.body.split("\r\n")
        media = next(l for l in lines if l.startswith("m=audio")).split()
        host = next(l for l in lines if l.startswith("c=IN IP4")).split()[-1]
        self.far = (host, int(media[1]))

    def _listen(self):
        while self.listening:
            try:
                data = self.rtp.recv(2048)
            except TimeoutError:
                continue
            if data[1] & 0x7f == 0:
                self.ears += data[12:]

    def _speak(self):
        seq, ts, ssrc = 1, 0, random.getrandbits(31)
        next_at = time.monotonic()
        while self.speaking:
            next_at += PTIME
            time.sleep(max(0, next_at - time.monotonic()))
            ts += 160
            if not self.far:
                continue
            if self.keys:
                key_ts, digit, at = self.keys[0]
                key_ts = key_ts or ts
                self.keys[0] = (key_ts, digit, at + 1)
                end = at >= 6
                payload = struct.pack("!BBH", "0123456789*#".index(digit),
                                      (0x80 if end else 0) | 10, min(at + 1, 7) * 160)
                head = struct.pack("!BBHII", 0x80, TELEPHONE_EVENT | (0x80 if at == 0 else 0), seq,
                                   key_ts, ssrc)
                if at == 12:
                    self.keys.pop(0)
                if at > 8:  # the pause after a key
                    continue
            else:
                if self.voice:
                    block, self.voice = self.voice[:160], self.voice[160:]
                    block += [0] * (160 - len(block))
                else:
                    block = [int(SIZE * math.sin(2 * math.pi * self.hz * (ts + i) / 8000))
                             for i in range(160)]
                payload = bytes(map(ulaw, block))
                head = struct.pack("!BBHII", 0x80, 0, seq, ts, ssrc)
            self.rtp.sendto(head + payload, self.far)
            seq = seq + 1 & 0xffff

    def press(self, digits):
        self.keys += [(0, d, 0) for d in digits]
        wait_for(f"{digits} to be pressed", lambda: not self.keys)

    def level(self, hz, seconds=0.5):
        """Of a frequency in what is heard from now on, 1 for a voice as it was said; the loudest
        of the windows, as a busy machine tears some."""
        begin = len(self.ears)
        wait_for("audio", lambda: len(self.ears) >= begin + seconds * 8000)
        heard = [TO_LINEAR[c] for c in self.ears[begin:begin + int(seconds * 8000)]]
        turn = [cmath.exp(-2j * math.pi * hz * i / 8000) for i in range(800)]
        return max(abs(sum(x * t for x, t in zip(heard[at:at + 800], turn))) * 2 / 800 / SIZE
                   for at in range(0, len(heard) - 799, 800))

    def hears(self, who, what):
        hz = who if isinstance(who, int) else who.hz
        wait_for(what, lambda: self.level(hz) > 0.6, 15)

    def hears_no_more(self, who, what):
        hz = who if isinstance(who, int) else who.hz
        wait_for(what, lambda: self.level(hz) < 0.1, 15)

    def take_call(self, limit=30):
        invite = self.wait("INVITE", limit)
        self.talk_to(invite)
        self.answer(invite, 200, body=self.sdp())
        self.wait("ACK")
        return invite

    def take_offer(self, direction):
        """A re-INVITE that says so; answered as it must be."""
        offer = self.wait("INVITE", 15)
        check(f"a={direction}" in offer.body, f"the offer is {direction}: {offer.body}")
        back = {"sendonly": "recvonly", "sendrecv": "sendrecv"}[direction]
        self.answer(offer, 200, body=self.sdp(back))
        self.wait("ACK")


def sentence():
    """A person's few words, so that the engine takes who answers for one."""
    path = sorted((pathlib.Path(h.audio()) / "human").glob("*.wav"))[0]
    with wave.open(str(path)) as w:
        check(w.getframerate() == 8000 and w.getsampwidth() == 2, f"{path} is 8 kHz, 16 bit")
        return list(array.array("h", w.readframes(w.getnframes()))) + [0] * 12000


def music(path):
    tone = array.array("h", (int(SIZE * math.sin(2 * math.pi * MUSIC_HZ * i / 8000))
                             for i in range(8000)))
    with wave.open(str(path), "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(8000)
        w.writeframes(tone.tobytes())


def campaign(where, agent, callee, pacing="mode: progressive", more=""):
    port = h.free_port()
    path = where / "campaign.yaml"
    path.write_text(f"""
name: supervised
country: us
attempts: 1
windows: any
trunks: [{{ name: carrier, address: "127.0.0.1:{callee.port}", max_calls: 2 }}]
caller_ids: ["+12025550100"]
sip: {{ address: "127.0.0.1:{port}" }}
media: {{ address: 127.0.0.1, ports: {h.free_range(40)} }}
agents: [{{ name: agent-1, uri: "sip:agent-1@127.0.0.1:{agent.port}", wrap_up: 500ms }}]
on: {{ human: agent, human_silent: agent, unknown: agent, machine: agent }}
pacing: {{ {pacing} }}
hold: {{ key: "*", music: music.wav, ringback: music.wav }}
{more}
supervision: {{ pin: "4921" }}
drain: hangup
""")
    music(where / "music.wav")
    return path, port


def supervisor_calls(port, name, expected):
    phone = Phone(1000)
    phone.invite(f"127.0.0.1:{port}", name)
    answer = phone.wait(f"{expected}/INVITE")
    phone.ack(answer)
    if expected == 200:
        phone.talk_to(answer)
    return phone, answer


def all_of_it():
    where = h.folder()
    agent, callee = Phone(400), Phone(700, sentence())
    phones = [agent, callee]
    yaml, port = campaign(where, agent, callee)
    engine = h.start([h.program("peal"), "run", yaml, "--leads", h.leads(where, 1), "--data",
                      where / "data", "--log", "info"], where / "engine.log")
    try:
        agent.take_call()
        callee.take_call()
        callee.hears(agent, "the callee to be put through to the agent")

        stranger, _ = supervisor_calls(port, "agent-9", 404)
        phones.append(stranger)
        boss, _ = supervisor_calls(port, "agent-1", 200)
        phones.append(boss)
        boss.press("1111#")
        check(boss.level(callee.hz) < 0.1, "nothing is heard without the PIN")
        boss.press("4921#")
        boss.hears(callee, "the supervisor to hear the callee")
        boss.hears(agent, "the supervisor to hear the agent")
        check(agent.level(boss.hz) < 0.1 and callee.level(boss.hz) < 0.1, "who listens is not heard")

        boss.press("2")
        agent.hears(boss, "the whisper to reach the agent")
        check(callee.level(boss.hz) < 0.1, "the callee does not hear the whisper")
        check(callee.level(agent.hz) > 0.6 and agent.level(callee.hz) > 0.6, "they talk on")
        boss.press("3")
        callee.hears(boss, "the supervisor to join")
        boss.press("1")
        callee.hears_no_more(boss, "the supervisor to be silent again")
        check(callee.level(agent.hz) > 0.6, "they talk on")

        agent.press("*")
        callee.take_offer("sendonly")
        callee.hears(MUSIC_HZ, "the callee to hear music")
        check(callee.level(agent.hz) < 0.1 and agent.level(callee.hz) < 0.1, "held is held")
        check(boss.level(agent.hz) > 0.6, "the supervisor stays with the agent")
        agent.press("*")
        callee.take_offer("sendrecv")
        callee.hears(agent, "the callee to be back")
        agent.hears(callee, "the agent to hear them")
        boss.hears(callee, "the supervisor to hear them again")
        callee.hears_no_more(MUSIC_HZ, "the music to end")

        engine.terminate()
        for phone in (callee, agent, boss):
            phone.answer(phone.wait("BYE"), 200)
        engine.wait(30)
        record = [r for r in h.lines(where / "data/calls.jsonl") if r["attempt"] > 0]
        check(len(record) == 1 and record[0]["delivery"] == "connected"
              and record[0]["agent"] == "agent-1", f"one call, connected: {record}")
    finally:
        for phone in phones:
            phone.close()


def ringback():
    """The agent's telephone rings until the callee has heard that they wait."""
    where = h.folder()
    agent, callee = Phone(400), Phone(700, sentence())
    yaml, _ = campaign(where, agent, callee, "mode: agentless, concurrent: 1",
                       "abandonment: { limit: 60s }")
    engine = h.start([h.program("peal"), "run", yaml, "--leads", h.leads(where, 1), "--data",
                      where / "data", "--log", "info"], where / "engine.log")
    try:
        call = agent.wait("INVITE", 30)
        agent.answer(call, 180)
        callee.take_call()
        callee.hears(MUSIC_HZ, "the callee to hear ringback")
        agent.talk_to(call)
        agent.answer(call, 200, body=agent.sdp())
        agent.wait("ACK")
        callee.hears(agent, "the callee to be put through to the agent")
        agent.hears(callee, "the agent to hear the callee")
        callee.hears_no_more(MUSIC_HZ, "the ringback to end")
        engine.terminate()
        for phone in (callee, agent):
            phone.answer(phone.wait("BYE"), 200)
        engine.wait(30)
        record = [r for r in h.lines(where / "data/calls.jsonl") if r["attempt"] > 0]
        check(len(record) == 1 and record[0]["delivery"] == "connected", f"connected: {record}")
    finally:
        agent.close()
        callee.close()


FLOW = """return flow { run = function(call)
  call:answer()
  call:transfer("agent")
end }
"""


def of_a_service():
    """Who calls a number is put through to an agent; a supervisor calls under the agent's name; the
    agent's key holds the caller and takes them back."""
    where = h.folder()
    agent, caller = Phone(400), Phone(700)
    phones = [agent, caller]
    (where / "desk.lua").write_text(FLOW)
    music(where / "music.wav")
    service = Service(
        where, 'numbers: [{ number: "100", flow: desk.lua }]\n', calls=10,
        more=f'agents: [{{ name: agent-1, uri: "sip:agent-1@127.0.0.1:{agent.port}" }}]\n'
             'supervision: { pin: "4921" }\nhold: { key: "*", music: music.wav }\n')
    port = int(service.address.split(":")[-1])
    try:
        agent.take_call()
        caller.invite(service.address, "100")
        answer = caller.wait("200/INVITE")
        caller.ack(answer)
        caller.talk_to(answer)
        caller.hears(agent, "the caller to be put through to the agent")
        boss, _ = supervisor_calls(port, "agent-1", 200)
        phones.append(boss)
        boss.press("4921#")
        boss.hears(caller, "the supervisor to hear the caller")
        boss.press("2")
        agent.hears(boss, "the whisper to reach the agent")
        check(caller.level(boss.hz) < 0.1, "the caller does not hear the whisper")
        boss.press("3")
        caller.hears(boss, "the supervisor to join")
        stranger, _ = supervisor_calls(port, "agent-9", 404)
        phones.append(stranger)

        agent.press("*")
        caller.take_offer("sendonly")
        caller.hears(MUSIC_HZ, "the caller to hear music")
        check(caller.level(agent.hz) < 0.1 and agent.level(caller.hz) < 0.1, "held is held")
        agent.press("*")
        caller.take_offer("sendrecv")
        caller.hears(agent, "the caller to be back")
        agent.hears(caller, "the agent to hear them")
    finally:
        h.stop(service.process)
        for phone in phones:
            phone.close()


if __name__ == "__main__":
    h.main(all_of_it, ringback, of_a_service)
