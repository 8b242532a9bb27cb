#!/usr/bin/env python3
"""Suites on real sockets, and their reports: what does not depend on the clock is compared with the
files in tests/e2e/suite/golden, which PEAL_GOLDEN=write writes anew. Exit codes 0, 1, 2 and 3."""
import csv
import json
import math
import os
import pathlib
import random
import re
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request
import wave
import xml.etree.ElementTree

SOURCE = pathlib.Path(os.environ.get("PEAL_SOURCE", pathlib.Path(__file__).parents[2]))
BUILD = pathlib.Path(os.environ.get("PEAL_BUILD", SOURCE / "build/release"))
SIM = str(BUILD / "peal-sim")
SUITES = SOURCE / "tests/e2e/suite"
GOLDEN = SUITES / "golden"
LINE_TIMES = ("waited_s",)


def make_greeting(path):
    """Syllables of a voice that nobody has: something the known-recordings library tells apart."""
    draw, out = random.Random(5), []
    for _ in range(12):
        pitch = draw.uniform(110, 180)
        formants = [draw.uniform(300, 800), draw.uniform(900, 2000), draw.uniform(2200, 3000)]
        gains = [(pitch * k, sum(math.exp(-((pitch * k - f) / 120) ** 2) for f in formants))
                 for k in range(1, 25)]
        n = int(draw.uniform(0.12, 0.22) * 8000)
        for i in range(n):
            out.append(math.sin(math.pi * i / n)
                       * sum(g * math.sin(2 * math.pi * f * i / 8000) for f, g in gains))
        out += [0] * int(draw.uniform(0.03, 0.08) * 8000)
    loudest = max(abs(x) for x in out)
    with wave.open(str(path), "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(8000)
        w.writeframes(b"".join(struct.pack("<h", int(x * 9000 / loudest)) for x in out))


class Run:
    """peal-sim run of one of the suites; finish() waits for its end."""

    def __init__(self, folder, suite, *extra):
        self.dir, self.junit = folder / (suite.stem + "-report"), folder / (suite.stem + ".xml")
        self.process = subprocess.Popen(
            [SIM, "run", str(suite), "--report", str(self.dir), "--junit", str(self.junit),
             "--audio", str(folder / "audio"), *extra],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)

    def finish(self):
        try:
            self.out, self.err = self.process.communicate(timeout=120)
        finally:
            self.process.kill()
        self.code = self.process.returncode
        return self

    def json(self):
        return json.loads((self.dir / "report.json").read_text())

    def page_data(self):
        text = (self.dir / "report.html").read_text()
        return text, json.loads(re.search(r"^const D = (.*);$", text, re.M).group(1))


# ---- what of a report is the same in every run ----

def plain(text):
    """A sentence without times and places of this machine."""
    text = re.sub(r"\S*/(\w[\w-]*\.(?:lua|yaml|wav))", r"\1", text or "")
    text = re.sub(r"; heard: .*", "; heard: …", text)  # a spurt may be heard as two
    return re.sub(r"\d+\.\d+ s", "# s", text)


def stable_json(report):
    r = {k: report[k] for k in ("suite", "seed", "verdict", "calls", "calls_dropped", "answered",
                                "checks", "script_errors")}
    r["generator"] = {"valid": report["generator"]["valid"]}
    r["file"] = plain(report["file"])
    r["errors"] = [plain(e) for e in report["errors"]]
    r["groups"] = [dict(g, file=plain(g["file"]), script=plain(g["script"] or ""))
                   for g in report["groups"]]
    r["rfc6076"] = {k: v if not isinstance(v, dict) else {"count": v["count"]}
                    for k, v in report["rfc6076"].items()}
    r["from_intended"] = {k: {"count": v["count"]} for k, v in report["from_intended"].items()}
    r["media"] = {"calls": report["media"]["calls"],
                  "mos_calls": {scale: report["media"]["mos_estimated"][scale]["calls"]
                                for scale in ("narrowband", "wideband")}}
    r["scripts"] = [{"name": s["name"], "lines": [{k: v for k, v in x.items() if k not in LINE_TIMES}
                                                  for x in s["lines"]]} for s in report["scripts"]]
    return json.dumps(r, indent=1, sort_keys=True) + "\n"


def stable_junit(path):
    root, out = xml.etree.ElementTree.parse(path).getroot(), []
    out.append(f"{root.tag} {root.get('name')}: {root.get('tests')} tests, "
               f"{root.get('failures')} failures, {root.get('errors')} errors")
    for suite in root:
        out.append(f"{suite.tag} {suite.get('name')}: {suite.get('tests')} tests, "
                   f"{suite.get('failures')} failures, {suite.get('errors')} errors")
        for case in suite:
            where = f" at {plain(case.get('file'))}:{case.get('line')}" if case.get("file") else ""
            out.append(f"  {case.get('classname')} | {case.get('name')}{where}")
            for f in case:
                out.append(f"    {f.tag} {f.get('type')}: {plain(f.get('message'))}")
                out += ["      " + plain(line) for line in (f.text or "").splitlines()
                        if not line.startswith("Call-ID")]
    return "\n".join(out) + "\n"


STABLE_COLUMNS = ("group", "kind", "script", "leg", "number", "caller", "attempt", "verdict",
                  "outcome", "code", "q850", "ended_by", "checks_passed", "checks_failed", "why",
                  "codec")
# Which of these are there is told, not their values.
TIME_COLUMNS = ("setup_from_intended_ms", "ringing_ms", "answered_ms", "ended_ms", "srd_ms",
                "sdd_ms", "mos_narrowband_estimated", "mos_wideband_estimated")


def stable_csv(path):
    with open(path, newline="") as f:
        rows = list(csv.DictReader(f))
    return "\n".join(",".join([plain(r[c]) for c in STABLE_COLUMNS]
                              + [c for c in TIME_COLUMNS if r[c]]) for r in rows) + "\n"


class Reports(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="peal-suite-"))
        (self.folder / "audio").mkdir()
        make_greeting(self.folder / "audio" / "greeting.wav")

    def tearDown(self):
        shutil.rmtree(self.folder)

    def suite(self, text):
        path = self.folder / "own.yaml"
        path.write_text(f"name: own\nscenarios: {SUITES}\n" + text)
        return path

    def compare(self, name, text):
        path = GOLDEN / name
        if os.environ.get("PEAL_GOLDEN") == "write":
            path.write_text(text)
        self.maxDiff = None
        self.assertMultiLineEqual(path.read_text(), text)

    def compare_all(self, run, name):
        self.compare(name + ".json", stable_json(run.json()))
        self.compare(name + ".junit.txt", stable_junit(run.junit))
        self.compare(name + ".csv", stable_csv(run.dir / "calls.csv"))

    def test_expectations_that_are_met(self):
        run = Run(self.folder, SUITES / "passing.yaml").finish()
        self.assertEqual(run.code, 0, run.out + run.err)
        self.compare_all(run, "passing")
        report = run.json()
        self.assertEqual(next(iter(report)), "generator", "its health comes first")
        # From the intended instant, so never before the callee answered: it rings for 0.3 s.
        self.assertGreaterEqual(report["from_intended"]["answer_ms"]["p50"], 0)
        self.assertGreaterEqual(report["rfc6076"]["srd_failed_ms"]["p50"], 190)
        self.assertIn("estimated", report["media"]["mos_estimated"]["method"])
        self.assertGreaterEqual(report["media"]["mos_estimated"]["narrowband"]["min"], 1)
        self.assertLessEqual(report["media"]["mos_estimated"]["narrowband"]["mean"], 4.5)

    def test_codecs_of_groups_and_callees_and_the_scale_of_each(self):
        """The suite's codecs, a group's own and a callee's choice: what was agreed on stands in
        calls.csv, and the estimated opinion in the column of that codec's scale."""
        scenarios = self.folder / "scenarios"
        for part in ("callees", "callers", "agents"):
            (scenarios / part).mkdir(parents=True)
        shutil.copy(SUITES / "agents/agent.lua", scenarios / "agents")
        talk = "  call:answer()\n  call:play('greeting.wav')\n  call:wait_hangup(10)\nend }\n"
        (scenarios / "callees/any.lua").write_text(
            'return callee { truth = "human", run = function(call)\n' + talk)
        (scenarios / "callees/wide.lua").write_text(
            'return callee { truth = "human", run = function(call)\n'
            "  call:codecs('g722, pcmu')\n" + talk)
        (scenarios / "callers/c.lua").write_text(
            "return caller { run = function(call)\n  call:wait_answer { limit = 20 }\n"
            "  check(call:hears_sound { within = 10 })\n  call:wait(2)\n  call:hangup()\nend }\n")
        (self.folder / "mix.yaml").write_text(
            "scenarios:\n  - { scenario: any, weight: 1 }\n"
            'numbers:\n  - { prefix: "+1303", scenario: wide }\n')
        suite = self.folder / "codecs.yaml"
        suite.write_text(
            f"name: codecs\nscenarios: {scenarios}\nlate_limit_ms: 2000\n"
            "codecs: \"opus, pcma, g722, pcmu\"\ncallees: { mix: mix.yaml }\ncallers:\n"
            + "".join(f'  - {{ name: {name}, scenario: callers/c, to: "sip:{to}@{{callees}}", '
                      f"calls: 1, rate: 5/s{more} }}\n"
                      for name, to, more in (("suite", "+12025550101", ""),
                                             ("group", "+12025550102", ", codecs: pcma"),
                                             ("callee", "+13035550103", ""),
                                             ("law", "+13035550104", ', codecs: "pcma, pcmu"'))))
        run = Run(self.folder, suite).finish()
        self.assertEqual(run.code, 0, run.out + run.err)
        with open(run.dir / "calls.csv", newline="") as f:
            rows = {x["group"]: x for x in csv.DictReader(f) if x["kind"] == "caller"}
        self.assertEqual({name: x["codec"] for name, x in rows.items()},
                         {"suite": "opus", "group": "PCMA", "callee": "G722", "law": "PCMU"})
        for name, x in rows.items():
            narrow, wide = x["mos_narrowband_estimated"], x["mos_wideband_estimated"]
            self.assertEqual((bool(narrow), bool(wide)),
                             (name in ("group", "law"), name in ("suite", "callee")), x)
        mos = run.json()["media"]["mos_estimated"]
        self.assertEqual((mos["narrowband"]["calls"], mos["wideband"]["calls"]), (4, 4))

    def test_expectations_that_are_not_met(self):
        run = Run(self.folder, SUITES / "failing.yaml").finish()
        self.assertEqual(run.code, 1, run.out + run.err)
        self.assertIn("callers/wrong.lua:3: INFO was not received; came: 180, 200", run.err)
        self.compare_all(run, "failing")
        # What CI servers read of it.
        root = xml.etree.ElementTree.parse(run.junit).getroot()
        self.assertEqual(root.tag, "testsuites")
        for suite in root:
            self.assertEqual(int(suite.get("tests")), len(suite.findall("testcase")))
            self.assertEqual(int(suite.get("failures")), len(suite.findall("testcase/failure")))
            self.assertEqual(int(suite.get("errors")), len(suite.findall("testcase/error")))
            float(suite.get("time"))
            for case in suite:
                self.assertTrue(case.get("classname") and case.get("name"))
                float(case.get("time"))
        for key in ("tests", "failures", "errors"):
            self.assertEqual(int(root.get(key)), sum(int(s.get(key)) for s in root))
        # The page shows the failed calls whole, and needs nothing from elsewhere.
        text, data = run.page_data()
        self.assertNotRegex(text, r"(src|href)\s*=|@import|url\(")
        failed = [c for c in data["worst"] if c["failed"]]
        self.assertEqual(len(failed), 2)
        self.assertEqual(data["worst"][:2], failed, "failed calls come first")
        for c in failed:
            names = [(m["name"], m["sent"]) for m in c["messages"] if not m["repeated"]]
            self.assertEqual(names, [("INVITE", True), ("180", False), ("200", False), ("ACK", True),
                                     ("BYE", True), ("200 (BYE)", False)])
            self.assertTrue(c["messages"][0]["text"].startswith("INVITE sip:+1202555020"))
            times = [m["at_ms"] for m in c["messages"]]
            self.assertEqual(times, sorted(times))
            self.assertGreaterEqual(c["messages"][2]["at_ms"], 290, "it rang for 0.3 s")
            with wave.open(c["audio"]["file"]) as w:
                self.assertEqual(w.getnchannels(), 2)
                self.assertAlmostEqual(w.getnframes() / 8, c["audio"]["ms"], delta=1)
            self.assertGreaterEqual(c["audio"]["start_ms"], 200, "no audio flows before the answer")
            self.assertEqual(max(c["audio"]["near"]), 0, "the caller said nothing")
            self.assertGreater(max(c["audio"]["far"]), 10, "the callee played its greeting")

    def test_a_text_of_the_far_side_cannot_leave_its_place_in_the_page(self):
        (self.folder / "callers").mkdir()
        (self.folder / "callers/evil.lua").write_text(
            "return caller { run = function(call)\n  call:wait_hangup(5)\n"
            "  check(false, '</script><b>&\"\\'\\1')\nend }\n")
        for part in ("callees", "agents"):
            shutil.copytree(SUITES / part, self.folder / part)
        path = self.suite("callees: {}\ncallers:\n  - { name: evil, scenario: callers/evil, "
                          "to: \"sip:1@{callees}\", calls: 1 }\ndrain: 0.2\nlate_limit_ms: 2000\n")
        path.write_text(path.read_text().replace(str(SUITES), str(self.folder)))
        run = Run(self.folder, path).finish()
        self.assertEqual(run.code, 1, run.out + run.err)
        text, data = run.page_data()
        self.assertEqual(text.count("</script>"), 1)
        self.assertTrue(data["worst"][0]["failures"][0].endswith("</script><b>&\"'\x01"))
        root = xml.etree.ElementTree.parse(run.junit).getroot()
        self.assertIn("</script><b>&\"' ", root.find(".//testcase/failure[@type='check']").get("message"))

    def test_wrong_configuration(self):
        for text in ("callers:\n  - { name: a, scenario: callers/listener, to: nonsense, calls: 1 }\n",
                     "callers:\n  - { name: a, scenario: callers/nobody, to: \"sip:1@127.0.0.1:9\", calls: 1 }\n",
                     "no_such_key: 1\n"):
            run = Run(self.folder, self.suite(text)).finish()
            self.assertEqual(run.code, 2, run.err)
            self.assertRegex(run.err, r"own\.yaml|nobody")
            self.assertFalse(run.junit.exists(), "nothing was run")
        run = Run(self.folder, SUITES / "failing.yaml", "--prometheus", "192.0.2.1:9464").finish()
        self.assertEqual(run.code, 2, run.err)
        self.assertIn("an address of this machine alone", run.err)

    def test_a_generator_made_late_says_that_the_run_is_invalid(self):
        run = Run(self.folder, self.suite(
            "late_limit_ms: 500\nduration: 4\ncallees: { mix: " + str(SUITES / "mix.yaml") + " }\n"
            "callers:\n  - { name: a, scenario: callers/refused, to: \"sip:+1303{n}@{callees}\", "
            "rate: 5/s }\n"))
        self.assertIn("listening on", run.process.stdout.readline())
        run.process.send_signal(signal.SIGSTOP)
        time.sleep(1.5)  # this is what is tested: it stands still for so long
        run.process.send_signal(signal.SIGCONT)
        run.finish()
        self.assertEqual(run.code, 3, run.out + run.err)
        self.assertIn("RUN INVALID", run.err)
        report = run.json()
        self.assertEqual(report["verdict"], "invalid")
        self.assertFalse(report["generator"]["valid"])
        self.assertGreater(report["generator"]["lateness_ms"]["p99"], 500)
        # The calls that were due meanwhile count from when they should have been made.
        self.assertGreater(report["from_intended"]["first_response_ms"]["max"], 1000)
        self.assertLess(report["rfc6076"]["srd_ms"]["count"], 1)
        root = xml.etree.ElementTree.parse(run.junit).getroot()
        self.assertEqual(root.get("errors"), "1")
        self.assertEqual(root[0].get("name"), "generator")
        self.assertIn("late", root[0].find("testcase/error").get("message"))

    def test_metrics_while_it_runs(self):
        run = Run(self.folder, self.suite(
            "late_limit_ms: 5000\ncallees: { mix: " + str(SUITES / "mix.yaml") + " }\n"
            "callers:\n  - { name: a, scenario: callers/listener, to: \"sip:+1202{n}@{callees}\", "
            "calls: 2, rate: 10/s }\n"), "--prometheus", "127.0.0.1:0")
        lines = [run.process.stdout.readline(), run.process.stdout.readline()]
        url = lines[1].split("metrics: ")[1].strip()
        values = {}
        while values.get('peal_sim_calls_started_total{group="a"}', 0) < 2 and run.process.poll() is None:
            page = urllib.request.urlopen(url, timeout=10).read().decode()
            values = {x.rsplit(" ", 1)[0]: float(x.rsplit(" ", 1)[1])
                      for x in page.splitlines() if not x.startswith("#")}
        self.assertEqual(values['peal_sim_calls_planned{group="a"}'], 2)
        self.assertEqual(values['peal_sim_calls_started_total{group="a"}'], 2)
        self.assertEqual(values["peal_sim_start_late_seconds_count"], 2)
        self.assertIn("peal_sim_control_late_seconds{quantile=\"0.99\"}", values)
        named = {x.split()[2] for x in page.splitlines() if x.startswith("# TYPE")}
        for name in values:
            self.assertIn(re.sub(r"(_sum|_count)$|\{.*", "", name), named)
        with self.assertRaises(urllib.error.HTTPError) as e:
            urllib.request.urlopen(url.replace("/metrics", "/other"), timeout=10)
        self.assertEqual(e.exception.code, 404)
        e.exception.close()
        with socket.create_connection(tuple([url.split("/")[2].split(":")[0],
                                             int(url.split("/")[2].split(":")[1])])) as s:
            s.sendall(b"POST /metrics HTTP/1.1\r\nHost: peal\r\n\r\n")
            self.assertIn(b"405", s.recv(200))
        run.finish()
        self.assertEqual(run.code, 0, run.out + run.err)


if __name__ == "__main__":
    unittest.main()
