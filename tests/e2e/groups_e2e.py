"""Groups of agents, with real calls and on the virtual clock: nobody reaches the wrong group, nobody is
dialled for whom no agent can be there, and a flow puts callers through to the group that it names. The
oracle is this file's own: who is in which group, and which calls were alive when another left."""

import json
import signal
import subprocess

import harness as h
from harness import check, wait_for

# Answers, says hello until somebody speaks, and then talks until the agent hangs up.
PERSON = """return callee {
  truth = "human",
  run = function(call)
    call:ring(uniform(0.3, 2))
    call:answer()
    call:wait(0.3)
    call:play(pick("human"), { limit = 2 })
    local heard
    repeat
      heard = call:listen { "speech", limit = 1.5 }
      if not heard then call:play(pick("human"), { limit = 2 }) end
    until heard or call:age() > 30
    while heard and call:age() < 60 do
      call:wait(exp(2, { min = 0.5, max = 5 }))
      call:play(pick("human"), { limit = 4 })
    end
  end,
}
"""
SALES, ENGLISH, BOTH = {f"agent-{i}" for i in (1, 2, 3)}, {"agent-11"}, {"agent-21"}
GROUP = {"warm": SALES | BOTH, "abroad": ENGLISH | BOTH}  # whom the people of a list may reach
CAMPAIGN = """name: groups
country: us
windows: any
attempts: 1
ring_timeout: 8s
trunks: [ { name: carrier, address: "%(address)s", max_calls: 40 } ]
caller_ids: [ "+12025550100" ]
agents:
  - { name: agent-%%d, uri: "sip:agent-%%d@%(address)s", count: 3, wrap_up: 500ms, groups: [ sales ] }
  - { name: agent-11, uri: "sip:agent-11@%(english)s", wrap_up: 500ms, groups: [ english ] }
  - { name: agent-21, uri: "sip:agent-21@%(english)s", wrap_up: 500ms, groups: [ sales, english ] }
lists:
  - { name: warm, file: warm.csv }
  - { name: abroad, file: abroad.csv, agents: english }
on: { human: agent sales }
pacing: %(pacing)s
"""


def write(where, address, warm, abroad, pacing="{ mode: progressive }", english=None):
    for name, count, first in (("warm", warm, 2025550100), ("abroad", abroad, 3035550100)):
        rows = "".join(f"{name}-{i},+1{first + i}\n" for i in range(count))
        (where / f"{name}.csv").write_text("id,number\n" + rows)
    path = where / "campaign.yaml"
    path.write_text(CAMPAIGN % {"address": address, "pacing": pacing, "english": english or address})
    return path


def run(where, yaml, *more):
    return h.start([h.program("peal"), "run", yaml, "--data", where / "data", "--quiet", *more],
                   where / "engine.log")


def dialled(where):
    return [r for r in h.lines(where / "data/calls.jsonl") if r["attempt"] > 0]


def list_of(record):
    return record["lead"].split("-")[0]


def alive_at_once(records):
    """The most calls there were at once, when a call left."""
    spans = [(r["invite_ms"], r["invite_ms"] + r["times"]["end"]) for r in records]
    return max(sum(start <= at < end for start, end in spans) for at, _ in spans)


def nobody_reaches_the_wrong_group():
    where = h.folder()
    far_side = h.stage(where, {"person": PERSON}, settings={"talk_mean": 3})
    simulator, address, _ = h.serve(where, seed=5, **far_side)
    yaml = write(where, address, 16, 8)
    said = subprocess.run([h.program("peal"), "check", yaml], capture_output=True, text=True).stdout
    check("agents of group sales (4 agents): people of list warm, and all others; their calls are made" in said
          and "agents of group english (2 agents): people of list abroad; their calls" in said
          and "human: agent sales" in said, said)
    engine = run(where, yaml)
    check(engine.wait(180) == 0, "every lead is finished, so the engine ends")
    h.judge_simulator(h.stop(simulator, signal.SIGINT))
    records = dialled(where)
    check(len(records) == 24, f"{len(records)} calls of 24 leads")
    for r in records:
        check(r["delivery"] == "connected", f"a call for each agent who is free abandons nobody: {r}")
        check(r["agent"] in GROUP[list_of(r)], f"{r['lead']} talked to {r['agent']}")
        check(r["group"] == {"warm": "sales", "abroad": "english"}[list_of(r)], f"{r['lead']}: {r['group']}")
    check({r["agent"] for r in records} >= SALES | ENGLISH, "everybody had somebody")
    # One call for each agent who can get it, and not for those who cannot.
    for name, agents in GROUP.items():
        most = alive_at_once([r for r in records if list_of(r) == name])
        check(most <= len(agents), f"{most} calls of {name} at once, for {len(agents)} agents")
    check(alive_at_once(records) <= 5, "nor two for the one of both groups")


