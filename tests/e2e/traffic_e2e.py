#!/usr/bin/env python3
"""peal-sim run: suites on real sockets. What a suite says is compared with what its truth file and
summary say, and with what SIPp or a socket of our own saw on the wire."""
import csv
import json
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest
import urllib.error
import urllib.request
import xml.etree.ElementTree

import beside
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

    def lines(self, name="calls.jsonl"):
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

    def ask(self, address, path, method="GET"):
        request = urllib.request.Request(f"http://{address}{path}", method=method)
        with urllib.request.urlopen(request, timeout=20) as answer:
            return json.loads(answer.read())

    def refused(self, address, path, method="GET"):
        with self.assertRaises(urllib.error.HTTPError) as caught:
            self.ask(address, path, method)
        caught.exception.close()
        return caught.exception.code

    def until_started(self, address, count):
        until = time.monotonic() + 60
        while True:
            status = self.ask(address, "/status")
            if status["started"] >= count:
                return status
            self.assertLess(time.monotonic(), until, status)
            time.sleep(0.02)


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
        self.assertIn("bad.yaml:5: error: there is no script", bad.stdout)
        self.assertIn("callees/unheard.lua", bad.stdout)

    def test_check_looks_into_all_that_a_suite_names(self):
        scenarios = self.folder / "scenarios"
        for part in ("callers", "callees", "agents"):
            (scenarios / part).mkdir(parents=True)
        (scenarios / "agents/agent.lua").write_text("return agent { run = function(call) end }\n")
        (scenarios / "callees/own.lua").write_text(
            "return callee { truth = 'human', run = function(call)\n  call:answer()\n"
            "  call:impair { loss = 300 }\n  call:play('broken.wav')\nend }\n")
        (scenarios / "callers/own.lua").write_text(
            "return caller { run = function(call)\n  call:wait_answer { limit = 3 }\n"
            "  call:play_packets('broken.rtpdump')\n  call:play_packets('none.rtpdump')\nend }\n")
        audio = self.folder / "audio"
        audio.mkdir()
        for name in ("broken.wav", "broken.rtpdump"):
            (audio / name).write_text("nothing of the kind")
        (self.folder / "own.yaml").write_text("scenarios:\n  - { scenario: own, weight: 1 }\n"
                                              "agents: { prefix: \"agent-\", scenario: agents/agent }\n")
        (self.folder / "people.csv").write_text("number,name\n1,a\n")
        suite = self.folder / "suite.yaml"
        suite.write_text(
            "scenarios: scenarios\ncallees: { mix: own.yaml }\ncallers:\n"
            "  - { name: a, scenario: callers/own, to: \"sip:{numbr}@{callees}\", calls: 1, data: people.csv }\n"
            "  - { name: b, scenario: callers/own, to: \"sip:{n}@{callees}\", calls: 1, from: \"{name}\" }\n"
            "  - { name: c, scenario: callers/own, to: \"sip:{n}@{callees}\", calls: 1, data: none.csv }\n")
        done = subprocess.run([SIM, "check", "--audio", str(audio), str(suite)], capture_output=True,
                              text=True, timeout=60)
        self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
        for part in ("suite.yaml:4: error: 'sip:{numbr}@{callees}': numbr is no column of its data",
                     "suite.yaml:5: error: '{name}': name is nothing: there is no data",
                     "suite.yaml:6: error: ", "none.csv",
                     "callees/own.lua:3: error: call:impair: loss is from 0 to 100, not 300",
                     "callees/own.lua:4: error: ", "broken.wav",
                     "callers/own.lua:3: error: packets 'broken.rtpdump': ",
                     "callers/own.lua:4: error: packets 'none.rtpdump': "):
            self.assertIn(part, done.stdout)
        self.assertEqual(done.stdout.count("packets 'none.rtpdump'"), 1, "each script once")


MIXED = ("scenarios:\n  - { scenario: vacant-404, weight: 50 }\n  - { scenario: no-media, weight: 50 }\n"
         "  - { scenario: busy, weight: 30, per_attempt: true }\n"
         "spells:\n  - { scenario: rejected, share: 20, lasts: 300 }\n")


