"""SIPp as a caller that we did not write: a call is a list of steps, made into one of its scenarios.

    Caller(where, "127.0.0.1:5060").call("+38600100100", [("keys", "12#"), "wait_bye"])

Keys go as RFC 4733 events or in band, from captures made here and played by SIPp's own sender, or by
its play_dtmf. SIPp ends with 0 only when the whole scenario went as written."""

import math
import os
import struct
import subprocess
import wave

import harness as h
from ports import start_listening

LOW = {k: f for f, row in ((697, "123A"), (770, "456B"), (852, "789C"), (941, "*0#D")) for k in row}
HIGH = {k: f for f, col in ((1209, "147*"), (1336, "2580"), (1477, "369#"), (1633, "ABCD"))
        for k in col}
CODES = "0123456789*#ABCD"
EVENT_PT = 96  # the one that play_dtmf sends, whatever the offer says
LIMIT_S = 300

MESSAGE = """  <send{retrans}>
    <![CDATA[
      {method} sip:{to}@[remote_ip]:[remote_port] SIP/2.0
      Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
      From: <sip:{caller}@[local_ip]:[local_port]>;tag=[pid]SIPp[call_number]
      To: <sip:{to}@[remote_ip]:[remote_port]>{tag}
      Call-ID: [call_id]
      CSeq: {number} {method}
      Contact: <sip:{caller}@[local_ip]:[local_port]>
      Max-Forwards: 70
{rest}
    ]]>
  </send>
"""
SDP = """      Content-Type: application/sdp
      Content-Length: [len]

      v=0
      o=caller 1 1 IN IP[local_ip_type] [local_ip]
      s=-
      c=IN IP[media_ip_type] [media_ip]
      t=0 0
      m=audio [media_port] RTP/AVP 0 96
      a=rtpmap:0 PCMU/8000
      a=rtpmap:96 telephone-event/8000
      a=fmtp:96 0-15"""
EMPTY = "      Content-Length: 0\n"
OK_TO_BYE = """  <recv request="BYE"/>
  <send>
    <![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:]
      [last_Call-ID:]
      [last_CSeq:]
      Content-Length: 0

    ]]>
  </send>
"""


def ulaw(sample):
    """G.711 µ-law of a sample of 16 bits."""
    sign = 0x80 if sample < 0 else 0
    value = min(abs(sample), 32635) + 132
    exponent = value.bit_length() - 8
    return ~(sign | exponent << 4 | (value >> (exponent + 3)) & 15) & 0xff


def rtp(pt, seq, ts, payload, marker=False):
    return struct.pack("!BBHII", 0x80, pt | (0x80 if marker else 0), seq & 0xffff,
                       ts & 0xffffffff, 0x5EA1CA11) + payload


