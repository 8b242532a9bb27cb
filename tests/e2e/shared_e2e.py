"""One socket for the audio of many legs (media: shared), where both ends say so: a campaign and a
service with the simulator, plain, by SRTP and with Opus, through hold; and far ends that do not know
of it."""

import json
import pathlib
import signal
import subprocess

import harness as h
import peers_e2e as peers
from far_end import FarEnd
from harness import check, wait_for
from serve_kit import Service, callers
from srtp_e2e import PERSON


def dial(shared, srtp="off", more=()):
    """Three calls of a campaign that shares to a simulator that does or does not; records, truth."""
    where = h.folder()
    extra = ("--srtp", srtp, "--media-ports", h.free_range(40), "--late-limit", 5000, *more)
    simulator, address, truth = h.serve(
        where, extra=extra + (("--shared-media",) if shared else ()),
        **h.stage(where, {"person": PERSON}))
    yaml = peers.write_campaign(
        where, {"address": address, "srtp": srtp}, ring_timeout="20s",
        sip={"address": "127.0.0.1"}, media={"address": "127.0.0.1", "ports": h.free_range(80), "shared": True},
        on={"human": "hangup", "human_silent": "hangup", "unknown": "hangup"})
    engine = peers.run_engine(where, yaml, peers.write_leads(where, ("0101", "0102", "0103")))
    records = peers.finish(where, engine, 3)
    code = h.stop(simulator, signal.SIGINT)
    h.judge_simulator(code)
    return list(records.values()), h.lines(truth)


def both_share():
    for srtp, more in (("off", ()), ("required", ()), ("off", ("--codecs", "opus,pcma"))):
        records, truth = dial(True, srtp, more)
        for record in records:
            media = record["media"]
            check(media.get("shared") is True, json.dumps(record))
            check(media["received"] > 20 and media["lost"] == 0 and media["rejected"] == 0,
                  json.dumps(record))
            check(("srtp" in media) == (srtp == "required") and "srtp_forged" not in media,
                  json.dumps(record))
            check(record["result"] == "human", f"what they said was heard: {record['result']}")
        for line in truth:
            check(line["rtp"].get("shared") is True and line["rtp"]["received"] > 20, line)


def one_alone_does_not():
    records, truth = dial(False)
    for record in records:
        media = record["media"]
        check("shared" not in media and media["received"] > 20 and media["lost"] == 0,
              json.dumps(record))
        check(record["result"] == "human", record["result"])
    check(all("shared" not in line["rtp"] for line in truth), truth)


FLOW = """return flow { run = function(call)
  call:answer()
  call:play("human/FILE", { limit = 2 })
  call:silence(8)
end }
"""
HOLDER = """return caller { run = function(call)
  check(call:wait_answer { limit = 10 }, "the call was answered")
  check(call:listen { "speech", limit = 10 }, "the flow is heard")
  call:hold(true)
  call:wait(0.5)
  call:hold(false)
  call:play(pick("human"), { limit = 1.5 })
  call:hangup()
end }
"""


TALKER = """return caller { run = function(call)
  check(call:wait_answer { limit = 10 }, "the call was answered")
  call:play(pick("human"), { limit = 1.5 })
  call:hangup()
end }
"""


def hold_keeps_the_socket():
    where = h.folder()
    file = sorted((pathlib.Path(h.audio()) / "human").glob("*.wav"))[0].name
    (where / "line.lua").write_text(FLOW.replace("FILE", file))
    service = Service(where, "numbers:\n  - { number: '100', flow: line.lua }\n",
                      more=f'audio: "{h.audio()}"\n', media=", shared: yes")
    line, = callers(service, "100", HOLDER, extra=("--shared-media",))
    record, = service.records(1)
    check(line["rtp"].get("shared") and record["media"].get("shared"), (line, record))
    check(record["media"]["lost"] == 0 and record["media"]["rejected"] == 0, record)
    check(record["media"]["received"] > 40, record)
    alone, = callers(service, "100", HOLDER)
    record = service.records(2)[1]
    check("shared" not in alone["rtp"] and "shared" not in record["media"], (alone, record))
    check(record["media"]["received"] > 40, record)
    service.stop()


def a_suite_says_so():
    where = h.folder()
    (where / "line.lua").write_text("return flow { run = function(call) call:answer() call:silence(2) end }\n")
    (where / "callers").mkdir()
    (where / "callers" / "talker.lua").write_text(TALKER)
    service = Service(where, "numbers:\n  - { number: '100', flow: line.lua }\n",
                      more=f'audio: "{h.audio()}"\n', media=", shared: yes")
    for count, shares in enumerate((True, False), 1):
        suite = where / f"suite-{count}.yaml"
        suite.write_text(f"shared_media: {str(shares).lower()}\nmedia_ports: {h.free_range(40)}\n"
                         "late_limit_ms: 5000\ncallers:\n  - { name: talkers, scenario: "
                         f'callers/talker, to: "sip:100@{service.address}", calls: 1 }}\n')
        run = subprocess.run([h.program("peal-sim"), "run", suite, "--audio", h.audio()],
                             capture_output=True, text=True, timeout=120)
        h.judge_simulator(run.returncode)
        check(run.returncode == 0, run.stdout + run.stderr)
        media = service.records(count)[count - 1]["media"]
        check(media.get("shared", False) is shares and media["received"] > 20, media)
    service.stop()


def another_make_of_telephone():
    """An agent's telephone that has never heard of it: our offer says so, its audio is as ever."""
    where = h.folder()
    agent = FarEnd()
    (where / "line.lua").write_text("return flow { run = function(call) call:answer() end }\n")
    service = Service(where, "numbers:\n  - { number: '100', flow: line.lua }\n",
                      more=f'agents: [{{ name: anna, uri: "sip:anna@127.0.0.1:{agent.port}" }}]\n',
                      media=", shared: yes")
    try:
        invite = agent.wait("INVITE")
        line = next(l for l in invite.body.split("\r\n") if l.startswith("a=x-peal-shared:"))
        host, own, port, number = line.split(":")[1].split()
        media = next(l for l in invite.body.split("\r\n") if l.startswith("m=audio")).split()
        check((host, own) == ("127.0.0.1", media[1]) and port != own, invite.body)
        agent.answer(invite, 200, body=agent.sdp())
        agent.wait("ACK")
        wait_for("its audio", lambda: len(agent.packets) > 20)
        check(all(p[4] != int(number) for p in agent.packets), "by an SSRC of the leg's own")
        service.process.send_signal(signal.SIGTERM)
        agent.answer(agent.wait("BYE"), 200)
        service.stop()
    finally:
        agent.close()


def it_is_not_for_several_workers():
    where = h.folder()
    yaml = peers.write_campaign(where, {"address": "127.0.0.1:5060"},
                                media={"shared": True, "workers": 2})
    code, told = peers_check(yaml, peers.write_leads(where, ("0101",)))
    check(code != 0 and "workers: 1" in told, told)


def peers_check(yaml, leads):
    done = subprocess.run([h.program("peal"), "check", yaml, "--leads", leads],
                          capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


if __name__ == "__main__":
    h.main(both_share, one_alone_does_not, hold_keeps_the_socket, a_suite_says_so,
           another_make_of_telephone, it_is_not_for_several_workers)
