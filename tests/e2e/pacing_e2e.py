"""The virtual-time benchmark of the pacing tells the truth: a real run, with real calls and agents,
is as busy and abandons as much as the benchmark says of the same workload.

The workload is read off the run's own records (how many answer, after how long, how long talks and
wrap-ups last, how long a verdict takes), so that a slow machine is a slow workload in both. The
benchmark then plays as long a day on 32 seeds, and the run must lie where another seed would lie 999
times in a thousand, give or take what the model leaves out."""

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
T_28 = 3.67   # Student's t of 4 × 7 degrees of freedom: 0.999 lie within, on both sides together
MODEL = 5.0   # points of utilisation by which the model may be off: it has no audio, no queue of leads,
              # and one law for rings, talks and verdicts

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


def workload_of(records, agents):
    """The benchmark's words for what these calls and agents did."""
    answered = [r for r in records if r["times"].get("answered") is not None]
    silent = [r for r in records if r["times"].get("answered") is None]
    delay = statistics.fmean(marks(records, "first_1xx", "ringing") or [0.01])
    ring_mean, ring_cv = mean_and_cv([r["times"]["answered"] / 1000 - delay for r in answered])
    limit = statistics.fmean(r["times"]["end"] / 1000 for r in silent) - delay
    talk_mean, talk_cv = mean_and_cv(marks(answered, "connect", "end"))
    after = statistics.fmean(marks(answered, "greeting_end", "verdict") or [0])
    wraps = [a["wrapping_ms"] / 1000 / a["calls"] for a in agents if a["calls"]]
    return {
        "agents": AGENTS, "machines": 0, "failures": 0, "day_s": SECONDS, "delay_s": delay,
        "p": len(answered) / len(records) / (1 - cut_by(limit, ring_mean, ring_cv)),
        "ring_mean": ring_mean, "ring_cv": ring_cv, "ring_limit_s": limit,
        "talk_mean": talk_mean, "talk_cv": min(talk_cv, 1.5),
        "wrap_mean": statistics.fmean(wraps), "wrap_cv": 0.05,
        "analysis_s": statistics.fmean(marks(answered, "answered", "verdict")),
        "limit_s": max(2 - after, 0),
    }


def benchmark(where, load, policy):
    """Utilisation and its deviation from seed to seed, abandonment; in %."""
    folder = where / "bench" / "pacing"
    folder.mkdir(parents=True, exist_ok=True)
    shutil.copy(h.SOURCE / "bench/pacing/base.conf", folder)
    (folder / "run.conf").write_text("".join(f"{k} = {v}\n" for k, v in load.items()))
    means, variances, shares = [], [], []
    for first in range(1, 8 * ROUNDS, 8):
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
    learned = dict(line.split()[:2] for line in (where / "data/pacing").read_text().splitlines()
                   if line.startswith(("wraps ", "leaves ")))
    check(float(learned["wraps"]) > 60, f"the pacing learned of {learned['wraps']} wrap-ups only")
    return float(learned["leaves"]) / float(learned["wraps"])


def real_run(mode, policy):
    """A run in the mode, against the benchmark's policy: (busy, what one call an agent would give)."""
    where = h.folder()
    far_side = h.stage(where, {"person": PERSON, "silence": SILENCE}, {"person": 30, "silence": 70},
                       settings={"talk_mean": 8})
    simulator, address, _ = h.serve(where, **far_side)
    yaml = h.campaign(where, address, agents=AGENTS, **{
        "mode: ratio": f"mode: {mode}", "  ratio: 5\n": "",
        "calls_per_second: 7\n": "calls_per_second: 0\n", "attempts: 2": "attempts: 1",
        "ring_timeout: 11s": "ring_timeout: 4s",
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
    load = workload_of(records, run["agent"])
    says, deviation, share = benchmark(where, load, policy)
    plain, _, _ = benchmark(where, load, "progressive")
    within = T_28 * deviation * math.sqrt(1 + 1 / (8 * ROUNDS)) + MODEL
    print(f"{mode}: busy {busy:.1f} %; the benchmark says {says:.1f} ± {within:.1f}, one call an agent "
          f"{plain:.1f}; abandoned {abandoned} "
          f"of {live}, {share:.1f} % by the benchmark", flush=True)
    check(breaks_learned(where) < 0.05, "agents who were only called again count as gone for a break")
    check(live > 40, f"there were {live} live answers: too few to say anything")
    check(abs(busy - says) <= within, f"busy {busy:.1f} %, not {says:.1f} ± {within:.1f}: {load}")
    # Abandons come in bursts, about two at a time; share: of all days of the benchmark.
    most = share / 100 * live
    check(abs(abandoned - most) <= 3.3 * math.sqrt(2 * max(most, 1)) + 1,
          f"{abandoned} of {live} abandoned, not about {most:.1f}")
    return busy, plain


def progressive_is_as_the_benchmark_says():
    real_run("progressive", "progressive")


def predictive_is_as_the_benchmark_says():
    busy, plain = real_run("predictive", "peal-guard")
    check(busy > plain, f"busy {busy:.1f} %: one call a free agent would do as well, {plain:.1f} %")


if __name__ == "__main__":
    h.main(progressive_is_as_the_benchmark_says, predictive_is_as_the_benchmark_says)
