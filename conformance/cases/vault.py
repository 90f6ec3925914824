"""Keys in Vault: log-in, rotation, revocation, faults, outage, and the stored forms.

python -m conformance.cases.vault [--only WORD,…]
"""

from __future__ import annotations

import sys
from functools import partial

from conformance import report
from conformance.cases import options, vault_keys
from conformance.cases.vault_scene import Scene
from conformance.proc import Skipped

CASES = {
    "rotate: a new version while producing": vault_keys.rotation,
    "start: refused with what is wrong": vault_keys.start_refused,
    "start: waits for a key service, and refuses with its reason": vault_keys.start_waits,
    "start: waits for a key service that comes": vault_keys.start_late,
    "status: what is held, without secrets": vault_keys.status,
}


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--only", default="", help="first words of cases, separated by commas")
    chosen = parser.parse_args()
    suite = report.Suite("Keys in Vault, %s" % chosen.path)
    if chosen.path == "direct":
        suite.result("SKIP", "keys in Vault", "Kafka alone has no keys")
        return suite.finish()
    try:
        scene = Scene()
    except Skipped as reason:
        suite.result("SKIP", "keys in Vault", str(reason))
        return suite.finish()
    words = [word for word in chosen.only.split(",") if word]
    if not words or "login" in words:
        vault_keys.log_in_cases(scene, suite)
    for name, work in CASES.items():
        if not words or name.split(":")[0] in words:
            with suite.case(name):
                work(scene)
    scene.stop()
    return suite.finish()


if __name__ == "__main__":
    sys.exit(main())
