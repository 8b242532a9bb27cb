"""What end-to-end tests share: the built programs, temporary folders, and processes that are always
stopped by their process id. Waiting is always for a condition, with a limit."""

import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor

from ports import free_port, free_range  # noqa: F401 (tests take them from here)

SOURCE = pathlib.Path(os.environ.get("PEAL_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
BUILD = pathlib.Path(os.environ.get("PEAL_BUILD", SOURCE / "build" / "release"))
AUDIO = pathlib.Path(os.environ.get("PEAL_AUDIO", SOURCE / "out" / "audio"))

class RunInvalid(Exception):
    """The simulator, or who is named, could not keep its plan (a busy machine): the run proves
    nothing."""


_running = []
_folders = []
checks = 0


def program(name):
    return str(BUILD / name)


def peal_ended(words, code=0):
    """A command of peal that must end with `code`, and what it printed."""
    done = subprocess.run([program("peal"), *map(str, words)], capture_output=True, text=True,
                          timeout=120)
    check(done.returncode == code, f"peal {' '.join(map(str, words))} ended with "
                                   f"{done.returncode}, not {code}: {done.stdout}{done.stderr}")
    return done


def peal(*words, code=0):
    return peal_ended(words, code).stdout


def peal_says(*words, code=0):
    """With what it said on standard error."""
    done = peal_ended(words, code)
    return done.stdout + done.stderr


def folder():
    path = pathlib.Path(tempfile.mkdtemp(prefix="peal-e2e-"))
    _folders.append(path)
    return path


def audio():
    """The scenarios' audio, built when it is not there yet."""
    subprocess.run([str(SOURCE / "tools" / "make-audio"), str(AUDIO)], check=True,
                   stdout=subprocess.DEVNULL)
    return str(AUDIO)


def patient(campaign):
    """Tests run beside each other: that audio is late is no reason to launch no calls."""
    text = campaign.read_text()
    if "late_limit" in text or SOURCE in campaign.resolve().parents:
        return
    if text.lstrip().startswith("{"):
        keys = json.loads(text)
        keys.setdefault("media", {})["late_limit"] = "0s"
        text = json.dumps(keys, indent=1)
    elif re.search(r"^media: \{", text, re.M):
        text = re.sub(r"^media: \{", "media: { late_limit: 0s,", text, flags=re.M)
    else:
        text = text.rstrip("\n") + "\nmedia: { late_limit: 0s }\n"
    campaign.write_text(text)


def start(args, log, **options):
    """Starts a process with its output in the file `log`."""
    if pathlib.Path(args[0]).name == "peal" and args[1] == "run":
        patient(pathlib.Path(args[2]))
    out = open(log, "wb")
    process = subprocess.Popen([str(a) for a in args], stdout=out, stderr=subprocess.STDOUT,
                               stdin=subprocess.DEVNULL, **options)
    process.log = log
    _running.append(process)
    return process


def stop(process, how=signal.SIGTERM, limit=30):
    if process.poll() is None:
        process.send_signal(how)
    try:
        return process.wait(limit)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
        return None


def wait_for(what, condition, limit=30.0):
    """Polls condition until it is true (returned); fails with `what` after limit seconds."""
    until = time.monotonic() + limit
    while time.monotonic() < until:
        value = condition()
        if value:
            return value
        time.sleep(0.02)
    fail(f"waited {limit} s for {what}")


def check(condition, what):
    global checks
    checks += 1
    if not condition:
        fail(what)


def fail(what):
    print("FAIL:", what)
    for process in _running:
        text = pathlib.Path(process.log).read_text(errors="replace")[-6000:]
        print(f"--- {process.args[0]} (exit {process.poll()})\n{text}")
    sys.exit(1)


def lines(path):
    """The whole JSON lines of a file that may still be written."""
    if not pathlib.Path(path).exists():
        return []
    text = pathlib.Path(path).read_bytes()
    return [json.loads(line) for line in text[:text.rfind(b"\n") + 1].splitlines() if line]


def judge_simulator(code):
    """3: RUN INVALID, the simulator was late. The test is run again, three times at most."""
    if code == 3:
        raise RunInvalid()


def serve(where, seed=1, mix="demo", extra=(), scenarios=None, sounds=None):
    """Starts peal-sim serve; returns (process, "127.0.0.1:PORT", truth path). mix: the name of one
    of ours, or a path; scenarios, sounds: folders instead of ours."""
    truth = where / "truth.jsonl"
    if not isinstance(mix, pathlib.Path):
        mix = SOURCE / "scenarios" / "mixes" / f"{mix}.yaml"
    process = start([program("peal-sim"), "serve", "--listen", "127.0.0.1:0", "--scenarios",
                     scenarios or SOURCE / "scenarios", "--mix", mix, "--audio", sounds or audio(),
                     "--seed", seed, "--truth", truth, "--summary", where / "simulator.json",
                     *extra], where / "simulator.log")

    def listening():
        text = (where / "simulator.log").read_text(errors="replace")
        for word in text.split("listening on ")[1:]:
            return word.split()[0].rstrip(".,")
        return None

    return process, wait_for("the simulator to listen", listening), truth


def stage(where, callees, weights=None, agent="agent", settings=None):
    """A far side of the test's own: callees (name → script) at their weights (1 each), our agents,
    one of whose scripts plays all. Returns the arguments `mix` and `scenarios` of serve()."""
    root = where / "scenarios"
    (root / "callees").mkdir(parents=True)
    shutil.copytree(SOURCE / "scenarios" / "agents", root / "agents")
    text = "scenarios:\n"
    for name, script in callees.items():
        (root / "callees" / f"{name}.lua").write_text(script)
        text += f"  - {{ scenario: {name}, weight: {(weights or {}).get(name, 1)} }}\n"
    text += f"agents: {{ prefix: agent-, scenario: agents/{agent} }}\n"
    if settings:
        text += "settings:\n" + "".join(f"  - {{ name: {k}, value: {v} }}\n"
                                        for k, v in settings.items())
    mix = where / "mix.yaml"
    mix.write_text(text)
    return {"mix": mix, "scenarios": root}


def campaign(where, address, agents=8, **replace):
    """The demo campaign pointed at `address`, dialling by ratio; replace: text → text in the YAML."""
    text = (SOURCE / "scenarios" / "campaigns" / "demo.yaml").read_text()
    for old, new in {"127.0.0.1:5070": address, "count: 10": f"count: {agents}",
                     "wrap_up: 500ms": "wrap_up: 1s",
                     "mode: predictive\n  calls_per_second: 10":
                     "mode: ratio\n  ratio: 5\n  calls_per_second: 7", **replace}.items():
        check(old in text, f"the demo campaign has {old!r}")
        text = text.replace(old, new)
    path = where / "campaign.yaml"
    path.write_text(text)
    return path


def leads(where, count, seed=1):
    path = where / "leads.csv"
    with open(path, "wb") as out:
        subprocess.run([str(SOURCE / "tools" / "make-leads"), "--leads", str(count), "--seed",
                        str(seed)], check=True, stdout=out)
    return path


def redis(where):
    """Starts a redis-server of the test's own; returns (process, its socket)."""
    socket = where / "redis.sock"
    process = start(["redis-server", "--port", 0, "--unixsocket", socket, "--dir", where,
                     "--appendonly", "yes", "--save", ""], where / "redis.log")
    wait_for("redis-server", socket.exists)
    return process, socket


def ask_redis(socket, *words):
    return subprocess.run(["redis-cli", "-s", socket, *map(str, words)], check=True,
                          capture_output=True, text=True).stdout.split()


def clean():
    """Asks first, so that programs with children of their own take them along."""
    for process in _running:
        if process.poll() is None:
            process.terminate()
    for process in _running:
        try:
            process.wait(5)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    for path in _folders:
        if "PEAL_KEEP" in os.environ:  # to look at what a failure left
            print("kept", path)
        else:
            shutil.rmtree(path, ignore_errors=True)


def attempt(test, tries=3):
    for _ in range(tries):
        try:
            return test()
        except RunInvalid as invalid:
            who = str(invalid) or "the simulator"
            print(f"again: {who} was late in {test.__name__}", flush=True)
    fail(f"{who} was late {tries} times: this machine is too busy for {test.__name__}")


def timed(test):
    before = time.monotonic()
    attempt(test)
    print(f"ok {test.__name__} ({time.monotonic() - before:.1f} s)", flush=True)


def main(*tests, at_once=1):
    """Runs the tests, so many beside each other (those that wait more than they work); the first
    failure ends the program with 1."""
    chosen = [t for t in tests if not sys.argv[1:] or t.__name__ in sys.argv[1:]]
    beside = ThreadPoolExecutor(at_once)
    try:
        if at_once == 1:
            for test in chosen:
                timed(test)
        else:
            for done in [beside.submit(timed, t) for t in chosen]:
                done.result()
        print(f"{checks} checks")
    finally:
        beside.shutdown(wait=False, cancel_futures=True)
        clean()  # what the others wait for goes away
