"""The limits of a campaign and of its trunks hold over all its engines together: real engines on
one redis-server, counted at the far side by what the simulator saw."""

import collections
import json

import harness as h
from harness import check, wait_for

LATE_MS = 500  # how much later than the engine the far side may see a call's end, on a busy machine
AGENTLESS = {"mode: ratio\n  ratio: 5": "mode: agentless", "human: agent": "human: hangup",
             "human_silent: agent": "human_silent: hangup", "unknown: agent": "unknown: hangup",
             "attempts: 2": "attempts: 1"}


def start(where, name, address, leads, url, ports, **limits):
    path = h.campaign(where, address, agents=2, **{"21000-28999": ports, **AGENTLESS, **limits})
    yaml = path.rename(where / f"{name}.yaml")
    return h.start([h.program("peal"), "run", yaml, "--leads", leads, "--data", where / name,
                    "--redis", url], where / f"{name}.log")


def most_at_once(calls):
    """A call that ends and one that begins may cross on their way: the end counts a little before."""
    moments = []
    for c in calls:
        begins, ends = c["started"], c["started"] + c["ended_ms"] - LATE_MS
        if ends > begins:
            moments += [(begins, 1), (ends, -1)]
    now = most = 0
    for _, step in sorted(moments):
        now += step
        most = max(most, now)
    return most


def most_within(calls, ms):
    begins = sorted(c["started"] for c in calls)
    return max(sum(1 for b in begins if a <= b < a + ms) for a in begins)


def serve(where, seed):
    mix = where / "mix.yaml"
    mix.write_text("scenarios:\n  - { scenario: no-answer, weight: 60 }\n"
                   "  - { scenario: busy, weight: 40 }\n"
                   "agents: { prefix: agent-, scenario: agents/agent }\n")
    return h.serve(where, seed=seed, mix=mix)


def run(engines, limits, count, seed):
    """The far side's calls, and how many records each engine has."""
    where = h.folder()
    _, socket = h.redis(where)
    simulator, address, _ = serve(where, seed)
    leads = where / "leads.csv"
    leads.write_text("id,number\n" + "".join(f"L{i},+120255501{i:02}\n" for i in range(count)))
    ports = ("20000-22998", "23000-25998", "26000-28998")
    url = f"unix:{socket}"
    # All but the last at the same moment, when none knows of the others yet; the last joins.
    going = [start(where, f"e{n}", address, leads, url, ports[n], **limits)
             for n in range(engines - 1)]
    wait_for("some calls", lambda: len(h.lines(where / "truth.jsonl")) >= 4, 120)
    going.append(start(where, f"e{engines - 1}", address, leads, url, ports[engines - 1], **limits))
    for n, engine in enumerate(going):
        check(engine.wait(300) == 0, f"engine {n} ends")
    h.stop(simulator)
    calls = [t for t in h.lines(where / "truth.jsonl") if t.get("kind") != "agent"]
    records = [h.lines(where / f"e{n}" / "calls.jsonl") for n in range(engines)]
    for name in ("e0", "e1"):
        done = json.loads((where / name / "run.json").read_text())
        check(done["leads"] == count, f"{count} leads: {done}")
    ids = collections.Counter(r["call_id"] for own in records for r in own if r["attempt"] > 0)
    check(len(ids) == count and max(ids.values()) == 1, f"each lead once: {len(ids)} calls")
    check({c["call_id"] for c in calls} == set(ids), "and the far side saw these")
    left = h.ask_redis(socket, "HLEN", "{demo}:open")
    check(left == ["0"], f"no call counts any more: {left}")
    return calls, [len(own) for own in records]


def at_once():
    calls, shares = run(3, {"concurrent: 80": "concurrent: 5"}, 45, 41)
    check(all(shares), f"every engine has dialled: {shares}")
    most = most_at_once(calls)
    check(most <= 5, f"{most} calls at once where the campaign allows 5")
    check(most >= 4, f"the limit is used: {most} at once")


def in_a_second():
    calls, shares = run(3, {"calls_per_second: 7": "calls_per_second: 3"}, 45, 42)
    check(all(shares[:2]), f"both engines have dialled: {shares}")
    for seconds, most in ((1, 3 + 2), (5, 15 + 3)):  # some may come late, with the next
        seen = most_within(calls, seconds * 1000)
        check(seen <= most, f"{seen} calls in {seconds} s where the campaign allows 3 a second")


def on_a_trunk():
    calls, _ = run(2, {"max_calls: 100": "max_calls: 3"}, 24, 43)
    most = most_at_once(calls)
    check(most <= 3, f"{most} calls at once on a trunk that allows 3")
    check(most == 3, "the trunk is used")


if __name__ == "__main__":
    h.main(at_once, in_a_second, on_a_trunk)
