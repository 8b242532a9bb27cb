"""Linphone's telephone as an agent: Opus with keys in SDP (SRTP by RFC 4568), the customer in G.711 at
our simulator, bridged by the engine; no leg is in clear. What counts is heard on both sides: Linphone's own file
of what it decoded, and the engine's recording of what Linphone encoded."""

import os

import codec_e2e as codec
import harness as h
import peers_e2e as peers
from ports import start_listening


class Linphone:
    """linphonec: answers by itself, plays a file, keeps what it hears; commands by a pipe."""

    def __init__(self, where, source):
        self.where, self.heard = where, where / "heard.wav"
        (where / ".local/share/linphone").mkdir(parents=True)
        os.mkfifo(where / "commands")
        self.commands = os.open(where / "commands", os.O_RDWR)
        (self.port,), self.process = start_listening(lambda ports: self.start(*ports))
        self.say("soundcard use files")
        self.say(f"record {self.heard}")
        self.say(f"play {source}")

    def start(self, port):
        first, last = h.free_range(40).split("-")
        (self.where / "linphonerc").write_text(
            f"[sip]\nsip_port={port}\nsip_tcp_port=0\nsip_tls_port=0\nbind_address=127.0.0.1\n"
            "guess_hostname=0\ncontact=sip:agent@127.0.0.1\nuse_ipv6=0\nmedia_encryption=srtp\n"
            f"[rtp]\naudio_rtp_port={first}-{last}\n")
        return h.start(["sh", "-c", 'exec linphonec -c linphonerc -a -d 1 < commands'],
                       self.where / "linphone.log", cwd=self.where, env={**os.environ, "HOME": self.where})

    def say(self, command):
        os.write(self.commands, f"{command}\n".encode())

    def count(self, what):
        words = {"CALL_ESTABLISHED": "LinphoneCallStreamsRunning"}
        return (self.where / "linphone.log").read_text(errors="replace").count(words[what])

    def hang_up(self):
        self.say("terminate")

    def hears(self):
        """At 8 kHz; the file has a header once it is whole."""
        return codec.at_8_khz(self.heard.read_bytes()[44:], 1, 6) if self.heard.exists() else []

    def stop(self):
        self.say("quit")
        return self.process.wait(30)


def linphone_speaks_opus_under_keys():
    record = codec.conversation(Linphone, ["opus", "pcma"], "pcma", srtp="required")
    h.check("srtp" in record["media"], f"the customer's leg is sealed: {record['media']}")


if __name__ == "__main__":
    h.main(linphone_speaks_opus_under_keys)
