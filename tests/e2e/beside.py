"""The tests of a file beside one another, each in a process of its own: most of their time they wait
for calls that take as long as calls take. Named tests (`file.py Class.test`) run as ever."""
import concurrent.futures
import subprocess
import sys
import unittest


def names(suite):
    for test in suite:
        if isinstance(test, unittest.TestSuite):
            yield from names(test)
        else:
            yield f"{type(test).__qualname__}.{test._testMethodName}"


def run(name):
    done = subprocess.run([sys.executable, sys.argv[0], name], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace", check=False)
    return name, done.returncode, done.stdout


def main(at_once=3):
    if len(sys.argv) > 1:
        unittest.main(verbosity=1)
    tests = list(names(unittest.defaultTestLoader.loadTestsFromModule(sys.modules["__main__"])))
    failed = 0
    with concurrent.futures.ThreadPoolExecutor(at_once) as pool:
        for name, code, said in pool.map(run, tests):
            print(f"{name}: {'ok' if code == 0 else 'FAILED'}", flush=True)
            if code:
                failed += 1
                print(said, flush=True)
    print(f"{len(tests)} tests, {failed} failed")
    sys.stdout.flush()
    sys.exit(1 if failed or not tests else 0)
