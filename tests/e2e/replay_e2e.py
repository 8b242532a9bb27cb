"""A run captured by tcpdump, imported and replayed is the same run: verdicts, times, audio, keys.

Times are those of the two captures, so neither run judges itself. Twenty milliseconds are allowed, and
on a busy machine what the simulators themselves say they were late by (lateness_ms in their summaries)."""

import csv
import difflib
import json
import os
import pathlib
import re
import shutil
import signal
import struct
import subprocess
from xml.etree import ElementTree

import harness as h
from campaign_e2e import finish, run_engine
from harness import check, wait_for
from ports import start_listening

TOLERANCE_MS = 20
LATE_MS = 100  # above it, what detectors make of late audio is not judged
LATE = ["--late-limit", "5000"]  # its figure is used instead: see above

# What each kind of call looks like on the wire: early media, keys, hold by both sides and refused, a
# transfer, every ending, one of them a BYE before its ACK.
CALLEES = {
    "talks": """call:ring(0.8)
    call:answer()
    call:play(pick("human"), { limit = 3 })
    call:wait(0.3)
    call:send_dtmf("42#", { on = 0.12, gap = 0.15 })
    call:play(pick("human"), { limit = 3 })
    call:wait_hangup(20)""",
    "holds": """call:ring(0.4, 182)
    call:answer()
    call:play(pick("human"), { limit = 2 })
    call:hold(true)
    call:wait(0.7)
    call:hold(false)
    call:play(pick("machine"), { limit = 2 })
    call:wait(0.4)
    call:hangup(16)""",
    "announces": """call:progress()
    call:play(pick("announcement"), { limit = 3 })
    call:reject(404, "No Such Number", 1)""",
    "busy": """call:ring(0.5)
    call:reject(486, nil, 17)""",
    "rings": """call:ring(30)""",
    "silent": """call:mute(true)
    call:ring(0.3)
    call:answer()
    call:wait_hangup(20)""",
    "transferred": """call:refuse_offer(488)
    call:take_refer()
    call:ring(0.2)
    call:answer()
    check(call:wait_refer(15) == "sip:300@pbx.example", "whom it leads to")
    call:notify(100)
    call:wait(0.4)
    call:notify(200)
    call:wait_hangup(20)""",
    "hasty": """call:ring(0.5)
    call:answer { ack = false }
    call:hangup(31)""",
}
CALLER = """
return caller {
  run = function(call)
    if not call:wait_answer { limit = 4 } then
      return -- gives up: CANCEL
    end
    call:wait(uniform(0.2, 0.5))
    call:play(pick("human"), { limit = 2 })
    call:send_dtmf("7")
    call:wait(uniform(1, 2))
    call:hold(true)
    call:wait(0.5)
    call:hold(false)
    if call.number == "7" then
      check(call:refer("sip:300@pbx.example") == 200, "the transfer")
    end
    call:play(pick("talk"), { limit = 2 })
    call:hangup()
  end,
}
"""


def callee(body, truth="human"):
    return f'return callee {{ truth = "{truth}", run = function(call)\n    {body}\nend }}\n'


def capture(path, port, *ranges):
    """tcpdump of the SIP port and the ranges of RTP ports, once it really listens."""
    wanted = " or ".join([f"port {port}", *(f"portrange {r}" for r in ranges)])
    # The kernel's ring has -B / -s places, whatever the packets' own length: the default length leaves
    # a hundred, which a busy machine fills while tcpdump waits for its turn.
    process = h.start(["tcpdump", "-i", "lo", "-w", path, "-s", "16384", "-B", "65536", "-U",
                       "--immediate-mode", wanted], path.with_suffix(".log"))
    log = lambda: path.with_suffix(".log").read_text(errors="replace")

    def listens():
        if process.poll() is not None:
            h.fail("tcpdump cannot capture on lo: run this test as root, or give tcpdump the "
                   f"right to (setcap cap_net_raw+ep $(which tcpdump)): {log()}")
        return "listening on" in log()

    wait_for("tcpdump to listen", listens)
    process.dump = path
    return process


def captured(process, last):
    """Ends the capture when it holds the text `last` of the run's last message."""
    wait_for(f"{last!r} in the capture", lambda: last.encode() in process.dump.read_bytes())
    h.stop(process, signal.SIGINT)
    text = process.dump.with_suffix(".log").read_text(errors="replace")
    dropped = re.search(r"(\d+) packets dropped by kernel", text)
    if not dropped or int(dropped.group(1)):
        raise h.RunInvalid()  # the machine was too busy for the capture: it proves nothing
    return process.dump


