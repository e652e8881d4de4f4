"""A whole road for the store page's test, with a printer: prints where the page is as JSON, then does
what lines on standard input ask for, and answers each: "cut" and "restore" the link, "paper FILE"
draws the last receipt. Ends with its standard input.
With the word "unenrolled" the appliance isn't yet, and `link` is what its invitation's QR code says.
"""

import json
import os
import pathlib
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path[:0] = [str(ROOT / "toolchain"), str(ROOT / "tests" / "system")]

from road.road import Road, free_port_base  # noqa: E402

STORE = ("store.name=Tillback Outfitters", "store.address=Market Street 42|10115 Berlin")
CUT = b"\x1dV\x42\x00"


def draw(road, path):
    from paper import Paper

    last = road.paper_bytes.read_bytes().rsplit(CUT, 2)[-2]
    picture = Paper().feed(last + CUT).picture()
    picture.resize((picture.width * 3 // 4, picture.height * 3 // 4)).convert("L").quantize(8).save(path)


def main():
    programs = pathlib.Path(os.environ.get("PROGRAMS") or ROOT / "build" / "release").resolve()
    with tempfile.TemporaryDirectory() as folder:
        road = Road(pathlib.Path(folder), free_port_base(), programs, STORE, printer=True)
        unenrolled = "unenrolled" in sys.argv
        if unenrolled:
            road.enrol = lambda: None
        with road:
            told = {"url": road.store_url, "token": road.token(), "state": str(road.store_state)}
            if unenrolled:
                told |= road.invite()
            else:
                road.await_link()
            print(json.dumps(told), flush=True)
            for line in sys.stdin:
                words = line.split()
                if words[0] == "paper":
                    draw(road, words[1])
                else:
                    getattr(road.link, words[0])()
                print("{}", flush=True)


if __name__ == "__main__":
    main()
