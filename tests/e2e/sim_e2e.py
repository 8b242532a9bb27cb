#!/usr/bin/env python3
"""peal-sim against SIPp and against itself.

Callees: SIPp calls each kind and its scenario file says what must come (codes, early media, who
hangs up); then the truth file is compared with what SIPp saw. Callers: peal-sim calls SIPp's own
UAS. The plan: which scenario a number gets is the same in any order and with any thread count.
"""
import csv
import json
import math
import os
import pathlib
import random
import shutil
import signal
import struct
import subprocess
import tempfile
import time
import unittest
import wave
import xml.etree.ElementTree

import beside
from ports import free_port, start_listening

SOURCE = pathlib.Path(os.environ.get("PEAL_SOURCE", pathlib.Path(__file__).parents[2]))
BUILD = pathlib.Path(os.environ.get("PEAL_BUILD", SOURCE / "build/release"))
SIM = str(BUILD / "peal-sim")
FOLDERS = ["human", "room", "business", "machine", "mailbox-full", "ivr", "announcement", "talk", "music"]
LATE = ["--late-limit", "2000"]  # the sanitizer build beside other tests: not what is tested here


def make_audio(root):
    """Half a second of a buzz that sounds like a voice, as many files as any script names."""
    buzz = b"".join(
        struct.pack("<h", int(5000 * sum(math.sin(2 * math.pi * 140 * k * i / 8000) / k
                                         for k in range(1, 12))
                              * abs(math.sin(2 * math.pi * 4 * i / 8000))) // 3)
        for i in range(4000))
    for folder in FOLDERS:
        (root / folder).mkdir(parents=True)
        for n in range(1, 16):
            with wave.open(str(root / folder / f"{n:03}.wav"), "wb") as w:
                w.setnchannels(1)
                w.setsampwidth(2)
                w.setframerate(8000)
                w.writeframes(buzz)


def ports():
    """A block of RTP ports apart from the default ones, of which another program on this machine
    (a bench with thousands of legs) may hold long rows."""
    first = random.choice([*range(10000, 19000, 1000), *range(48000, 59000, 1000)])
    return ["--media-ports", f"{first}-{first + 999}"]


class Serve:
    """A running `peal-sim serve`; stop() ends it and reads what it wrote."""

    def __init__(self, folder, audio, mix, *extra):
        self.folder = folder
        self.truth, self.summary = folder / "truth.jsonl", folder / "summary.json"
        (folder / "mix.yaml").write_text(mix)
        self.errors = open(folder / "serve.err", "wb")
        self.process = subprocess.Popen(
            [SIM, "serve", "--listen", "127.0.0.1:0", "--scenarios", str(SOURCE / "scenarios"),
             "--mix", str(folder / "mix.yaml"), "--truth", str(self.truth), "--summary",
             str(self.summary), "--audio", str(audio), *LATE, *ports(), *extra],
            stdout=subprocess.PIPE, stderr=self.errors, text=True)
        line = self.process.stdout.readline()
        if "listening on" not in line:
            self.process.wait(10)
            raise AssertionError("serve did not start: " + (folder / "serve.err").read_text())
        self.address = line.split("listening on ")[1].split(",")[0]

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        try:
            self.code = self.process.wait(20)
        finally:
            self.process.kill()
        self.process.stdout.close()
        self.errors.close()
        lines = [json.loads(x) for x in self.truth.read_text().splitlines()]
        return lines, json.loads(self.summary.read_text())


def mix(**numbers):
    """Numbers with a fixed scenario each."""
    text = "scenarios:\n  - { scenario: busy, weight: 1 }\nnumbers:\n"
    return text + "".join(f'  - {{ number: "{n}", scenario: {s} }}\n' for n, s in numbers.items())


INVITE = """<send retrans="500"><![CDATA[
INVITE sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:12025550199@[local_ip]:[local_port]>;tag=[pid]t[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 INVITE
Contact: <sip:sipp@[local_ip]:[local_port]>
Max-Forwards: 70
Content-Type: application/sdp
Content-Length: [len]

v=0
o=- 1 1 IN IP4 [local_ip]
s=-
c=IN IP4 [media_ip]
t=0 0
m=audio [media_port] RTP/AVP 0
a=rtpmap:0 PCMU/8000

]]></send>"""
ACK_REFUSED = """<send><![CDATA[
ACK sip:[service]@[remote_ip]:[remote_port] SIP/2.0
[last_Via:]
From: <sip:12025550199@[local_ip]:[local_port]>;tag=[pid]t[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: 1 ACK
Max-Forwards: 70
Content-Length: 0

]]></send>"""
REQUEST = """<send retrans="500"><![CDATA[
{method} sip:[service]@[remote_ip]:[remote_port] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
From: <sip:12025550199@[local_ip]:[local_port]>;tag=[pid]t[call_number]
[last_To:]
Call-ID: [call_id]
CSeq: {cseq} {method}
Max-Forwards: 70
Content-Length: 0

]]></send>"""
CANCEL = """<send retrans="500"><![CDATA[
CANCEL sip:[service]@[remote_ip]:[remote_port] SIP/2.0
[last_Via:]
From: <sip:12025550199@[local_ip]:[local_port]>;tag=[pid]t[call_number]
To: <sip:[service]@[remote_ip]:[remote_port]>
Call-ID: [call_id]
CSeq: 1 CANCEL
Max-Forwards: 70
Content-Length: 0

]]></send>"""
ANSWER_BYE = """<recv request="BYE"/><send><![CDATA[
SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>"""


def recv(code, optional=False):
    return f'<recv response="{code}"{" optional=" + chr(34) + "true" + chr(34) if optional else ""}/>'


def pause(ms):
    return f'<pause milliseconds="{ms}"/>'


def ack_200():
    return REQUEST.format(method="ACK", cseq=1).replace(' retrans="500"', "")


def refused(code, early=False):
    return [INVITE, recv(100, True), recv(180, True), recv(183, not early), recv(code), ACK_REFUSED]


def answered(*then):
    return [INVITE, recv(100, True), recv(180, True), recv(183, True), recv(200), ack_200(), *then]


def hang_up(after_ms):
    return [pause(after_ms), REQUEST.format(method="BYE", cseq=2), recv(200)]


class Sipp:
    def __init__(self, folder, name, steps, number, address, *extra):
        path = folder / f"{name}.xml"
        path.write_text('<?xml version="1.0"?><!DOCTYPE scenario SYSTEM "sipp.dtd"><scenario name="'
                        + name + '">' + "\n".join(steps) + "</scenario>")
        self.name, self.log = name, folder / f"{name}.log"
        self.output = open(self.log, "wb")
        _, self.process = start_listening(lambda ports: subprocess.Popen(
            ["sipp", "-sf", str(path), "-s", number, address, "-i", "127.0.0.1", "-p",
             str(ports[0]), "-mp", str(free_port()), "-m", "1", "-nostdin", "-timeout", "60s",
             "-timeout_error", "-trace_err", "-error_file", str(folder / f"{name}.err"), *extra],
            stdout=self.output, stderr=subprocess.STDOUT, cwd=folder))

    def finish(self):
        try:
            code = self.process.wait(70)
        finally:
            self.process.kill()
            self.output.close()
        if code != 0:
            err = self.log.parent / f"{self.name}.err"
            raise AssertionError(f"SIPp's {self.name} ended with {code}:\n"
                                 + (err.read_text() if err.exists() else "")
                                 + self.log.read_text(errors="replace")[-1500:])


class SimTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.root = pathlib.Path(tempfile.mkdtemp(prefix="peal-sim-"))
        cls.audio = cls.root / "audio"
        make_audio(cls.audio)

    @classmethod
    def tearDownClass(cls):
        shutil.rmtree(cls.root)

    def folder(self):
        path = self.root / self._testMethodName
        path.mkdir()
        return path

    def run_call(self, folder, to, *extra):
        report = folder / "report"
        done = subprocess.run(
            [SIM, "call", "--to", to, "--scenario", str(SOURCE / "scenarios/callers/short.lua"),
             "--report", str(report), "--audio", str(self.audio), *LATE, *ports(), *extra],
            capture_output=True, text=True, timeout=120)
        return done, report

    def test_sipp_calls_every_kind_of_callee(self):
        """Codes, early media and the ender of each kind, as an independent caller sees them."""
        folder = self.folder()
        kinds = {
            "busy": refused(486), "busy-inband": refused(486, early=True),
            "vacant-404": refused(404), "vacant-sit": refused(404, early=True),
            "rejected": refused(603), "reorder": refused(503, early=True),
            "unreachable-announcement": refused(480, early=True),
            "no-answer": [INVITE, recv(100, True), recv(180), pause(1500), CANCEL, recv(200),
                          recv(487), ACK_REFUSED],
            "hang-up-at-once": answered(ANSWER_BYE), "mailbox-full": answered(ANSWER_BYE),
            "human-silent": answered(ANSWER_BYE), "human-hello-hello": answered(ANSWER_BYE),
            "dead-air": answered(*hang_up(1000)), "no-media": answered(*hang_up(1000)),
            "machine-beep": answered(*hang_up(4500)), "fax-ced": answered(*hang_up(3000)),
            "fax-cng": answered(*hang_up(2500)), "false-answer": answered(*hang_up(1000)),
            "ivr": answered(*hang_up(1000)),
        }
        numbers = {f"1202555{100 + i:04}": kind for i, kind in enumerate(kinds)}
        serve = Serve(folder, self.audio, mix(**numbers))
        running = [Sipp(folder, kind, kinds[kind], number, serve.address)
                   for number, kind in numbers.items()]
        try:
            for sipp in running:
                sipp.finish()
        finally:
            for sipp in running:
                sipp.process.kill()
            lines, summary = serve.stop()
        self.assertEqual(serve.code, 0, (folder / "serve.err").read_text())
        by_kind = {x["scenario"]: x for x in lines}
        self.assertEqual(sorted(by_kind), sorted(kinds))
        self.assertEqual(len(lines), len(kinds))
        self.assertEqual(summary["calls"], len(kinds))
        self.assertEqual(summary["script_errors"], 0)
        self.assertEqual({x["error"] for x in lines}, {None})
        for number, kind in numbers.items():
            self.assertEqual(by_kind[kind]["number"], number)
        for kind, code in (("busy", 486), ("vacant-404", 404), ("rejected", 603), ("reorder", 503)):
            self.assertEqual(by_kind[kind]["code"], code)
            self.assertEqual(by_kind[kind]["ended_by"], "simulator")
            self.assertIsNone(by_kind[kind]["answered_ms"])
        self.assertEqual(by_kind["no-answer"]["ended_by"], "far_side")
        self.assertEqual(by_kind["no-answer"]["outcome"], "hangup")
        self.assertEqual(by_kind["hang-up-at-once"]["ended_by"], "simulator")
        self.assertEqual(by_kind["dead-air"]["ended_by"], "far_side")
        self.assertEqual(by_kind["no-media"]["rtp"]["sent"], 0)
        self.assertGreater(by_kind["dead-air"]["rtp"]["sent"], 30)
        self.assertGreater(by_kind["busy-inband"]["rtp"]["sent"], 500)
        beep = by_kind["machine-beep"]
        self.assertGreater(beep["beep_end_ms"], beep["answered_ms"])
        self.assertLess(beep["beep_end_ms"], beep["ended_ms"])
        self.assertEqual(by_kind["human-silent"]["truth"], "human_silent")

    def test_an_interrupt_ends_calls_properly_and_writes_everything(self):
        folder = self.folder()
        serve = Serve(folder, self.audio, mix(**{"12025550101": "no-media"}))
        sipp = Sipp(folder, "up", answered(ANSWER_BYE), "12025550101", serve.address,
                    "-trace_msg", "-message_file", str(folder / "up.msg"))
        try:
            until = time.monotonic() + 30
            while not (folder / "up.msg").exists() or "ACK sip:" not in (
                    folder / "up.msg").read_text(errors="replace"):
                self.assertLess(time.monotonic(), until, "the call was not answered")
                time.sleep(0.05)
            lines, summary = serve.stop()
            sipp.finish()  # it waits for the BYE
        finally:
            sipp.process.kill()
        self.assertEqual(serve.code, 0)
        self.assertEqual([(x["outcome"], x["ended_by"]) for x in lines], [("stopped", "simulator")])
        self.assertEqual(summary["outcomes"]["stopped"], 1)

    def test_callers_against_sipps_own_answerer(self):
        folder = self.folder()
        port = free_port()
        uas = subprocess.Popen(["sipp", "-sn", "uas", "-i", "127.0.0.1", "-p", str(port), "-nostdin"],
                               stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=folder)
        try:
            done, report = self.run_call(folder, f"sip:12025550101@127.0.0.1:{port}", "--rate",
                                         "20/s", "--calls", "40", "--law", "poisson")
        finally:
            uas.kill()
            uas.wait()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        summary = json.loads((report / "summary.json").read_text())
        self.assertEqual((summary["planned"], summary["succeeded"], summary["failed"]), (40, 40, 0))
        self.assertEqual(summary["answer_ms"]["count"], 40)
        self.assertGreaterEqual(summary["answer_ms"]["p99"], summary["answer_ms"]["p50"])
        self.assertEqual(len((report / "truth.jsonl").read_text().splitlines()), 40)

    def talk(self, folder, caller, callee, calls, *extra):
        """A caller's script against a callee's, over real RTP; the callee's truth lines."""
        serve = Serve(folder, self.audio, mix(**{"12025550101": callee}))
        report = folder / "report"
        try:
            done = subprocess.run(
                [SIM, "call", "--to", f"sip:12025550101@{serve.address}", "--scenario",
                 str(SOURCE / "scenarios/callers" / caller), "--report", str(report), "--audio",
                 str(self.audio), "--rate", "10/s", "--calls", str(calls), *LATE, *ports(),
                 *extra],
                capture_output=True, text=True, timeout=120)
        finally:
            lines, _ = serve.stop()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(len(lines), calls)
        self.assertEqual({x["error"] for x in lines}, {None})
        return lines

    def test_keys_arrive_in_band_and_as_events(self):
        """The caller presses 7; half of the callers do it by tones, half by telephone-events."""
        folder = self.folder()
        (folder / "keys.csv").write_text("keys\n7\n")
        lines = self.talk(folder, "dtmf.lua", "ivr", 12, "--data", str(folder / "keys.csv"))
        marks = [[m["name"] for m in x["marks"]] for x in lines]
        self.assertEqual(marks, [["key_7"]] * 12)

    def test_a_voice_is_heard_and_answered(self):
        lines = self.talk(self.folder(), "normal.lua", "human-hello-hello", 3)
        for line in lines:
            names = [m["name"] for m in line["marks"]]
            self.assertIn("agent_heard", names, line)
            self.assertNotIn("gave_up", names)
            self.assertEqual(line["ended_by"], "far_side")
            self.assertIn("speech_start", {x["kind"] for x in line["heard"]})

    def test_failures_are_counted_by_code_and_decide_the_exit_code(self):
        folder = self.folder()
        serve = Serve(folder, self.audio, mix(**{"12025550101": "busy"}))
        try:
            done, report = self.run_call(folder, f"sip:12025550101@{serve.address}", "--rate", "50",
                                         "--calls", "10")
            again, _ = self.run_call(folder, f"sip:12025550101@{serve.address}", "--rate", "50",
                                     "--calls", "10", "--min-success", "0")
        finally:
            lines, _ = serve.stop()
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        self.assertIn("below --min-success", done.stderr)
        self.assertEqual(again.returncode, 0, again.stdout + again.stderr)
        summary = json.loads((report / "summary.json").read_text())
        self.assertEqual(summary["failures"], {"486": 10})
        self.assertEqual([x["attempt"] for x in lines if x["number"] == "12025550101"].count(20), 1)

    def test_both_sides_leave_the_report_of_a_suite(self):
        """A callee whose check fails: the report of either side has each call, the failed one with
        its line, ladder and audio, and the JUnit file a failure of it."""
        folder = self.folder()
        scenarios = folder / "scenarios"
        (scenarios / "callees").mkdir(parents=True)
        (scenarios / "agents").mkdir()
        shutil.copy(SOURCE / "scenarios/agents/agent.lua", scenarios / "agents")
        shutil.copy(SOURCE / "scenarios/callees/busy.lua", scenarios / "callees")
        (scenarios / "callees/doubter.lua").write_text(
            'return callee { truth = "human", run = function(call)\n'
            '  call:answer()\n  call:play("human/001.wav")\n'
            '  check(call.caller ~= "+12025550101", "not that one")\nend }\n')
        rows = folder / "rows.csv"
        rows.write_text("number,own\n12025550201,+12025550100\n12025550202,+12025550101\n")
        there, here = folder / "callees", folder / "callers"
        serve = Serve(folder, self.audio, mix(**{"12025550201": "doubter", "12025550202": "doubter"}),
                      "--scenarios", str(scenarios), "--report", str(there), "--junit",
                      str(folder / "callees.xml"))
        try:
            done = subprocess.run(
                [SIM, "call", "--to", "sip:{number}@" + serve.address, "--from", "{own}", "--data",
                 str(rows), "--calls", "2", "--rate", "10/s", "--scenario",
                 str(SOURCE / "scenarios/callers/short.lua"), "--report", str(here), "--junit",
                 str(folder / "callers.xml"), "--audio", str(self.audio), *LATE, *ports()],
                capture_output=True, text=True, timeout=120)
        finally:
            serve.stop()
        self.assertEqual((done.returncode, serve.code), (0, 1), done.stdout + done.stderr)
        for side, name, code in ((here, "callers", 0), (there, "callees", 1)):
            report = json.loads((side / "report.json").read_text())
            self.assertEqual(report["verdict"], "failed" if code else "passed")
            self.assertTrue(report["generator"]["valid"])
            group, = report["groups"]
            self.assertEqual((group["name"], group["calls"], group["failed"], group["passed"]),
                             (name, 2, code, not code))
            with open(side / "calls.csv", newline="") as f:
                table = list(csv.DictReader(f))
            self.assertEqual([(x["number"].lstrip("+"), x["caller"]) for x in table],
                             [("12025550201", "+12025550100"), ("12025550202", "+12025550101")])
            self.assertEqual([x["verdict"] for x in table],
                             ["passed", "failed" if code else "passed"])
            self.assertTrue(all(int(x["rtp_received"]) for x in table), "the audio was measured")
            page = (side / "report.html").read_text()
            self.assertIn("INVITE", page, "the ladder")
            self.assertEqual(len(list((side / "audio").glob("*.wav"))), 1 if code else 2,
                             "of callees that failed, and of the slowest callers")
            self.assertEqual(len((side / "truth.jsonl").read_text().splitlines()) if side is here
                             else len(serve.truth.read_text().splitlines()), 2)
            root = xml.etree.ElementTree.parse(folder / f"{name}.xml").getroot()
            self.assertEqual(bool(root.findall(".//testcase/failure")), bool(code))
        self.assertIn("doubter.lua:4: not that one", table[1]["why"])
        self.assertIn("doubter.lua:4: not that one", (folder / "callees.xml").read_text())

    def test_too_few_successes_are_an_error_of_the_report(self):
        folder = self.folder()
        serve = Serve(folder, self.audio, mix(**{"12025550101": "busy"}))
        try:
            done, report = self.run_call(folder, f"sip:12025550101@{serve.address}", "--junit",
                                         str(folder / "callers.xml"))
        finally:
            serve.stop()
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        said = "0 of 1 calls succeeded, below --min-success 100 %"
        self.assertEqual(json.loads((report / "report.json").read_text())["errors"], [said])
        self.assertIn(said, (folder / "callers.xml").read_text())

    def plan(self, name, order, *extra):
        """Scenario by number of one run that calls the numbers in that order."""
        folder = self.root / f"{self._testMethodName}-{name}"
        folder.mkdir()
        rows = folder / "rows.csv"
        rows.write_text("number\n" + "".join(f"1303555{n:04}\n" for n in order))
        text = ("scenarios:\n  - { scenario: busy, weight: 30 }\n"
                "  - { scenario: vacant-404, weight: 40 }\n"
                "  - { scenario: rejected, weight: 30, per_attempt: true }\n")
        serve = Serve(folder, self.audio, text, "--seed", "11", *extra)
        try:
            done, _ = self.run_call(folder, "sip:{number}@" + serve.address, "--data", str(rows),
                                    "--rate", "50", "--calls", str(len(order)), "--min-success", "0")
        finally:
            lines, _ = serve.stop()
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        self.assertEqual(len(lines), len(order), done.stdout + done.stderr[-2000:])
        return {x["number"]: (x["scenario"], x["code"]) for x in lines}

    def test_the_plan_does_not_depend_on_order_or_threads(self):
        order = list(range(100, 160))
        first = self.plan("a", order, "--workers", "1")
        second = self.plan("b", order[::-1], "--workers", "3")
        self.assertEqual(first, second)
        self.assertEqual({s for s, _ in first.values()}, {"busy", "vacant-404", "rejected"})

    def test_a_script_error_ends_its_call_and_is_told(self):
        folder = self.folder()
        scenarios = folder / "scenarios"
        (scenarios / "callees").mkdir(parents=True)
        (scenarios / "agents").mkdir()
        shutil.copy(SOURCE / "scenarios/agents/agent.lua", scenarios / "agents")
        shutil.copy(SOURCE / "scenarios/callees/busy.lua", scenarios / "callees")
        (scenarios / "callees/bad.lua").write_text(
            'return callee { truth = "human", run = function(call)\n'
            "  call:answer()\n  call:wait(0.1)\n  local n = nil + 1\nend }\n")
        text = mix(**{"12025550101": "bad"})
        with_serve = Serve(folder, self.audio, text, "--scenarios", str(scenarios))
        try:
            done, _ = self.run_call(folder, f"sip:12025550101@{with_serve.address}")
        finally:
            lines, summary = with_serve.stop()
        self.assertEqual(with_serve.code, 1)
        self.assertEqual(lines[0]["outcome"], "error")
        self.assertIn("bad.lua:4: ", lines[0]["error"])
        self.assertEqual(summary["script_errors"], 1)
        self.assertIn("bad.lua:4: ", (folder / "serve.err").read_text())
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_lateness_beyond_the_limit_makes_the_run_invalid(self):
        folder = self.folder()
        serve = Serve(folder, self.audio, mix(**{"12025550101": "dead-air"}), "--late-limit", "0")
        # Stop the whole process for a moment: its plan cannot be kept.
        for _ in range(3):
            serve.process.send_signal(signal.SIGSTOP)
            time.sleep(0.2)
            serve.process.send_signal(signal.SIGCONT)
            time.sleep(0.1)
        _, summary = serve.stop()
        self.assertEqual(serve.code, 3)
        self.assertFalse(summary["valid"])
        self.assertIn("RUN INVALID: the simulator itself was late", (folder / "serve.err").read_text())

    def test_wrong_configuration_is_said_in_a_sentence(self):
        folder = self.folder()
        (folder / "bad.yaml").write_text("scenarios:\n  - { scenario: busy, wieght: 3 }\n")
        (folder / "none.yaml").write_text("scenarios:\n  - { scenario: nobody, weight: 3 }\n")
        base = ["serve", "--listen", "127.0.0.1:0", "--scenarios", str(SOURCE / "scenarios"),
                "--truth", str(folder / "t.jsonl"), "--audio", str(self.audio)]
        for arguments, part in (
                (["serve"], "--listen ADDR:PORT is missing"),
                (base[:5], "give --truth FILE.jsonl, --report DIR or both"),
                (base + ["--mix", str(folder / "bad.yaml")], "wieght"),
                (base + ["--mix", str(folder / "none.yaml")], "nobody.lua: No such file"),
                (base + ["--media-ports", "9-x"], "two ports"),
                (base + ["--seed", "seven"], "whole number"),
                (base + ["--sedd", "7"], "no option '--sedd'"),
                (base[:2] + ["nonsense"] + base[3:], "an address and a port"),
                (["call", "--to", "tel:1", "--scenario",
                  str(SOURCE / "scenarios/callers/short.lua"), "--report", str(folder / "r")],
                 "write sip:"),
                (["call", "--to", "sip:1@127.0.0.1:5", "--scenario",
                  str(SOURCE / "scenarios/callees/busy.lua"), "--report", str(folder / "r")],
                 "declares a callee"),
                (["call", "--to", "sip:1@127.0.0.1:5", "--rate", "fast", "--scenario", "x",
                  "--report", str(folder / "r")], "--rate fast"),
                (["dance"], "there is no command 'dance'")):
            done = subprocess.run([SIM, *arguments], capture_output=True, text=True, timeout=30)
            self.assertEqual(done.returncode, 2, f"{arguments}: {done.stderr}")
            self.assertIn(part, done.stderr, arguments)

    def test_check_finds_faults_with_their_lines(self):
        folder = self.folder()
        (folder / "bad.lua").write_text(
            'return callee {\n truth = "human",\n run = function(c)\n  c:answer()\n'
            '  c:plya("human/001.wav")\n  c:play("human/999.wav")\n  c:listen { "speech" }\n'
            '  local x = chose { a = 60, b = 39 }\n  c:play(pick("humans"))\n end }\n')
        (folder / "syntax.lua").write_text("return callee {\n truth = \n}\n")
        ours = sorted(str(p) for p in (SOURCE / "scenarios").glob("*/*.lua"))
        good = subprocess.run([SIM, "check", "--audio", str(self.audio), "--scenarios",
                               str(SOURCE / "scenarios"), *ours,
                               str(SOURCE / "scenarios/mixes/demo.yaml")],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(good.returncode, 0, good.stdout + good.stderr)
        self.assertIn("0 errors, 0 warnings", good.stdout)
        bad = subprocess.run([SIM, "check", "--audio", str(self.audio), str(folder / "bad.lua"),
                              str(folder / "syntax.lua")],
                             capture_output=True, text=True, timeout=60)
        self.assertEqual(bad.returncode, 1)
        for part in ("bad.lua:5: error: the call has no verb 'plya'",
                     "bad.lua:6: error: there is no sound file 'human/999.wav'",
                     "bad.lua:7: warning: call:listen has no limit of its own",
                     "bad.lua:8: error: nothing is called 'chose'",
                     "bad.lua:9: error: there are no sound files in the audio folder's humans/",
                     "syntax.lua:3:"):
            self.assertIn(part, bad.stdout)


if __name__ == "__main__":
    beside.main()
