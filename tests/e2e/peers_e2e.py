"""The engine and the simulator against telephony that others wrote: baresip as an agent, SIPp as the
carrier, Kamailio as the registrar. What counts is what was recorded: calls.jsonl, the audio that
baresip heard and the engine kept, Kamailio's own table of bindings, SIPp's own counts."""

import array
import csv
import json
import math
import operator
import pathlib
import shutil
import signal
import socket
import subprocess
import time
import wave

import harness as h
from baresip_kit import Baresip
from harness import check, wait_for
from ports import start_listening

RATE = 8000
TONE_HZ = 1000
FRAME = RATE // 50  # 20 ms
NUMBER = "+1202555%s"


# ---- campaigns ----

def write_campaign(where, trunk, **parts):
    """A campaign as JSON, which YAML is a superset of; parts replace whole sections."""
    campaign = {
        "name": "peers", "country": "us", "zone": "America/New_York", "windows": "any",
        "attempts": 1, "ring_timeout": "3s", "caller_ids": ["+12025550199"],
        "trunks": [{"name": "carrier", "max_calls": 20, **trunk}],
        "pacing": {"mode": "agentless", "calls_per_second": 20, "concurrent": 20},
        "on": {"human": "hangup", "human_silent": "hangup", "unknown": "hangup"},
        "recording": {"mode": "off"}, "drain": "finish", "sip": {"address": "127.0.0.1"},
        "media": {"address": "127.0.0.1", "ports": h.free_range(80)}, **parts}
    path = where / "campaign.yaml"
    path.write_text(json.dumps(campaign, indent=1))
    return path


def write_leads(where, endings):
    path = where / "leads.csv"
    path.write_text("id,number\n" + "".join(f"lead-{e},{NUMBER % e}\n" for e in endings))
    return path


def run_engine(where, yaml, leads):
    return h.start([h.program("peal"), "run", yaml, "--leads", leads, "--data", where / "data",
                    "--log", "info"], where / "engine.log")


def finish(where, engine, leads, limit=60):
    """Waits for the engine's own end; returns its records by (lead, attempt)."""
    try:
        code = engine.wait(limit)
    except subprocess.TimeoutExpired:
        h.fail(f"the engine did not end within {limit} s")
    check(code == 0, f"the engine ended with {code}")
    run = json.loads((where / "data/run.json").read_text())
    check(run["leads"] == leads and run["finished"] == leads and run["pending"] == 0,
          f"every lead is finished: {run}")
    records = h.lines(where / "data/calls.jsonl")
    by_attempt = {(r["number"][-4:], r["attempt"]): r for r in records}
    check(len(by_attempt) == len(records), "one record an attempt")
    check(run["attempts_redis"] == len(records), "every attempt in Redis has its record")
    return by_attempt


# ---- audio ----

def read_wav(path):
    """The samples of each channel; of a file that is still written, those there are."""
    data = pathlib.Path(path).read_bytes()
    check(data[:4] == b"RIFF" and data[8:12] == b"WAVE", f"{path} is a WAV file")
    at, channels = 12, 1
    while data[at:at + 4] != b"data":
        if data[at:at + 4] == b"fmt ":
            channels = int.from_bytes(data[at + 10:at + 12], "little")
            rate = int.from_bytes(data[at + 12:at + 16], "little")
            check(rate == RATE, f"{path} has {rate} samples a second")
        at += 8 + int.from_bytes(data[at + 4:at + 8], "little")
    body = data[at + 8:]
    samples = array.array("h", body[:len(body) - len(body) % (2 * channels)])
    return [samples[c::channels] for c in range(channels)]


def write_wav(path, samples):
    with wave.open(str(path), "wb") as w:
        w.setnchannels(1)
        w.setsampwidth(2)
        w.setframerate(RATE)
        w.writeframes(array.array("h", samples).tobytes())


def level(samples):
    """RMS in dB of full scale."""
    if not samples:
        return -100.0
    power = sum(map(operator.mul, samples, samples)) / len(samples)
    return 10 * math.log10(max(power, 1e-6) / 32768 ** 2)


def tone_share(samples, hz):
    """Which part of the energy is a sine of hz: 1 for nothing else."""
    w = 2 * math.pi * hz / RATE
    c = sum(s * math.cos(w * i) for i, s in enumerate(samples))
    s = sum(s * math.sin(w * i) for i, s in enumerate(samples))
    power = sum(map(operator.mul, samples, samples)) * len(samples) / 2
    return (c * c + s * s) / power if power else 0.0


