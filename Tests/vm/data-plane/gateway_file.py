# SPDX-License-Identifier: Apache-2.0
"""gateway_file.py COUNT [KEYS] [ATTRIBUTE...]: a gateway file with peers other0001 and so on in wg0.

KEYS numbers a set of keys, with which come two prefixes each; `-` says neither. {n} in an attribute is the number of the peer.
"""
import base64
import hashlib
import sys

count, keys, attributes = int(sys.argv[1]), sys.argv[2], sys.argv[3:]
print("version: 1\ninterfaces:\n  wg0:\n    peers:")
for n in range(1, count + 1):
    said = [attribute.replace("{n}", str(n)) for attribute in attributes]
    if keys != "-":
        key = base64.b64encode(hashlib.sha256(f"{keys}/{n}".encode()).digest()).decode()
        said = [f"public_key: {key}", f'allowed_addresses: [10.{100 + n // 256}.{n % 256}.0/24, "2001:db8:{n:x}::/48"]'] + said
    print(f"      other{n:04}: {{{', '.join(said)}}}")
