"""What an agent needs beyond Python itself."""

from __future__ import annotations

import importlib.util
import sys

#: Modules, and what they are called where they come from: PyPI, Debian.
_PACKAGES = {"zmq": ("pyzmq", "python3-zmq"), "msgpack": ("msgpack", "python3-msgpack")}


def missing() -> list[str]:
    """The modules that are not there."""
    return [module for module in _PACKAGES if importlib.util.find_spec(module) is None]


def check() -> None:
    """Ends the process with 69 and says what to install, if something is missing."""
    modules = missing()
    if not modules:
        return
    names, debian = (" ".join(_PACKAGES[module][place] for module in modules) for place in (0, 1))
    print(f"loads-agent: {' and '.join(names.split())} cannot be imported by {sys.executable}, and an agent needs "
          f"{'them' if len(modules) > 1 else 'it'}. Install with one of\n"
          f"  {sys.executable} -m pip install {names}\n"
          f"  apt-get install {debian}      (for Debian's own /usr/bin/python3)", file=sys.stderr)
    raise SystemExit(69)
