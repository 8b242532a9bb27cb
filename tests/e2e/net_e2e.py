"""The engine's place in the network: IPv4 trunks with IPv6 agents and the other way round, SIPp over
[::1] as caller and as callee, media ports of a trunk."""

import json
import pathlib
import shutil
import signal
import subprocess

import harness as h
import peers_e2e as peers
from harness import check, wait_for

PERSON = '''return callee { truth = "human", run = function(call)
  call:ring(0.2)
  call:answer()
  call:play(pick("human"), { limit = 3 })
  call:wait_hangup(1)
end }
'''


def both_families(where, **more):
    """The simulator at 127.0.0.1 and at [::1]; (process, "127.0.0.1:PORT", "[::1]:PORT", truth)."""
    port = h.free_port()
    simulator, four, truth = h.serve(
        where, extra=("--listen", f"127.0.0.1:0,[::1]:{port}", "--media-ports", h.free_range(60),
                      "--late-limit", 1000), **more)
    return simulator, four, f"[::1]:{port}", truth


def families_meet():
    """Each leg's family is its own; whoever is connected hears the other across."""
    for trunk_at, agent_at in ((0, 1), (1, 0)):
        where = h.folder()
        simulator, *at, truth = both_families(where, **h.stage(where, {"person": PERSON}))
        media = h.free_range(20)
        yaml = peers.write_campaign(
            where, {"address": at[trunk_at], "media_ports": media},
            ring_timeout="20s", sip={"address": "127.0.0.1"},
            addresses=[{"name": "six", "sip": "[::1]"}],
            agents=[{"name": "agent-%d", "uri": f"sip:agent-%d@{at[agent_at]}", "count": 2,
                     "wrap_up": "1s"}],
            pacing={"mode": "progressive"}, on={"human": "agent"})
        endings = ("0101", "0102")
        engine = peers.run_engine(where, yaml, peers.write_leads(where, endings))
        records = peers.finish(where, engine, len(endings))
        h.stop(simulator, signal.SIGINT)
        for r in records.values():
            check(r["result"] == "human" and r["times"]["agent_heard"], json.dumps(r))
            check(r["media"]["received"] > 20, json.dumps(r))
        for line in h.lines(truth):
            check(line["rtp"]["received"] > 20, f"heard nothing: {line}")
            check(line["answered_ms"] is not None, json.dumps(line))


def sipp(where, *words):
    return subprocess.Popen(["sipp", "-i", "::1", "-nostdin", "-timeout", "60s", "-timeout_error",
                             "-trace_err", *map(str, words)], cwd=where,
                            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def errors(where):
    return "".join(p.read_text(errors="replace") for p in where.glob("*errors.log"))


def sipp_calls_over_ipv6():
    where = h.folder()
    simulator, _, six, truth = both_families(where, **h.stage(where, {"person": PERSON}))
    for transport in ("u1", "t1"):
        caller = sipp(where, "-sf", h.SOURCE / "tests/e2e/sipp/uac_normal.xml", "-p",
                      h.free_port(), "-t", transport, "-m", 5, "-r", 10, "-s", "0101", six)
        check(caller.wait(90) == 0, errors(where))
    h.stop(simulator, signal.SIGINT)
    calls = h.lines(truth)
    check(len(calls) == 10 and all(c["answered_ms"] is not None for c in calls), str(calls))


def sipp_is_called_over_ipv6():
    where = h.folder()
    port = h.free_port()
    callee = sipp(where, "-sf", h.SOURCE / "tests/e2e/sipp/uas_normal.xml", "-p", port, "-m", 3)

    def open_port():
        with open("/proc/net/udp6") as f:
            return any(line.split()[1].endswith(f":{port:04X}") for line in f.readlines()[1:])

    wait_for("SIPp to listen on [::1]", open_port, 30)
    script = where / "caller.lua"
    script.write_text("return caller { run = function(call)\n  call:wait_answer { limit = 20 }\n"
                      "  call:wait(0.3)\n  call:hangup()\nend }\n")
    caller = h.start([h.program("peal-sim"), "call", "--to", f"sip:100@[::1]:{port}", "--listen",
                      "127.0.0.1:0,[::1]:0", "--scenario", script, "--calls", 3, "--rate", "10/s",
                      "--media-ports", h.free_range(20), "--late-limit", 1000, "--report",
                      where / "report"],
                     where / "caller.log")
    check(callee.wait(90) == 0, errors(where) + (where / "caller.log").read_text())
    check(caller.wait(30) == 0, (where / "caller.log").read_text())


def keys_change_in_the_middle_of_a_call():
    """An MKI in each packet, other keys every second, by our transform and by libsrtp2: nothing is
    lost to a wrong key, and both sides hear."""
    for transform in ("own", "libsrtp2"):
        where = h.folder()
        simulator, address, truth = h.serve(
            where, extra=("--srtp", "required", "--media-ports", h.free_range(20), "--late-limit",
                          1000),
            **h.stage(where, {"person": PERSON.replace("wait_hangup(1)", "wait_hangup(4)")}))
        yaml = peers.write_campaign(
            where, {"address": address, "srtp": "required"}, ring_timeout="20s",
            sip={"address": "127.0.0.1", "srtp_mki": 4, "srtp_rekey": "1s",
                 "srtp_transform": transform},
            on={"human": "message hello.wav"})
        longest = max((pathlib.Path(h.audio()) / "machine").rglob("*.wav"),
                      key=lambda p: p.stat().st_size)
        shutil.copy(longest, where / "hello.wav")
        engine = peers.run_engine(where, yaml, peers.write_leads(where, ("0101",)))
        (record,) = peers.finish(where, engine, 1).values()
        h.stop(simulator, signal.SIGINT)
        (callee,) = h.lines(truth)
        media = record["media"]
        check(media.get("srtp") and media["received"] > 100, json.dumps(record))
        check("srtp_forged" not in media and "srtp_replayed" not in media, json.dumps(record))
        check(callee["rtp"]["received"] > 100 and callee["rtp"]["lost"] == 0, json.dumps(callee))


if __name__ == "__main__":
    h.main(families_meet, keys_change_in_the_middle_of_a_call, *([sipp_calls_over_ipv6, sipp_is_called_over_ipv6]
                            if shutil.which("sipp") else []))
