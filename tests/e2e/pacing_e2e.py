"""The virtual-time benchmark of the pacing tells the truth: the dialer is as busy and abandons as
much as the benchmark says of the same workload.

It is asked twice. A real run has real calls, audio and agents, but a minute of a small room says
little: another seed may be fifteen points away. The same dialer on a virtual clock (`peal simulate`:
its queue, agents and pacing, without audio) has a whole day, and another seed is within three.

The workload is read off the run's own records (how many answer, after how long, how long talks and
wrap-ups last, how long a verdict takes), so that a slow machine is a slow workload in both. The
benchmark then plays as long a day on several seeds, and the run must lie where another seed would lie
999 times in a thousand, give or take what the model leaves out."""

import json
import math
import shutil
import signal
import statistics
import subprocess
import time

import harness as h
from harness import check

AGENTS = 16
SECONDS = 80  # looked at, from when all agents are there
ROUNDS = 4    # of eight seeds of the benchmark
MODEL = 5.0   # points of utilisation by which the model may be off: it has no audio, no queue of leads,
              # and one law for rings, talks and verdicts
ROOM = 20            # agents of a day on the virtual clock
HOURS = 8            # of it
MODEL_VIRTUAL = 1.0  # points: it has no audio either
# Student's t by rounds of eight seeds, 7 degrees of freedom each: 0.999 lie within, both sides together.
STUDENT = {1: 5.41, 4: 3.67}

# Answers soon, says hello and waits for as long as it takes: rings, talks and patience of tests are
# short, so that a minute and a half has a hundred answers.
PERSON = """return callee {
  truth = "human",
  run = function(call)
    call:ring(lognormal(1.8, 0.4, { max = 3 }))
    call:answer()
    call:wait(0.3)
    call:play(pick("human"), { limit = 2 })
    local heard
    repeat
      heard = call:listen { "speech", limit = 1.5 }
      if not heard then call:play(pick("human"), { limit = 2 }) end
    until heard or call:age() > 30
    while heard and call:age() < 180 do
      call:wait(exp(3, { min = 0.5, max = 8 }))
      call:play(pick("human"), { limit = 4 })
    end
    call:hangup()
  end,
}
"""
SILENCE = """return callee {
  truth = "no_answer",
  run = function(call)
    call:ring(60)
    call:reject(480, "Temporarily Unavailable", 19)
  end,
}
"""


# The benchmark's world in the words of `peal simulate`: who answers is a matter of chance alone.
POPULATION = f"""numbers: {{ vacant: 0%, fax: 0%, machine: 0%, readiness: 0 }}
state: {{ busy: 0%, unreachable: 0% }}
answer: {{ share: 28%, hours: 0-23 1, weekdays: mon-sun 1 }}
call: {{ delay_cv: 0, rejected: 0%, congestion: 0% }}
verdict: {{ human_as_machine: 0%, machine_as_human: 0%, unsure: 0% }}
agents: {{ shifts: [ "mon-sun 09:00-{9 + HOURS}:00" ], break_every: 240h }}
"""
DAY = """name: day
country: us
zone: America/New_York
windows: any
attempts: 1
ring_timeout: 25s
trunks:
  - { name: carrier, address: 192.0.2.1:5060, max_calls: 200 }
caller_ids: ["+12025550100"]
agents:
  - { name: agent-%%d, uri: "sip:agent-%%d@192.0.2.2:5060", count: %d }
pacing: { mode: %s }
"""


def mean_and_cv(values):
    mean = statistics.fmean(values)
    return mean, statistics.pstdev(values) / mean


def marks(records, start, end):
    """Seconds between two marks of the records that have both."""
    times = [r["times"] for r in records]
    return [(t[end] - t[start]) / 1000 for t in times
            if t.get(start) is not None and t.get(end) is not None and t[end] > t[start]]


def cut_by(limit, mean, cv):
    """The share of a lognormal law beyond the limit."""
    v = math.log1p(cv * cv)
    z = (math.log(limit) - math.log(mean) + v / 2) / math.sqrt(v)
    return 0.5 * math.erfc(z / math.sqrt(2))


