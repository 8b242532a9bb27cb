#!/usr/bin/env python3
"""peal-sim run: suites on real sockets. What a suite says is compared with what its truth file and
summary say, and with what SIPp or a socket of our own saw on the wire."""
import json
import pathlib
import shutil
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree

from sim_e2e import SIM, SOURCE, ports

SCENARIOS = SOURCE / "scenarios"
HEAD = f"scenarios: {SCENARIOS}\nlate_limit_ms: 2000\nmedia_ports: {{ports}}\n"


class Suite:
    """A suite file in a folder of its own, and one run of it."""

    def __init__(self, folder, text, *extra, name="suite"):
        self.path = folder / f"{name}.yaml"
        self.path.write_text(HEAD.format(ports=ports()[1]) + text)
        self.report, self.junit = folder / f"{name}-report", folder / f"{name}.xml"
        self.command = [SIM, "run", str(self.path), "--report", str(self.report), "--junit",
                        str(self.junit), *extra]

    def run(self, limit=120):
        done = subprocess.run(self.command, capture_output=True, text=True, timeout=limit)
        self.code, self.out, self.err = done.returncode, done.stdout, done.stderr
        return self

    def summary(self):
        return json.loads((self.report / "summary.json").read_text())

    def lines(self, name="truth.jsonl"):
        return [json.loads(x) for x in (self.report / name).read_text().splitlines()]


class TrafficTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="peal-traffic-"))
        self.addCleanup(shutil.rmtree, self.folder)
        (self.folder / "mix.yaml").write_text(
            "scenarios:\n  - { scenario: vacant-404, weight: 1 }\nnumbers:\n"
            '  - { prefix: "+1202", scenario: no-media }\n'
            '  - { prefix: "+1303", scenario: hang-up-at-once }\n')

    def callers(self, name, to, more):
        return (f"  - name: {name}\n    scenario: callers/short\n    to: \"{to}\"\n"
                + "".join(f"    {line}\n" for line in more))


class Run(TrafficTest):
    def test_both_sides_in_one_process_pass(self):
        suite = Suite(self.folder, "name: two\ncallees: { mix: mix.yaml, at_least: 15 }\ncallers:\n"
                      + self.callers("a", "sip:+1202555{n}@{callees}", ["calls: 10", "rate: 20/s"])
                      + self.callers("b", "sip:+1303555{n}@{callees}", ["calls: 5", "rate: 20/s",
                                                                       "start: 0.3"])).run()
        self.assertEqual(suite.code, 0, suite.out + suite.err)
        summary = suite.summary()
        self.assertEqual([(g["name"], g["planned"], g["succeeded"]) for g in summary["groups"]],
                         [("a", 10, 10), ("b", 5, 5)])
        lines = suite.lines()
        callees = [x for x in lines if x["kind"] == "callee"]
        self.assertEqual(sorted(x["number"] for x in callees),
                         sorted([f"+1202555{n}" for n in range(1, 11)]
                                + [f"+1303555{n}" for n in range(1, 6)]))
        # Each call is there twice, once for each side, by one Call-ID.
        self.assertEqual(sorted(x["call_id"] for x in callees),
                         sorted(x["call_id"] for x in lines if x["kind"] == "caller"))
        suites = xml.etree.ElementTree.parse(suite.junit).getroot().findall("testsuite")
        self.assertEqual([s.get("name") for s in suites], ["generator", "callees", "a", "b"])
        self.assertEqual([s.get("failures") for s in suites], ["0"] * 4)

    def test_a_group_below_its_min_success_fails_the_run(self):
        suite = Suite(self.folder, "callees: { mix: mix.yaml }\ncallers:\n"
                      + self.callers("good", "sip:+1202555{n}@{callees}", ["calls: 3"])
                      + self.callers("bad", "sip:+1404555{n}@{callees}", ["calls: 3",
                                                                         "min_success: 50"])).run()
        self.assertEqual(suite.code, 1, suite.out + suite.err)
        self.assertIn("suite.yaml:10: callers bad: 0 of 3 calls succeeded, below min_success 50",
                      suite.err)
        root = xml.etree.ElementTree.parse(suite.junit).getroot()
        failed = [s.get("name") for s in root if s.get("failures") != "0"]
        self.assertEqual(failed, ["bad"])
        whys = {f.get("message") for f in root.iterfind("testsuite/testcase/failure[@type='call']")}
        self.assertEqual(whys, {"not answered: SIP 404"})

    def test_callees_that_nobody_called_fail_at_least(self):
        suite = Suite(self.folder, "duration: 0.3\ncallees: { mix: mix.yaml, at_least: 1 }\n").run()
        self.assertEqual(suite.code, 1, suite.out + suite.err)
        self.assertIn("0 calls came to the callees, at_least asks for 1", suite.err)

    def test_wrong_suites_are_configuration_errors(self):
        for text, part in (
                ("callees: { mix: none.yaml }\nduration: 1\n", "suite.yaml:4: mix: "),
                ("callers:\n" + self.callers("a", "sip:1@127.0.0.1:9", ["rate: fast", "calls: 1"]),
                 "suite.yaml:8: rate fast: write calls a second"),
                ("callers:\n" + self.callers("a", "sip:1@127.0.0.1:9", ["calls: 1", "data: x.csv"]),
                 "callers a: "),
                ("callers:\n" + self.callers("a", "sip:{who}@127.0.0.1:9", ["calls: 1"]),
                 "write sip:NUMBER@HOST:PORT"),
                ("listen: nonsense\ncallers:\n" + self.callers("a", "sip:1@127.0.0.1:9",
                                                                ["calls: 1"]), "an address and a port")):
            suite = Suite(self.folder, text).run()
            self.assertEqual(suite.code, 2, suite.err)
            self.assertIn(part, suite.err)
        done = subprocess.run([SIM, "run", str(self.folder / "no.yaml")], capture_output=True,
                              text=True, timeout=30)
        self.assertEqual(done.returncode, 2)
        self.assertIn("no.yaml: No such file", done.stderr)

    def test_lateness_makes_the_run_invalid(self):
        text = "duration: 0.3\ncallees: { mix: mix.yaml }\n"
        suite = Suite(self.folder, text)
        suite.path.write_text(suite.path.read_text().replace("late_limit_ms: 2000",
                                                             "late_limit_ms: 0"))
        suite.run()
        # A limit of nothing is met only by a machine that wakes within a microsecond.
        self.assertEqual(suite.code, 3, suite.out + suite.err)
        self.assertIn("RUN INVALID", suite.err)
        self.assertIn("RUN INVALID", suite.junit.read_text())

    def test_check_looks_into_suites(self):
        good = subprocess.run([SIM, "check", str(SCENARIOS / "suites/self.yaml")],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(good.returncode, 0, good.stdout + good.stderr)
        (self.folder / "bad.yaml").write_text(
            f"scenarios: {SCENARIOS}\nduration: 1\ncallees: {{ mix: own.yaml }}\ncallers:\n"
            "  - { name: a, scenario: callers/nobody, to: \"sip:1@h\" }\n")
        (self.folder / "own.yaml").write_text("scenarios:\n  - { scenario: unheard, weight: 1 }\n")
        bad = subprocess.run([SIM, "check", str(self.folder / "bad.yaml")], capture_output=True,
                             text=True, timeout=60)
        self.assertEqual(bad.returncode, 1, bad.stdout + bad.stderr)
        self.assertIn("bad.yaml:5: error: there is no file", bad.stdout)
        self.assertIn("callees/unheard.lua", bad.stdout)


if __name__ == "__main__":
    unittest.main(verbosity=1)
