"""Encrypted audio: the engine with our simulator by every policy, and with baresip as an agent that
takes nothing else. Keys never come into a log or a record."""

import base64
import json
import signal
import subprocess

import harness as h
import peers_e2e as peers
from baresip_kit import Baresip
from far_end import FarEnd
from harness import check, wait_for
from serve_kit import Service, callers

PERSON = '''return callee { truth = "human", run = function(call)
  call:ring(0.2)
  call:answer()
  call:play(pick("human"), { limit = 3 })
  call:wait_hangup(20)
end }
'''
SUITE = "AES_CM_128_HMAC_SHA1_80"


def run_policies(trunk_srtp, sim_srtp):
    """One call of the engine to the simulator; its record and the truth."""
    where = h.folder()
    simulator, address, truth = h.serve(
        where, extra=("--srtp", sim_srtp, "--media-ports", h.free_range(40)),
        **h.stage(where, {"person": PERSON}))
    yaml = peers.write_campaign(where, {"address": address, "srtp": trunk_srtp},
                                ring_timeout="20s", results={"our_fault": {"next": "finish"}})
    engine = peers.run_engine(where, yaml, peers.write_leads(where, ("0101",)))
    records = peers.finish(where, engine, 1)
    h.stop(simulator, signal.SIGINT)
    for log in where.glob("*.log"):
        check("inline:" not in log.read_text(errors="replace"), f"no key in {log}")
    for file in (where / "data").rglob("*.json*"):
        check("inline:" not in file.read_text(errors="replace"), f"no key in {file}")
    return records["0101", 1], h.lines(truth)


def policies_meet():
    for trunk, sim, suite in (("off", "off", None), ("offered", "off", None),
                              ("offered", "offered", SUITE), ("offered", "required", SUITE),
                              ("required", "offered", SUITE), ("required", "required", SUITE)):
        record, truth = run_policies(trunk, sim)
        what = f"trunk {trunk}, far side {sim}: {json.dumps(record)}"
        check(record["result"] == "human" and record["sip_code"] == 200, what)
        media = record["media"]
        check(media.get("srtp") == suite, what)
        check(media["received"] > 20 and "srtp_forged" not in media, what)
        check("srtp_replayed" not in media, what)


def what_cannot_be_agreed_on_is_refused():
    for trunk, sim in (("required", "off"), ("off", "required")):
        record, truth = run_policies(trunk, sim)
        what = f"trunk {trunk}, far side {sim}: {json.dumps(record)}"
        check(record["sip_code"] == 488 and "answered" not in record["times"], what)
        check(record["media"]["received"] == 0, what)


# ---- baresip ----

class SecureBaresip(Baresip):
    """baresip that speaks SRTP; mediaenc: srtp (offered), srtp-mand (required)."""
    mediaenc = "srtp-mand"

    def accounts(self, text):
        return text.replace("regint=0;", f"regint=0;mediaenc={self.mediaenc};")

    def config(self, text, where):
        return text.replace("module_app account.so", "module srtp.so\nmodule_app account.so")


def baresip_talks_to_a_customer():
    """Agent on baresip by SRTP, customer by SRTP at the simulator, bridged by the engine."""
    where = h.folder()
    sounds, speech = peers.one_voice(where)
    mix = where / "mix.yaml"
    mix.write_text(json.dumps({
        "scenarios": [{"scenario": "human-short", "weight": 1}],
        "agents": {"prefix": "agent-", "scenario": "agents/agent"},
        "settings": [{"name": "patience_mean", "value": "60"}]}))
    simulator, address, truth = h.serve(
        where, seed=6, mix=mix, sounds=sounds,
        extra=("--srtp", "required", "--media-ports", h.free_range(80)))
    baresip = SecureBaresip(where, peers.agent_sound(where))
    yaml = peers.write_campaign(
        where, {"address": address}, ring_timeout="25s",
        sip={"address": "127.0.0.1", "srtp": "required"},
        agents=[{"name": "desk", "uri": f"sip:agent@127.0.0.1:{baresip.port}", "wrap_up": "1s"}],
        pacing={"mode": "ratio", "ratio": 1, "calls_per_second": 5, "concurrent": 1},
        abandonment={"limit": "2s", "cap": 3}, recording={"mode": "agent"},
        on={"human": "agent", "human_silent": "agent", "unknown": "agent"})
    engine = peers.run_engine(where, yaml, peers.write_leads(where, ("0101",)))
    recordings = where / "data" / "recordings"
    wait_for("the engine to call its agent", lambda: baresip.count("CALL_ESTABLISHED") == 1)
    wait_for("the callee's sentence in baresip's ear", lambda: peers.loud_frames(
        peers.read_wav(baresip.recordings()[0])[0]) > peers.loud_frames(speech), 60)
    wait_for("two of the agent's tones in the recording", lambda: any(
        p.stat().st_size > 5 * peers.RATE * 4 for p in recordings.glob("*.wav")), 60)
    baresip.hang_up()
    records = peers.finish(where, engine, 1)
    check(h.stop(baresip.process) == 0, "baresip ends in order")
    h.stop(simulator, signal.SIGINT)
    record = records["0101", 1]
    check((record["delivery"], record["agent"]) == ("connected", "desk"), json.dumps(record))
    check(record["media"].get("srtp") == SUITE, json.dumps(record))
    check("srtp_forged" not in record["media"], json.dumps(record))
    callee, agent = peers.read_wav(record["recording"])
    peers.check_agent_channel(agent, callee)
    at, match = peers.best_match(callee, speech)
    check(match > 0.9, f"the recording has the callee: {match:.2f}")
    heard, = peers.read_wav(baresip.recordings()[0])
    at, match = peers.best_match(heard, speech)
    check(match > 0.9, f"baresip heard the callee: {match:.2f} at {at / peers.RATE:.1f} s")
    log = (where / "baresip.log").read_text(errors="replace")
    check("SRTP" in log.upper() or "srtp" in log, f"baresip says so:\n{log[-2000:]}")


