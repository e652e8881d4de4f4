"""What is in the image: CycloneDX 1.5, and the licences, from the packages themselves."""

import hashlib
import json
import pathlib
import re
import subprocess
import uuid


def _fields(deb):
    names = ("Package", "Version", "Architecture", "Source", "Homepage")
    output = subprocess.run(
        ["dpkg-deb", "--show", "--showformat", "".join(f"${{{n}}}\\n" for n in names), deb],
        capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip
    return dict(zip((n.lower() for n in names), output.splitlines()))


def files(deb):
    """The files (no links) that a package lists with their sums; much faster than unpacking it."""
    control = subprocess.run(["dpkg-deb", "--ctrl-tarfile", deb], capture_output=True, check=True)
    sums = subprocess.run(
        ["tar", "-xO", "./md5sums"], input=control.stdout, capture_output=True, check=False
    )
    return {
        re.sub(r"^(bin|sbin|lib|lib64)/", r"usr/\1/", line.split("  ", 1)[1])
        for line in sums.stdout.decode().splitlines()
    }


def packages_of(archives, taken):
    """The packages that a file of the image came from: fields, hash and licences of each."""
    found = []
    for deb in sorted(pathlib.Path(archives).glob("*.deb")):
        if taken & files(deb):
            package = _fields(deb)
            package["sha256"] = hashlib.sha256(deb.read_bytes()).hexdigest()
            found.append(package)
    return found


def licences(tree, package):
    """The short names of a package's copyright file, when it is one that machines can read."""
    file = pathlib.Path(tree) / "usr/share/doc" / package / "copyright"
    if not file.exists():
        return []
    text = file.read_text(errors="replace")
    return sorted({match.strip() for match in re.findall(r"^License:[ \t]*(\S.*)$", text, re.M)})


def cyclonedx(packages, arch, version, epoch_text):
    """The document; its serial number follows from what it says."""
    components = []
    for package in packages:
        purl = f"pkg:deb/debian/{package['package']}@{package['version']}?arch={package['architecture']}"
        components.append({
            "type": "library",
            "bom-ref": purl,
            "name": package["package"],
            "version": package["version"],
            "purl": purl.replace("+", "%2B"),
            "hashes": [{"alg": "SHA-256", "content": package["sha256"]}],
            "licenses": [{"license": {"name": name}} for name in package["licences"]],
            "properties": [{"name": "debian:source", "value": package["source"] or package["package"]}],
        })  # fmt: skip
    serial = uuid.uuid5(uuid.NAMESPACE_URL, json.dumps(components, sort_keys=True) + version)
    return {
        "bomFormat": "CycloneDX",
        "specVersion": "1.5",
        "serialNumber": f"urn:uuid:{serial}",
        "version": 1,
        "metadata": {
            "timestamp": epoch_text,
            "component": {
                "type": "firmware",
                "name": f"tillback-appliance-{arch}",
                "version": version,
                "licenses": [{"license": {"id": "Apache-2.0"}}],
            },
        },
        "components": components,
    }


def licence_list(packages):
    lines = []
    for package in packages:
        said = ", ".join(package["licences"]) or f"see usr/share/doc/{package['package']}/copyright"
        lines.append(f"{package['package']} {package['version']}: {said}")
    return "\n".join(lines) + "\n"


def lock(packages):
    return "".join(f"{p['package']} {p['version']} {p['sha256']}\n" for p in packages)


def read_lock(path):
    """Package -> version; empty when there is no such file."""
    if not pathlib.Path(path).exists():
        return {}
    lines = pathlib.Path(path).read_text().splitlines()
    return {line.split()[0]: line.split()[1] for line in lines}


def differences(before, after):
    """What changed from one image to the next, a line each; nothing when there was none before."""
    if not before:
        return []
    return [
        f"{name}: {before.get(name, 'new')} -> {after.get(name, 'gone')}"
        for name in sorted(before.keys() | after.keys())
        if before.get(name) != after.get(name)
    ]