def workload_of(records, agents, day_s, wrap_cv):
    """The benchmark's words for what these calls and agents did."""
    answered = [r for r in records if r["times"].get("answered") is not None]
    silent = [r for r in records if r["times"].get("answered") is None]
    rings = [r["times"]["ringing"] / 1000 for r in records if r["times"].get("ringing")]
    delay = statistics.fmean(rings or [0.01])
    ring_mean, ring_cv = mean_and_cv([r["times"]["answered"] / 1000 - delay for r in answered])
    limit = statistics.fmean(r["times"]["end"] / 1000 for r in silent) - delay
    talk_mean, talk_cv = mean_and_cv(marks(answered, "connect", "end"))
    after = statistics.fmean(marks(answered, "greeting_end", "verdict") or [0])
    wraps = [a["wrapping_ms"] / 1000 / a["calls"] for a in agents if a["calls"]]
    return {
        "agents": len(agents), "machines": 0, "failures": 0, "day_s": day_s, "delay_s": delay,
        "p": len(answered) / len(records) / (1 - cut_by(limit, ring_mean, ring_cv)),
        "ring_mean": ring_mean, "ring_cv": ring_cv, "ring_limit_s": limit,
        "talk_mean": talk_mean, "talk_cv": min(talk_cv, 1.5),
        "wrap_mean": statistics.fmean(wraps), "wrap_cv": wrap_cv,
        "analysis_s": statistics.fmean(marks(answered, "answered", "verdict")),
        "limit_s": max(2 - after, 0),
    }


def benchmark(where, load, policy, rounds):
    """Utilisation and its deviation from seed to seed, abandonment; in %."""
    folder = where / "bench" / "pacing"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(h.SOURCE / "bench/pacing/base.conf", folder)
    (folder / "run.conf").write_text("".join(f"{k} = {v}\n" for k, v in load.items()))
    means, variances, shares = [], [], []
    for first in range(1, 8 * rounds, 8):
        subprocess.run([h.program("peal-bench"), "pacing", "--workload", "run", "--policy",
                        policy, "--days", "1", "--seeds", "8", "--seed", str(first), "--json",
                        where / "bench.json"], cwd=where, check=True, capture_output=True,
                       timeout=300)
        rows = {r["case"]: r["value"] for r in json.loads((where / "bench.json").read_text())}
        means.append(rows[f"run/utilisation/{policy}"])
        # The benchmark's interval is t(7) × deviation ÷ √8.
        variances.append((rows[f"run/interval/{policy}"] / 2.36) ** 2 * 8)
        shares.append(rows[f"run/abandonment/{policy}"])
    return statistics.fmean(means), math.sqrt(statistics.fmean(variances)), statistics.fmean(shares)


def looked_at(run):
    """The samples from when all agents were there on: (busy share in %, live, abandoned)."""
    samples = [dict(zip(("at", "dialling", "ringing", "answered", "waiting", "connected", "free",
                         "talking", "wrapping", "out", "expected", "theta", "risk", "live",
                         "abandoned"), s)) for s in run["samples"]]
    first = next(i for i, s in enumerate(samples) if s["out"] == 0)
    day = samples[first:first + SECONDS]
    check(len(day) == SECONDS, f"the run was looked at for {len(day)} s, not {SECONDS}")
    busy = statistics.fmean((s["talking"] + s["wrapping"]) / AGENTS for s in day)
    return 100 * busy, day[-1]["live"], day[-1]["abandoned"]


def breaks_learned(where):
    """The share of wrap-ups after which an agent went away, as the pacing learned it."""
    learned = dict(line.split()[:2] for line in (where / "pacing").read_text().splitlines()
                   if line.startswith(("wraps ", "leaves ")))
    check(float(learned["wraps"]) > 60, f"the pacing learned of {learned['wraps']} wrap-ups only")
    return float(learned["leaves"]) / float(learned["wraps"])


