#!/usr/bin/env python3
"""The bytes of a small TensorBoard event file, as TensorBoard's own writer (package tensorboard) makes them.

    python3 scripts/golden/tensorboard_events.py tests/data/golden_tensorboard.json
"""
import io
import json
import sys

from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


def value(tag, number):
    return Summary.Value(tag=tag, simple_value=number)


def main():
    file = io.BytesIO()
    writer = RecordWriter(file)
    writer.write(Event(wall_time=1700000000.5, file_version="brain.Event:2").SerializeToString())
    writer.write(Event(wall_time=1700000001.5, step=21, summary=Summary(value=[
        value("charts/episodic_return", 21.5), value("charts/episodic_length", 21)])).SerializeToString())
    # A step above 2^32, a value that float rounds, one below zero, one that is zero.
    writer.write(Event(wall_time=1700000002.5, step=5_000_000_000, summary=Summary(value=[
        value("a", 0.1), value("b", -1e-3), value("c", 0.0)])).SerializeToString())
    with open(sys.argv[1], "w") as out:
        out.write(json.dumps({"bytes": file.getvalue().hex()}) + "\n")


if __name__ == "__main__":
    main()