def a_group_without_agents_is_not_dialled():
    """The agents of english have no telephone: their people are left alone, and hold nobody up. The
    ratio is high, so that a pacing that counted all agents would reach them."""
    where = h.folder()
    far_side = h.stage(where, {"person": PERSON}, settings={"talk_mean": 2})
    simulator, address, truth = h.serve(where, seed=6, **far_side)
    nowhere = f"127.0.0.1:{h.free_port()}"
    yaml = write(where, address, 9, 6, "{ mode: ratio, ratio: 3 }", english=nowhere)
    _, socket = h.redis(where)
    engine = run(where, yaml, "--redis", f"unix:{socket}")
    wait_for("the people of warm", lambda: len(dialled(where)) >= 9, 120)
    why = subprocess.run([h.program("peal"), "why", "abroad-0", yaml, "--redis", f"unix:{socket}"],
                         capture_output=True, text=True).stdout
    check("for agents of group english" in why, why)
    check(h.stop(engine) is not None, "it ends")
    h.judge_simulator(h.stop(simulator, signal.SIGINT))
    records = dialled(where)
    check({list_of(r) for r in records} == {"warm"}, f"{records}")
    check(all(r["delivery"] != "connected" or r["agent"] in SALES for r in records), "by sales")
    heard = [t for t in h.lines(truth) if "303555" in json.dumps(t)]
    check(heard == [], f"no call to a number of abroad: {heard}")


FLOW = """return flow {
  run = function(call)
    local how, who = call:transfer("agent english", { ring = 20 })
    store.push("agents", tostring(who))
  end,
}
"""


def a_flow_names_the_group():
    where = h.folder()
    far_side = h.stage(where, {"person": PERSON}, settings={"talk_mean": 2})
    simulator, address, _ = h.serve(where, seed=7, **far_side)
    (where / "choice.lua").write_text(FLOW)
    yaml = write(where, address, 3, 0, "{ mode: agentless, concurrent: 2 }")
    yaml.write_text(yaml.read_text().replace("human: agent sales", "human: flow choice.lua"))
    engine = run(where, yaml)
    check(engine.wait(120) == 0, "every lead is finished, so the engine ends")
    h.judge_simulator(h.stop(simulator, signal.SIGINT))
    flowed = [r for r in dialled(where) if r.get("by_flow")]
    check(flowed and all(r["agent"] in ENGLISH | BOTH and r["group"] == "english" for r in flowed),
          f"{flowed}")


POPULATION = """agents: { shifts: [ any ], zone: UTC }
talk: { length: 60s }
wrap_up: { length: 10s }
answer: { hours: 0-23 1, weekdays: mon-sun 1, share: 30% }
"""


def a_virtual_day_keeps_the_groups():
    for mode in ("predictive", "preview"):
        where = h.folder()
        yaml = write(where, "192.0.2.1:5060", 400, 100, "{ mode: %s }" % mode)
        (where / "population.yaml").write_text(POPULATION)
        done = subprocess.run([h.program("peal"), "simulate", yaml, "--days", "1", "--seed", "3",
                               "--population", where / "population.yaml", "--out", where / "data", "--quiet"],
                              capture_output=True, text=True)
        check(done.returncode == 0, f"{mode}: {done.stdout}{done.stderr}")
        records = dialled(where)
        check(len(records) == 500, f"{mode}: all leads are called, {len(records)}")
        talks = [r for r in records if r["delivery"] == "connected"]
        wrong = [r for r in talks if r["agent"] not in GROUP[list_of(r)]]
        check(not wrong and {list_of(r) for r in talks} == set(GROUP), f"{mode}: {wrong}")
        if mode == "preview":
            check(not any(r["abandoned"] for r in records), "a previewed call has its agent")


if __name__ == "__main__":
    h.main(nobody_reaches_the_wrong_group, a_group_without_agents_is_not_dialled, a_flow_names_the_group,
           a_virtual_day_keeps_the_groups)
