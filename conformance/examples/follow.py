#!/usr/bin/env python3
"""Follows one topic of a Lockstep server by long polls, and keeps its rows.

    follow.py http://127.0.0.1:7001 gift-list:123 [--until ENTITY_ID]

Written from SPEC.md alone, whose rules it names. With --until it ends when that row is there.
"""
import http.client
import json
import random
import sys
import time
import urllib.error
import urllib.request


class Replica:
    def __init__(self):
        self.rows = {}  # what is shown
        self.restart()

    def restart(self, epoch=""):
        """Forgets the position and what is staged; what is shown stays (R-2)."""
        self.epoch, self.version, self.target = epoch, 0, 0
        self.staged, self.fresh = {}, True

    def apply(self, f):
        """Takes one frame in. False means a gap: poll again from the position."""
        if f["type"] == "resync" or f["type"] == "subscribed" and self.fresh and f["version"] < self.version:
            self.restart()  # R-2, S-6
            return True
        if f["type"] not in ("snapshot", "events"):
            return True  # T-1
        snapshot = f["type"] == "snapshot"
        if self.version == 0:
            self.epoch, self.fresh = f["epoch"], self.fresh or snapshot  # E-13, S-5
        if f["epoch"] != self.epoch:
            return False  # G-1
        if snapshot and self.fresh and f["from"] == 0 < self.version and f["version"] != self.target:
            self.restart(f["epoch"])  # S-6: what is staged is of another run
        if snapshot and not self.fresh or f["to"] < self.version:
            return True  # S-5, E-4
        if f["from"] > self.version or snapshot and self.version > 0 and f["version"] != self.target:
            return False  # G-1, S-6
        if not snapshot and f["to"] == self.version and not f.get("mixed"):
            return True  # E-4
        for row in f.get("entities", []):
            self.staged[row["entity_id"]] = row["payload"]
        for event in f.get("events", []):
            if event["version"] > self.version and event.get("op") != "none":  # E-5, E-8
                self.staged[event["data"]["entity_id"]] = event["data"]["payload"]  # null: deleted
        self.version = f["to"]  # E-3
        if f["more"]:
            self.target = max(self.target, f["version"])  # E-11
        elif self.version >= self.target or f.get("mixed"):
            self.show()
        return True

    def show(self):  # all at once: S-3, E-11
        rows = self.staged if self.fresh else {**self.rows, **self.staged}
        self.rows = {name: value for name, value in rows.items() if value is not None}  # N-14
        self.staged, self.fresh = {}, False


def poll(base, topic, replica):
    """Yields the frames of one poll (T-8, T-9)."""
    url = f"{base}/v1/topics/{topic}/events?wait=20"
    if replica.version > 0 or not replica.fresh:
        url += f"&after={replica.epoch}-{replica.version}"  # N-10
    with urllib.request.urlopen(url, timeout=40) as answer:
        for line in answer:
            yield json.loads(line)


def follow(base, topic, until):
    replica, failures, gap = Replica(), 0, None
    while until is None or until not in replica.rows:
        try:
            for frame in poll(base, topic, replica):
                if not replica.apply(frame):
                    if gap == (replica.epoch, replica.version):
                        replica.restart()  # G-4
                    gap = (replica.epoch, replica.version)
                    break
            failures = 0
        except (OSError, http.client.HTTPException, ValueError) as failure:
            failures += 1  # the line broke: what came is kept
            if isinstance(failure, urllib.error.HTTPError):
                is_problem = failure.headers.get_content_type() == "application/problem+json"
                if is_problem and (problem := json.loads(failure.read()))["retry"] == "never":
                    sys.exit(problem["message"])
        if failures:
            time.sleep(random.uniform(0, min(30, 0.1 * 2 ** min(failures, 9))))  # T-6: at random
    return replica


if __name__ == "__main__":
    end = sys.argv[4] if sys.argv[3:4] == ["--until"] else None
    print(json.dumps(follow(sys.argv[1], sys.argv[2], end).rows, sort_keys=True))
