"""Lists of a campaign: their turns and orders as the far side sees them, a list that rests until a reload,
and what check, why and status say of them."""
import json
import re

import harness as h
from carrier import BUSY, Carrier
from harness import check, peal_says as peal

CAMPAIGN = """\
name: lists
country: us
windows: any
attempts: 1
leads: plain.csv
lists:
  - {{ name: warm, file: warm.csv, share: 2, order: newest }}
  - {{ name: cold, share: {cold} }}
trunks: [ {{ name: carrier, address: "{address}" }} ]
caller_ids: [ "+12025550199" ]
pacing: {{ mode: agentless, concurrent: 1 }}
media: {{ ports: {ports} }}
"""
PLAIN = {f"plain-{i}": f"+1202555010{i}" for i in range(3)}
WARM = {f"warm-{i}": f"+1202555011{i}" for i in range(6)}
COLD = {f"cold-{i}": f"+1202555012{i}" for i in range(2)}
ORDER = ["plain-0", "warm-5", "warm-4", "plain-1", "warm-3", "warm-2", "plain-2", "warm-1", "warm-0"]


def turns_orders_and_a_list_that_rests():
    where = h.folder()
    carrier = Carrier({number: BUSY for number in {**PLAIN, **WARM, **COLD}.values()})
    _, socket = h.redis(where)
    yaml, ports = where / "campaign.yaml", h.free_range(200)
    names = {number: id for id, number in {**PLAIN, **WARM, **COLD}.items()}
    called = lambda: [names[to] for to, _ in carrier.invites]

    def write(cold):
        yaml.write_text(CAMPAIGN.format(cold=cold, address=carrier.address, ports=ports))

    def leads(name, of, columns="id,number", more=""):
        (where / name).write_text(columns + "\n" + "".join(f"{id},{number}{more}\n" for id, number in of.items()))
        return where / name

    def asks(*words, code=0):
        return peal(*words, "--redis", f"unix:{socket}", code=code)

    write(0)
    leads("warm.csv", WARM)
    leads("plain.csv", PLAIN)
    said = peal("check", yaml)
    check("list warm: 2 of 3 first calls while all have leads; of equal priority the newest first" in said and
          "list cold: not called for the first time" in said and "List warm, " in said, said)
    check("has no list 'tepid'" in asks("leads", "import", yaml, where / "warm.csv", "--list", "tepid", code=2),
          "a list that the campaign has not")
    asks("leads", "import", yaml, leads("cold-1.csv", {"cold-0": COLD["cold-0"]}), "--list", "cold")
    asks("leads", "import", yaml, leads("cold-2.csv", {"cold-1": COLD["cold-1"]}, "id,number,list", ",cold"))

    engine = h.start([h.program("peal"), "run", yaml, "--data", where / "data", "--redis", f"unix:{socket}",
                      "--log", "info"], where / "engine.log")
    h.wait_for("all of warm and of no list", lambda: len(carrier.invites) >= 9, 60)
    check(called() == ORDER, f"by their shares, the newest of warm first: {called()}")
    fields = " ".join(h.ask_redis(socket, "HGET", "{lists}:tasks", "warm-0"))
    check(fields.endswith('{"list":"warm"}'), f"the file's list is known of the lead: {fields}")

    counted = json.loads(asks("status", yaml, "--json", "-"))
    check(re.search(r'"list_rests": ?2\b', json.dumps(counted)), f"two of a list that rests: {counted}")
    check("Its list 'cold' has share 0" in asks("why", "cold-1", yaml), "why it is not called")
    write(1)
    asks("reload", yaml)
    h.wait_for("cold to be called", lambda: len(carrier.invites) >= 11, 60)
    check(called()[9:] == ["cold-0", "cold-1"], f"{called()}")
    check(engine.wait(60) == 0, "every lead is finished, so the engine ends")


h.main(turns_orders_and_a_list_that_rests)