def imported(dump, out):
    done = subprocess.run([h.program("peal-sim"), "import", dump, "--out", out],
                          capture_output=True, text=True)
    check(done.returncode == 0, f"{dump.name} is imported: {done.stdout}{done.stderr}")
    with open(out / "calls.csv") as f:
        return list(csv.DictReader(f)), done.stdout + done.stderr


def late_ms(*summaries):
    return max(json.loads(s.read_text())["lateness_ms"]["max"] for s in summaries)


def payloads(path):
    """The RTP payloads of an rtpdump file with their milliseconds."""
    data, found = path.read_bytes(), []
    at = data.index(b"\n") + 17
    while at < len(data):
        record, size, ms = struct.unpack_from(">HHI", data, at)
        found.append((ms, data[at + 20:at + 8 + size]))
        at += record
    return found


def side_media(folder, call, side):
    files = sorted(folder.glob(f"media/{call}-{side}-*.rtpdump"),
                   key=lambda p: int(p.stem.rsplit("-", 1)[1]))
    return [payloads(f) for f in files]


def same_times(a, b, what, allowed, columns):
    for column in columns:
        check(bool(a[column]) == bool(b[column]), f"{what}: {column} {a[column]!r}, {b[column]!r}")
        if a[column]:
            off = abs(float(a[column]) - float(b[column])) * 1000
            check(off <= allowed, f"{what}: {column} is {off:.0f} ms off ({allowed:.0f} allowed)")
            yield off


def same_audio(one, two, call_one, call_two, what, allowed):
    """The same payloads in the same order. At the end of the call, and where a side is put on hold or
    taken back, a packet may fall on the other side of the border, or as many as the run was late."""
    for side in ("caller", "callee"):
        a, b = side_media(one, call_one, side), side_media(two, call_two, side)
        check(len(a) == len(b), f"{what}, {side}: {len(a)} stretches of audio, then {len(b)}")
        for i, (x, y) in enumerate(zip(a, b)):
            changes = difflib.SequenceMatcher(None, [p for _, p in x], [p for _, p in y],
                                              autojunk=False).get_opcodes()
            other = sum(max(c[2] - c[1], c[4] - c[3]) for c in changes if c[0] != "equal")
            check(other <= 3 + allowed / 20,
                  f"{what}, {side} {i}: {other} of {len(x)} payloads are not as captured: {changes}")


def keys(folder, side, call):
    return re.findall(r'send_dtmf\("(.)"', (folder / f"{side}s/{call}.lua").read_text())


