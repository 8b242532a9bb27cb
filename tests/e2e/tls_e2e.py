"""SIP over TLS, with the keys of SRTP inside: the engine and the simulator, baresip as an agent,
openssl's client at the simulator's door, and what certificates and policies must refuse."""

import json
import shutil
import signal
import socket
import subprocess

import harness as h
import peers_e2e as peers
import srtp_e2e as srtp
from harness import check, wait_for


def openssl(*words, **options):
    done = subprocess.run(["openssl", *map(str, words)], capture_output=True, text=True, timeout=60,
                          **options)
    check(done.returncode == 0, f"openssl {words}: {done.stderr}")


def certificates(where):
    """An authority (ca.pem), a server for sip.example.org and 127.0.0.1, and a client."""
    openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", where / "ca.key", "-out", where / "ca.pem", "-days", 3,
            "-subj", "/CN=Authority of a test")
    for name, san in (("named", "DNS:sip.example.org"), ("server", "IP:127.0.0.1"),
                      ("six", "IP:::1"), ("other", "DNS:other.example.org")):
        openssl("req", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
                "-keyout", where / f"{name}.key", "-out", where / f"{name}.csr",
                "-subj", f"/CN={name}")
        (where / "san.cnf").write_text(f"subjectAltName={san}\n")
        openssl("x509", "-req", "-in", where / f"{name}.csr", "-CA", where / "ca.pem",
                "-CAkey", where / "ca.key", "-CAcreateserial", "-days", 3,
                "-extfile", where / "san.cnf", "-out", where / f"{name}.pem")


def serve(where, name, host="127.0.0.1", **more):
    """The simulator with that certificate; (process, its TLS address, truth)."""
    simulator, address, truth = h.serve(
        where, extra=("--listen", f"{host}:0", "--srtp", "required", "--media-ports", h.free_range(60),
                      "--late-limit", 1000, "--tls-certificate", where / f"{name}.pem",
                      "--tls-key", where / f"{name}.key"), **more)
    text = (where / "simulator.log").read_text()
    check("TLS on " in text, text)
    return simulator, text.split("TLS on ")[1].split(",")[0], truth


def run_engine(where, trunk, leads, host="127.0.0.1", **parts):
    yaml = peers.write_campaign(where, {"transport": "tls", "srtp": "required", **trunk},
                                ring_timeout="20s", tls={"authorities": "ca.pem"},
                                results={"no_trunk": {"next": "finish"}},
                                sip={"address": host, "clear_keys": "refused"},
                                media={"address": host, "ports": h.free_range(80)}, **parts)
    return peers.run_engine(where, yaml, leads)


def a_campaign_goes_over_tls():
    for name, tls_name, host in (("named", "sip.example.org", "127.0.0.1"),
                                 ("server", None, "127.0.0.1"), ("six", None, "[::1]")):
        where = h.folder()
        certificates(where)
        simulator, address, truth = serve(where, name, host, **h.stage(where, {"person": srtp.PERSON}))
        trunk = {"address": address, **({"tls_name": tls_name} if tls_name else {})}
        endings = [f"01{i:02}" for i in range(1, 9)]
        engine = run_engine(where, trunk, peers.write_leads(where, endings), host)
        records = peers.finish(where, engine, len(endings))
        h.stop(simulator, signal.SIGINT)
        for (ending, _), r in records.items():
            check(r["result"] == "human" and r["media"].get("srtp") == srtp.SUITE, json.dumps(r))
        check(len(h.lines(truth)) == len(endings), "the simulator had each call")


def a_server_of_another_name_hears_nothing():
    where = h.folder()
    certificates(where)
    simulator, address, truth = serve(where, "other", **h.stage(where, {"person": srtp.PERSON}))
    engine = run_engine(where, {"address": address, "tls_name": "sip.example.org"},
                        peers.write_leads(where, ("0101",)))
    wait_for("the engine to say why", lambda: "hostname mismatch" in
             (where / "engine.log").read_text(errors="replace"), 60)
    h.stop(engine, signal.SIGINT)
    h.stop(simulator, signal.SIGINT)
    check(not h.lines(truth), "no call came")


class TlsBaresip(srtp.SecureBaresip):
    """baresip that is called over TLS, by a certificate of its own."""

    def accounts(self, text):
        return super().accounts(text).replace("transport=udp", "transport=tls")

    def config(self, text, where):
        pem = where / "baresip.pem"
        pem.write_text((where / "server.pem").read_text() + (where / "server.key").read_text())
        return (super().config(text, where) +
                f"sip_certificate {pem}\nsip_cafile {where / 'ca.pem'}\n")


