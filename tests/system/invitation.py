"""A code of the centre, and what a technician does with it at a box of the store 0077."""

import os
import subprocess

DIGITS = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"


def tillback(road, state, *words, code=0, **environment):
    done = subprocess.run(
        [road.programs / "tillback", "--state", state, *words],
        capture_output=True,
        text=True,
        timeout=60,
        env={**os.environ, **{key: str(value) for key, value in environment.items()}},
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout + done.stderr


def common_name(state):
    pem = state / "identity" / "current.pem"
    told = subprocess.run(
        ["openssl", "x509", "-in", pem, "-noout", "-subject"], capture_output=True, text=True
    )
    return told.stdout.strip().split("= ")[-1] if pem.exists() else None


def invite(road, *words):
    """An appliance of the store 0077."""
    return road.invite(*words, store="0077", name="Pop-up")


def is_enrolled(state, invited):
    return common_name(state) == invited["device"]