def correlation(a, b):
    aa, bb = sum(map(operator.mul, a, a)), sum(map(operator.mul, b, b))
    return sum(map(operator.mul, a, b)) / math.sqrt(aa * bb) if aa and bb else 0.0


def envelope(samples, step=FRAME):
    return [sum(map(abs, samples[i:i + step])) / step for i in range(0, len(samples), step)]


def loud_frames(samples):
    return sum(e > 200 for e in envelope(samples))


def best_match(samples, speech):
    """Where in samples the speech lies, and how well: first by its envelope, then by its wave."""
    step = FRAME // 4
    loud, wanted = envelope(samples, step), envelope(speech, step)
    starts = range(max(len(loud) - len(wanted), 0) + 1)
    coarse = max(starts, key=lambda i: correlation(loud[i:i + len(wanted)], wanted)) * step
    piece = speech[:RATE]
    exact = range(max(coarse - step, 0), coarse + step + 1)
    at = max(exact, key=lambda i: correlation(samples[i:i + len(piece)], piece))
    return at, correlation(samples[at:at + len(piece)], piece)


# ---- baresip ----

def agent_sound(where):
    """Two minutes: a second of a tone, then somebody who talks, again and again."""
    tone = [int(6000 * math.sin(2 * math.pi * TONE_HZ * i / RATE)) for i in range(RATE)]
    talk = read_wav(sorted((pathlib.Path(h.audio()) / "talk").glob("*.wav"))[0])[0][:2 * RATE]
    path = where / "agent.wav"
    write_wav(path, (tone + list(talk)) * 40)
    return path


def one_voice(where):
    """An audio folder in which the callees have one sentence only, so that it can be looked for."""
    voices = [(read_wav(p)[0], p) for p in (pathlib.Path(h.audio()) / "human").glob("*.wav")]
    speech, path = min(voices, key=lambda v: abs(len(v[0]) - 1.2 * RATE))
    (where / "sounds" / "human").mkdir(parents=True)
    shutil.copy(path, where / "sounds" / "human" / "001.wav")
    return where / "sounds", speech


def baresip_is_an_agent():
    where = h.folder()
    sounds, speech = one_voice(where)
    mix = where / "mix.yaml"
    mix.write_text(json.dumps({
        "scenarios": [{"scenario": "human-short", "weight": 1}],
        "agents": {"prefix": "agent-", "scenario": "agents/agent"},
        "settings": [{"name": "patience_mean", "value": "60"}]}))
    simulator, address, truth = h.serve(where, seed=6, mix=mix, sounds=sounds,
                                        extra=("--media-ports", h.free_range(80)))
    baresip = Baresip(where, agent_sound(where))
    yaml = write_campaign(
        where, {"address": address}, ring_timeout="25s",
        agents=[{"name": "desk", "uri": f"sip:agent@127.0.0.1:{baresip.port}", "wrap_up": "1s"}],
        pacing={"mode": "ratio", "ratio": 1, "calls_per_second": 5, "concurrent": 1},
        abandonment={"limit": "2s", "cap": 3}, recording={"mode": "agent"},
        on={"human": "agent", "human_silent": "agent", "unknown": "agent"})
    engine = run_engine(where, yaml, write_leads(where, ("0101", "0102")))
    recordings = where / "data" / "recordings"

    def conversation(number):
        """Waits for the nth call of the engine and for a whole sentence of the callee in it, and
        hangs up."""
        wait_for(f"the engine to call its agent, {number}",
                 lambda: baresip.count("CALL_ESTABLISHED") == number)
        wait_for(f"the callee's sentence in conversation {number}", lambda: loud_frames(
            read_wav(baresip.recordings()[number - 1])[0]) > loud_frames(speech), 60)
        wait_for("two of the agent's tones in the recording", lambda: any(
            p.name.startswith(f"lead-010{number}") and p.stat().st_size > 5 * RATE * 4
            for p in recordings.glob("*.wav")), 60)
        hung_up = time.monotonic()
        baresip.hang_up()
        wait_for("baresip to hang up", lambda: baresip.count("CALL_CLOSED") >= number)
        return hung_up

    hung_up = conversation(1)
    closed = wait_for("the callee's call to end with its agent's",
                      lambda: h.lines(where / "data/calls.jsonl"))
    check(len(closed) == 1, "the second lead is not dialled without an agent")
    wait_for("the agent to be called again", lambda: baresip.count("CALL_ESTABLISHED") == 2)
    check(time.monotonic() - hung_up >= 1, "after the second of wrap-up")
    conversation(2)
    records = finish(where, engine, 2)
    wait_for("the agent's last leg to be let go", lambda: baresip.count("CALL_CLOSED") ==
             baresip.count("CALL_ESTABLISHED"))
    check(h.stop(baresip.process) == 0, "baresip ends in order")
    h.stop(simulator, signal.SIGINT)
    check_conversations(records, h.lines(truth), baresip, speech)


