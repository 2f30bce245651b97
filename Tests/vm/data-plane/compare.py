# SPDX-License-Identifier: Apache-2.0
"""compare.py EXPORT: holds `wg show wg0 dump` on standard input against the JSON of `wgmctl export`; fails when they differ."""
import ipaddress
import json
import sys


def prefixes(texts):
    return sorted(str(ipaddress.ip_network(text)) for text in texts)


with open(sys.argv[1]) as export:
    interface = json.load(export)["interfaces"]["wg0"]
device, *lines = [line.rstrip("\n").split("\t") for line in sys.stdin]
held = {line[0]: (prefixes(line[3].split(",") if line[3] != "(none)" else []), 0 if line[7] == "off" else int(line[7])) for line in lines}
wanted = {
    peer["public_key"]: (prefixes((peer.get("addresses") or []) + (peer.get("allowed_addresses") or [])), peer.get("keepalive_s") or 0)
    for peer in (interface.get("peers") or {}).values()
    if peer.get("enabled", True) is not False
}
faults = [f"{key}: wanted {wanted.get(key)}, held {held.get(key)}" for key in sorted(wanted.keys() | held.keys()) if wanted.get(key) != held.get(key)]
if int(device[2]) != interface["listen_port"]:
    faults.append(f"listen port: wanted {interface['listen_port']}, held {device[2]}")
mark = 0 if device[3] == "off" else int(device[3], 16)
if mark != (interface.get("firewall_mark") or 0):
    faults.append(f"mark: wanted {interface.get('firewall_mark')}, held {device[3]}")
print("\n".join(faults[:20]))
print(f"{len(wanted)} peers wanted, {len(held)} held, {len(faults)} differences")
sys.exit(bool(faults))