def calls_are_the_same():
    where = h.folder()
    server_ports, caller_ports = h.free_range(60), h.free_range(60)
    stage = h.stage(where, {name: callee(body) for name, body in CALLEES.items()})
    mix = stage["mix"].read_text().replace("agents:", "numbers:\n" + "".join(
        f'  - {{ number: "{i + 1}", scenario: {name} }}\n' for i, name in enumerate(CALLEES)) +
        "agents:")
    stage["mix"].write_text(mix)
    (where / "caller.lua").write_text(CALLER)
    simulator, address, _ = h.serve(where, extra=["--media-ports", server_ports, *LATE], **stage)
    dump = capture(where / "one.pcap", address.rsplit(":", 1)[1], server_ports)
    done = subprocess.run(
        [h.program("peal-sim"), "call", "--to", f"sip:{{n}}@{address}", "--scenario",
         where / "caller.lua", "--calls", str(len(CALLEES)), "--rate", "3/s", "--audio", h.audio(),
         "--min-success", "0", "--media-ports", caller_ports, *LATE, "--report", where / "calls"],
        capture_output=True, text=True)
    h.judge_simulator(done.returncode)
    check(done.returncode == 0, f"the calls are made: {done.stdout}{done.stderr}")
    sim_code = h.stop(simulator, signal.SIGINT)
    h.judge_simulator(sim_code)
    one, said = imported(captured(dump, "SIP/2.0 487"), where / "one")
    lint = subprocess.run([h.program("peal-sim"), "check", "--audio", where / "one",
                           *sorted((where / "one").glob("calle*/*.lua"))], capture_output=True,
                          text=True)
    check(lint.returncode == 0, f"the scripts have no faults: {lint.stdout}{lint.stderr}")
    check(len(one) == len(CALLEES), f"{len(CALLEES)} calls: {said}")
    outcomes = {row["number"]: row["outcome"] for row in one}
    check(list(outcomes.values()) == ["answered", "answered", "refused", "refused", "cancelled",
                                      "answered", "answered", "answered"], f"each ended as it did: {outcomes}")
    check(keys(where / "one", "callee", "c0001") == list("42#") and
          keys(where / "one", "caller", "c0001") == ["7"], "every key is a send_dtmf")
    check((where / "one/callees/c0002.lua").read_text().count("call:hold(") == 2 and
          (where / "one/callers/c0001.lua").read_text().count("call:hold(") == 2,
          "hold and its end by either side")
    transfer = (where / "one/callees/c0007.lua").read_text()
    check(re.findall(r"call:(?:refuse_offer|take_refer|wait_refer|notify)\(\d+", transfer) ==
          ["call:refuse_offer(488", "call:take_refer(202", "call:wait_refer(30", "call:notify(100",
           "call:notify(200"], f"a refused hold and a transfer: {transfer}")
    check("ack = false" in (where / "one/callees/c0008.lua").read_text() and
          'late = "ACK"' in (where / "one/callers/c0008.lua").read_text(), "BYE before ACK")

    check(min(sum(map(len, side_media(where / "one", "c0001", side)))
              for side in ("caller", "callee")) > 100, "the audio of both sides")

    ports = h.free_range(120)
    port = h.free_port()
    dump = capture(where / "two.pcap", port, ports)
    done = subprocess.run(
        [h.program("peal-sim"), "replay", where / "one", "--to", f"127.0.0.1:{port}", "--listen",
         f"127.0.0.1:{port}", "--media-ports", ports, *LATE, "--report", where / "again", "--junit",
         where / "again.xml"], capture_output=True, text=True)
    h.judge_simulator(done.returncode)
    check(done.returncode == 0, f"the replay passes: {done.stdout}{done.stderr}")
    tests = cases(where / "again.xml")
    check(len([t for t in tests if t["suite"] in ("callers", "callees")]) == 2 * len(CALLEES) + 2 and
          not any(t["failure"] for t in tests), f"a test a call and side, and one a group: {tests}")
    shown = json.loads((where / "again/report.json").read_text())
    check([(g["name"], g["calls"]) for g in shown["groups"]] ==
          [("callers", len(CALLEES)), ("callees", len(CALLEES))] and
          all(f"{side}/c0008.lua" in (where / "again/report.html").read_text()
              for side in ("callers", "callees")), f"the report of both sides: {shown['groups']}")
    two, _ = imported(captured(dump, "SIP/2.0 487"), where / "two")
    allowed = TOLERANCE_MS + late_ms(where / "calls/summary.json", where / "simulator.json",
                                     where / "again/summary.json")
    by_number = {row["number"]: row for row in two}
    check(set(by_number) == set(outcomes), f"each number once: {set(by_number)}")
    for name in ("callers/c0007", "callees/c0007", "callees/c0008"):
        # Times, and which of several calls it is, are compared below; here what was done. How many
        # waits and stretches of packets a call takes depends on how late a busy machine was.
        did = [[verb for verb in re.findall(r"call:(\w+)(?:\(([^)\d]*)| \{ (\w+))",
                                            (where / run / f"{name}.lua").read_text())
                if verb[0] not in ("wait_until", "play_packets")] for run in ("one", "two")]
        check(did[0] == did[1], f"{name} does the same again: {did}")
    off = []
    for a in one:
        b = by_number[a["number"]]
        what = f"{a['call']} ({list(CALLEES)[int(a['number']) - 1]})"
        for column in ("outcome", "code", "ended_by"):
            check(a[column] == b[column], f"{what}: {column} {a[column]}, then {b[column]}")
        off += same_times(a, b, what, allowed, ("ring_s", "answer_s", "end_s"))
        same_audio(where / "one", where / "two", a["call"], b["call"], what, allowed)
        for side in ("caller", "callee"):
            check(keys(where / "one", side, a["call"]) == keys(where / "two", side, b["call"]),
                  f"{what}: the {side}'s keys")
    print(f"  {len(off)} times, at most {max(off):.0f} ms off, {allowed:.0f} allowed")
    with open(where / "again/replay.csv") as f:
        rows = list(csv.DictReader(f))
    check(len(rows) == 2 * len(one) and all(r["same"] == "yes" for r in rows),
          "replay.csv has both sides of each call")


