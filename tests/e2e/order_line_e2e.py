#!/usr/bin/env python3
"""The order line: every branch of its menus by simulated callers (both kinds of keys, key-ahead, slow
keys, wrong PINs, hang-ups, silence, lost packets) and by SIPp; what is stored is exactly right."""

import json
import subprocess
from concurrent.futures import ThreadPoolExecutor

import harness as h
from harness import check, wait_for
from serve_kit import Service, callers, quick_voice
from sipp_kit import Caller, usable

FLOW = h.SOURCE / "scenarios" / "flows" / "order-line.lua"
CALLER = (h.SOURCE / "scenarios" / "callers" / "order-line.lua").read_text()
SL, EN, RU = "38600100200", "38600100201", "38600100202"
NUMBERS = "numbers:\n" + "".join(
    f'  - {{ number: "{n}", flow: "{FLOW}", language: {lang}, with: {{ period: "7", limit: "50", '
    f'wait: "{{wait}}", between: "{{between}}" }} }}\n'
    for n, lang in ((SL, "sl"), (EN, "en"), (RU, "ru")))
CLOSED = 'hours: {{ operator: "{}" }}\n'
PRODUCTS = ("00117", "07260", "12345")
PIN = "2468"
LOGIN = "1{member}#"


def redis(service, *words):
    return subprocess.run(["redis-cli", "-s", service.data / "redis.sock", *map(str, words)],
                          capture_output=True, text=True, check=True).stdout.strip()


def other_weekday():
    """A weekday that is neither today nor its neighbour, in any zone."""
    today = int(subprocess.run(["date", "-u", "+%u"], capture_output=True, text=True).stdout)
    return ["mon", "tue", "wed", "thu", "fri", "sat", "sun"][(today + 2) % 7]


class Line:
    """The service with its members: member 700001 + n calls from +12025550100 + n."""

    def __init__(self, where, members, hours=None, wait="2", between="4", more="", **service):
        hours = hours or f"{other_weekday()} 08:00-16:00"
        self.service = Service(where, NUMBERS.replace("{wait}", wait).replace("{between}", between),
                               more=CLOSED.format(hours) + quick_voice(where) + more, **service)
        for code in PRODUCTS:
            redis(self.service, "SET", f"peal:product:{code}", '{"name":"soap"}')
        for n in range(members):
            redis(self.service, "SET", f"peal:phone:{phone(n)}", member(n))
            redis(self.service, "SET", f"peal:member:{member(n)}", json.dumps(
                {"pin": PIN, "balance": 12.5, "currency": "EUR", "delivery": "2026-12-03",
                 "amount": 40, "status": "sent", "paid": 10, "paid_on": "2026-11-02"}))

    def orders(self):
        """member → its orders' lines, oldest first."""
        found = {}
        for line in redis(self.service, "LRANGE", "peal:orders", 0, -1).splitlines():
            if line:
                order = json.loads(line)
                check(order["period"] == "7" and order["kind"] == "regular", order)
                found.setdefault(order["member"], []).append(
                    [(one["code"], one["count"]) for one in order["lines"]])
        return found

    def numbers(self):
        """member → the numbers of its orders."""
        found = {}
        for line in redis(self.service, "LRANGE", "peal:orders", 0, -1).splitlines():
            order = json.loads(line)
            found.setdefault(order["member"], []).append(str(order["order"]))
        return found

    def call(self, plans, number=EN, rate="10/s", extra=(), script=CALLER, **more):
        """plans: (n of the member or a phone, kind, plan, percent of packets lost), all beside each
        other."""
        rows = [{"phone": p[0] if isinstance(p[0], str) else phone(p[0]), "kind": p[1],
                 "loss": p[3] if len(p) > 3 else 0,
                 "plan": p[2].replace("LOGIN", f"1{member(p[0])}#" if not isinstance(p[0], str)
                                      else "1700001#")} for p in plans]
        return callers(self.service, number, script, calls=len(rows), rate=rate, row=rows,
                       extra=("--from", "{phone}", *extra), **more)