def check_conversations(records, truth, baresip, speech):
    truth = {t["call_id"]: t for t in truth}
    for (ending, _), r in sorted(records.items()):
        check((r["delivery"], r["agent"]) == ("connected", "desk"),
              f"{ending} was connected with the agent: {json.dumps(r)}")
        check(r["result"] == "human" and r["ended_by"] == "us",
              f"a person, and the call ended by its agent's end: {json.dumps(r)}")
        t = truth[r["call_id"]]
        check("agent_heard" in json.dumps(t["marks"]), f"the callee heard the agent: {t}")
        callee, agent = read_wav(r["recording"])
        check_agent_channel(agent, callee)
        at, match = best_match(callee, speech)
        check(match > 0.9, f"the recording's left channel has the callee: {match:.2f}")
    for path in baresip.recordings()[:2]:
        heard, = read_wav(path)
        at, match = best_match(heard, speech)
        check(match > 0.9, f"baresip heard the callee: {match:.2f} at {at / RATE:.1f} s")
        loud = level(heard[at:at + len(speech)])
        check(loud > -35, f"loud enough: {loud:.0f} dB")
        before = level(heard[:max(at - RATE // 2, 0)])
        check(before < -60, f"and silence until it was connected: {before:.0f} dB")


def check_agent_channel(agent, callee):
    """baresip's tone is on the right, every three seconds for one, and not on the left."""
    shares = [tone_share(agent[i:i + FRAME * 5], TONE_HZ)
              for i in range(0, len(agent) - FRAME * 5, FRAME * 5)]
    pure = sum(s > 0.9 for s in shares)
    check(len(shares) / 5 < pure < len(shares) / 2,
          f"a third of the right channel is the agent's tone: {pure} of {len(shares)}")
    left = [tone_share(callee[i:i + FRAME * 5], TONE_HZ)
            for i in range(0, len(callee) - FRAME * 5, FRAME * 5)]
    check(max(left) < 0.9, "and nothing of it is on the left")


# ---- SIPp as the carrier ----

def sipp(where, name, port, *arguments):
    """SIPp in a folder of its own, where it leaves its counts and errors."""
    (where / name).mkdir(exist_ok=True)
    process = h.start(["sipp", "-i", "127.0.0.1", "-p", port, "-nostdin", "-trace_err",
                       "-trace_stat", "-fd", "1", "-timeout", "300s", "-timeout_error",
                       "-mp", h.free_range(4).split("-")[0], *arguments],
                      where / name / "sipp.log", cwd=where / name)
    process.folder = where / name
    return process


def scenario(name):
    return h.SOURCE / "tests" / "e2e" / "sipp" / f"{name}.xml"


def sipp_listening(where, name, *arguments, kind="udp"):
    """The port, and SIPp on it."""
    (port,), process = start_listening(lambda ports: sipp(where, name, ports[0], *arguments),
                                       (kind,))
    return port, process


def succeeded(process, calls, limit=30):
    """SIPp ends by itself after its calls, and every one went as its scenario says."""
    try:
        code = process.wait(limit)
    except subprocess.TimeoutExpired:
        code = "no end"
    errors = "".join(p.read_text(errors="replace")[:3000]
                     for p in process.folder.glob("*errors.log"))
    screen = (process.folder / "sipp.log").read_text(errors="replace")
    check(code == 0, f"SIPp: {code}\n{screen[screen.rfind('Messages  Retrans'):]}\n{errors}")
    with open(next(process.folder.glob("*_.csv"))) as f:
        last = list(csv.DictReader(f, delimiter=";"))[-1]
    counts = int(last["SuccessfulCall(C)"]), int(last["FailedCall(C)"])
    check(counts == (calls, 0), f"SIPp counts {calls} calls that went well: {counts}")


def evidence(record, kind):
    return [e.get("code", e.get("what")) for e in record["evidence"] if e["kind"] == kind]


# Number, what the scenario does: result, final SIP code, Q.850 cause, who ended, attempts.
CARRIER = {
    "0101": ("vacant", 404, None, "callee", 1),
    "0102": ("busy", 486, 17, "callee", 2),
    "0103": ("vacant", 503, 1, "callee", 1),
    "0104": ("busy", 486, None, "callee", 2),
    "0105": ("unreachable", 480, None, "callee", 1),
    "0106": ("no_answer", 480, None, "callee", 1),
    "0107": ("rejected", 603, None, "callee", 1),
    "0108": ("no_media", 200, None, "us", 1),
    "0109": ("dropped", 200, None, "callee", 1),
    "0110": ("no_answer", 487, None, "us", 1),
}
ATTEMPTS = sum(row[4] for row in CARRIER.values())
RESULTS = {"busy": {"after": "1s"}, **{name: {"next": "finish"} for name in (
    "unreachable", "no_answer", "rejected", "no_media", "dropped", "our_fault", "congestion")}}


def sipp_is_the_carrier():
    """One campaign over UDP and one over TCP, at the same time."""
    runs = []
    for transport, option in (("udp", "u1"), ("tcp", "t1")):
        where = h.folder()
        port, carrier = sipp_listening(where, "carrier", "-sf", scenario("campaign-carrier"), "-t",
                                       option, "-m", ATTEMPTS, kind=transport)
        yaml = write_campaign(
            where, {"address": f"127.0.0.1:{port}", "transport": transport}, attempts=2,
            results=RESULTS)
        runs.append((transport, where, carrier,
                     run_engine(where, yaml, write_leads(where, CARRIER))))
    for transport, where, carrier, engine in runs:
        records = finish(where, engine, len(CARRIER))
        succeeded(carrier, ATTEMPTS)
        for ending, (result, code, cause, ender, attempts) in CARRIER.items():
            numbers = sorted(n for e, n in records if e == ending)
            check(numbers == list(range(1, attempts + 1)),
                  f"{transport} {ending}: {attempts} attempts, not {numbers}")
            for n in numbers:
                check_carrier_record(f"{transport} {ending}", records[ending, n], result, code,
                                     cause, ender)
        check_carrier_times(records)


def check_carrier_record(what, r, result, code, cause, ender):
    told = json.dumps(r)
    check(r["result"] == result, f"{what} is {result}: {told}")
    check(r.get("sip_code") == code and code in evidence(r, "sip"),
          f"{what} ended with {code}: {told}")
    check(r.get("q850") == cause and (cause is None or cause in evidence(r, "q850")),
          f"{what} has the network's cause {cause}: {told}")
    check(r["ended_by"] == ender, f"{what} was ended by {ender}: {told}")
    check(r["delivery"] == "none" and r["trunk"] == "carrier", f"{what}: {told}")
    check(("answered" in r["times"]) == (code == 200), f"{what} was answered or not: {told}")


def check_carrier_times(records):
    """What only the times can tell apart."""
    rang = {ending for (ending, _), r in records.items() if "ringing" in r["times"]}
    check(rang == {"0106", "0108", "0109", "0110"}, f"those that rang: {sorted(rang)}")
    check(records["0105", 1]["times"]["end"] < 2000, "480 without ringing came at once")
    check(records["0106", 1]["times"]["end"] >= 700, "the other after its ringing")
    check(records["0110", 1]["cancelled"] and 2950 <= records["0110", 1]["times"]["end"] < 6000,
          "the one that rang too long was given up after three seconds")
    check(183 in evidence(records["0104", 1], "sip"), "183 is kept")
    mute = records["0108", 1]
    check("first_rtp" not in mute["times"] and mute["media"]["received"] == 0 and
          evidence(mute, "media") == ["never_any"], f"no audio came: {json.dumps(mute)}")
    for ending in ("0102", "0104"):
        first, second = (records[ending, n]["invite_ms"] for n in (1, 2))
        check(second - first >= 1000, f"{ending}: the second attempt came a second later")


def carrier_wants_credentials():
    """SIPp asks and answers; whether they are right is Kamailio's to say, below."""
    where = h.folder()
    port, carrier = sipp_listening(where, "carrier", "-sf", scenario("campaign-407"), "-m", 2)
    yaml = write_campaign(where, {"address": f"127.0.0.1:{port}", "user": "trunk-1",
                                  "password": "right-one"}, results=RESULTS)
    engine = run_engine(where, yaml, write_leads(where, ("0101", "0102")))
    for r in finish(where, engine, 2).values():
        check(r["result"] == "no_media" and "answered" in r["times"] and r["ended_by"] == "us",
              f"answered after the challenge, and ended in the same dialog: {json.dumps(r)}")
    succeeded(carrier, 2)


# ---- Kamailio as the registrar ----

KAMAILIO = """#!KAMAILIO
debug=1
log_stderror=yes
fork=yes
children=1
disable_tcp=yes
auto_aliases=no
listen=udp:127.0.0.1:{port}
mpath="{modules}"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "xlog.so"
loadmodule "usrloc.so"
loadmodule "registrar.so"
loadmodule "textops.so"
loadmodule "auth.so"
loadmodule "jsonrpcs.so"
modparam("jsonrpcs", "transport", 4)
modparam("jsonrpcs", "dgram_socket", "udp:127.0.0.1:{control}")
modparam("usrloc", "db_mode", 0)
request_route {{
    if (is_method("REGISTER")) {{
        if (!pv_auth_check("peal.test", "right-one", "0", "0")) {{
            if ($au != $null) xlog("L_ERR", "refused at $TV(Sn)\\n");
            auth_challenge("peal.test", "1");
            exit;
        }}
        save("location");
        exit;
    }}
    if (is_method("INVITE")) {{
        if (!pv_auth_check("peal.test", "right-one", "0", "0")) {{
            proxy_challenge("peal.test", "1");
            exit;
        }}
        if (registered("location", "sip:trunk-1@127.0.0.1:{port}"))
            sl_send_reply("404", "Nobody Here");
        else
            sl_send_reply("403", "Register First");
        exit;
    }}
}}
"""


class Kamailio:
    def __init__(self, where):
        found = sorted(pathlib.Path("/usr").glob("lib*/**/kamailio/modules"))
        check(found, "Kamailio's modules are installed (apt-get install kamailio)")
        self.log = where / "kamailio.log"

        def start(ports):
            (where / "kamailio.cfg").write_text(KAMAILIO.format(
                port=ports[0], control=ports[1], modules=f"{found[0]}/"))
            return h.start(
                ["kamailio", "-f", where / "kamailio.cfg", "-P", where / "kamailio.pid", "-DD",
                 "-E", "-m", "16", "-M", "4", "-Y", where], self.log)

        (self.port, self.control), self.process = start_listening(start, ("udp", "udp"))

    def bindings(self):
        """The contacts it has, asked over its own control port."""
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.settimeout(5)
            s.connect(("127.0.0.1", self.control))
            s.send(json.dumps({"jsonrpc": "2.0", "method": "ul.dump", "id": 1}).encode())
            answer = json.loads(s.recv(65536))
        return [(a["Info"]["AoR"], c["Contact"]["Address"])
                for d in answer["result"]["Domains"] for a in d["Domain"]["AoRs"]
                for c in a["Info"]["Contacts"]]

    def refused(self):
        """When it refused credentials, in seconds."""
        text = self.log.read_text(errors="replace")
        return [float(part.split()[0]) for part in text.split("refused at ")[1:]]


def registers_with_kamailio():
    where = h.folder()
    kamailio = Kamailio(where)
    check(kamailio.bindings() == [], "nobody is registered at first")
    endings = ["0101", "0102", "0103", "0104"]
    yaml = write_campaign(where, {
        "address": f"127.0.0.1:{kamailio.port}", "register": "true", "user": "trunk-1",
        "password": "right-one", "calls_per_second": 1}, results=RESULTS)
    engine = run_engine(where, yaml, write_leads(where, endings))
    (aor, contact), = wait_for("the trunk's binding", kamailio.bindings)
    check(aor == "trunk-1" and contact.startswith("sip:trunk-1@127.0.0.1:"),
          f"the binding is the trunk's: {aor} {contact}")
    records = finish(where, engine, len(endings))
    check([r["result"] for r in records.values()] == ["vacant"] * len(endings),
          f"no call left before the trunk was registered: {[r['result'] for r in records.values()]}")
    check(kamailio.bindings() == [], "the binding is removed at the end")
    check(kamailio.refused() == [], "the first credentials were right")
    h.stop(kamailio.process)


def calls_without_the_right_password():
    """Kamailio checks each call's digest itself; here the password is wrong, and nobody is charged."""
    where = h.folder()
    kamailio = Kamailio(where)
    yaml = write_campaign(where, {"address": f"127.0.0.1:{kamailio.port}", "user": "trunk-1",
                                  "password": "wrong-one"}, results=RESULTS)
    engine = run_engine(where, yaml, write_leads(where, ("0101", "0102")))
    for r in finish(where, engine, 2).values():
        check((r["result"], r["sip_code"]) == ("our_fault", 407),
              f"the wrong password is our fault: {json.dumps(r)}")
    h.stop(kamailio.process)


def registration_is_refused():
    where = h.folder()
    kamailio = Kamailio(where)
    yaml = write_campaign(where, {"address": f"127.0.0.1:{kamailio.port}", "register": "true",
                                  "user": "trunk-1", "password": "wrong-one"})
    engine = run_engine(where, yaml, write_leads(where, ("0101", "0102", "0103")))
    times = wait_for("three refusals", lambda: len(kamailio.refused()) >= 3 and
                     kamailio.refused(), 30)
    gaps = [b - a for a, b in zip(times, times[1:])]
    check(gaps[0] > 1 and gaps[1] > 1.1 * gaps[0], f"the pauses grow: {gaps}")
    check(engine.poll() is None, "the engine waits")
    said = [line for line in (where / "engine.log").read_text().splitlines()
            if "regist" in line.lower()]
    check(len(said) == 1 and "code=401" in said[0] and "trunk=carrier" in said[0],
          f"said once, with the reason: {said}")
    engine.send_signal(signal.SIGINT)
    check(engine.wait(30) == 0, "it can be stopped meanwhile")
    run = json.loads((where / "data/run.json").read_text())
    check(run["pending"] == 3 and run["finished"] == 0, f"the leads stay queued: {run}")
    check(h.lines(where / "data/calls.jsonl") == [], "and nobody was dialled")
    check(kamailio.bindings() == [], "nobody is registered")
    h.stop(kamailio.process)


# ---- the simulator and SIPp's own scenarios ----

def simulator_calls_sipp():
    where, calls = h.folder(), 40
    port, far = sipp_listening(where, "uas", "-sn", "uas", "-m", calls)
    caller = h.start(
        [h.program("peal-sim"), "call", "--to", f"sip:service@127.0.0.1:{port}", "--scenario",
         h.SOURCE / "scenarios/callers/short.lua", "--rate", "20/s", "--calls", calls, "--audio",
         h.audio(), "--media-ports", h.free_range(120), "--report", where / "report",
         "--late-limit", 1000], where / "simulator.log")
    check(caller.wait(60) == 0, "every call succeeded")
    succeeded(far, calls)
    summary = json.loads((where / "report/summary.json").read_text())
    check((summary["planned"], summary["succeeded"], summary["failed"]) == (calls, calls, 0),
          f"as many as planned: {summary}")
    truth = h.lines(where / "report/truth.jsonl")
    check(len(truth) == calls and all(t["answered_ms"] is not None for t in truth),
          "each was answered")


def sipp_calls_simulator():
    where, calls = h.folder(), 40
    polite = '''return callee { truth = "human", run = function(call)
  call:ring(0.1)
  call:answer()
  call:wait_hangup(20)
end }
'''
    simulator, address, truth = h.serve(
        where, extra=("--media-ports", h.free_range(120), "--late-limit", 1000),
        **h.stage(where, {"polite": polite}))
    _, caller = sipp_listening(where, "uac", "-sn", "uac", "-s", "+12025550101", "-d", 200,
                               "-r", 20, "-m", calls, address)
    succeeded(caller, calls, 60)
    wait_for("the truth of every call", lambda: len(h.lines(truth)) == calls)
    check(h.stop(simulator, signal.SIGINT) == 0, "the simulator ends in order")
    for t in h.lines(truth):
        check(t["answered_ms"] is not None and t["number"].endswith("12025550101") and
              t["ended_by"] != "simulator", f"answered, and ended by SIPp: {t}")
    summary = json.loads((where / "simulator.json").read_text())
    check((summary["calls"], summary["answered"]) == (calls, calls), f"counted: {summary}")


def peers_are_installed():
    missing = [name for name in ("baresip", "sipp", "kamailio") if not shutil.which(name)]
    check(not missing, f"not installed: {missing}; tools/setup test installs them")


if __name__ == "__main__":
    h.main(peers_are_installed, baresip_is_an_agent, sipp_is_the_carrier,
           carrier_wants_credentials, registers_with_kamailio, calls_without_the_right_password,
           registration_is_refused, simulator_calls_sipp, sipp_calls_simulator)
