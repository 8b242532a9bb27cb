#!/usr/bin/env python3
"""docs/FLOWS.md is what engine/flow says, and every verb the program knows is on it."""
import os
import pathlib
import subprocess
import unittest

SOURCE = pathlib.Path(os.environ.get("PEAL_SOURCE", pathlib.Path(__file__).parents[2]))


class Reference(unittest.TestCase):
    def test_page_is_current(self):
        done = subprocess.run([SOURCE / "tools/flow-reference", "--check"], capture_output=True,
                              text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_scripts_of_the_project_use_only_verbs_of_the_page(self):
        import re
        page = (SOURCE / "docs/FLOWS.md").read_text(encoding="utf-8")
        used = set()
        for script in (SOURCE / "scenarios").glob("*/*.lua"):
            used |= set(re.findall(r"\bcall:(\w+)", script.read_text(encoding="utf-8")))
        self.assertGreater(len(used), 10)
        for verb in used:
            self.assertIn(f"### `call:{verb}", page)


if __name__ == "__main__":
    unittest.main()
