"""Preview: agents hear the tone of an offer on their leg and dial or skip by key, or let it be
dialled; nobody's call goes to somebody else. Then SIGHUP makes the same run progressive."""

import re
import signal

import harness as h
from harness import check, wait_for
from supervise_e2e import Phone, campaign, sentence
from campaign_e2e import books, count_leads, finish, run_engine

CALLEE = """
return callee {
  truth = "human",
  run = function(call)
    call:ring(0.4)
    call:answer()
    call:wait(0.3)
    call:play(pick("human"), { limit = 3 })
    call:wait(1)
    call:play(pick("talk"), { limit = 20 })
    call:wait_hangup(20)
  end,
}
"""


def serve(where, settings):
    far_side = h.stage(where, {"person": CALLEE}, agent="preview", settings=settings)
    simulator, address, _ = h.serve(where, seed=9, **far_side)
    return simulator, address


def write(where, address, pacing, agents=3):
    path = where / "campaign.yaml"
    path.write_text(f"""
name: preview
country: us
attempts: 2
ring_timeout: 8s
trunks: [{{ name: carrier, address: "{address}", max_calls: 20 }}]
caller_ids: ["+12025550100"]
sip: {{ address: 127.0.0.1 }}
agents: [{{ name: agent-%d, uri: "sip:agent-%d@{address}", count: {agents}, wrap_up: 500ms }}]
on: {{ human: agent, unknown: agent, human_silent: agent, machine: agent }}
pacing: {pacing}
""")
    return path


def dialled(where):
    return [r for r in h.lines(where / "data/calls.jsonl") if r["attempt"] > 0]


def offers_are_dialled_or_skipped():
    where = h.folder()
    settings = {"talk_mean": 3, "preview_dials": 5, "preview_skips": 4, "preview_waits": 2}
    simulator, address = serve(where, settings)
    leads = h.leads(where, 14, seed=3)
    yaml = write(where, address, "{ mode: preview, preview_time: 3s, skip_for: 2s }")
    finish(where, run_engine(where, yaml, leads), simulator)
    records, truth, run = books(where, count_leads(leads))
    done = dialled(where)
    check(run["skipped"] > 0, "agents skipped leads")
    check(run["finished"] == run["leads"], "skipped leads came again until they were dialled")
    check(run["abandoned"] == 0, "whoever answers has the agent who asked for the call")
    connected = [r for r in done if r["delivery"] == "connected"]
    check(len(connected) >= 0.8 * len(done), f"{len(connected)} of {len(done)} connected")
    check({r["agent"] for r in connected} <= {"agent-1", "agent-2", "agent-3"}, "by their agents")
    check(run["peak_concurrent"] <= 3, f"one call an agent: {run['peak_concurrent']}")


def hangup_signal_changes_the_pacing():
    where = h.folder()
    # These agents never press a key: without the reload nothing is dialled for an hour.
    simulator, address = serve(where, {"talk_mean": 3, "preview_dials": 0, "preview_skips": 0,
                                       "preview_waits": 1})
    leads = h.leads(where, 8, seed=4)
    yaml = write(where, address, "{ mode: preview, preview_time: 1h }")
    engine = run_engine(where, yaml, leads)
    log = lambda: (where / "engine.log").read_text(errors="replace")
    wait_for("a lead to be looked at", lambda: re.search(r"[1-9] agents look at a lead", log()), 60)
    check(not dialled(where), "nobody accepted")
    yaml.write_text(yaml.read_text().replace("mode: preview, preview_time: 1h", "mode: fast"))
    engine.send_signal(signal.SIGHUP)
    wait_for("the mistake to be told", lambda: "nothing is changed" in log(), 30)
    yaml.write_text(yaml.read_text().replace("mode: fast", "mode: progressive"))
    engine.send_signal(signal.SIGHUP)
    wait_for("the new mode", lambda: "pacing is progressive now" in log(), 30)
    finish(where, engine, simulator)
    _, _, run = books(where, count_leads(leads))
    check(run["finished"] == run["leads"], "the progressive run finishes the list")


RINGBACK_HZ = 440


def the_agent_hears_it_ring():
    """From the far side's 180 on, until they talk; and it ends when nobody answers."""
    where = h.folder()
    agent, callee = Phone(400), Phone(700, sentence())
    yaml, _ = campaign(where, agent, callee, "mode: preview, preview_time: 1h")
    yaml.write_text(yaml.read_text().replace(", ringback: music.wav", ""))
    engine = h.start([h.program("peal"), "run", yaml, "--leads", h.leads(where, 1), "--data",
                      where / "data", "--log", "info"], where / "engine.log")
    try:
        agent.take_call()
        wait_for("the tone of the offer", lambda: agent.level(1000) > 0.3)
        agent.press("1")
        call = callee.wait("INVITE", 30)
        check(agent.level(RINGBACK_HZ) < 0.02, "nothing rings yet")
        callee.answer(call, 180)
        wait_for("the agent to hear it ring", lambda: agent.level(RINGBACK_HZ) > 0.1, 15)
        callee.talk_to(call)
        callee.answer(call, 200, body=callee.sdp())
        callee.wait("ACK")
        agent.hears(callee, "the agent to hear the callee")
        check(agent.level(RINGBACK_HZ, 7) < 0.05, "it rings no more")
        callee.hears(agent, "and the callee the agent")
        engine.terminate()
        for phone in (callee, agent):
            phone.answer(phone.wait("BYE"), 200)
        engine.wait(30)
    finally:
        agent.close()
        callee.close()


if __name__ == "__main__":
    h.main(offers_are_dialled_or_skipped, the_agent_hears_it_ring, hangup_signal_changes_the_pacing)
