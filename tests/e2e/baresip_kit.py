"""baresip, a telephone that others wrote, as an agent of the engine."""

import json
import pathlib
import socket

import harness as h
from harness import wait_for
from ports import start_listening


class Baresip:
    """baresip without a terminal: answers by itself, plays a file, keeps what it hears, and is
    asked to hang up through its control port (netstrings of JSON)."""

    def __init__(self, where, source):
        self.events, self.heard, self._bytes = [], where / "heard", b""
        self.heard.mkdir()
        (self.port, control), self.process = start_listening(
            lambda ports: self.start(where, source, *ports), ("udp", "tcp"))
        self.control = wait_for("baresip's control port", lambda: connect(control))
        self.control.setblocking(False)

    def accounts(self, text):
        """What another kind of baresip has otherwise in its accounts, and in its config."""
        return text

    def config(self, text, where):
        return text

    def start(self, where, source, port, control):
        (where / "accounts").write_text(self.accounts(
            f"<sip:agent@127.0.0.1:{port};transport=udp>;regint=0;answermode=auto;"
            "audio_codecs=PCMU,PCMA\n"))
        (where / "contacts").write_text("")
        (where / "config").write_text(self.config("\n".join((
            f"sip_listen 127.0.0.1:{port}", "net_interface 127.0.0.1",
            f"rtp_ports {h.free_range(40)}", f"audio_source aufile,{source}",
            "ausrc_srate 8000", "auplay_srate 8000", f"snd_path {self.heard}",
            f"ctrl_tcp_listen 127.0.0.1:{control}", f"module_path {modules()}",
            "module g711.so", "module aufile.so", "module sndfile.so", "module_app account.so",
            "module_app menu.so", "module_app ctrl_tcp.so", "")), where))
        return h.start(["baresip", "-f", where], where / "baresip.log")

    def read(self):
        """Takes in what has come; returns the calls' events so far."""
        try:
            while piece := self.control.recv(65536):
                self._bytes += piece
        except BlockingIOError:
            pass
        while b":" in self._bytes:
            size, rest = self._bytes.split(b":", 1)
            if len(rest) <= int(size):
                break
            message, self._bytes = json.loads(rest[:int(size)]), rest[int(size) + 1:]
            if message.get("event") and message.get("class") == "call":
                self.events.append(message)
        return self.events

    def count(self, kind):
        return sum(e["type"] == kind for e in self.read())

    def hang_up(self):
        text = json.dumps({"command": "hangup"}).encode()
        self.control.sendall(b"%d:%s," % (len(text), text))

    def recordings(self):
        """What was heard, a file a call, oldest first."""
        return sorted(self.heard.glob("*-dec.wav"))


def modules():
    for path in ("/usr/lib/baresip/modules", "/usr/local/lib/baresip/modules"):
        if pathlib.Path(path).is_dir():
            return path
    return h.fail("baresip's modules are not installed (apt-get install baresip-core)")


def connect(port):
    try:
        return socket.create_connection(("127.0.0.1", port), 1)
    except OSError:
        return None
