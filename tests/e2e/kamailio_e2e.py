#!/usr/bin/env python3
"""Calls through Kamailio, a proxy that others wrote: Record-Route and loose routing both ways, its
100, its CANCEL and its ACKs of refusals, re-INVITE and PRACK end to end."""
import os
import shutil
import subprocess
import tempfile
import unittest

import sipp_e2e
from ports import start_listening
from sipp_e2e import Peer

CONFIG = """
debug=0
log_stderror=yes
children=2
auto_aliases=no
disable_tcp=yes
listen=udp:127.0.0.1:{port}
loadmodule "tm.so"
loadmodule "sl.so"
loadmodule "rr.so"
loadmodule "pv.so"
loadmodule "siputils.so"
loadmodule "textops.so"
request_route {{
    if (is_method("CANCEL")) {{
        if (t_check_trans()) t_relay();
        exit;
    }}
    if (has_totag()) {{
        if (loose_route()) {{
            t_relay();
            exit;
        }}
        if (is_method("ACK") && t_check_trans()) t_relay();
        exit;
    }}
    if (is_method("INVITE")) record_route();
    $du = "sip:{to}";
    t_relay();
}}
"""


@unittest.skipUnless(shutil.which("kamailio"), "kamailio is not installed")
class Kamailio(unittest.TestCase):
    def setUp(self):
        self.assertTrue(os.path.exists(sipp_e2e.PEER), f"{sipp_e2e.PEER} is not built")
        self.folder = tempfile.mkdtemp(prefix="kamailio-")
        self.started = []
        self.proxy = None

    def tearDown(self):
        for p in self.started:
            p.stop()
        if self.proxy:
            self.proxy.terminate()
            self.proxy.wait(20)
        shutil.rmtree(self.folder, ignore_errors=True)

    def kamailio(self, port, to):
        config = os.path.join(self.folder, "kamailio.cfg")
        with open(config, "w") as f:
            f.write(CONFIG.format(port=port, to=to))
        with open(os.path.join(self.folder, "log"), "w") as log:
            return subprocess.Popen(
                ["kamailio", "-f", config, "-DD", "-E", "-m", "32", "-M", "8",
                 "-Y", self.folder, "-w", self.folder], stdout=log, stderr=log)

    def calls(self, uas_args, uac_args, calls=20):
        uas = Peer("uas", "--calls", str(calls), *uas_args)
        self.started.append(uas)
        (port,), self.proxy = start_listening(lambda ports: self.kamailio(ports[0], uas.address))
        uac = Peer("uac", "--to", f"127.0.0.1:{port}", "--calls", str(calls), "--rate", "50",
                   *uac_args)
        self.started.append(uac)
        for p in (uac, uas):
            self.assertEqual(p.finish(), 0, p.lines[-3:])
            self.assertEqual(len(p.calls), calls)
            self.assertEqual(p.summary["malformed"], 0)
            self.assertEqual(p.summary["unmatched_requests"], 0)
        return uac, uas

    def test_answered_held_and_hung_up(self):
        uac, uas = self.calls(["--ring-ms", "50"], ["--hold"])
        for c in uac.calls:
            self.assertEqual((c["answered"], c["answers"], c["by"]), (True, 2, "us"))
        for c in uas.calls:
            self.assertEqual((c["answered"], c["offers"], c["by"]), (True, 2, "far side"))

    def test_reliable_early_media_and_late_offer(self):
        uac, uas = self.calls(["--ring-ms", "50", "--early", "--reliable"],
                              ["--reliable", "--late-offer"])
        for c in uac.calls:
            self.assertEqual((c["answered"], c["reliable"], c["early_sdp"]), (True, 1, True))
        self.assertTrue(all(c["answered"] for c in uas.calls))

    def test_busy_keeps_its_cause(self):
        uac, _ = self.calls(["--code", "486", "--ring-ms", "50"], [])
        for c in uac.calls:
            self.assertEqual((c["answered"], c["code"], c["q850"]), (False, 486, 17))

    def test_cancelled_while_ringing(self):
        uac, uas = self.calls(["--ring-ms", "20000"], ["--cancel-ms", "150"])
        for c in uac.calls:
            self.assertEqual((c["answered"], c["code"], c["by"]), (False, 487, "us"))
        for c in uas.calls:
            self.assertEqual((c["code"], c["by"]), (487, "far side"))

    def test_hung_up_by_the_called_side(self):
        uac, _ = self.calls(["--ring-ms", "50", "--hang-up", "--talk-ms", "100"],
                            ["--talk-ms", "30000"])
        for c in uac.calls:
            self.assertEqual((c["answered"], c["by"], c["q850"]), (True, "far side", 16))


if __name__ == "__main__":
    unittest.main()
