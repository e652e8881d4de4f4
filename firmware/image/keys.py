"""The keys that sign updates. Those made here are for development. Whoever builds for real appliances
keeps their own elsewhere, signs the bundle anew with them (rauc resign), and puts here only the
authority that the appliances are to trust, as fleet-ca.pem."""

import pathlib
import subprocess


def development_keys(folder):
    """An authority and a signer below it, made once; returns (authority, certificate, key)."""
    folder = pathlib.Path(folder)
    authority, certificate, key = (folder / n for n in ("ca.pem", "signer.pem", "signer-key.pem"))
    if not key.exists():
        folder.mkdir(parents=True, exist_ok=True)
        folder.chmod(0o700)
        _openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"),
            *("-keyout", folder / "ca-key.pem", "-out", authority, "-days", "7300"),
            *("-subj", "/O=Tillback development/CN=Tillback development updates"),
        )
        _openssl(
            *("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-noenc"),
            *("-keyout", key, "-out", certificate, "-days", "7300"),
            *("-CA", authority, "-CAkey", folder / "ca-key.pem"),
            *("-subj", "/O=Tillback development/CN=Tillback development signer"),
            *("-addext", "basicConstraints=critical,CA:FALSE"),
            *("-addext", "keyUsage=critical,digitalSignature"),
        )
    return authority, certificate, key


def trusted(folder):
    """The authority whose updates the image takes."""
    fleet = pathlib.Path(folder) / "fleet-ca.pem"
    return fleet if fleet.exists() else pathlib.Path(folder) / "ca.pem"


def _openssl(*words):
    subprocess.run(["openssl", *map(str, words)], check=True, capture_output=True)
