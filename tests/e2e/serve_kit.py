"""What tests of `peal serve` share: a service on ports of its own, callers by peal-sim, and what was
stored of their calls."""

import json
import math
import signal
import struct
import wave

import harness as h


RATE = 8000
KEYS = {"1": (697, 1209), "2": (697, 1336), "3": (697, 1477), "4": (770, 1209), "5": (770, 1336),
        "6": (770, 1477), "7": (852, 1209), "8": (852, 1336), "9": (852, 1477), "0": (941, 1336)}
WORDS = "zero one two three four five six seven eight nine".split()


def write_wav(path, samples):
    with wave.open(str(path), "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(RATE)
        w.writeframes(b"".join(struct.pack("<h", int(x)) for x in samples))


def key_sound(key):
    """A key's two tones for a tenth of a second, then as long a faint hum, which is no silence that
    may be cut off."""
    low, high = (2 * math.pi * hz / RATE for hz in KEYS[key])
    return ([5000 * (math.sin(low * i) + math.sin(high * i)) for i in range(RATE // 10)] +
            [400 * math.sin(0.3 * i) for i in range(RATE // 10)])


def quick_voice(where):
    """A synthesiser for tests of what flows do, not of how they sound: a third of a second of a
    hum, whatever it is to say; but an English digit is that key's tones, so that a caller can tell
    which number was read to it. The file `said` gets every text with its language. Nothing
    is spoken before a call wants it, so `said` tells what callers were to hear. Returns the lines
    of the numbers file."""
    write_wav(where / "voice.wav", (6000 * math.sin(i * 0.3) * abs(math.sin(i / 300))
                                    for i in range(2400)))
    for digit, word in enumerate(WORDS):
        write_wav(where / f"voice-{word}.wav", key_sound(str(digit)))
    speak = where / "speak"
    speak.write_text('#!/bin/sh\necho "$2: $3" >>"${0%/*}/said"\n'
                     f'case "$3" in {"|".join(WORDS)}) voice="voice-$3.wav" ;; *) voice=voice.wav ;; esac\n'
                     'exec cp "${0%/*}/$voice" "$1"\n')
    speak.chmod(0o755)
    return f'speech: "{speak} {{file}} {{lang}} {{text}}"\nspeech_ahead: no\n'


class Service:
    """peal serve on a file made of `numbers` (YAML of the keys from `numbers:` on) and `more`."""

    def __init__(self, where, numbers, more="", args=(), name="lines", calls=190, late_limit="0s",
                 sip="", media=""):
        self.where, self.name = where, name
        self.file = where / f"{name}.yaml"
        self.data = where / f"{name}-data"
        self.calls = calls
        self.late_limit = late_limit  # by default the tests beside this one close no door
        self.ports = h.free_range(calls * 2 + 20)
        self.more, self.sip, self.media = more, sip, media
        self.write(numbers)
        self.process = h.start([h.program("peal"), "serve", self.file, "--data", self.data, "--log",
                                "info", *args], where / f"{name}.log")
        self.address = h.wait_for("the service to listen", self.listening)

    def write(self, numbers, more=None):
        self.file.write_text(
            f"name: {self.name}\nsip: {{ address: 127.0.0.1:0, tcp: yes{self.sip} }}\n"
            f"media: {{ address: 127.0.0.1, ports: {self.ports}, workers: 1, "
            f"late_limit: {self.late_limit}{self.media} }}\n"
            f"calls: {self.calls}\n{self.more if more is None else more}{numbers}")

    def log(self):
        return (self.where / f"{self.name}.log").read_text(errors="replace")

    def listening(self):
        h.check(self.process.poll() is None, "the service runs")
        for word in self.log().split("listening on ")[1:]:
            return word.split()[0].rstrip(",")
        return None

    def records(self, count=None, leg=1):
        """The records of calls that came in; waits until there are so many."""
        def found():
            all_of = [r for r in h.lines(self.data / "calls.jsonl") if leg in (None, r["attempt"])]
            return all_of if count is None or len(all_of) >= count else None

        records = h.wait_for(f"{count} records", found) if count else found()
        h.check(count is None or len(records) == count, f"{count} records, not {len(records)}")
        return records

    def stop(self, how=signal.SIGTERM):
        code = h.stop(self.process, how, limit=60)
        h.check(code == 0, f"the service ends with 0, not {code}")
        return self.log()


def apart(count, others):
    """A range of free ports that has none of `others`, which may not all be in use yet."""
    low, high = map(int, others.split("-"))
    for _ in range(100):
        first, last = map(int, (found := h.free_range(count)).split("-"))
        if last < low or first > high:
            return found
    h.fail(f"no {count} free ports in a row beside {others}")
    return None


def callers(service, number, script, calls=1, rate="5/s", row=None, caller=None, expect=0, extra=(),
            name="callers", at_once=200, ports=None):
    """peal-sim call with a script; its truth lines. row: what call.row holds, for one caller each.
    ports: so many for RTP; a port rests for a while after its call."""
    where = service.where
    count = len(list(where.glob(f"{name}-*.lua")))
    path, report = where / f"{name}-{count}.lua", where / f"{name}-{count}"
    path.write_text(script)
    args = [h.program("peal-sim"), "call", "--to", f"sip:{number}@{service.address}", "--scenario",
            path, "--rate", rate, "--calls", calls, "--report", report, "--audio", h.audio(),
            "--media-ports", apart(ports or max(64, min(calls, at_once) * 2), service.ports),
            "--late-limit", "5000", *extra]
    if row:
        names = list(row[0])
        data = where / f"{name}-{count}.csv"
        data.write_text("\n".join([",".join(names)] +
                                  [",".join(str(r[n]) for n in names) for r in row]) + "\n")
        args += ["--data", data]
    if caller:
        args += ["--from", caller]
    process = h.start(args, where / f"{name}-{count}.log")
    code = process.wait(600)
    h.judge_simulator(code)
    h.check(code == expect, f"peal-sim call ends with {expect}, not {code}: "
            + (where / f"{name}-{count}.log").read_text(errors="replace")[-1500:])
    return h.lines(report / "truth.jsonl")


def summary(service, name="callers", count=0):
    return json.loads((service.where / f"{name}-{count}" / "summary.json").read_text())
