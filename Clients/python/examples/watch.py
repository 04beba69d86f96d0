"""Prints the merged stream of a master, or of `loads … --stream tcp://127.0.0.1:7782`: what happens, and every hit."""
import sys
import msgpack
import zmq

stream = zmq.Context().socket(zmq.SUB)
stream.connect(sys.argv[1] if len(sys.argv) > 1 else "tcp://127.0.0.1:7782")
stream.subscribe("hits/")
stream.subscribe("events/")
while True:
    topic, message = stream.recv_multipart()
    fields = msgpack.unpackb(message)
    if fields["type"] == "event":
        print(f"{fields['t']:9.3f} {fields['kind']}: {fields['text']}", flush=True)
    if fields["type"] == "hits":
        columns = fields["columns"]
        for at, user, name, status, ms in zip(*(columns[key] for key in ("t", "user", "name", "status", "ms"))):
            print(f"{at:9.3f} {columns['strings'][name]} {status} {ms:.1f} ms, user {user} of {fields['agent']}", flush=True)
