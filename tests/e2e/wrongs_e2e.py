#!/usr/bin/env python3
"""What peal-sim does wrong on purpose, judged on the wire by a far end that shares no code with it
(far_end.py): RTP that is lost, late, out of order, doubled or paced by a wrong clock, and SIP
messages that are lost, late, doubled, bloated or wrong."""
import pathlib
import shutil
import subprocess
import tempfile
import time
import unittest

import beside
from far_end import FarEnd
from sim_e2e import SIM, SOURCE, Serve, mix, ports

CALLEE = "return callee {{ truth = \"human\", run = function(call)\n{body}\nend }}\n"
TALK = "  call:answer()\n  call:wait({seconds})\n  call:hangup()"


class WrongsTest(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="peal-wrongs-"))
        self.addCleanup(shutil.rmtree, self.folder)
        self.scenarios = self.folder / "scenarios"
        for name in ("callees", "agents", "callers"):
            (self.scenarios / name).mkdir(parents=True)
        shutil.copy(SOURCE / "scenarios/agents/agent.lua", self.scenarios / "agents")
        shutil.copy(SOURCE / "scenarios/callees/busy.lua", self.scenarios / "callees")

    def serve(self, bodies, *extra, more=""):
        """`peal-sim serve` with a callee a body, at +1202555 and its number of four digits."""
        numbers = {}
        for i, body in enumerate(bodies):
            (self.scenarios / f"callees/w{i}.lua").write_text(CALLEE.format(body=body))
            numbers[f"1202555{i:04}"] = f"w{i}"
        self.count = getattr(self, "count", 0) + 1
        place = self.folder / f"serve{self.count}"
        place.mkdir()
        serve = Serve(place, self.folder, mix(**numbers) + more, "--scenarios",
                      str(self.scenarios), *extra)
        self.addCleanup(serve.process.kill)
        return serve

    def far_end(self):
        far = FarEnd()
        self.addCleanup(far.close)
        return far


