#!/usr/bin/env python3
"""1,000 callers of the order line at once, each with an order of their own; every stored order is
compared, and so is the number that each caller heard, with the number of its own order. By hand, on a machine with room: tests/e2e/order_line_load.py [CALLERS] (no part of ctest).
Prints what it measured as one line of JSON."""

import json
import random
import sys
import time

import harness as h
from harness import check
from order_line_e2e import PIN, PRODUCTS, TOLD, Line, member, phone, told
from serve_kit import summary

COUNT = int(sys.argv.pop(1)) if len(sys.argv) > 1 else 1000


def plan(rng):
    """Keys of an order with repeated codes, and what is to be stored of it."""
    keyed = [(rng.choice(PRODUCTS), rng.randint(1, 50)) for _ in range(rng.randint(1, 6))]
    lines = {}
    for code, count in keyed:
        lines.pop(code, None)
        lines[code] = count
    return " ".join(f"{code}#{count}#" for code, count in keyed), list(lines.items())


def a_thousand_callers():
    rng = random.Random(7)
    line = Line(h.folder(), COUNT, wait="40", between="8", calls=COUNT + 50)
    plans, wanted = [], {}
    for n in range(COUNT):
        keys, lines = plan(rng)
        plans.append((n, "events", f"LOGIN 7 {PIN}# 1 {keys} *"))
        wanted[member(n)] = [lines]
    began = time.monotonic()
    # all are up together before the first of them keys
    script = TOLD.replace('call.row.wait or "0.5"', f'"{COUNT / 50 + 10:.0f}"')
    truths = line.call(plans, rate="50/s", ports=COUNT * 3, script=script,
                       extra=("--max-calls", str(COUNT + 50)))
    seconds = time.monotonic() - began
    found, numbers, heard = line.orders(), line.numbers(), told(truths)
    wrong = [m for m in wanted if found.get(m) != wanted[m]]
    untold = [n for n in range(COUNT)
              if heard.get(phone(n)) != numbers.get(member(n), ["no order"])[0]]
    figures = summary(line.service)
    print(json.dumps({"callers": COUNT, "at_once": figures["peak_concurrent"],
                      "valid": figures["valid"], "seconds": round(seconds),
                      "orders": sum(map(len, found.values())), "wrong": len(wrong),
                      "not_told_their_number": len(untold), "lateness": figures.get("lateness")}))
    check(not wrong and len(found) == COUNT, f"{len(wrong)} orders are wrong: {wrong[:5]}")
    check(not untold, f"{len(untold)} did not hear their number: "
          f"{[(heard.get(phone(n)), numbers.get(member(n))) for n in untold[:5]]}")
    line.service.stop()


if __name__ == "__main__":
    h.main(a_thousand_callers)
