"""The HTTP API beside a running campaign with a real redis-server, asked by urllib and by hand: it says
what the commands say, and what is wrong, too large, too slow or too much is refused while calls go
on."""

import http.client
import json
import pathlib
import re
import socket
import urllib.error
import urllib.parse
import urllib.request

import harness as h
from harness import check, peal, wait_for

TOKEN = "0123456789abcdef-of-the-test"


class Api:
    """Where a process that was started answers."""

    def __init__(self, process, token=None):
        self.log = pathlib.Path(process.log)
        found = wait_for("the API", lambda: re.search(r"API on http://(\S+)/v1",
                                                      self.log.read_text()), 60)
        self.address, self.token = found[1], token

    def ask(self, method, path, body=None, status=200, **fields):
        """The answer as JSON; a body that is no text is sent as JSON."""
        if body is not None and not isinstance(body, (str, bytes)):
            body = json.dumps(body)
        request = urllib.request.Request(f"http://{self.address}{path}", method=method,
                                         data=body.encode() if isinstance(body, str) else body,
                                         headers={**fields})
        if self.token:
            request.add_header("Authorization", f"Bearer {self.token}")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                got, text = answer.status, answer.read()
        except urllib.error.HTTPError as answer:
            got, text = answer.code, answer.read()
        check(got == status, f"{method} {path}: {got}, not {status}: {text[:400]}")
        told = json.loads(text)
        if status >= 400 and status != 422:
            check(len(told["error"]) > 5, f"{told} has a sentence")
        return told

    def get(self, path, status=200, **query):
        words = urllib.parse.urlencode({k.replace("_", "-"): v for k, v in query.items()})
        return self.ask("GET", f"/v1{path}" + (f"?{words}" if words else ""), status=status)

    def post(self, path, body=None, status=200):
        return self.ask("POST", f"/v1{path}", body if body is not None else {}, status=status)

    def connect(self):
        host, port = self.address.rsplit(":", 1)
        return socket.create_connection((host, int(port)), timeout=60)

    def say(self, text):
        """Raw bytes; the status of the answer."""
        with self.connect() as s:
            s.sendall(text)
            return status_of(s)


def status_of(s):
    with s.makefile("rb") as f:
        line = f.readline()
    return int(line.split()[1]) if line else None


def agentless(where, address, **more):
    return h.campaign(where, address, **{
        "mode: ratio\n  ratio: 5": "mode: agentless", "human: agent": "human: hangup",
        "human_silent: agent": "human_silent: hangup", "unknown: agent": "unknown: hangup", **more})


def attempts(sock):
    answer = h.ask_redis(sock, "GET", "{demo}:attempts_total")
    return int(answer[0]) if answer else 0


def same_but(a, b, *names):
    return {k: v for k, v in a.items() if k not in names} == \
        {k: v for k, v in b.items() if k not in names}