def cases(junit):
    return [{"suite": suite.get("name"), "name": case.get("name"), "file": case.get("file"),
             "line": case.get("line"),
             "failure": (case.find("failure").get("message") if case.find("failure") is not None
                         else None)}
            for suite in ElementTree.parse(junit).getroot() for case in suite]


def another_ending_is_told():
    """A replay against a far side that behaves otherwise fails, and says which call."""
    where = h.folder()
    out = where / "calls"
    for part in ("callers", "callees", "media"):
        (out / part).mkdir(parents=True)
    (out / "callers/c0001.lua").write_text(
        "return caller { run = function(call)\n call:wait_answer { limit = 10 }\n"
        " call:hangup()\nend }\n")
    (out / "callees/c0001.lua").write_text(callee("call:reject(486)"))
    (out / "calls.csv").write_text(
        "call,start_s,number,caller,outcome,code,ring_s,answer_s,end_s,ended_by,payload,fmtp,"
        "transport,late_offer,packet\nc0001,0,100,200,answered,200,,1.0,2.0,caller,,,udp,no,1\n")
    port, ports = h.free_port(), h.free_range(20)
    done = subprocess.run([h.program("peal-sim"), "replay", out, "--to", f"127.0.0.1:{port}",
                           "--listen", f"127.0.0.1:{port}", "--media-ports", ports, *LATE,
                           "--report", where / "report", "--junit", where / "junit.xml"],
                          capture_output=True, text=True)
    h.judge_simulator(done.returncode)
    check(done.returncode == 1, f"exit 1, not {done.returncode}: {done.stderr}")
    said = "c0001, caller: 200 in the capture, now 486"
    check(said in done.stdout, done.stdout)
    caller = [t for t in cases(where / "junit.xml") if t["name"].startswith("c0001")][0]
    check(caller["failure"].endswith(said) and caller["line"] == "2" and
          caller["file"].endswith("calls.csv"), f"the test of that call failed: {caller}")
    check(said in (where / "report/report.html").read_text(), "the report shows it")
    done = subprocess.run([h.program("peal-sim"), "replay", out, "--to", f"127.0.0.1:{port}",
                           "--report", out], capture_output=True, text=True)
    check(done.returncode == 2 and (out / "calls.csv").read_text().startswith("call,start_s"),
          f"the import is not written over: {done.stderr}")