def peal_check(yaml, leads):
    done = subprocess.run([h.program("peal"), "check", yaml, "--leads", leads],
                          capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def check_says_what_goes_in_clear():
    where = h.folder()
    yaml = peers.write_campaign(where, {"address": "127.0.0.1:5060", "srtp": "required"})
    leads = peers.write_leads(where, ("0101",))
    code, done = peal_check(yaml, leads)
    check(code == 0 and "SRTP required" in done and "keys go in clear over UDP" in done, done)
    for wrong in ("yes", "sdes"):
        yaml = peers.write_campaign(where, {"address": "127.0.0.1:5060", "srtp": wrong})
        code, told = peal_check(yaml, leads)
        check(code != 0 and "off, offered" in told and "required" in told, told)


LINE = "return flow { run = function(call) call:answer() call:silence(1) end }\n"
CALLER = """return caller { run = function(call)
  if call:wait_answer { limit = 10 } then call:wait_hangup(10) end
end }
"""


def keys_of_callers_in_clear_are_refused():
    """Over UDP keys would go in clear: who offers them beside plain audio gets that, who requires them
    is refused."""
    where = h.folder()
    (where / "line.lua").write_text(LINE)
    service = Service(where, "numbers:\n  - { number: '100', flow: line.lua }\n",
                      sip=", clear_keys: refused")
    offered, = callers(service, "100", CALLER, extra=("--srtp", "offered"))
    record, = service.records(1)
    check(offered["rtp"]["received"] >= 45 and record["media"]["received"] >= 45, "they heard each other")
    check("srtp" not in record["media"] and "srtp" not in offered["rtp"], f"in clear: {record}")
    refused, = callers(service, "100", CALLER, extra=("--srtp", "required"), expect=1)
    check((refused["answered_ms"], refused["code"]) == (None, 488), refused)
    service.stop()


class Sealed(FarEnd):
    """Calls with a key of SRTP, and answers the offers that come with the same."""
    def sdp(self):
        return (super().sdp().replace("RTP/AVP", "RTP/SAVP") +
                f"a=crypto:1 {SUITE} inline:{base64.b64encode(bytes(range(30))).decode()}\r\n")


def crypto(body):
    """Key, lifetime and MKI of the first a=crypto."""
    line = next(l for l in body.split("\r\n") if l.startswith("a=crypto:"))
    return line.split("inline:")[1].split("|")


def keys_of_a_service_are_changed():
    """srtp_mki, srtp_lifetime and srtp_rekey of a numbers file: what the answer says, and another key
    by re-INVITE."""
    where = h.folder()
    (where / "line.lua").write_text(LINE.replace("silence(1)", "silence(20)"))
    service = Service(where, "numbers:\n  - { number: '100', flow: line.lua }\n",
                      sip=", srtp: required, srtp_mki: 4, srtp_lifetime: 2^20, srtp_rekey: 1s")
    caller = Sealed()
    try:
        caller.invite(service.address, "100")
        answer = caller.wait("200/INVITE")
        caller.ack(answer)
        key, lifetime, mki = crypto(answer.body)
        check(lifetime in ("2^20", str(1 << 20)) and mki.endswith(":4"), answer.body)
        again = caller.wait("INVITE")
        other, lifetime, other_mki = crypto(again.body)
        check(other != key and other_mki != mki, f"another key: {again.body}")
        caller.answer(again, 200, body=caller.sdp())
        caller.wait("ACK")
        caller.bye(answer)
        caller.wait("200/BYE")
    finally:
        caller.close()
    service.stop()


if __name__ == "__main__":
    h.main(policies_meet, what_cannot_be_agreed_on_is_refused, keys_of_callers_in_clear_are_refused,
           keys_of_a_service_are_changed,
           baresip_talks_to_a_customer, check_says_what_goes_in_clear)
