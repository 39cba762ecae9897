"""Writes the three rings of a one-disk OpenStack Swift: where accounts, containers and objects are.

    s3_rings.py FOLDER ACCOUNT_PORT CONTAINER_PORT OBJECT_PORT        with the S3 environment's Python

A ring names a port, so rings are made anew for each run. Every partition lies on the one disk, and with it everything
that an earlier run stored.
"""

import sys

from swift.common.ring import RingBuilder

folder = sys.argv[1]
for kind, port in zip(("account", "container", "object"), sys.argv[2:5]):
    builder = RingBuilder(part_power=2, replicas=1, min_part_hours=0)
    builder.add_dev(
        {"id": 0, "region": 1, "zone": 1, "ip": "127.0.0.1", "port": int(port), "device": "disk", "weight": 1.0, "meta": ""}
    )
    builder.rebalance(seed=1)
    builder.get_ring().save(f"{folder}/{kind}.ring.gz")
