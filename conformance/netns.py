"""A network namespace in which a client reaches one address of this machine and nothing else."""

from __future__ import annotations

import atexit
import os
import random
import shutil

from conformance import proc
from conformance.proc import Failed, Skipped


class Island:
    """The namespace, joined to this machine by one virtual cable."""

    def __init__(self):
        if os.geteuid() != 0 or shutil.which("ip") is None:
            raise Skipped("network namespaces need root and iproute2")
        number = random.randint(0, 63) * 4
        middle = random.randint(1, 250)
        self.name = "waxwing-%d" % os.getpid()
        self.outside = "10.213.%d.%d" % (middle, number + 1)
        self.inside = "10.213.%d.%d" % (middle, number + 2)
        self._cable = "wx%d" % os.getpid()
        try:
            _ip("netns", "add", self.name)
            atexit.register(self.remove)
            _ip("link", "add", self._cable, "type", "veth", "peer", "name", "eth0",
                "netns", self.name)  # fmt: skip
            _ip("address", "add", self.outside + "/30", "dev", self._cable)
            _ip("link", "set", self._cable, "up")
            _ip("-n", self.name, "address", "add", self.inside + "/30", "dev", "eth0")
            _ip("-n", self.name, "link", "set", "eth0", "up")
            _ip("-n", self.name, "link", "set", "lo", "up")
        except Failed as error:
            self.remove()
            raise Skipped("network namespaces do not work here: %s" % error) from None

    def enter(self, argv: list[str]) -> list[str]:
        """The command that runs `argv` in the namespace."""
        return ["ip", "netns", "exec", self.name, *argv]

    def remove(self) -> None:
        for argv in (["link", "del", self._cable], ["netns", "del", self.name]):
            proc.run(["ip", *argv], check=False)


def _ip(*arguments: str) -> None:
    proc.run(["ip", *arguments])