def baresip_is_called_over_tls():
    """Agent over TLS at baresip, customer over TLS at the simulator, all audio by SRTP."""
    where = h.folder()
    certificates(where)
    sounds, speech = peers.one_voice(where)
    mix = where / "mix.yaml"
    mix.write_text(json.dumps({
        "scenarios": [{"scenario": "human-short", "weight": 1}],
        "agents": {"prefix": "agent-", "scenario": "agents/agent"},
        "settings": [{"name": "patience_mean", "value": "60"}]}))
    simulator, address, truth = serve(where, "server", seed=6, mix=mix, sounds=sounds)
    baresip = TlsBaresip(where, peers.agent_sound(where))
    # baresip listens for TLS on the port after sip_listen's.
    uri = f"sip:agent@127.0.0.1:{baresip.port + 1};transport=tls"
    yaml = peers.write_campaign(
        where, {"address": address, "transport": "tls"}, ring_timeout="25s",
        tls={"authorities": "ca.pem", "certificate": "server.pem", "key": "server.key"},
        sip={"address": "127.0.0.1", "srtp": "required", "clear_keys": "refused"},
        agents=[{"name": "desk", "uri": uri, "wrap_up": "1s"}],
        pacing={"mode": "ratio", "ratio": 1, "calls_per_second": 5, "concurrent": 1},
        abandonment={"limit": "2s", "cap": 3}, recording={"mode": "agent"},
        on={"human": "agent", "human_silent": "agent", "unknown": "agent"})
    engine = peers.run_engine(where, yaml, peers.write_leads(where, ("0101",)))
    wait_for("the engine to call its agent", lambda: baresip.count("CALL_ESTABLISHED") == 1)
    wait_for("the callee's sentence in baresip's ear", lambda: peers.loud_frames(
        peers.read_wav(baresip.recordings()[0])[0]) > peers.loud_frames(speech), 60)
    wait_for("two of the agent's tones in the recording", lambda: any(
        p.stat().st_size > 5 * peers.RATE * 4
        for p in (where / "data" / "recordings").glob("*.wav")), 60)
    baresip.hang_up()  # its BYE comes over TLS, too
    records = peers.finish(where, engine, 1)
    check(h.stop(baresip.process) == 0, "baresip ends in order")
    h.stop(simulator, signal.SIGINT)
    record = records["0101", 1]
    check((record["delivery"], record["agent"]) == ("connected", "desk"), json.dumps(record))
    check(record["media"].get("srtp") == srtp.SUITE, json.dumps(record))
    callee, agent = peers.read_wav(record["recording"])
    peers.check_agent_channel(agent, callee)
    heard, = peers.read_wav(baresip.recordings()[0])
    at, match = peers.best_match(heard, speech)
    check(match > 0.9, f"baresip heard the callee: {match:.2f} at {at / peers.RATE:.1f} s")


def openssl_asks_at_the_door():
    """An OPTIONS by openssl's own client: its handshake, its checks of name and chain."""
    where = h.folder()
    certificates(where)
    simulator, address, truth = serve(where, "named", **h.stage(where, {"person": srtp.PERSON}))
    host, port = address.split(":")
    ask = ("OPTIONS sip:x@127.0.0.1 SIP/2.0\r\nVia: SIP/2.0/TLS 127.0.0.1:9;branch=z9hG4bKtls1\r\n"
           "Max-Forwards: 70\r\nFrom: <sip:a@127.0.0.1>;tag=1\r\nTo: <sip:x@127.0.0.1>\r\n"
           "Call-ID: tls-e2e\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
    for version in ("-tls1_2", "-tls1_3"):
        client = subprocess.Popen(
            ["openssl", "s_client", "-connect", address, "-servername", "sip.example.org",
             "-verify_hostname", "sip.example.org", "-verify_return_error", "-quiet", version,
             "-CAfile", where / "ca.pem"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE)
        try:
            client.stdin.write(ask.encode())
            client.stdin.flush()
            answer = b""
            while b"\r\n\r\n" not in answer:
                piece = client.stdout.read1(4096)
                check(piece, f"{version}: an answer came before the end: {client.stderr.read1()}")
                answer += piece
        finally:
            client.kill()
            client.wait()
        check(answer.startswith(b"SIP/2.0 200") and b"SIP/2.0/TLS" in answer, answer)
    old = subprocess.run(["openssl", "s_client", "-connect", address, "-tls1_1", "-cipher",
                          "ALL@SECLEVEL=0"], capture_output=True, text=True, timeout=30, input="")
    check(old.returncode != 0, f"TLS 1.1 is not spoken: {old.stdout}")
    # Noise instead of TLS costs the connection, and nothing else.
    with socket.create_connection((host, int(port)), 10) as s:
        s.sendall(ask.encode())
        s.settimeout(20)
        while s.recv(4096):
            pass
    check(simulator.poll() is None, "the simulator lives on")
    code = h.stop(simulator, signal.SIGINT)
    h.judge_simulator(code)
    check(code == 0, "and ends in order")


def keys_in_clear_are_refused_by_policy():
    where = h.folder()
    leads = peers.write_leads(where, ("0101",))
    for trunk, sip, agents, word in (
            ({"srtp": "required"}, {}, [], "trunk 'carrier'"),
            ({"srtp": "offered", "transport": "tcp"}, {}, [], "trunk 'carrier'"),
            ({"transport": "tls"}, {"srtp": "required"},
             [{"name": "desk", "uri": "sip:desk@127.0.0.1:5080"}], "agent 'desk'")):
        yaml = peers.write_campaign(
            where, {"address": "127.0.0.1:5060", **trunk}, agents=agents,
            sip={"address": "127.0.0.1", "clear_keys": "refused", **sip})
        code, told = srtp.peal_check(yaml, leads)
        check(code != 0 and word in told and "in clear" in told, told)
    yaml = peers.write_campaign(where, {"address": "127.0.0.1:5061", "transport": "tls",
                                        "srtp": "required"},
                                sip={"address": "127.0.0.1", "clear_keys": "refused"})
    code, told = srtp.peal_check(yaml, leads)
    check(code == 0 and "over TLS" in told and "in clear" not in told, told)


def openssl_is_installed():
    check(shutil.which("openssl"), "openssl is not installed")


if __name__ == "__main__":
    h.main(openssl_is_installed, a_campaign_goes_over_tls, a_server_of_another_name_hears_nothing,
           openssl_asks_at_the_door, baresip_is_called_over_tls,
           keys_in_clear_are_refused_by_policy)
