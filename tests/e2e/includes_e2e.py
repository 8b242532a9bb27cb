"""tools/check-includes: this project obeys it, and it finds every kind of wrong include."""
import os
import pathlib
import subprocess
import tempfile
import unittest

SOURCE = pathlib.Path(os.environ.get("PEAL_SOURCE", pathlib.Path(__file__).parents[2]))
CHECK = SOURCE / "tools/check-includes"

LIST = """# peal_room(ghost)
peal_room(base m)
peal_room(media)
peal_room(sip)
peal_room(call)
peal_room(desk)
"""
GROUND = """#include "base/a.h"
#include <stdio.h>
#include <sys/time.h>
"""


def check(*args):
    done = subprocess.run([CHECK, *args], capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


class Includes(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.root = pathlib.Path(folder.name)
        self.write("CMakeLists.txt", LIST)
        self.write("engine/base/a.c", GROUND)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def expect(self, line):
        code, out = check(self.root)
        self.assertEqual(code, 1, out)
        self.assertIn(line, out)
        self.assertIn("1 wrong includes", out)

    def test_this_project(self):
        code, out = check()
        self.assertEqual(code, 0, out)

    def test_right_ones(self):
        self.write("engine/call/b.h", '#include "sip/m.h"\n#include "media/l.h"\n')
        self.write("engine/main.c", '#include "cli.h"\n#include "call/b.h"\n#include "desk/d.h"\n')
        self.write("engine/cli.h", "int x;\n")
        self.write("sim/s.c", '#include "sim/s.h"\n#include "call/b.h"\n')
        code, out = check(self.root)
        self.assertEqual(code, 0, out)
        self.assertIn("5 files, 5 rooms, 0 wrong", out)

    def test_up(self):
        self.write("engine/base/b.h", '\n  #  include "call/b.h"\n')
        self.expect("engine/base/b.h:2:")

    def test_sip_and_media_are_apart(self):
        self.write("engine/sip/b.c", '#include "media/l.h"\n')
        self.expect("engine/sip/b.c:1:")

    def test_sim_stays_below_the_desk(self):
        self.write("sim/s.c", '#include "sim/s.h"\n#include "desk/d.h"\n')
        self.expect("sim/s.c:2:")

    def test_engine_knows_no_simulator(self):
        self.write("engine/main.c", '#include "sim/s.h"\n')
        self.expect("engine/main.c:1:")

    def test_without_room(self):
        self.write("engine/call/b.c", '#include "b.h"\n')
        self.expect("engine/call/b.c:1:")

    def test_a_file_of_the_program_that_is_not_there(self):
        self.write("engine/main.c", '#include "cli.h"\n')
        self.expect("engine/main.c:1:")

    def test_angle_brackets_do_not_hide(self):
        self.write("engine/base/b.c", "#include <call/b.h>\n")
        self.expect("engine/base/b.c:1:")

    def test_unknown_room(self):
        self.write("engine/ghost/b.c", "int x;\n")
        self.expect("engine/ghost/b.c:1:")

    def test_nothing_to_read(self):
        self.write("CMakeLists.txt", "")
        self.assertEqual(check(self.root)[0], 2)
        self.assertEqual(check(self.root / "none")[0], 2)


if __name__ == "__main__":
    unittest.main()
