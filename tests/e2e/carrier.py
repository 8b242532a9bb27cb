"""A far side of plain sockets, none of ours: says of each number what it is told to, and writes down
every INVITE that it receives."""
import re
import socket
import threading

BUSY, VACANT, RINGS, ANSWERS = "486 Busy Here", "404 Not Found", "480 Temporarily Unavailable", "200 OK"
RING_S = 0.7  # then it gives up
SDP = "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio 9 RTP/AVP 0\r\n"


class Carrier:
    """says: number → one of the above (others are declined); invites: (number, call id) in order."""

    def __init__(self, says):
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.socket.getsockname()[1]
        self.says = says
        self.invites, self.answered, self.ringing = [], {}, 0
        threading.Thread(target=self.work, daemon=True).start()

    def work(self):
        while True:
            data, peer = self.socket.recvfrom(65536)
            text = data.decode(errors="replace")
            method = text.split(" ", 1)[0]
            if method == "INVITE":
                self.invited(text, peer)
            elif method in ("BYE", "CANCEL", "OPTIONS"):
                self.answer(text, peer, "200 OK")

    def invited(self, text, peer):
        call = re.search(r"(?mi)^call-id:\s*(\S+)", text)[1]
        to = re.match(r"INVITE sip:([^@;>]+)@", text)[1]
        if call not in self.answered:  # else a retransmission
            self.answered[call] = self.says.get(to) or "603 Decline"
            self.invites.append((to, call))
        status = self.answered[call]
        if status == RINGS:
            self.answer(text, peer, "180 Ringing")
            self.ringing += 1
            threading.Timer(RING_S, self.gave_up, (text, peer)).start()
            return
        self.answer(text, peer, status, SDP if status == ANSWERS else "")

    def gave_up(self, text, peer):
        self.ringing -= 1
        self.answer(text, peer, RINGS)

    def answer(self, text, peer, status, body=""):
        lines = [f"SIP/2.0 {status}"]
        for line in text.split("\r\n\r\n")[0].split("\r\n")[1:]:
            name = line.split(":", 1)[0].strip().lower()
            if name in ("via", "from", "call-id", "cseq"):
                lines.append(line)
            elif name == "to":
                lines.append(line if ";tag=" in line else line + ";tag=far")
        lines.append(f"Contact: <sip:far@{self.address}>")
        if status == RINGS:
            lines.append("Reason: Q.850;cause=19")
        if body:
            lines.append("Content-Type: application/sdp")
        lines += [f"Content-Length: {len(body)}", "", body]
        self.socket.sendto("\r\n".join(lines).encode(), peer)