# Keys an order up to its star, submits it when the flow is silent, and tells by a mark which number
# it was read: the voice of these tests says digits as keys.
TOLD = """
return caller {
  limit = 600,
  run = function(call)
    check(call:wait_answer { limit = 60 }, "the call was answered")
    call:wait(tonumber(call.row.wait or "0.5"))
    for step in call.row.plan:gmatch("%S+") do
      for at = 1, #step, 16 do
        call:send_dtmf(step:sub(at, at + 15), { in_band = call.row.kind == "in_band", on = 0.12, gap = 0.12 })
      end
    end
    call:listen { "silence", silence = 1, limit = 60 }
    while call:digits { wait = 0.1, between = 0.1, stop = "" } do end -- what was read before
    call:send_dtmf("3", { in_band = call.row.kind == "in_band", on = 0.12 })
    local number = call:digits { wait = 30, between = 1.5, stop = "" }
    call:mark("told-" .. (number or "nothing"))
    call:hangup()
  end,
}
"""


def told(truths):
    """caller → the number that was read to it."""
    return {t["caller"]: m["name"][5:] for t in truths for m in t["marks"]
            if m["name"].startswith("told-")}


def phone(n):
    return f"+1202555{100 + n:04d}" if n < 100 else f"+386001{n:05d}"


def member(n):
    return str(700001 + n)


ORDER = f"LOGIN 7 {PIN}# 1 "
THREE = [("07260", 1), ("00117", 1)]  # keyed as 00117×3, 07260×1, 00117×1


def orders_of_every_kind():
    """All at once: who keys ahead, slowly, in band; changes, cancels, leaves at each step."""
    plans = [
        (0, "events", ORDER + "00117#3#07260#1#00117#1#* 3"),
        (1, "in_band", ORDER + "00117#3#07260#1#00117#1#* 3"),
        (2, "slow", ORDER + "07260#2#* 3"),
        # changed: more lines after 2, then submitted
        (3, "events", ORDER + "00117#1#* 1 2 12345#4#00117#9#* 3"),
        # cancelled, then another one in the same call, from the main menu
        (4, "events", ORDER + f"00117#1#* 4 {LOGIN.format(member=member(4))} 7 {PIN}# 1 07260#5#* 3"),
        # unknown product, quantity 0, above the limit; what is right remains
        (5, "events", ORDER + "99999#12345#0#12345#51#12345#50#* 3"),
        # an empty order is not submitted
        (6, "events", ORDER + "* 3 4"),
        # nobody who hangs up before 3 leaves an order, wherever they are
        (7, "events", "w1 h"),
        (8, "events", "LOGIN w3 h"),
        (9, "events", f"LOGIN 7 {PIN}# w3 h"),
        (10, "events", ORDER + "00117#2# w3 h"),
        (11, "events", ORDER + "00117#2#* w4 h"),
        # wrong PIN twice, then the right one
        (12, "events", f"LOGIN 7 1111# 2222# {PIN}# 1 00117#7#* 3"),
        # wrong member number first
        (13, "events", f"1999999# {member(13)}# 7 {PIN}# 1 00117#8#* 3"),
        # a phone that is not registered
        ("+12025550199", "events", "1 2"),
        # packets are lost on the way, in bursts
        (15, "events", ORDER + "00117#3#07260#1#00117#1#* 3", 10),
        (16, "events", ORDER + "12345#21#* 3", 10),
        (17, "in_band", ORDER + "12345#22#* 3", 1),
        (18, "in_band", ORDER + "00117#3#07260#1#00117#1#* 3", 1),
        # the star on the personal menu leads back
        (14, "events", f"LOGIN 1 2 3 4 5 6 * 1{member(14)}# 7 {PIN}# 1 07260#3#* 3"),
    ]
    line = Line(h.folder(), 19)
    truths = line.call(plans)
    check(sum(t["rtp"].get("made", {}).get("lost", 0) for t in truths) > 50, "packets were lost")
    check(line.orders() == {
        member(0): [THREE], member(1): [THREE], member(15): [THREE], member(18): [THREE],
        member(16): [[("12345", 21)]], member(17): [[("12345", 22)]], member(2): [[("07260", 2)]],
        member(3): [[("12345", 4), ("00117", 9)]], member(4): [[("07260", 5)]],
        member(5): [[("12345", 50)]], member(12): [[("00117", 7)]], member(13): [[("00117", 8)]],
        member(14): [[("07260", 3)]]}, line.orders())
    check(redis(line.service, "EXISTS", f"peal:pin-wrong:{member(12)}") == "0", "counted anew")
    records = line.service.records(len(plans))
    check(sum(r["outcome"] == "hangup" for r in records) == 5, "five hung up")
    check(all(r["outcome"] == "done" for r in records if r["ended_by"] == "us"), records)
    line.service.stop()