def a_campaign_hears_the_same():
    """The engine dials the callees of its own captured run: the same results, at the same times."""
    where = h.folder()
    ports = h.free_range(120)
    stage = h.stage(where, {
        "machine": callee('call:ring(0.7)\ncall:answer()\ncall:wait(0.4)\n'
                          'call:play(pick("machine"), { limit = 20 })\ncall:wait(0.5)\n'
                          'call:tone(1000, 0.5)\ncall:record { limit = 20 }', "machine"),
        "human": callee('call:ring(0.9)\ncall:answer()\ncall:wait(0.5)\n'
                        'call:play(pick("human"), { limit = 3 })\ncall:wait_hangup(8)'),
        "busy": callee("call:ring(0.2)\ncall:reject(486, nil, 17)", "busy"),
    })

    def campaign(folder, address):
        path = folder / "campaign.yaml"
        # Calls go on after the verdict: what the engine hangs up on is not in the capture.
        shutil.copy(h.AUDIO / "human/001.wav", folder / "message.wav")
        path.write_text(f"""
name: replayed
country: us
attempts: 1
ring_timeout: 8s
trunks: [{{ name: carrier, address: "{address}", max_calls: 20 }}]
caller_ids: ["+12025550100"]
sip: {{ address: 127.0.0.1 }}
pacing: {{ mode: agentless, calls_per_second: 5, concurrent: 10 }}
on: {{ machine: message message.wav after beep, human: message message.wav,
      unknown: hangup, human_silent: hangup }}
""")
        return path

    def play(folder, **far_side):
        simulator, address, _ = h.serve(folder, extra=["--media-ports", ports, *LATE], **far_side)
        dump = capture(folder / "run.pcap", address.rsplit(":", 1)[1], ports)
        engine = run_engine(folder, campaign(folder, address), leads)
        finish(folder, engine, simulator)
        records = {r["number"]: r for r in h.lines(folder / "data/calls.jsonl") if r["attempt"] > 0}
        rows, _ = imported(captured(dump, "SIP/2.0"), folder / "calls")
        return records, {row["number"]: row for row in rows}

    leads = h.leads(where, 16, seed=5)
    first, one = play(where, **stage)
    check(len(one) == len(first) >= 10, f"every attempt is in the capture: {len(one)}")
    again = where / "again"
    again.mkdir()
    second, two = play(again, mix=where / "calls/mix.yaml", scenarios=where / "calls",
                       sounds=where / "calls")
    allowed = TOLERANCE_MS + late_ms(where / "simulator.json", again / "simulator.json")
    results = {n: r["result"] for n, r in first.items()}
    heard = {n: r["result"] for n, r in second.items()}
    if allowed > LATE_MS:
        print(f"  the simulators were {allowed - TOLERANCE_MS:.0f} ms late: only codes are compared")
    else:
        check(results == heard, f"the engine finds the same: {results} {heard}")
        check({"machine", "human", "busy"} <= set(results.values()),
              f"all kinds: {results}")
    off = []
    for number, a in one.items():
        check(a["code"] == two[number]["code"], f"{number}: {a['code']}, {two[number]['code']}")
        off += same_times(a, two[number], number, allowed, ("ring_s", "answer_s"))
    ends = [abs(float(a["end_s"]) - float(two[n]["end_s"])) * 1000 for n, a in one.items()]
    print(f"  {len(off)} times, at most {max(off):.0f} ms off, {allowed:.0f} allowed; the engine's "
          f"own hang-ups at most {max(ends):.0f} ms")


def sipp_is_imported():
    """A capture of two programs that others wrote: SIPp with its own recording and keys."""
    where = h.folder()
    os.symlink("/usr/share/sip-tester", where / "pcap")
    (port,), far_end = start_listening(
        lambda ports: h.start(["sipp", "-sn", "uas", "-i", "127.0.0.1", "-p", ports[0], "-m", 2,
                               "-nostdin"], where / "uas.log", cwd=where))
    media = h.free_port()
    media -= media % 2
    # SIPp takes its media port and counts on from it.
    dump = capture(where / "sipp.pcap", port, f"{media}-{media + 6}")
    caller = subprocess.run(
        ["sipp", "-sn", "uac_pcap", "-i", "127.0.0.1", "-s", "+12025550142", "-m", "1", "-nostdin",
         "-mp", str(media), f"127.0.0.1:{port}"], cwd=where, capture_output=True, text=True)
    check(caller.returncode == 0, f"SIPp calls: {caller.stdout[-2000:]}{caller.stderr}")
    rows, said = imported(captured(dump, "BYE sip:"), where / "calls")
    check(len(rows) == 1 and rows[0]["number"] == "+12025550142" and
          rows[0]["outcome"] == "answered" and rows[0]["ended_by"] == "caller", f"{rows} {said}")
    check(rows[0]["payload"] == "PCMA/8000/1", f"what SIPp sent: {rows[0]}")
    check(keys(where / "calls", "caller", "c0001") == ["1"], "SIPp's key")
    sent = [p for stretch in side_media(where / "calls", "c0001", "caller") for _, p in stretch]
    # SIPp's recording is a capture itself: every payload of it, in order, is in what was imported.
    source = pathlib.Path("/usr/share/sip-tester/g711a.pcap").read_bytes()
    check(len(sent) > 100 and all(p in source for p in sent), f"{len(sent)} payloads of SIPp's own")
    done = subprocess.run([h.program("peal-sim"), "replay", where / "calls", "--to",
                           f"127.0.0.1:{port}", "--media-ports", h.free_range(20), *LATE],
                          capture_output=True, text=True)
    h.judge_simulator(done.returncode)
    check(done.returncode == 0, f"SIPp takes the replay: {done.stdout}{done.stderr}")
    check(far_end.wait(60) == 0, "SIPp's far end had two good calls")


if __name__ == "__main__":
    h.main(calls_are_the_same, another_ending_is_told, a_campaign_hears_the_same, sipp_is_imported)
