"""Codecs besides G.711 with a telephone that others wrote: baresip as an agent in Opus and in G.722,
the customer in another codec at our simulator, bridged by the engine. What counts is heard on both
sides: baresip's own file of what it decoded, and the engine's recording of what baresip encoded."""

import array
import json
import pathlib
import signal
import subprocess

import harness as h
import peers_e2e as peers
from baresip_kit import Baresip
from harness import check, wait_for


def any_wav(path):
    """One channel at 8 kHz of a 16-bit WAV of any rate that is a multiple; [] while it is empty."""
    data = pathlib.Path(path).read_bytes()
    at, channels, rate = 12, 1, peers.RATE
    while data[at:at + 4] not in (b"data", b""):
        if data[at:at + 4] == b"fmt ":
            channels = int.from_bytes(data[at + 10:at + 12], "little")
            rate = int.from_bytes(data[at + 12:at + 16], "little")
        at += 8 + int.from_bytes(data[at + 4:at + 8], "little")
    body = data[at + 8:]
    check(rate % peers.RATE == 0, f"{path} has {rate} samples a second")
    return at_8_khz(body, channels, rate // peers.RATE)


def at_8_khz(body, channels, step):
    """The first channel of 16-bit samples, each `step` of them one."""
    samples = array.array("h", body[:len(body) - len(body) % (2 * channels)])[::channels]
    if step == 1:
        return list(samples)
    whole = len(samples) - len(samples) % step
    return [sum(samples[i:i + step]) // step for i in range(0, whole, step)]


class CodecBaresip(Baresip):
    """baresip that speaks one codec: a word of `audio_codecs` and the module that has it."""

    def __init__(self, where, source, codec, module):
        self.codec, self.module = codec, module
        super().__init__(where, source)

    def hears(self):
        """What it has heard so far, at 8 kHz."""
        return any_wav(self.recordings()[0])

    def stop(self):
        return h.stop(self.process)

    def accounts(self, text):
        return text.replace("PCMU,PCMA", self.codec)

    def config(self, text, where):
        return text.replace("module g711.so", f"module {self.module}").replace(
            "ausrc_srate 8000\n", "ausrc_srate 8000\nausrc_channels 1\n")


def conversation(telephone, agents, customers, srtp="off"):
    """Agent on somebody's telephone in one codec, customer at the simulator in another; returns the
    record. telephone(where, source): one that is called, as CodecBaresip is."""
    where = h.folder()
    sounds, speech = peers.one_voice(where)
    mix = where / "mix.yaml"
    mix.write_text(json.dumps({
        "scenarios": [{"scenario": "human-short", "weight": 1}],
        "agents": {"prefix": "agent-", "scenario": "agents/agent"},
        "settings": [{"name": "patience_mean", "value": "60"}]}))
    simulator, address, _ = h.serve(where, seed=6, mix=mix, sounds=sounds, extra=(
        "--codecs", customers, "--srtp", srtp, "--media-ports", h.free_range(80)))
    agent_side = telephone(where, peers.agent_sound(where))
    yaml = peers.write_campaign(
        where, {"address": address, "codecs": [customers]}, ring_timeout="25s",
        sip={"address": "127.0.0.1", "srtp": srtp},
        agents=[{"name": "desk", "uri": f"sip:agent@127.0.0.1:{agent_side.port}", "wrap_up": "1s",
                 "codecs": agents}],
        pacing={"mode": "ratio", "ratio": 1, "calls_per_second": 5, "concurrent": 1},
        abandonment={"limit": "2s", "cap": 3}, recording={"mode": "agent"},
        on={"human": "agent", "human_silent": "agent", "unknown": "agent"})
    engine = peers.run_engine(where, yaml, peers.write_leads(where, ("0101",)))
    recordings = where / "data" / "recordings"
    wait_for("the engine to call its agent", lambda: agent_side.count("CALL_ESTABLISHED") == 1)
    wait_for("the callee's sentence in the agent's ear", lambda: peers.loud_frames(
        agent_side.hears()) > peers.loud_frames(speech), 60)
    wait_for("two of the agent's tones in the recording", lambda: any(
        p.stat().st_size > 5 * peers.RATE * 4 for p in recordings.glob("*.wav")), 60)
    agent_side.hang_up()
    records = peers.finish(where, engine, 1)
    check(agent_side.stop() == 0, "the telephone ends in order")
    h.stop(simulator, signal.SIGINT)
    record = records["0101", 1]
    check((record["delivery"], record["agent"]) == ("connected", "desk"), json.dumps(record))
    callee, agent = peers.read_wav(record["recording"])
    peers.check_agent_channel(agent, callee)
    _, match = peers.best_match(callee, speech)
    check(match > 0.8, f"the recording has the callee: {match:.2f}")
    heard = agent_side.hears()
    at, match = peers.best_match(heard, speech)
    check(match > 0.8, f"the agent heard the callee: {match:.2f} at {at / peers.RATE:.1f} s")
    loud = peers.level(heard[at:at + len(speech)]) - peers.level(speech)
    check(abs(loud) < 3, f"as loud as it was said: {loud:.1f} dB")
    return record


def baresip_speaks_opus():
    conversation(lambda *at: CodecBaresip(*at, "opus/48000/2", "opus.so"), ["opus", "pcma"], "pcma")


def baresip_speaks_g722():
    conversation(lambda *at: CodecBaresip(*at, "G722", "g722.so"), ["opus", "g722", "pcma"], "opus")


def wrong_codecs_are_named():
    where = h.folder()
    yaml = peers.write_campaign(where, {"address": "127.0.0.1:5060", "codecs": ["gsm"]})
    done = subprocess.run([h.program("peal"), "check", yaml, "--leads",
                           peers.write_leads(where, ("0101",))],
                          capture_output=True, text=True, timeout=60)
    told = done.stdout + done.stderr
    check(done.returncode != 0 and "campaign.yaml:" in told and "'gsm' is not accepted" in told
          and "opus" in told, told)
    done = subprocess.run([h.program("peal-sim"), "serve", "--listen", "127.0.0.1:0",
                           "--scenarios", h.SOURCE / "scenarios", "--mix",
                           h.SOURCE / "scenarios/mixes/demo.yaml", "--codecs", "opus,opus",
                           "--truth", where / "truth.jsonl"],
                          capture_output=True, text=True, timeout=60)
    check(done.returncode != 0 and "--codecs" in done.stderr and "l16" in done.stderr, done.stderr)


if __name__ == "__main__":
    h.main(wrong_codecs_are_named, baresip_speaks_opus, baresip_speaks_g722)