class SeedTest(TrafficTest):
    def suite(self, name, *extra, calls=60):
        (self.folder / "mixed.yaml").write_text(MIXED)
        return Suite(self.folder, "seed: 11\ncallees: { mix: mixed.yaml }\ncallers:\n"
                     + self.callers("a", "sip:+1202555{n}@{callees}",
                                    [f"calls: {calls}", "rate: 30/s", "law: poisson", "min_success: 0"])
                     + self.callers("b", "sip:+1303555{n}@{callees}",
                                    ["law: \"poisson:steps:10x1,30x0.5\"", "min_success: 0", "start: 0.2"]),
                     *extra, name=name)

    def files(self, suite):
        return [(suite.report / f"{name}.jsonl").read_bytes() for name in ("plan", "truth")]


class Seed(SeedTest):
    def test_the_same_seed_writes_the_same_bytes(self):
        one, three = self.suite("one", "--workers", "1").run(), self.suite("three", "--workers", "3").run()
        other = self.suite("other", "--seed", "12").run()
        for suite in (one, three, other):
            self.assertEqual(suite.code, 0, suite.out + suite.err)
        self.assertEqual(self.files(one), self.files(three))
        for mine, theirs in zip(self.files(one), self.files(other)):
            self.assertNotEqual(mine, theirs)
        plan = [json.loads(x) for x in self.files(one)[0].splitlines()]
        truth = [json.loads(x) for x in self.files(one)[1].splitlines()]
        self.assertEqual(len(truth), 2 * len(plan))
        self.assertEqual({x["scenario"] for x in truth},
                         {"short", "vacant-404", "no-media", "busy", "rejected"})
        # What was planned is what was done, in time: INVITEs leave after their instant, soon.
        self.assertEqual([x["n"] for x in plan if x["group"] == "a"], list(range(1, 61)))
        done = {x["number"].split("@")[0] for x in one.lines() if x["kind"] == "caller"}
        self.assertEqual(done, {"sip:" + x["number"] for x in plan})


