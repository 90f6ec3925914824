"""Keys in Vault: log-in, rotation, revocation, faults, outage, and the stored forms.

python -m conformance.cases.vault [--only WORD,…]
"""

from __future__ import annotations

import sys

from conformance import report
from conformance.cases import (
    options,
    vault_calls,
    vault_forms,
    vault_keys,
    vault_outage,
    vault_revoke,
)
from conformance.cases.vault_scene import Scene
from conformance.proc import Skipped

CASES = {
    "rotate: a new version while producing": vault_keys.rotation,
    "start: refused with what is wrong": vault_keys.start_refused,
    "start: waits for a key service, and refuses with its reason": vault_keys.start_waits,
    "start: waits for a key service that comes": vault_keys.start_late,
    "status: what is held, without secrets": vault_keys.status,
    "sizes: what sealing adds, measured in segments": vault_forms.sizes,
    "forms: auto and perBatch go by the cleanup policy": vault_forms.forms,
    "forms: records from before a rule became perBatch": vault_forms.switched,
    "forms: compression before sealing": vault_forms.compression,
    "templates: a key for each topic": vault_forms.topic_keys,
    "templates: a key for each record by its header": vault_forms.header_keys,
    "calls: as many for 30 connections as for one": vault_calls.counted,
    "calls: nobody waits when data keys change": vault_calls.unnoticed,
    "faults: slow, hanging, garbage, refusing, truncated, all at once": vault_outage.faults,
    "outage: hanging, gone, sealed; nothing is lost or doubled": vault_outage.outage,
}
# What sets a scene of its own up for several cases.
GROUPS = {
    "login": vault_keys.log_in_cases,
    "revoke": vault_revoke.revocation_cases,
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
    for word, work in GROUPS.items():
        if not words or word in words:
            work(scene, suite)
    for name, work in CASES.items():
        if not words or name.split(":")[0] in words:
            with suite.case(name):
                work(scene)
            while scene.notes:
                print("      " + scene.notes.pop(0), flush=True)
    scene.stop()
    return suite.finish()


if __name__ == "__main__":
    sys.exit(main())
