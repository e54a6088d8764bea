"""Calls methods of the PyPI client: one JSON line in, one JSON line out. Run as a script beside its packages."""

import json
import sys

from api import KlingAiAPI


def main(access, secret, address):
    KlingAiAPI.base = address
    with KlingAiAPI(access, secret) as client:
        for line in sys.stdin:
            call = json.loads(line)
            try:
                answer = {"result": getattr(client, call["method"])(*call["args"], **call["options"])}
            except Exception as error:  # noqa: BLE001  whatever it raises is told
                response = getattr(error, "response", None)
                answer = {"error": {"message": str(error), "status": getattr(response, "status_code", None)}}
            sys.stdout.write(json.dumps(answer) + "\n")
            sys.stdout.flush()


main(*sys.argv[1:])
