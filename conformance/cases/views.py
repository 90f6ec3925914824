"""Fields, principals and masks: each reader sees what the rules show, and nothing else.

python -m conformance.cases.views [--only WORD]
"""

from __future__ import annotations

import sys

from conformance import report
from conformance.cases import options
from conformance.cases.views_data import Data
from conformance.cases.views_exact import Exactness, search
from conformance.cases.views_login import Logins
from conformance.cases.views_read import Reading
from conformance.cases.views_scene import Scene
from conformance.proc import Skipped


def main() -> int:
    parser = options(__doc__)
    parser.add_argument("--only", default="", help="cases that have this in their names")
    chosen = parser.parse_args()
    suite = report.Suite("Views, %s" % chosen.path)
    if chosen.path == "direct":
        suite.result("SKIP", "views", "Kafka alone shows everybody everything")
        return suite.finish()
    try:
        scene = Scene()
    except Skipped as reason:
        suite.result("SKIP", "views", str(reason))
        return suite.finish()
    cases = Logins(scene).cases() | Reading(scene).cases() | Data(scene).cases()
    cases |= Exactness(scene).cases()
    for name, work in cases.items():
        if any(word in name for word in chosen.only.split(",")):
            with suite.case(name):
                work()
                scene.check()
    if not chosen.only:
        with suite.case("no protected plaintext with readers, in logs, in the audit or at rest"):
            search(scene)
    with suite.case("Waxwing (views) is still there and ends cleanly"):
        scene.stop()
    scene.cluster.stop()
    return suite.finish()


if __name__ == "__main__":
    sys.exit(main())
