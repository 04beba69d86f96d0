"""A visitor who looks at the shop and buys something.

A server for it:    loads test-server --port 8080
Once, to try it:    python3 checkout.py http://127.0.0.1:8080
Under load:         loads -c 10 -n 10 --server-url http://127.0.0.1:8080 -- python3 checkout.py
"""

import os
import sys

sys.path.insert(0, os.path.join(os.path.dirname(os.path.abspath(__file__)), ".."))

import loads


def checkout(user: loads.User) -> None:
    page = user.get("/")
    assert "Tarek" in page.text, "the front page does not name its author"
    user.sleep(0.01)
    user.get("/", params={"article": user.number}, name="article").raise_for_status()


loads.run(checkout, server_url="http://127.0.0.1:8080")
