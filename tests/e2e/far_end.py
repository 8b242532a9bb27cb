"""A SIP and RTP far end written from the RFCs, over plain sockets, that shares no code with what it
judges: it says what it is told and keeps everything it hears, with times. IPv4, UDP, one call."""
import random
import re
import socket
import struct
import threading
import time


class Message:
    def __init__(self, data, at, sender):
        self.at, self.sender, self.size = at, sender, len(data)
        head, _, self.body = data.decode("utf-8", "replace").partition("\r\n\r\n")
        self.start, *lines = head.split("\r\n")
        self.headers = [line.partition(":")[::2] for line in lines]
        words = self.start.split(" ")
        self.code = int(words[1]) if words[0] == "SIP/2.0" else 0
        self.method = self.header("CSeq").split()[-1] if self.header("CSeq") else ""

    def all(self, name):
        return [v.strip() for k, v in self.headers if k.strip().lower() == name.lower()]

    def header(self, name):
        return (self.all(name) or [""])[0]

    @property
    def what(self):
        """"INVITE", or "200/BYE"."""
        return f"{self.code}/{self.method}" if self.code else self.method


class FarEnd:
    def __init__(self):
        self.sip = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.rtp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        for s in (self.sip, self.rtp):
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 1 << 20)
            s.bind(("127.0.0.1", 0))
        self.port = self.sip.getsockname()[1]
        self.id = f"{random.getrandbits(48):x}"
        self.heard, self.packets = [], []
        self.rtp.settimeout(0.2)
        self.listening = True
        self.listener = threading.Thread(target=self._listen)
        self.listener.start()

    def close(self):
        self.listening = False
        self.listener.join()
        self.sip.close()
        self.rtp.close()

    def _listen(self):
        while self.listening:
            try:
                data = self.rtp.recv(2048)
            except TimeoutError:
                continue
            at = time.monotonic()
            _, pt, seq, ts, ssrc = struct.unpack("!BBHII", data[:12])
            self.packets.append((at, pt & 0x7f, seq, ts, ssrc, len(data)))

    # ---- SIP ----

    def send(self, text, to=None):
        self.sip.sendto(text.encode(), to or self.peer)

    def receive(self, seconds):
        """The next message, or None."""
        self.sip.settimeout(max(seconds, 0.001))
        try:
            data, sender = self.sip.recvfrom(65535)
        except TimeoutError:
            return None
        message = Message(data, time.monotonic(), sender)
        self.heard.append(message)
        return message

    def wait(self, what, seconds=20):
        """Until a message that matches ("180", "200/INVITE", "BYE") comes; fails without it."""
        until = time.monotonic() + seconds
        while True:
            message = self.receive(until - time.monotonic())
            if message is None:
                raise AssertionError(f"no {what} in {seconds} s; heard: {[m.what for m in self.heard]}")
            if message.what == what or message.what.startswith(what + "/"):
                return message

    def listen(self, seconds):
        """Everything that comes in so long."""
        until, messages = time.monotonic() + seconds, []
        while True:
            message = self.receive(until - time.monotonic())
            if message is None:
                return messages
            messages.append(message)

    def sdp(self):
        port = self.rtp.getsockname()[1]
        return (f"v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"
                f"m=audio {port} RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n")

    def request(self, method, cseq, branch, to_tag="", body="", headers=""):
        to = f"<sip:{self.number}@{self.peer[0]}:{self.peer[1]}>" + (f";tag={to_tag}" if to_tag else "")
        return (f"{method} sip:{self.number}@{self.peer[0]}:{self.peer[1]} SIP/2.0\r\n"
                f"Via: SIP/2.0/UDP 127.0.0.1:{self.port};branch=z9hG4bK{self.id}{branch};rport\r\n"
                f"From: <sip:+12025550199@127.0.0.1:{self.port}>;tag=f{self.id}\r\nTo: {to}\r\n"
                f"Call-ID: {self.id}\r\nCSeq: {cseq} {method}\r\nMax-Forwards: 70\r\n"
                f"Contact: <sip:judge@127.0.0.1:{self.port}>\r\n{headers}"
                + ("Content-Type: application/sdp\r\n" if body else "")
                + f"Content-Length: {len(body)}\r\n\r\n{body}")

    def invite(self, address, number):
        host, port = address.split(":")
        self.peer, self.number = (host, int(port)), number
        self.send(self.request("INVITE", 1, "i", body=self.sdp()))
        return time.monotonic()

    def tag(self, message):
        return re.search(r"tag=([^;>\s]+)", message.header("To")).group(1)

    def ack(self, answer):
        branch = "a" if answer.code < 300 else "i"
        self.send(self.request("ACK", 1, branch, self.tag(answer)))

    def cancel(self):
        self.send(self.request("CANCEL", 1, "i"))

    def bye(self, answer, branch="b"):
        self.send(self.request("BYE", 2, branch, self.tag(answer)))

    def answer(self, to, code, phrase="OK", body=""):
        """Answers a request that came."""
        text = f"SIP/2.0 {code} {phrase}\r\n"
        for name in ("Via", "From", "Call-ID", "CSeq"):
            text += "".join(f"{name}: {v}\r\n" for v in to.all(name))
        target = to.header("To")
        text += f"To: {target}" + ("" if "tag=" in target else f";tag=t{self.id}") + "\r\n"
        text += f"Contact: <sip:judge@127.0.0.1:{self.port}>\r\n"
        text += "Content-Type: application/sdp\r\n" if body else ""
        self.send(text + f"Content-Length: {len(body)}\r\n\r\n{body}", to.sender)