class Crowd(SeedTest):
    def setUp(self):
        super().setUp()
        self.socket = self.folder / "redis.sock"
        self.redis = subprocess.Popen(
            ["redis-server", "--port", "0", "--unixsocket", str(self.socket), "--save", "", "--dir",
             str(self.folder)], stdout=subprocess.DEVNULL)
        self.addCleanup(self.redis.wait)
        self.addCleanup(self.redis.kill)
        until = time.monotonic() + 30
        while not self.socket.exists():
            self.assertLess(time.monotonic(), until, "redis-server did not start")
            time.sleep(0.02)

    def together(self, count, *extra, calls=60, control=False):
        """A coordinator and so many processes, each with its own number of audio threads; returns it
        and their suites."""
        url = ["--redis", f"unix:{self.socket}"]
        own = ["--control", "127.0.0.1:0"] if control else []
        suites = [self.suite("crowd", *url, "--workers", str(i + 1), *own, calls=calls)
                  for i in range(count)]
        coordinator = subprocess.Popen([SIM, "coordinate", str(suites[0].path), *url, "--processes",
                                        str(count), *extra], stdout=subprocess.PIPE,
                                       stderr=subprocess.STDOUT, text=True)
        self.addCleanup(coordinator.stdout.close)
        self.addCleanup(coordinator.kill)
        running = []
        for i, suite in enumerate(suites):
            suite.report, command = self.folder / f"part{i}", list(suite.command)
            command[command.index("--report") + 1] = str(suite.report)
            command[command.index("--junit") + 1] = str(self.folder / f"part{i}.xml")
            running.append(subprocess.Popen(command, stdout=subprocess.PIPE if control else
                                            subprocess.DEVNULL, stderr=subprocess.PIPE, text=True))
            for cleanup in (running[-1].stderr.close, running[-1].wait, running[-1].kill):
                self.addCleanup(cleanup)
            if control:
                self.addCleanup(running[-1].stdout.close)
        return coordinator, running, suites

    def test_three_processes_play_the_plan_of_one(self):
        alone = self.suite("alone").run()
        self.assertEqual(alone.code, 0, alone.out + alone.err)
        coordinator, running, suites = self.together(3)
        for process in running:
            self.assertEqual(process.wait(90), 0, process.stderr.read())
        said = coordinator.stdout.read()
        self.assertEqual(coordinator.wait(30), 0, said)
        total = json.loads((alone.report / "summary.json").read_text())
        for i, whole in enumerate(self.files(alone)):
            parts = [self.files(suite)[i].splitlines() for suite in suites]
            self.assertTrue(all(parts), "a process had nothing to do")
            self.assertEqual(sorted(sum(parts, [])), sorted(whole.splitlines()))
        for group in total["groups"]:
            self.assertIn(f"{group['name']}: {group['planned']} planned, {group['succeeded']} succeeded",
                          said)
        answering = [s for s in suites if json.loads((s.report / "summary.json").read_text())["calls"]
                     > len(self.files(s)[0].splitlines())]
        self.assertEqual(len(answering), 1, "one process answers for all")

    def steered(self, count, *extra, calls):
        """As together, with the addresses by which the coordinator and each process are steered."""
        coordinator, running, suites = self.together(count, "--control", "127.0.0.1:0", *extra,
                                                     calls=calls, control=True)
        address = lambda process: self.line(process, "control: ").split("http://")[1].split("/")[0]
        return (coordinator, running, suites, address(coordinator),
                [address(process) for process in running])

    def line(self, process, wanted):
        """The next line that begins so."""
        for line in process.stdout:
            if line.startswith(wanted):
                return line
        self.fail(f"the output ended before {wanted!r}")

    def until(self, addresses, wanted):
        until = time.monotonic() + 60
        while not all(wanted(self.ask(address, "/status")) for address in addresses):
            self.assertLess(time.monotonic(), until)
            time.sleep(0.02)

    def test_the_coordinator_holds_and_hurries_all(self):
        coordinator, running, suites, hub, addresses = self.steered(2, calls=200)
        for address in addresses:
            self.until_started(address, 10)
        self.assertTrue(self.ask(hub, "/pause", "POST")["paused"])
        self.until(addresses, lambda status: status["paused"])
        held = [self.ask(address, "/status")["started"] for address in addresses]
        self.assertEqual(self.ask(hub, "/rate?x=20", "POST")["rate"], 20)
        self.until(addresses, lambda status: status["rate"] == 20)
        self.assertEqual([self.ask(address, "/status")["started"] for address in addresses], held)
        self.ask(hub, "/resume", "POST")
        for process in running:
            process.stdout.read()
            self.assertEqual(process.wait(90), 0, process.stderr.read())
        said = coordinator.stdout.read()
        self.assertEqual(coordinator.wait(30), 0, said)
        self.assertIn("a: 200 planned", said)
        for suite in suites:
            suite_steered = json.loads((suite.report / "summary.json").read_text())["steered"]
            self.assertEqual([(x["rate"], x["paused"]) for x in suite_steered],
                             [(1, True), (20, True), (20, False)])

    def test_a_killed_process_is_noticed_at_once(self):
        report = self.folder / "all"
        coordinator, running, suites, hub, addresses = self.steered(3, "--report", str(report),
                                                                    calls=3000)
        for address in addresses:
            self.until_started(address, 5)
        part = [self.ask(address, "/status")["part"] for address in addresses]
        victim = part.index(2)
        running[victim].kill()
        line = self.line(coordinator, "peal-sim coordinate: process")
        self.assertIn("process 3 of 3 is gone without a result: the others go on", line)
        others = [i for i in range(3) if i != victim]
        for i in others:
            self.assertIsNone(running[i].poll(), "they play 3000 calls, which takes minutes")
        self.assertEqual(self.ask(hub, "/status")["gone"], 1)
        self.ask(hub, "/stop", "POST")
        for i in others:
            running[i].stdout.read()
            errors = running[i].stderr.read()
            self.assertEqual(running[i].wait(60), 3, errors)
            self.assertIn("1 of the 3 processes of this run are gone", errors)
        said = coordinator.stdout.read()
        self.assertEqual(coordinator.wait(30), 3, said)
        self.assertIn("RUN INVALID: 1 of 3 processes are gone", said)
        self.assertIn("a: of 3000 calls 1000 were those of processes that are gone", said)
        total = json.loads((report / "summary.json").read_text())
        self.assertEqual((total["verdict"], total["gone"], total["ended"]), ("invalid", [3], 2))
        self.assertEqual(total["groups"][0]["missing"], 1000)

    def test_without_the_one_who_answers_all_end(self):
        coordinator, running, suites, _, addresses = self.steered(2, calls=3000)
        for address in addresses:
            self.until_started(address, 5)
        victim = [self.ask(address, "/status")["part"] for address in addresses].index(0)
        running[victim].kill()
        said = coordinator.stdout.read()
        self.assertEqual(coordinator.wait(60), 3, said)
        self.assertIn("process 1 of 2 is gone without a result: it answered", said)
        running[1 - victim].stdout.read()
        self.assertEqual(running[1 - victim].wait(60), 3)

    def test_another_seed_is_refused(self):
        url = ["--redis", f"unix:{self.socket}"]
        suite = self.suite("crowd", *url, "--seed", "4")
        coordinator = subprocess.Popen([SIM, "coordinate", str(suite.path), *url, "--processes", "1",
                                        "--quiet"])
        self.addCleanup(coordinator.wait)
        self.addCleanup(coordinator.kill)
        suite.run()
        self.assertEqual(suite.code, 2, suite.err)
        self.assertIn("plays another suite or seed (its seed is 11)", suite.err)