def the_number_is_read_to_each():
    """Each caller hears the number of its own order, whichever way it keys."""
    line = Line(h.folder(), 12)
    truths = line.call([(n, "in_band" if n % 2 else "events", ORDER + f"00117#{n + 1}#*")
                        for n in range(12)], script=TOLD)
    heard, numbers = told(truths), line.numbers()
    check(line.orders() == {member(n): [[("00117", n + 1)]] for n in range(12)}, line.orders())
    check(heard == {phone(n): numbers[member(n)][0] for n in range(12)}, (heard, numbers))
    line.service.stop()


def pins_lock():
    line = Line(h.folder(), 2)
    # three wrong ones in a call; two in a call and one in the next
    line.call([(0, "events", "LOGIN 7 1111# 2222# 3333#"), (1, "events", "LOGIN 7 1111# 2222# w5 h")])
    check([redis(line.service, "GET", f"peal:pin-wrong:{member(n)}") for n in (0, 1)] == ["3", "2"],
          "wrong ones are counted")
    # the right one is not asked for any more
    line.call([(0, "events", ORDER + "00117#1#* 3"), (1, "events", "LOGIN 7 3333#")])
    redis(line.service, "DEL", f"peal:pin-wrong:{member(0)}")  # an operator renews one of them
    line.call([(0, "events", ORDER + "00117#2#* 3"), (1, "events", ORDER + "00117#3#* 3")])
    check(line.orders() == {member(0): [[("00117", 2)]]}, "one works again, one stays locked")
    line.service.stop()


def silence_everywhere():
    """Who is silent hears each prompt three times and a goodbye, at every prompt."""
    line = Line(h.folder(), 6, wait="1", between="1")
    line.call([(0, "events", ""), (1, "events", "1"), (2, "events", "LOGIN"),
               (3, "events", "LOGIN 7"), (4, "events", f"LOGIN 7 {PIN}#"),
               (5, "events", ORDER + "00117#")])
    check(line.orders() == {}, "no orders")
    for r in line.service.records(6):
        check((r["outcome"], r["ended_by"]) == ("done", "us"), r)
    line.service.stop()


def three_languages():
    """One flow, the language by the number: what the synthesiser was asked to say, and in which."""
    line = Line(h.folder(), 3)
    plan = f"w3 LOGIN w2 6 w3 7 w2 {PIN}# w2 1 w2 12345#{{}}#* w2 1 w3 3"
    with ThreadPoolExecutor(3) as beside:
        list(beside.map(lambda n: line.call([(n, "events", plan.format(n + 1))], name=f"caller{n}",
                                            number=(SL, EN, RU)[n]), range(3)))
    check(line.orders() == {member(n): [[("12345", n + 1)]] for n in range(3)}, line.orders())
    said = (line.service.where / "said").read_text()
    # numbers are said word by word, each word spoken once
    for lang, texts in {
        "en": ["For personal information", "Your order has the number\n", "ten\n", "euros\n"],
        "sl": ["Za osebne podatke", "Številka naročila je\n", "deset\n", "evrov\n"],
        "ru": ["Личная информация", "Номер вашего заказа\n", "десять\n", "евро\n"],
    }.items():
        for text in texts:
            check(f"{lang}: {text}" in said, f"'{lang}: {text}' in {said}")
    check(len(set(said.splitlines())) == len(said.splitlines()), f"nothing is said twice: {said}")
    check(not any(line.startswith("sl: For") for line in said.splitlines()), "none mixed up")
    line.service.stop()


OPERATOR = """
return agent {
  run = function(call)
    call:answer()
    check(call:listen { "speech", limit = 120 }, "the caller is heard")
    call:hangup()
  end,
}
"""
TALKS = """
return caller {
  run = function(call)
    check(call:wait_answer { limit = 60 }, "the call was answered")
    call:send_dtmf("0")
    for _ = 1, 20 do
      if call.ended then break end
      call:play(pick("human"), { limit = 4 })
      call:wait(0.5)
    end
  end,
}
"""


