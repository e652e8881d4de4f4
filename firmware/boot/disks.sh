# What the steps between the kernel and a slot share: the file systems of the kernel, the drivers of
# disks, and where a partition is; read by each with ".".
mount -t devtmpfs dev /dev
mount -t proc proc /proc
mount -t sysfs sys /sys

# For what is there; a bus that was found so may have more on it, which the next turn finds.
load_drivers() {
    aliases=$(for bus in acpi mmc pci platform scsi usb virtio; do
        cat /sys/bus/$bus/devices/*/modalias
    done 2>/dev/null | sort -u)
    set -f # an alias may look like a pattern of files
    modprobe -a -q $aliases
    set +f
}

# The device of a partition by its name, or nothing. Only disks that are built in are looked at: a
# stick with a partition of the same name changes nothing.
partition() { # NAME
    for uevent in /sys/class/block/*/uevent; do
        grep -q "^PARTNAME=$1\$" "$uevent" 2>/dev/null || continue
        disk=$(readlink -f "${uevent%/uevent}/..")
        [ "$(cat "$disk/removable")" = 0 ] || continue
        sed -n 's/^DEVNAME=/\/dev\//p' "$uevent"
        return
    done
}

# It comes when the drivers are there; nothing when it never does.
await_partition() { # NAME
    tries=0
    until found=$(partition "$1") && [ -n "$found" ]; do
        load_drivers
        tries=$((tries + 1))
        [ $tries -le 100 ] || return 1
        sleep 0.1
    done
    echo "$found"
}
