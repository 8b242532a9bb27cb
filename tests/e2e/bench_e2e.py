"""peal-bench as it is called: its arguments, its exit codes, and rows that others can read."""
import json
import os
import pathlib
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ.get("PEAL_BUILD", "build/release"))
KEYS = ["bench", "case", "value", "unit", "better", "peer", "peer_value", "ratio"]


def bench(*args):
    command = [BUILD / "peal-bench", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=300)


class Bench(unittest.TestCase):
    def refused(self, *args):
        done = bench(*args)
        self.assertEqual(done.returncode, 2)
        self.assertEqual(done.stdout, "")
        self.assertTrue(done.stderr.startswith("peal-bench: "), done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)
        return done.stderr

    def test_help(self):
        done = bench("--help")
        self.assertEqual(done.returncode, 0)
        for word in ("sip", "media", "dsp", "import", "all", "--json", "--seconds", "Examples"):
            self.assertIn(word, done.stdout)

    def test_wrong_arguments(self):
        self.refused()
        self.assertIn('"nothing"', self.refused("nothing"))
        self.assertIn('"--fast"', self.refused("base", "--fast"))
        self.assertIn("--json", self.refused("base", "--json"))
        self.assertIn('"sip"', self.refused("base", "sip"))
        for seconds in ("0", "-1", "x", "1x", "nan", "1e9", ""):
            self.assertIn("--seconds", self.refused("base", "--seconds", seconds))

    def test_an_unwritable_file_is_said_before_the_work(self):
        self.assertIn("/no/such", self.refused("base", "--json", "/no/such/folder/x.json"))

    def test_rows(self):
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "rows.json"
            done = bench("base", "--seconds", "0.01", "--json", path)
            rows = json.loads(path.read_text(encoding="utf-8"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertGreater(len(rows), 10)
        for row in rows:
            self.assertEqual(list(row), KEYS)
            self.assertEqual(row["bench"], "base")
            self.assertIn(row["better"], ("higher", "lower"))
            self.assertGreater(row["value"], 0)
            self.assertIn(row["case"], done.stdout)
            if row["peer_value"] is None:
                self.assertIsNone(row["ratio"])
            else:
                self.assertAlmostEqual(row["ratio"], row["value"] / row["peer_value"])
        self.assertTrue(any(row["ratio"] for row in rows))
        self.assertEqual(len(done.stdout.splitlines()), len(rows) + 1)

    def test_generator(self):
        """Few legs, a moment: that both sides are heard and judged, not how they do."""
        with tempfile.TemporaryDirectory() as folder:
            path = pathlib.Path(folder) / "rows.json"
            done = bench("generator", "--legs", "4", "--seconds", "0.2", "--json", path)
            rows = {row["case"]: row for row in json.loads(path.read_text(encoding="utf-8"))}
        self.assertEqual(done.returncode, 0, done.stderr)
        for case in ("4 legs, all of them up: ", "4 legs, calls of 2 s: "):
            kept = rows[case + "packets kept"]
            self.assertGreater(kept["value"], 0)
            self.assertGreater(kept["peer_value"], 0)
            self.assertGreaterEqual(rows[case + "audio late p99, by its report"]["value"], 0)
            self.assertIsNotNone(rows[case + "spacing error p99"]["ratio"])
        self.assertIn("--legs takes", bench("generator", "--legs", "1").stderr)


if __name__ == "__main__":
    unittest.main()
