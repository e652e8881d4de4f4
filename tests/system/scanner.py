"""A serial scanner that scans again and again, for who waits for a test scan."""

import contextlib
import os
import pty
import threading
import tty


@contextlib.contextmanager
def scanner_at_a_pty():
    ours, theirs = pty.openpty()
    tty.setraw(theirs)
    stopping = threading.Event()

    def scan():
        while not stopping.wait(0.3):  # whoever listens late hears the next one
            os.write(ours, b"4006381333931\r")

    thread = threading.Thread(target=scan)
    thread.start()
    try:
        yield os.ttyname(theirs)
    finally:
        stopping.set()
        thread.join()
        os.close(ours)
        os.close(theirs)