def operators():
    where = h.folder()
    stage = h.stage(where, {"busy": "return callee { truth = 'busy', run = function(call) "
                            "call:reject(486) end }"})
    (where / "scenarios" / "agents" / "agent.lua").write_text(OPERATOR)
    simulator, address, _ = h.serve(where, **stage, extra=(
        "--late-limit", "5000", "--media-ports", h.free_range(64)))
    line = Line(where, 1, hours="daily 00:00-24:00",
                more=f'agents: [ {{ name: op, uri: "sip:agent-op@{address}" }} ]\n')
    callers(line.service, EN, TALKS, name="talkers")
    record = line.service.records(1)[0]
    check((record["agent"], record["delivery"]) == ("op", "connected"), record)
    line.service.stop()
    code = h.stop(simulator)
    h.judge_simulator(code)
    # outside of their hours there is an announcement, and the menu again: the order still works
    closed = Line(h.folder(), 1)
    closed.call([(0, "events", "0 w1 " + ORDER + "00117#6#* 3")])
    check(closed.orders() == {member(0): [[("00117", 6)]]}, closed.orders())
    closed.service.stop()


def by_sipp():
    if not usable():
        print("skipped: SIPp plays keys as root only")
        return
    at, stay, leave = ("pause", 500), "wait_bye", [("pause", 1500), "bye"]
    pin, order = f"7{PIN}#1", "00117#3#07260#1#00117#1#*3"

    def login(n):
        return f"1{member(n)}#"

    # who keys how, and what is stored of it; all beside each other
    plans = [
        (EN, lambda n: [at, ("keys", login(n) + pin + order), stay], THREE),
        (SL, lambda n: [at, ("keys_in_band", login(n) + pin + "07260#2#*3"), stay], [("07260", 2)]),
        (EN, lambda n: [at, ("play_dtmf", login(n) + pin + "12345#5#*3"), stay], [("12345", 5)]),
        # before the first prompt has begun
        (RU, lambda n: [("play_dtmf", login(n) + pin + order), stay], THREE),
        # packets that never come: of events, of everything, of tones
        (RU, lambda n: [at, ("keys_lost", login(n) + pin + "12345#6#*3"), stay], [("12345", 6)]),
        (EN, lambda n: [at, ("keys_lossy", login(n) + pin + order), stay], THREE),
        (SL, lambda n: [at, ("keys_in_band_lossy", login(n) + pin + "07260#4#*3"), stay],
         [("07260", 4)]),
        # slow ones, a second each
        (EN, lambda n: [at, ("keys_slow", login(n) + pin + "07260#7#*3"), stay], [("07260", 7)]),
        # wrong PINs: twice, then the right one; three times
        (EN, lambda n: [at, ("play_dtmf", login(n) + f"71111#2222#{PIN}#100117#8#*3"), stay],
         [("00117", 8)]),
        (EN, lambda n: [at, ("keys", login(n) + "71111#2222#3333#"), stay], None),
        # changed and cancelled
        (EN, lambda n: [at, ("keys", login(n) + pin + "00117#2#*212345#9#*3"), stay],
         [("00117", 2), ("12345", 9)]),
        (EN, lambda n: [at, ("play_dtmf", login(n) + pin + "00117#2#*4"), stay], None),
        # hung up at each step
        (EN, lambda n: leave, None),
        (EN, lambda n: [at, ("keys", login(n)), *leave], None),
        (EN, lambda n: [at, ("play_dtmf", login(n) + f"7{PIN}#"), *leave], None),
        (EN, lambda n: [at, ("keys", login(n) + pin + "00117#4#"), *leave], None),
        (EN, lambda n: [at, ("keys_in_band", login(n) + pin + "00117#4#*"), *leave], None),
        # silent, from the beginning and in the middle
        (EN, lambda n: [stay], None),
        (EN, lambda n: [at, ("play_dtmf", login(n) + pin), stay], None),
    ]
    line = Line(h.folder(), len(plans))
    sipp = Caller(line.service.where, line.service.address)
    running = [sipp.start(number, steps(n), caller=phone(n))
               for n, (number, steps, _) in enumerate(plans)]
    for n, process in enumerate(running):
        sipp.wait(process, f"SIPp's caller {n}")
    check(line.orders() == {member(n): [lines] for n, (_, _, lines) in enumerate(plans) if lines},
          line.orders())
    check([redis(line.service, "GET", f"peal:pin-wrong:{member(n)}") for n in (8, 9)] == ["", "3"],
          "wrong PINs are counted, the right one ends that")
    records = line.service.records(len(plans))
    check(sum(r["outcome"] == "hangup" for r in records) == 5, "five hung up")
    line.service.stop()


if __name__ == "__main__":
    h.main(orders_of_every_kind, the_number_is_read_to_each, pins_lock, silence_everywhere, three_languages, operators, by_sipp, at_once=3)