def looks_alike():
    """Status, leads and history are what the commands tell, the campaign being at rest."""
    where = h.folder()
    _, sock = h.redis(where)
    url, data = f"unix:{sock}", where / "data"
    simulator, address, _ = h.serve(where, seed=5)
    yaml = agentless(where, address)
    leads = h.leads(where, 60, seed=5)
    engine = h.start([h.program("peal"), "run", yaml, "--leads", leads, "--data", data, "--redis",
                      url, "--api", "127.0.0.1:0"], where / "engine.log")
    api = Api(engine)
    check([c["name"] for c in api.get("/campaigns")] == ["demo"], "the campaign is listed")
    wait_for("some attempts", lambda: attempts(sock) >= 12, 120)
    peal("pause", yaml, "--redis", url)
    wait_for("calls to end", lambda: all(api.get("/campaigns/demo/status")["leads"][k] == 0
                                         for k in ("leased", "waits")), 120)

    told = api.get("/campaigns/demo/status")
    said = json.loads(peal("status", yaml, "--redis", url, "--json", "-"))
    check(same_but(told, said, "at", "engines") and told["attempts"] >= 12, f"{told}\n{said}")
    check([e["name"] for e in told["engines"]] == [e["name"] for e in said["engines"]], f"{told}")
    ids = [line.split(",")[0] for line in leads.read_text().splitlines()[1:]]
    for lead in (ids[0], ids[-1], "+12025550100"):
        told = api.ask("GET", f"/v1/campaigns/demo/leads/{urllib.parse.quote(lead)}",
                       status=404 if lead.startswith("+") else 200)
        if lead.startswith("+"):
            peal("why", lead, yaml, "--redis", url, "--json", "-", code=1)
            continue
        said = json.loads(peal("why", lead, yaml, "--redis", url, "--json", "-"))
        check(len(told) == 1 and same_but(told[0], said[0], "next_if_it_runs"), f"{told}\n{said}")
    waiting = next(i for i in ids if api.get(f"/campaigns/demo/leads/{i}")[0]["stands"] == "fresh")
    reasons = api.get(f"/campaigns/demo/leads/{waiting}")[0]["reasons"]
    check("state" in {r["reason"] for r in reasons}, f"paused: {reasons}")

    # Its records, a page at a time.
    said = [json.loads(line) for line in
            peal("history", "--data", data, "--rows", 0, "--json", "-").splitlines()]
    rows, after, pages = [], "", 0
    while after is not None:
        page = api.get("/campaigns/demo/history", rows=5, **({"after": after} if after else {}))
        check(len(page["rows"]) <= 5, "a page has so many rows")
        rows, after, pages = rows + page["rows"], page["next"], pages + 1
    check(rows == said and pages > 2, f"{len(rows)} of {len(said)} rows in {pages} pages")
    busy = [r for r in said if r["result"] == said[0]["result"]]
    page = api.get("/campaigns/demo/history", result=said[0]["result"], rows=1, totals="yes")
    check(page["rows"] == busy[:1] and page["totals"]["calls"] == len(busy), f"{page}")

    # What is not there, or asked for in another way.
    api.get("/campaigns/other/status", 404)
    api.get("/nothing", 404)
    api.ask("PUT", "/v1/campaigns", "x", status=405)
    api.get("/campaigns/demo/status", 400, colour="red")
    api.get("/campaigns/demo/history", 400, result="blue")
    api.get("/campaigns/demo/history", 400, rows=0)
    api.get("/campaigns/demo/history", 400, after="x")
    peal("stop", yaml, "--now", "--redis", url)
    check(engine.wait(60) == 0, "the engine ends")
    h.stop(simulator)


def reference_is_true():
    """docs/API.md names every endpoint that there is, with its query, and none besides."""
    where = h.folder()
    _, sock = h.redis(where)
    yaml = h.campaign(where, "127.0.0.1:9")
    api = Api(h.start([h.program("peal"), "api", yaml, "--listen", "127.0.0.1:0", "--redis",
                       f"unix:{sock}"], where / "api.log"))
    there = {f"{r['method']} {r['path']}": set(r["query"]) for r in api.get("")}
    text = (h.SOURCE / "docs" / "API.md").read_text()
    written = {}
    for part in re.split(r"^### ", text, flags=re.M)[1:]:
        title = re.match(r"`([A-Z]+ /v1\S*)`", part)
        if title:
            written[title[1]] = set(re.findall(r"^\| `([a-z-]+)` \|", part, flags=re.M))
    check(written == there, f"written: {written}\nthere: {there}")


