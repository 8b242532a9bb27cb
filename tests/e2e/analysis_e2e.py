"""How a campaign has its verdicts made: by the model or by rules, and at what costs. The same people say the
same words to each; what they are taken for is the record's."""

import harness as h
from harness import check
from campaign_e2e import books, count_leads, finish, run_engine

LEADS = 4
CALLEE = """
return callee {
  truth = "human",
  run = function(call)
    call:ring(0.3)
    call:answer()
    call:wait(0.4)
    call:play(pick("human"), { limit = 3 })
    call:wait_hangup(20)
  end,
}
"""


# Talks for longer than the analysis, then beeps; TALKER does not.
RECORDER = """
return callee {
  truth = "machine",
  run = function(call)
    call:answer()
    call:wait(0.4)
    call:play(pick("talk"), { limit = 5 })
    call:wait(0.3)
    call:tone(1000, 0.5)
    call:wait_hangup(3)
  end,
}
"""
TALKER = RECORDER.replace('"machine"', '"human"').replace("call:tone(1000, 0.5)", "")


def play(callees, **campaign):
    """The records of a campaign that calls these, each with the parts of its configuration that are given."""
    where = h.folder()
    simulator, address, _ = h.serve(where, seed=4, extra=("--late-limit", 1000),
                                    **h.stage(where, callees, settings={"talk_mean": 100}))
    parts = {"attempts": "1",
             "on": "{ human: hangup, unknown: hangup, human_silent: hangup, machine: hangup }",
             "pacing": "{ mode: agentless, calls_per_second: 5 }"} | campaign
    path = where / "campaign.yaml"
    path.write_text(f"""
name: analysis
country: us
windows: any
trunks: [{{ name: carrier, address: "{address}", max_calls: 20 }}]
caller_ids: ["+12025550100"]
sip: {{ address: 127.0.0.1 }}
""" + "".join(f"{name}: {value}\n" for name, value in parts.items()).replace("ADDRESS", address))
    leads = h.leads(where, LEADS, seed=3)
    finish(where, run_engine(where, path, leads), simulator)
    records, _, _ = books(where, count_leads(leads))
    return [r for r in records if r["attempt"] > 0]


def verdicts(analysis):
    return [r["result"] for r in play({"person": CALLEE}, analysis=analysis)]


def the_model_hears_people():
    check(verdicts("{ mode: model }") == LEADS * ["human"], "by the model")


def rules_go_by_the_clock():
    """Whoever speaks for longer than that is a machine to them."""
    found = verdicts("{ mode: rules, greeting: 200ms }")
    check(found == LEADS * ["machine"], f"by rules: {found}")


def costs_decide():
    """With nothing to lose by dropping a person, and all by troubling an agent, everybody is a machine."""
    found = verdicts("{ dropped_person: 1s, machine_at_agent: 18h }")
    check(found == LEADS * ["machine"], f"by these costs: {found}")


def at_an_agent(callee):
    """After a second of unbroken talk these rules are not sure, so all answers are an agent's."""
    return play({"callee": callee}, attempts="2",
                analysis="{ mode: rules, total: 1s, greeting: 20s }",
                agents='[{ name: agent-%d, uri: "sip:agent-%d@ADDRESS", count: 4, wrap_up: 500ms }]',
                on="{ human: agent, unknown: agent, machine: hangup }",
                results="{ machine: { after: 0s, next: retry } }",
                pacing="{ mode: progressive }")


def a_beep_at_an_agent_tells_a_machine():
    """It is what the record says then, and the lead, whom nobody has talked to, is called again."""
    found = at_an_agent(RECORDER)
    check({r["delivery"] for r in found} == {"connected"}, "all of them had an agent")
    check({r["result"] for r in found} == {"machine"}, f"by their beeps: {[r['result'] for r in found]}")
    check(len(found) == 2 * LEADS, f"{len(found)} calls of {LEADS} leads with two attempts each")


def without_a_beep_it_stays_unknown():
    found = at_an_agent(TALKER)
    check([r["result"] for r in found] == LEADS * ["unknown"], "nothing told more")
    check({r["delivery"] for r in found} == {"connected"}, "and they are reached")


h.main(the_model_hears_people, rules_go_by_the_clock, costs_decide,
       a_beep_at_an_agent_tells_a_machine, without_a_beep_it_stays_unknown)
