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


def verdicts(analysis):
    where = h.folder()
    simulator, address, _ = h.serve(where, seed=4, extra=("--late-limit", 1000),
                                    **h.stage(where, {"person": CALLEE}))
    path = where / "campaign.yaml"
    path.write_text(f"""
name: analysis
country: us
windows: any
attempts: 1
trunks: [{{ name: carrier, address: "{address}", max_calls: 20 }}]
caller_ids: ["+12025550100"]
sip: {{ address: 127.0.0.1 }}
analysis: {analysis}
on: {{ human: hangup, unknown: hangup, human_silent: hangup, machine: hangup }}
pacing: {{ mode: agentless, calls_per_second: 5 }}
""")
    leads = h.leads(where, LEADS, seed=3)
    finish(where, run_engine(where, path, leads), simulator)
    records, _, _ = books(where, count_leads(leads))
    return [r["result"] for r in records if r["attempt"] > 0]


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


h.main(the_model_hears_people, rules_go_by_the_clock, costs_decide)
