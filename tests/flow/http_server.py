#!/usr/bin/env python3
"""A web service for tests that behaves well or badly by the path asked for. Writes its port to the
file that is its argument."""
import http.server
import json
import os
import socket
import sys
import threading


class Handler(http.server.BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def log_message(self, *args):
        pass

    def answer(self, status, body, kind="application/json", headers=()):
        self.send_response(status)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        for name, value in headers:
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)

    def raw(self, data):
        self.wfile.write(data)
        self.wfile.flush()
        self.close_connection = True

    def do_GET(self):
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length).decode()
        path = self.path.split("?")[0]
        if path == "/echo":
            sent = {"method": self.command, "path": self.path, "body": body,
                    "type": self.headers.get("Content-Type"), "key": self.headers.get("X-Key")}
            self.answer(200, json.dumps(sent).encode())
        elif path == "/text":
            self.answer(200, b"plain words", "text/plain")
        elif path == "/empty":
            self.send_response(204)
            self.end_headers()
        elif path == "/error":
            self.answer(503, b'{"why":"closed"}')
        elif path == "/redirect":
            self.answer(302, b"", headers=[("Location", "/text")])
        elif path == "/not-json":
            self.answer(200, b"<html>")
        elif path == "/long":
            self.answer(200, b"x" * 65536, "text/plain")
        elif path == "/huge":
            self.send_response(200)
            self.end_headers()
            try:
                while True:
                    self.wfile.write(b"x" * 65536)
            except OSError:
                self.close_connection = True
        elif path == "/huge-head":
            self.raw(b"HTTP/1.1 200 OK\r\n" + b"X-Long: " + b"x" * 8000 + b"\r\n" +
                     b"X-Long: " + b"x" * 8000 + b"\r\n" + b"X: y\r\n" * 500 + b"\r\n")
        elif path == "/broken":
            self.raw(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nten bytes.")
        elif path == "/nothing":
            self.raw(b"")
        elif path == "/garbage":
            self.raw(b"\x00\x01\x02 what?\r\n\r\n")
        elif path == "/slow":
            self.server.slow.set()
            self.rfile.read(1)  # until the client goes away
            self.close_connection = True
        elif path == "/drip":
            self.send_response(200)
            self.end_headers()
            try:
                while not self.server.over.wait(0.02):
                    self.wfile.write(b"x")
            except OSError:
                pass
            self.close_connection = True
        else:
            self.answer(404, b"{}")

    do_POST = do_PUT = do_GET


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 512
    slow = threading.Event()
    over = threading.Event()


def main():
    server = Server(("127.0.0.1", 0), Handler)
    beside = sys.argv[1] + ".part"
    with open(beside, "w", encoding="ascii") as f:
        f.write(str(server.server_address[1]))
    os.rename(beside, sys.argv[1])
    server.serve_forever()


if __name__ == "__main__":
    socket.setdefaulttimeout(60)
    main()
