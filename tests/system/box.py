"""A folder that holds the image's scripts (firmware/overlay) and busybox, to be made their root: they run
there as on the image, without it. RAUC, init, and whatever else would touch a machine are fakes that
answer what the test tells them, and note in `asked` what they were asked."""

import os
import shutil
import subprocess

import pytest
from conftest import ROOT

BUSYBOX = shutil.which("busybox")
NOTE = '#!/bin/sh\necho "${0##*/} $*" >>/asked\n'
FAKES = {
    "rauc": """#!/bin/sh
case $1 in
info) echo "RAUC_MF_VERSION='0.2.0'" ;;
install) echo "rauc $*" >>/asked
    [ ! -e /rauc-hangs ] || { touch /rauc-started; read -r _ </rauc-hangs; }
    cat /rauc-says; [ ! -e /rauc-fails ] ;;
esac
""",
    "flock": "#!/bin/sh\n",  # nobody else is at it
    "systemctl": NOTE,
    "systemd-run": NOTE,
    "mount": NOTE,
    "umount": NOTE,
    # busybox's: -s SHELL -c COMMAND USER [-- ...]; without the "--" it takes what follows for its own.
    "su": '#!/bin/sh\ncommand=$4\nshift 5\n[ $# = 0 ] || [ "$1" = -- ] || exit 2\n[ $# = 0 ] || shift\n'
    'exec sh -c "$command" "$@"\n',
}


class Box:
    def __init__(self, folder):
        if os.geteuid() != 0 or not BUSYBOX:
            pytest.skip("needs root, for chroot, and busybox")
        self.folder = folder
        for name in ("bin", "data/boot", "data/tillback/update", "etc", "proc", "run", "dev", "usr/lib"):
            (folder / name).mkdir(parents=True)
        shutil.copy(BUSYBOX, folder / "bin/busybox")
        applets = subprocess.run([BUSYBOX, "--list"], capture_output=True, text=True).stdout.split()
        for applet in applets:
            if applet != "busybox":
                (folder / "bin" / applet).symlink_to("busybox")
        shutil.copytree(ROOT / "firmware/overlay/usr/lib/tillback", folder / "usr/lib/tillback")
        (folder / "proc/mounts").write_text("disk /data ext4 rw 0 0\n")
        (folder / "rauc-says").write_text("installing\n")
        for name, text in FAKES.items():
            self.add_program(name, text)
        self.start("0.1.0", "A")

    def start(self, version, slot):
        """As a start of that version from that slot leaves it."""
        shutil.rmtree(self.folder / "run")
        (self.folder / "run").mkdir()
        (self.folder / "etc/os-release").write_text(f"IMAGE_VERSION={version}\n")
        (self.folder / "proc/cmdline").write_text(f"rauc.slot={slot} quiet\n")

    def add_program(self, name, text):
        path = self.folder / "bin" / name
        path.unlink(missing_ok=True)
        path.write_text(text)
        path.chmod(0o755)

    def asked(self):
        path = self.folder / "asked"
        return path.read_text().splitlines() if path.exists() else []

    def popen(self, *words, **options):
        return subprocess.Popen(
            ["/usr/sbin/chroot", self.folder, *words],
            env={"PATH": "/bin"},
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            **options,
        )

    def run(self, *words, said=""):
        with self.popen(*words, stdin=subprocess.PIPE) as process:
            out, err = process.communicate(said, timeout=60)
        return process.returncode, out, err