def compare(where, load, policy, rounds, model, busy, live, abandoned):
    """What a run came to, with what the benchmark says of its workload; model: points it may be off."""
    says, deviation, share = benchmark(where, load, policy, rounds)
    within = STUDENT[rounds] * deviation * math.sqrt(1 + 1 / (8 * rounds)) + model
    print(f"{policy}: busy {busy:.2f} %; the benchmark says {says:.2f} ± {within:.2f}; abandoned {abandoned} of "
          f"{live}, {share:.2f} % by the benchmark", flush=True)
    check(live > 40, f"there were {live} live answers: too few to say anything")
    check(abs(busy - says) <= within, f"busy {busy:.2f} %, not {says:.2f} ± {within:.2f}: {load}")
    # Abandons come in bursts, about two at a time; share: of all days of the benchmark.
    most = share / 100 * live
    check(abs(abandoned - most) <= 3.3 * math.sqrt(2 * max(most, 1)) + 1,
          f"{abandoned} of {live} abandoned, not about {most:.1f}")


def real_run():
    """A predictive run with real calls and agents."""
    where = h.folder()
    far_side = h.stage(where, {"person": PERSON, "silence": SILENCE}, {"person": 30, "silence": 70},
                       settings={"talk_mean": 8})
    simulator, address, _ = h.serve(where, **far_side)
    yaml = h.campaign(where, address, agents=AGENTS, **{
        "mode: ratio": "mode: predictive", "  ratio: 5\n": "",
        "calls_per_second: 7\n": "calls_per_second: 0\n", "attempts: 2": "attempts: 1",
        "ring_timeout: 8s": "ring_timeout: 4s",
        "media: { address: 127.0.0.1, ports: 21000-28999 }":
            f"media: {{ address: 127.0.0.1, ports: {h.free_range(400)} }}"})
    engine = h.start([h.program("peal"), "run", yaml, "--leads", h.leads(where, 1500), "--data",
                      where / "data", "--log", "info"], where / "engine.log")
    time.sleep(SECONDS + 8)  # the length of what is measured, not a wait for something
    code = h.stop(engine, signal.SIGINT, 60)
    check(code in (0, 130), f"the engine ended with {code}")
    h.judge_simulator(h.stop(simulator, signal.SIGINT))

    run = json.loads((where / "data/run.json").read_text())
    records = [r for r in h.lines(where / "data/calls.jsonl")
               if r["attempt"] > 0 and r["result"] != "cancelled"]
    busy, live, abandoned = looked_at(run)
    check(breaks_learned(where / "data") < 0.05, "agents who were only called again count as gone for a break")
    load = workload_of(records, run["agent"], SECONDS, 0.05)
    plain, _, _ = benchmark(where, load, "progressive", ROUNDS)
    check(busy > plain, f"busy {busy:.1f} %: one call a free agent would do as well, {plain:.1f} %")
    compare(where, load, "peal-guard", ROUNDS, MODEL, busy, live, abandoned)


def virtual_day(mode, policy):
    """A day of the dialer on a virtual clock."""
    where = h.folder()
    (where / "day.yaml").write_text(DAY % (ROOM, mode))
    (where / "population.yaml").write_text(POPULATION)
    subprocess.run([h.program("peal"), "simulate", where / "day.yaml", "--leads", h.leads(where, 16000),
                    "--days", "1", "--seed", "1", "--population", where / "population.yaml", "--quiet",
                    "--out", where / "out"], check=True, capture_output=True, timeout=600)
    run = json.loads((where / "out/run.json").read_text())
    check(run["pending"] > 0, "the list ran dry")
    records = [r for r in h.lines(where / "out/calls.jsonl") if r["attempt"] > 0]
    worked = sum(a["talking_ms"] + a["wrapping_ms"] for a in run["agent"])
    there = worked + sum(a["free_ms"] for a in run["agent"])
    check(abs(there - 3600000 * ROOM * HOURS) < 0.02 * there, f"agents were there for {there / 3600000:.1f} h")
    compare(where, workload_of(records, run["agent"], 3600 * HOURS, 0.5), policy, 1, MODEL_VIRTUAL,
            100 * worked / there, run["live"], run["abandoned"])


def predictive_is_as_the_benchmark_says():
    real_run()


def a_progressive_day_is_as_the_benchmark_says():
    virtual_day("progressive", "progressive")


def a_predictive_day_is_as_the_benchmark_says():
    virtual_day("predictive", "peal-guard")


if __name__ == "__main__":
    h.main(a_progressive_day_is_as_the_benchmark_says, a_predictive_day_is_as_the_benchmark_says,
           predictive_is_as_the_benchmark_says)