def guarded():
    """Whoever may not ask is told so; the token is shown nowhere."""
    where = h.folder()
    _, sock = h.redis(where)
    yaml = h.campaign(where, "127.0.0.1:9")
    command = [h.program("peal"), "api", yaml, "--redis", f"unix:{sock}", "--data", where]
    refused = h.start([*command, "--listen", "0.0.0.0:0"], where / "refused.log")
    check(refused.wait(30) == 2, "an address for all needs a token")
    check("needs a token" in (where / "refused.log").read_text(), "and it says so")
    (where / "short").write_text("short\n")
    refused = h.start([*command, "--listen", "127.0.0.1:0", "--token", where / "short"],
                      where / "short.log")
    check(refused.wait(30) == 2, "so does a token that is none")
    (where / "token").write_text(TOKEN + "\n")
    process = h.start([*command, "--listen", "0.0.0.0:0", "--token", where / "token"],
                      where / "api.log")
    api = Api(process, TOKEN)
    api.address = api.address.replace("0.0.0.0", "127.0.0.1")
    api.get("/campaigns")
    for wrong in (None, TOKEN[:-1], TOKEN + "x", "x" * len(TOKEN), "x" * 200):
        api.token = wrong
        api.get("/campaigns", 401)
    api.token = TOKEN
    check(api.get("/api")["requests_unauthorised"] == 5, "they are counted")
    shown = (where / "api.log").read_text() + \
        pathlib.Path(f"/proc/{process.pid}/cmdline").read_text()
    check(TOKEN not in shown, "the token is shown nowhere")
    h.stop(process)

    # Without a token, pages in a browser are kept out.
    api = Api(h.start([*command, "--listen", "127.0.0.1:0"], where / "open.log"))
    api.get("/campaigns")
    api.ask("GET", "/v1/campaigns", status=403, Origin="http://pages.example")
    check(api.say(b"GET /v1 HTTP/1.1\r\nHost: pages.example\r\n\r\n") == 403, "by another name")