def capture(path, packets):
    """packets: (milliseconds, RTP bytes), as a pcap of UDP over IPv4 over Ethernet."""
    with open(path, "wb") as out:
        out.write(struct.pack("<IHHiIII", 0xa1b2c3d4, 2, 4, 0, 0, 65535, 1))
        for ms, data in packets:
            udp = struct.pack("!HHHH", 6000, 6000, 8 + len(data), 0) + data
            ip = struct.pack("!BBHHHBBH4s4s", 0x45, 0, 20 + len(udp), 0, 0, 64, 17, 0,
                             b"\x7f\0\0\1", b"\x7f\0\0\1") + udp
            frame = b"\0" * 12 + b"\x08\0" + ip
            out.write(struct.pack("<IIII", ms // 1000, ms % 1000 * 1000, len(frame), len(frame)))
            out.write(frame)


def silence(ms, seq, ts, at):
    return [(at + n * 20, rtp(0, seq + n, ts + n * 160, b"\xff" * 160)) for n in range(ms // 20)]


def event_keys(keys, lost=0, gap=100):
    """Events of 100 ms with `gap` ms of silence between. lost: of five packets, how many never come
    (the last ends of an event among them)."""
    packets, seq, ts, at = [], 1, 1000, 0
    for key in keys:
        code = CODES.index(key)
        for n in range(8):
            duration, end = min(n + 1, 5) * 160, n >= 5
            if n % 5 >= lost:
                packets.append((at + n * 20, rtp(EVENT_PT, seq, ts, struct.pack(
                    "!BBH", code, 0x80 | 10 if end else 10, duration), n == 0)))
            seq += 1
        ts, at = ts + 8 * 160, at + 160
        packets += silence(gap, seq, ts, at)
        seq, ts, at = seq + gap // 20, ts + gap * 8, at + gap
    return packets


def in_band_keys(keys):
    """Tones of 120 ms with 120 ms between, in µ-law."""
    packets, seq, ts, at = silence(200, 1, 1000, 0), 11, 2600, 200
    for key in keys:
        tone = bytes(ulaw(int(5000 * (math.sin(2 * math.pi * LOW[key] * i / 8000) +
                                      math.sin(2 * math.pi * HIGH[key] * i / 8000))))
                     for i in range(960))
        for n in range(6):
            packets.append((at + n * 20, rtp(0, seq + n, ts + n * 160, tone[n * 160:][:160])))
        packets += silence(120, seq + 6, ts + 960, at + 120)
        seq, ts, at = seq + 12, ts + 1920, at + 240
    return packets


def speech(path, at=0):
    """Packets of a sound file of 8 kHz, as a person would talk."""
    with wave.open(str(path)) as w:
        raw = w.readframes(w.getnframes())
    samples = struct.unpack(f"<{len(raw) // 2}h", raw)
    return [(at + n * 20, rtp(0, 1 + n, 1000 + n * 160, bytes(map(ulaw, samples[n * 160:][:160]))))
            for n in range(len(samples) // 160)]


def without(packets, every):
    """The line loses one packet of so many, whatever is in it."""
    return [p for n, p in enumerate(packets) if n % every != every // 2]


class Caller:
    """Calls one after the other or beside each other; wait() tells how each ended. Keys of a call go
    in one step: each begins with the same sequence number and timestamp, so that a second one's
    would be taken for the first's (RFC 4733 section 2.5.1.2)."""

    def __init__(self, where, address, caller="+12025550150"):
        self.where, self.address, self.caller = where, address, caller
        self.count = 0

    def pcap(self, packets):
        """SIPp returns at once from playing: the scenario waits as long as it lasts (scenario())."""
        path = self.where / f"keys-{self.count}-{len(list(self.where.glob('*.pcap')))}.pcap"
        capture(path, packets)
        return (f'  <nop><action><exec play_pcap_audio="{path}"/></action></nop>\n'
                f'  <pause milliseconds="{packets[-1][0] + 200}"/>\n')

    def step(self, step, to, caller):
        word, value = step if isinstance(step, tuple) else (step, None)
        if word == "pause":
            return f'  <pause milliseconds="{value}"/>\n'
        if word == "keys":
            return self.pcap(event_keys(value))
        if word == "keys_slow":
            return self.pcap(event_keys(value, gap=900))
        if word == "keys_lost":
            return self.pcap(event_keys(value, lost=2))
        if word == "keys_in_band":
            return self.pcap(in_band_keys(value))
        if word == "keys_lossy":  # one packet of ten, of events and of what is between them
            return self.pcap(without(event_keys(value), 10))
        if word == "keys_in_band_lossy":
            return self.pcap(without(in_band_keys(value), 37))
        if word == "speech":
            return self.pcap(speech(value))
        if word == "play_dtmf":
            keys = 1 if value.startswith("[") else len(value)  # a field of the call's row
            return (f'  <nop><action><exec play_dtmf="{value}"/></action></nop>\n'
                    f'  <pause milliseconds="{keys * 400 + 400}"/>\n')
        if word == "wait_bye":
            return OK_TO_BYE
        if word == "bye":
            return MESSAGE.format(method="BYE", to=to, caller=caller, tag="[peer_tag_param]",
                                  number=2, retrans=' retrans="500"', rest=EMPTY) + \
                '  <recv response="200"/>\n'
        raise ValueError(f"there is no step {word}")

    def scenario(self, to, steps, answer, caller):
        text = '<?xml version="1.0" encoding="ISO-8859-1" ?>\n<scenario name="caller">\n'
        text += MESSAGE.format(method="INVITE", to=to, caller=caller, tag="", number=1,
                               retrans=' retrans="500"', rest=SDP)
        for code in (100, 180, 183):
            text += f'  <recv response="{code}" optional="true"/>\n'
        text += f'  <recv response="{answer}"/>\n'
        text += MESSAGE.format(method="ACK", to=to, caller=caller, tag="[peer_tag_param]", number=1,
                               retrans="", rest=EMPTY)
        return text + self.whole(steps, to, caller) + "</scenario>\n"

    def whole(self, steps, to, caller):
        text = ""
        for n, s in enumerate(steps):
            part = self.step(s, to, caller)
            if steps[n + 1:n + 2] == ["wait_bye"] and "<nop>" in part:
                part = part[:part.index("  <pause")]  # the far side may hang up while it plays
            text += part
        return text

    def start(self, to, steps, answer=200, caller=None, calls=1):
        """Returns the running SIPp."""
        self.count += 1
        path = self.where / f"caller-{self.count}.xml"
        path.write_text(self.scenario(to, steps, answer, caller or self.caller))
        log = self.where / f"caller-{self.count}.log"

        def run(ports):
            return h.start(["sipp", self.address, "-sf", path, "-i", "127.0.0.1", "-p", ports[0],
                            "-mi", "127.0.0.1", "-mp", ports[1], "-m", calls, "-nostdin",
                            "-trace_err", "-timeout", f"{LIMIT_S}s", "-timeout_error"],
                           log, cwd=self.where)

        return start_listening(run, ("udp", "udp"))[1]

    def wait(self, process, what):
        code = process.wait(LIMIT_S + 30)
        errors = "".join(p.read_text(errors="replace")[-1500:]
                         for p in sorted(self.where.glob("caller-*errors*.log")))
        h.check(code == 0, f"{what}: SIPp ended with {code}\n{errors}")

    def call(self, to, steps, **more):
        self.wait(self.start(to, steps, **more), f"a call to {to} by {steps}")


CALLEE = """<?xml version="1.0" encoding="ISO-8859-1" ?>
<scenario name="callee">
  <recv request="INVITE"/>
  <send>
    <![CDATA[
      SIP/2.0 180 Ringing
      [last_Via:]
      [last_From:]
      [last_To:];tag=[pid]SIPp[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      Contact: <sip:[local_ip]:[local_port]>
      Content-Length: 0

    ]]>
  </send>
  <send retrans="500">
    <![CDATA[
      SIP/2.0 200 OK
      [last_Via:]
      [last_From:]
      [last_To:];tag=[pid]SIPp[call_number]
      [last_Call-ID:]
      [last_CSeq:]
      Contact: <sip:[local_ip]:[local_port]>
{sdp}
    ]]>
  </send>
  <recv request="ACK"/>
{steps}</scenario>
"""


class Callee(Caller):
    """SIPp where our calls go: it answers each, does the steps, and waits for our BYE. `fields`:
    one word for each call in turn, for "[field0]" in a step."""

    def __init__(self, where, steps, fields, calls):
        super().__init__(where, None)
        (where / "fields.csv").write_text("SEQUENTIAL\n" + "\n".join(fields) + "\n")
        path = where / "callee.xml"
        path.write_text(CALLEE.format(sdp=SDP,
                                      steps=self.whole(steps + ["wait_bye"], "", "")))

        def run(ports):
            return h.start(["sipp", "-sf", path, "-inf", where / "fields.csv", "-i", "127.0.0.1",
                            "-p", ports[0], "-mi", "127.0.0.1", "-mp", ports[1], "-m", calls,
                            "-nostdin", "-trace_err", "-timeout", f"{LIMIT_S}s", "-timeout_error"],
                           where / "callee.log", cwd=where)

        (port, _), self.process = start_listening(run, ("udp", "udp"))
        self.address = f"127.0.0.1:{port}"


def usable():
    """Playing captures needs a raw socket."""
    return os.geteuid() == 0 and subprocess.run(["which", "sipp"], capture_output=True).returncode == 0