class Steering(TrafficTest):
    def start(self, *extra, calls=60, rate=20, **options):
        suite = Suite(self.folder, "callees: { mix: mix.yaml }\ncallers:\n"
                      + self.callers("a", "sip:+1404555{n}@{callees}", [f"calls: {calls}",
                                                                       f"rate: {rate}/s",
                                                                       "min_success: 0"]), *extra)
        process = subprocess.Popen(suite.command, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                   text=True, **options)
        for cleanup in (process.stdout.close, process.stderr.close, process.wait, process.kill):
            self.addCleanup(cleanup)
        return suite, process

    def test_http_holds_and_hurries_a_run(self):
        suite, process = self.start("--control", "127.0.0.1:0", calls=200)
        self.assertIn("listening on", process.stdout.readline())
        address = process.stdout.readline().split("http://")[1].split("/")[0]
        self.until_started(address, 60)
        held = self.ask(address, "/pause", "POST")
        self.assertTrue(held["paused"])
        time.sleep(0.7)  # 14 calls by the plan
        self.assertEqual(self.ask(address, "/status")["started"], held["started"])
        self.assertEqual(self.refused(address, "/rate?x=0", "POST"), 400)
        self.assertEqual(self.refused(address, "/pause"), 405)
        self.assertEqual(self.refused(address, "/nothing"), 404)
        self.assertEqual(self.ask(address, "/rate?x=8", "POST")["rate"], 8)
        self.assertFalse(self.ask(address, "/resume", "POST")["paused"])
        errors = process.stderr.read()
        self.assertEqual(process.wait(60), 0, errors)
        self.assertEqual([(x["rate"], x["paused"]) for x in suite.summary()["steered"]],
                         [(1, True), (8, True), (8, False)])
        # Intended instants: 50 ms apart by the plan's own rate, an eighth of it at the end.
        with open(suite.report / "calls.csv", newline="") as f:
            at = sorted(float(x["intended_ms"]) for x in csv.DictReader(f) if x["kind"] == "caller")
        self.assertEqual(len(at), 200)
        self.assertAlmostEqual(at[40] - at[0], 2000, delta=1)
        self.assertAlmostEqual(at[-1] - at[-41], 250, delta=1)
        self.assertGreater(max(b - a for a, b in zip(at, at[1:])), 700)

    def test_keys_hold_and_end_a_run(self):
        suite, process = self.start("--keys", stdin=subprocess.PIPE, calls=2000)
        self.addCleanup(process.stdin.close)
        self.assertIn("listening on", process.stdout.readline())

        def key(k):
            process.stdin.write(k)
            process.stdin.flush()
            return json.loads(process.stdout.readline())

        self.assertFalse(key("s")["paused"])
        held = key(" ")
        self.assertTrue(held["paused"])
        time.sleep(0.5)
        self.assertEqual(key("s")["started"], held["started"])
        self.assertAlmostEqual(key("+")["rate"], 1.25)
        self.assertAlmostEqual(key("-")["rate"], 1)
        self.assertTrue(key("q")["ending"])
        errors = process.stderr.read()
        self.assertEqual(process.wait(60), 1, errors)
        self.assertIn("stopped by hand", errors)
        self.assertLess(suite.summary()["groups"][0]["started"], 2000)

    def test_only_loopback_is_listened_on(self):
        _, process = self.start("--control", "0.0.0.0:0")
        errors = process.stderr.read()
        self.assertEqual(process.wait(30), 2)
        self.assertIn("an address of this machine alone", errors)


if __name__ == "__main__":
    beside.main()