def attacked():
    """Bodies too large, half requests and too many connections are refused, and calls go on."""
    where = h.folder()
    _, sock = h.redis(where)
    url = f"unix:{sock}"
    simulator, address, _ = h.serve(where, seed=9)
    yaml = agentless(where, address)
    leads = h.leads(where, 2000, seed=9)
    engine = h.start([h.program("peal"), "run", yaml, "--leads", leads, "--data", where / "data",
                      "--redis", url, "--api", "127.0.0.1:0"], where / "engine.log")
    api = Api(engine)
    wait_for("some attempts", lambda: attempts(sock) >= 4, 120)
    check(api.say(b"POST /v1/campaigns HTTP/1.1\r\nHost: 127.0.0.1\r\n"
                  b"Content-Length: 100000000\r\n\r\n") == 413, "too large a body")
    check(api.say(b"GET /v1 HTTP/1.1\r\nHost: 127.0.0.1\r\nX: " + b"x" * 9000) == 431, "or head")
    check(api.say(b"POST /v1 HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n") == 411, "")
    check(api.say(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n") == 400, "TLS is no HTTP")

    # 200 connections that send half a request and then a byte now and then.
    before = attempts(sock)
    held = [api.connect() for _ in range(200)]
    for s in held:
        s.sendall(b"GET /v1/campaigns HTTP/1.1\r\nHost: 127")
    answers = []
    told = wait_for("some to be turned away", lambda: (
        answers.append(h.ask_redis(sock, "PING")) or api_busy(api)), 30)
    check(told == 503, "further ones are told that it is busy")
    wait_for("calls to go on", lambda: attempts(sock) >= before + 8, 60)
    statuses = [status_of(s) for s in held]  # all of them end by themselves
    check(set(statuses) <= {408, 503} and statuses.count(408) <= 64 and 503 in statuses,
          f"{ {s: statuses.count(s) for s in set(statuses)} }")
    for s in held:
        s.close()
    # It answers again; nothing of that is left.
    counts = wait_for("it to answer again", lambda: when_free(api), 30)
    check(counts["requests_too_slow"] >= 40 and counts["connections_refused"] >= 100 and
          counts["requests_too_large"] == 2 and counts["requests_malformed"] == 2, f"{counts}")
    check(engine.poll() is None, "the engine runs on")
    peal("stop", yaml, "--now", "--redis", url)
    check(engine.wait(60) == 0, "and ends in order")
    h.stop(simulator)


def changed():
    """Leads that are sent are dialled, stopped and put on lists; orders are followed."""
    where = h.folder()
    _, sock = h.redis(where)
    url, data = f"unix:{sock}", where / "data"
    simulator, address, _ = h.serve(where, seed=11)
    yaml = agentless(where, address)
    (where / "none.csv").write_text("id,number\nfirst,+12025550190\n")
    api = Api(h.start([h.program("peal"), "api", yaml, "--listen", "127.0.0.1:0", "--redis", url,
                       "--data", data], where / "api.log"))
    campaign = "/campaigns/demo"

    # Leads before any engine: one, a pretty one, an array, lines with bad rows, CSV; then once more.
    one = {"id": "a1", "number": "+12025550101", "city": "Ptuj"}
    told = api.post(f"{campaign}/leads", one)
    check(told["new"] == 1 and told["leads"] == [{"line": 1, "id": "a1", "state": "new"}], f"{told}")
    check(api.post(f"{campaign}/leads", json.dumps(one, indent=2))["known"] == 1, "known by its id")
    told = api.ask("POST", f"/v1{campaign}/leads?update=yes", {**one, "city": "Celje"})
    check(told["changed"] == 1, f"{told}")
    told = api.post(f"{campaign}/leads", [{"id": f"b{i}", "number": f"+120255501{i:02}"}
                                          for i in range(10, 14)])
    check(told["new"] == 4, f"{told}")
    told = api.post(f"{campaign}/leads", '{"id":"c1","number":"+12025550121"}\n{"id":\n'
                                         '{"id":"c2","number":"12"}\n{"number":"+12025550122"}\n')
    check([a["state"] for a in told["leads"]] == ["new", "rejected", "new", "new"] and
          told["rejected"] == 1 and "why" in told["leads"][1] and "12" in told["leads"][2]["why"],
          f"{told}")
    told = api.post(f"{campaign}/leads", "id,number\nd1,+12025550131\n")
    check(told["leads"] == [{"line": 2, "id": "d1", "state": "new"}], f"{told}")
    told = api.post(f"{campaign}/leads", '{"id":\n', status=422)
    check(told["rejected"] == 1 and told["leads"][0]["why"], f"{told}")
    api.post(f"{campaign}/leads", "", status=400)
    api.post(f"{campaign}/leads", [{"id": str(i)} for i in range(1001)], status=413)
    api.ask("POST", f"/v1{campaign}/leads?list=nowhere", one, status=400)
    check(api.get(f"{campaign}/status")["leads"]["all"] == 9, "nine leads are there")
    check({r["reason"] for r in api.get(f"{campaign}/leads/c2")[0]["reasons"]} == {"done"}, "")

    # Lists, and what the command says of them.
    api.post("/dnc", {"number": "+12025550110", "list": "global", "who": "eve",
                      "why": "by letter"})
    api.post("/dnc", {"number": "+1900*", "list": "campaign demo", "until": "2099-12-31"})
    check(api.post("/dnc", {"number": "+12025550110", "list": "global"})["changed"] is False, "")
    told = api.get("/dnc/+12025550110")
    check(told["listed"] and told["lists"][0]["who"] == "eve" and
          told["lists"][0]["why"] == "by letter", f"{told}")
    check("by eve: by letter" in peal("dnc", "check", "+12025550110", "--redis", url), "likewise")
    check(api.get("/dnc/+19005550100")["lists"][0]["prefix"] == "1900", "by its prefix")
    for wrong in ({"number": "+12025550110", "list": "blue"}, {"number": "x", "list": "global"},
                  {"number": "+12025550110"}, {"number": 12025550110, "list": "global"},
                  {"number": "+1900*", "list": "own", "until": "soon"}):
        api.post("/dnc", wrong, status=400)
    check(api.ask("DELETE", "/v1/dnc/+1900*?list=campaign+demo")["changed"] is True, "taken off")
    check(api.get("/dnc/+19005550100")["listed"] is False, "it is on none")

    # Orders, with an engine.
    told = api.post(f"{campaign}/pause", {"who": "anna", "why": "stock is counted"})
    check(told["answer"] == "changed" and told["state"]["name"] == "paused" and
          told["state"]["who"] == "anna" and told["engines"] == [], f"{told}")
    engine = h.start([h.program("peal"), "run", yaml, "--leads", where / "none.csv", "--data", data,
                      "--redis", url, "--api", "127.0.0.1:0"], where / "engine.log")
    api = Api(engine)
    wait_for("the engine", lambda: api.get(f"{campaign}/status")["engines"], 60)
    check(api.post(f"{campaign}/leads/b13/stop", {"why": "picked up"})["state"] == "stopped", "")
    check(api.post(f"{campaign}/leads/b13/stop")["state"] == "finished", "once is enough")
    api.post(f"{campaign}/leads/nobody/stop", status=404)
    check(attempts(sock) == 0, "paused, nothing is dialled")
    said = json.loads(peal("pause", yaml, "--redis", url, "--json", "-"))
    told = api.post(f"{campaign}/pause")
    check(told == said and told["answer"] == "already", f"{told}\n{said}")
    told = api.post(f"{campaign}/resume")
    check([e["followed"] for e in told["engines"]] == [True] and
          told["engines"][0]["sentence"] == "dials", f"{told}")
    wait_for("the leads that were sent to be dialled", lambda: {
        r["lead"] for r in h.lines(data / "calls.jsonl") if r["attempt"] == 1 and r["call_id"]} >=
        {"a1", "b11", "b12", "c1", "+12025550122", "d1", "first"}, 120)
    results = {r["lead"]: r["result"] for r in h.lines(data / "calls.jsonl")
               if r["lead"] in ("b10", "b13", "c2")}
    check(results == {"b10": "dnc"}, f"neither listed nor stopped ones are called: {results}")
    reasons = {r["reason"] for r in api.get(f"{campaign}/leads/b10")[0]["reasons"]}
    check(reasons == {"done", "dnc"}, f"{reasons}")
    yaml.write_text(yaml.read_text().replace("attempts: 2\n", "attempts: 3\n"))
    told = api.post(f"{campaign}/reload")
    check("attempts" in told["engines"][0]["sentence"] and told["engines"][0]["followed"], f"{told}")
    api.post(f"{campaign}/pause", {"who": "x" * 64}, status=400)
    api.post(f"{campaign}/pause", {"why": "two\nlines"}, status=400)
    api.post(f"{campaign}/pause", {"now": True}, status=400)
    api.post(f"{campaign}/pause", "[", status=400)
    told = api.post(f"{campaign}/stop", {"now": True, "why": "wrong offer"})
    check(told["state"]["name"] == "stopped", f"its own engine answers before it ends: {told}")
    check(engine.wait(60) == 0, "and ends in order")
    other = Api(h.start([h.program("peal"), "api", yaml, "--listen", "127.0.0.1:0", "--redis", url,
                         "--data", data], where / "other.log"))
    other.post(f"{campaign}/pause", status=409)
    h.stop(simulator)


def redis_away():
    """Without its Redis it says so, at once when that is known, and goes on when it is back."""
    where = h.folder()
    redis, sock = h.redis(where)
    yaml = h.campaign(where, "127.0.0.1:9")
    api = Api(h.start([h.program("peal"), "api", yaml, "--listen", "127.0.0.1:0", "--redis",
                       f"unix:{sock}", "--data", where], where / "api.log"))
    api.post("/campaigns/demo/leads", {"id": "a", "number": "+12025550101"})
    h.stop(redis)
    wait_for("it to be noticed", lambda: "Redis is away" in api.get(
        "/campaigns/demo/status", 503)["error"], 30)
    api.post("/campaigns/demo/leads", {"id": "b", "number": "+12025550102"}, status=503)
    check(api.get("/api")["requests_failed"] >= 2, "they are counted")
    redis = h.start(["redis-server", "--port", 0, "--unixsocket", sock, "--dir", where,
                     "--appendonly", "yes", "--save", ""], where / "redis2.log")

    def again():
        request = urllib.request.Request(f"http://{api.address}/v1/campaigns/demo/leads/a")
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return json.loads(answer.read())
        except urllib.error.HTTPError as error:
            check(error.code == 503, f"{error.code}")
            return None

    check(wait_for("it to be back", again, 60)[0]["lead"] == "a", "nothing is lost")
    check(api.post("/campaigns/demo/leads", {"id": "b", "number": "+12025550102"})["new"] == 1, "")


def api_busy(api):
    status = api.say(b"GET /v1 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    return status if status == 503 else None


def when_free(api):
    host, port = api.address.rsplit(":", 1)
    c = http.client.HTTPConnection(host, int(port), timeout=30)
    c.request("GET", "/v1/api")
    answer = c.getresponse()
    text = answer.read()
    c.close()
    return json.loads(text) if answer.status == 200 else None


if __name__ == "__main__":
    h.main(looks_alike, reference_is_true, guarded, attacked, changed, redis_away)
