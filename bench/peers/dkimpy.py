"""Verify a list of messages with dkimpy, keys from a file, for ../check.ts: dkimpy.py KEYS LIST"""
import sys

import dkim

keys = {}
with open(sys.argv[1]) as lines:
    for line in lines:
        name, record = line.rstrip("\n").split(" ", 1)
        keys[f"{name}.".encode()] = record.encode()

with open(sys.argv[2]) as names:
    for name in names:
        with open(name.rstrip("\n"), "rb") as file:
            passed = dkim.verify(file.read(), dnsfunc=lambda name, timeout=5: keys.get(name))
        print(name, "pass" if passed else "fail")
        if not passed:
            sys.exit(1)