class Rtp(WrongsTest):
    def talk(self, body, *extra, seconds=6, more=""):
        """The packets of one answered call in the order of arrival, and its truth line."""
        serve = self.serve([body + "\n" + TALK.format(seconds=seconds)], *extra, more=more)
        far = self.far_end()
        far.invite(serve.address, "+12025550000")
        answer = far.wait("200/INVITE")
        far.ack(answer)
        bye = far.wait("BYE", seconds + 20)
        far.answer(bye, 200)
        time.sleep(0.3)  # what is on its way for at most 0.1 s
        lines, _ = serve.stop()
        self.assertEqual(len(lines), 1)
        self.assertIsNone(lines[0]["error"])
        return far.packets, lines[0]["rtp"]

    def gaps(self, packets):
        """Runs of missing sequence numbers: [(offset of the first, length)]."""
        seqs = sorted({(p[2] - packets[0][2]) & 0xffff for p in packets})
        return [(a + 1, b - a - 1) for a, b in zip(seqs, seqs[1:]) if b > a + 1]

    def test_loss_comes_in_bursts_and_is_the_same_by_seed(self):
        body = "  call:impair { loss = 20, burst = 4 }"
        packets, rtp = self.talk(body, "--seed", "5", seconds=12)
        gaps = self.gaps(packets)
        lost = sum(n for _, n in gaps)
        self.assertEqual(rtp["sent"], len(packets) + rtp["made"]["lost"])
        # What was lost before the first or after the last packet leaves no gap.
        self.assertLessEqual(lost, rtp["made"]["lost"])
        self.assertLess(rtp["made"]["lost"] - lost, 30)
        share, mean = lost / rtp["sent"], lost / len(gaps)
        # 600 packets in bursts: a loose bound, but neither nothing nor single losses.
        self.assertTrue(0.08 < share < 0.36, f"{share:.3f} lost")
        self.assertTrue(2.2 < mean < 7, f"{mean:.2f} a burst")
        again, _ = self.talk(body, "--seed", "5", seconds=12)
        other, _ = self.talk(body, "--seed", "6", seconds=12)
        n = min(packets[-1][2] - packets[0][2] & 0xffff, again[-1][2] - again[0][2] & 0xffff) - 20
        head = [g for g in gaps if sum(g) < n]
        self.assertEqual([g for g in self.gaps(again) if sum(g) < n], head)
        self.assertNotEqual([g for g in self.gaps(other) if sum(g) < n], head)

    def test_duplicates_and_reordering(self):
        packets, rtp = self.talk("  call:impair { duplicate = 10, reorder = 10, delay = 0.02 }",
                                 seconds=8)
        seqs = [(p[2] - packets[0][2]) & 0xffff for p in packets]
        doubled = len(seqs) - len(set(seqs))
        self.assertEqual(doubled, rtp["made"]["duplicated"])
        self.assertTrue(15 < doubled < 80, doubled)
        first = list(dict.fromkeys(seqs))
        late = sum(1 for i, s in enumerate(first) if any(x > s for x in first[:i]))
        self.assertTrue(15 < late < 80, late)
        # The last ones may have nobody left to be overtaken by.
        self.assertTrue(rtp["made"]["reordered"] - 2 <= late <= rtp["made"]["reordered"], late)
        self.assertEqual(self.gaps(packets), [])

    def test_delay_and_jitter_keep_the_order(self):
        packets, _ = self.talk("  call:impair { delay = 0.06, jitter = 0.06 }")
        seqs = [(p[2] - packets[0][2]) & 0xffff for p in packets]
        self.assertEqual(seqs, sorted(seqs))
        self.assertEqual(self.gaps(packets), [])
        between = [b[0] - a[0] for a, b in zip(packets, packets[1:])]
        self.assertGreater(sum(1 for x in between if x > 0.035), len(between) // 12)
        self.assertGreater(sum(1 for x in between if x < 0.008), len(between) // 12)

    def test_a_clock_that_drifts(self):
        for drift, wanted in ((25000, 1.025), (-25000, 0.975)):
            packets, _ = self.talk(f"  call:impair {{ drift = {drift} }}", seconds=8)
            seqs = [(p[2] - packets[0][2]) & 0xffff for p in packets]
            self.assertEqual(seqs, list(range(len(seqs))))
            times = [(p[3] - packets[0][3]) & 0xffffffff for p in packets]
            self.assertEqual(times, [160 * i for i in range(len(times))])
            # Seconds of audio against seconds of arrival: one packet's hundredth of 8 s is 0.25 %.
            rate = times[-1] / 8000 / (packets[-1][0] - packets[0][0])
            self.assertTrue(abs(rate - wanted) < 0.008, f"{drift} ppm: {rate:.4f}")

    def test_a_mix_impairs_every_leg(self):
        packets, rtp = self.talk("", more="impair: { loss: 50 }\n", seconds=4)
        self.assertTrue(0.3 < rtp["made"]["lost"] / rtp["sent"] < 0.7, rtp)
        self.assertEqual(rtp["sent"], len(packets) + rtp["made"]["lost"])


class Sip(WrongsTest):
    def heard(self, messages, what):
        return [m for m in messages if m.what == what]

    def test_lost_answers_come_by_retransmission(self):
        serve = self.serve(["  call:misbehave { lose = \"200/INVITE\", times = 2 }\n"
                            + TALK.format(seconds=30)])
        far = self.far_end()
        began = far.invite(serve.address, "+12025550000")
        answer = far.wait("200/INVITE")
        # 500 and 1000 ms (RFC 3261 13.3.1.4): the third one is the first to arrive.
        self.assertGreater(answer.at - began, 1.4)
        far.ack(answer)
        far.bye(answer)
        far.wait("200/BYE")
        lines, _ = serve.stop()
        self.assertEqual(lines[0]["ended_by"], "far_side")

    def test_repeated_late_and_bloated_messages(self):
        serve = self.serve(["  call:misbehave { double = \"180\", copies = 2 }\n"
                            "  call:misbehave { late = \"180\", by = 0.7 }\n"
                            "  call:misbehave { bloat = \"2xx/INVITE\", bytes = 20000 }\n"
                            "  call:ring(0.2)\n  call:ring(0.2)\n" + TALK.format(seconds=30)])
        far = self.far_end()
        began = far.invite(serve.address, "+12025550000")
        answer = far.wait("200/INVITE")
        self.assertGreater(answer.size, 20000)
        self.assertGreater(sum(len(v) for v in answer.all("X-Padding")), 19000)
        self.assertEqual(len(self.heard(far.heard, "180/INVITE")), 3)
        far.ack(answer)
        late = far.wait("180/INVITE")  # it overtook nothing: it comes after the 200
        self.assertGreater(late.at - began, 0.85)
        far.bye(answer)
        far.wait("200/BYE")
        serve.stop()

    def test_headers_of_the_scripts_own(self):
        serve = self.serve(["  call:add_header(\"X-Ticket\", \"42 of 50\")\n"
                            "  call:add_header(\"X-Late\", \"no\", { to = \"180\" })\n"
                            "  call:ring(0.2)\n" + TALK.format(seconds=30)])
        far = self.far_end()
        far.invite(serve.address, "+12025550000")
        answer = far.wait("200/INVITE")
        self.assertEqual(answer.all("X-Ticket"), ["42 of 50"])
        far.ack(answer)
        far.bye(answer)
        self.assertEqual(far.wait("200/BYE").all("X-Ticket"), ["42 of 50"])
        serve.stop()

    def test_ignored_requests(self):
        serve = self.serve(["  call:misbehave { ignore = \"BYE\", times = 2 }\n"
                            + TALK.format(seconds=30)])
        far = self.far_end()
        far.invite(serve.address, "+12025550000")
        answer = far.wait("200/INVITE")
        far.ack(answer)
        for _ in range(2):
            far.bye(answer)
            self.assertEqual(self.heard(far.listen(0.4), "200/BYE"), [])
        far.bye(answer)
        far.wait("200/BYE")
        serve.stop()

    def test_an_answer_that_crosses_cancel(self):
        serve = self.serve(["  call:ring()\n  check(call:defy_cancel(20), \"CANCEL came\")\n"
                            + TALK.format(seconds=30)])
        far = self.far_end()
        far.invite(serve.address, "+12025550000")
        far.wait("180/INVITE")
        far.cancel()
        far.wait("200/CANCEL")
        answer = far.wait("200/INVITE")
        self.assertEqual(self.heard(far.heard, "487/INVITE"), [])
        far.ack(answer)
        far.bye(answer)
        far.wait("200/BYE")
        lines, _ = serve.stop()
        self.assertEqual(lines[0]["checks"], {"passed": 1, "failed": 0, "texts": []})
        self.assertIsNotNone(lines[0]["answered_ms"])

    def test_wrong_and_late_codes(self):
        serve = self.serve(["  call:respond(299, \"Nobody Has This\")\n  call:respond(183, \"\", \"fork1\")\n"
                            "  call:answer()\n  call:respond(180)\n  call:respond(486)\n"
                            "  call:wait(30)"])
        far = self.far_end()
        far.invite(serve.address, "+12025550000")
        answer = far.wait("200/INVITE")
        far.ack(answer)
        messages = far.listen(1) + far.heard
        self.assertIn("SIP/2.0 299 Nobody Has This", [m.start for m in messages])
        fork = self.heard(messages, "183/INVITE")[0]
        self.assertEqual(far.tag(fork), "fork1")
        for what in ("180/INVITE", "486/INVITE"):
            late = self.heard(messages, what)[0]
            self.assertGreater(late.at, answer.at)
            self.assertEqual(far.tag(late), far.tag(answer))
        far.bye(answer)
        far.wait("200/BYE")
        serve.stop()

    def call(self, group, script="callers/short"):
        """A suite of one caller to a far end that answers. Returns (process, far end)."""
        far = self.far_end()
        suite = self.folder / "suite.yaml"
        suite.write_text(f"scenarios: {self.scenarios}\nlate_limit_ms: 2000\n"
                         f"media_ports: {ports()[1]}\ncallers:\n  - name: a\n    scenario: {script}\n"
                         f"    to: \"sip:+12025550100@127.0.0.1:{far.port}\"\n    calls: 1\n{group}")
        shutil.copy(SOURCE / "scenarios/callers/short.lua", self.scenarios / "callers")
        process = subprocess.Popen([SIM, "run", str(suite), "--audio", str(self.folder)],
                                   stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        self.addCleanup(process.stdout.close)
        self.assertIn("listening on", process.stdout.readline())
        return process, far

    def end(self, process, far, code=0):
        far.answer(far.wait("BYE"), 200)
        self.assertEqual(process.wait(30), code, process.stdout.read())

    def test_an_invite_that_is_lost_twice_and_bloated(self):
        process, far = self.call("    misbehave:\n      - { lose: INVITE, times: 2 }\n"
                                 "      - { bloat: INVITE, bytes: 9000 }\n")
        began = time.monotonic()
        invite = far.wait("INVITE")
        self.assertGreater(invite.at - began, 1.3)
        self.assertGreater(invite.size, 9000)
        far.answer(invite, 200, body=far.sdp())
        far.wait("ACK")
        self.end(process, far)

    def test_bye_before_ack(self):
        (self.scenarios / "callers/eager.lua").write_text(
            "return caller { run = function(call)\n"
            "  call:misbehave { late = \"ACK\", by = 0.4 }\n"
            "  call:wait_answer { limit = 10 }\n  call:hangup()\nend }\n")
        process, far = self.call("", "callers/eager")
        invite = far.wait("INVITE")
        far.answer(invite, 200, body=far.sdp())
        bye = far.wait("BYE")
        self.assertEqual(self.heard(far.heard, "ACK"), [])
        far.answer(bye, 200)
        ack = far.wait("ACK")
        self.assertGreater(ack.at, bye.at)
        self.assertEqual(process.wait(30), 0, process.stdout.read())

    def test_wrong_declarations_are_errors_with_their_line(self):
        for text, part in (
                ("impair: { loss: 90, burst: 2 }\n", "mix.yaml:5: a loss of 90 % needs bursts of at least 9"),
                ("impair: { lost: 9 }\n", "unknown key 'lost'; accepted: loss, burst"),
                ("misbehave: [ { lose: INVITE, late: ACK } ]\n", "one thing an item"),
                ("misbehave: [ { lose: invite } ]\n", "'invite' is no message"),
                ("misbehave: [ { times: 3 } ]\n", "one of lose, ignore")):
            (self.folder / "mix.yaml").write_text(
                "scenarios:\n  - { scenario: busy, weight: 1 }\nnumbers:\n  []\n" + text)
            done = subprocess.run([SIM, "check", "--scenarios", str(self.scenarios),
                                   str(self.folder / "mix.yaml")], capture_output=True, text=True,
                                  timeout=30)
            self.assertEqual(done.returncode, 1, done.stdout + done.stderr)
            self.assertIn(part, done.stdout)
        body = "  call:misbehave { lose = \"ringing\" }\n" + TALK.format(seconds=1)
        serve = self.serve([body])
        far = self.far_end()
        far.invite(serve.address, "+12025550000")
        far.listen(0.5)
        lines, _ = serve.stop()
        self.assertIn("w0.lua:2: misbehave: 'ringing' is no message", lines[0]["error"])


if __name__ == "__main__":
    beside.main()
