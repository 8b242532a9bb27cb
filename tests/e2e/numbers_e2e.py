"""The tables of numbers beside the package that they are made of: the same plans of the same countries,
the same zones, for numbers behind every prefix that tells a zone and for random ones."""
import random
import re
import subprocess
import sys

import harness as h
from harness import check

sys.path.append("/usr/lib/python3/dist-packages")
import phonenumbers  # noqa: E402
from phonenumbers import PhoneMetadata  # noqa: E402
from phonenumbers.tzdata import TIMEZONE_DATA  # noqa: E402


# Mobile numbers of countries with several zones: anywhere in the country.
ANYWHERE = {"346": "34", "569": "56", "5939": "593", "614": "61", "628": "62", "642": "64", "79": "7",
            "9768": "976", "9769": "976"}


def patterns():
    out = {}
    for code, regions in phonenumbers.COUNTRY_CODE_TO_REGION_CODE.items():
        for region in regions:
            m = (PhoneMetadata.metadata_for_nongeo_region(code) if region == "001"
                 else PhoneMetadata.metadata_for_region(region))
            if m and m.general_desc.national_number_pattern:
                out.setdefault(str(code), []).append(re.compile(m.general_desc.national_number_pattern))
    return out


def zones(digits):
    for n in range(len(digits), 0, -1):
        found = [z for z in TIMEZONE_DATA.get(ANYWHERE.get(digits[:n], digits[:n]), ()) if z != "Etc/Unknown"]
        if found:
            return found
    return []


def possible(digits, plans):
    return any(p.fullmatch(digits[n:]) for n in (1, 2, 3) for p in plans.get(digits[:n], ()))


def tables_agree_with_the_package():
    plans, rng, numbers = patterns(), random.Random(8), []
    starts = list(TIMEZONE_DATA) + list(plans) * 40
    for start in starts:
        for length in {len(start), 7, 10, 11, 12, rng.randint(4, 17)}:
            numbers.append(start + "".join(rng.choice("0123456789") for _ in range(length - len(start))))
    said = subprocess.run([h.program("number-look")], input="".join(f"+{n}\n" for n in numbers), text=True,
                          capture_output=True, check=True).stdout.splitlines()
    check(len(said) == len(numbers), "an answer for each number")
    accepted = 0
    for number, line in zip(numbers, said):
        ok, _, names = line.partition(" ")
        accepted += ok == "1"
        check((ok == "1") == possible(number, plans), f"+{number} is possible as the plan says: {line}")
        check(names == ",".join(zones(number)), f"+{number} is in {zones(number)}, not {names}")
    check(5000 < accepted < len(numbers) - 5000, f"some are possible, some not: {accepted} of {len(numbers)}")


h.main(tables_agree_with_the_package)
