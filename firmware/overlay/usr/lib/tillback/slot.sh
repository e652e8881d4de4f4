# What the scripts of the slots share; read by each with ".".
grubenv=/boot/efi/grub/grubenv
records=/data/boot
data_lost=/run/tillback-data-lost # there when the data partition is beyond mending
given=/data/tillback/appliance.conf # this appliance's own settings
version=$(sed -n 's/^IMAGE_VERSION=//p' /etc/os-release)

slot=A
other=B
grep -q 'rauc.slot=B' /proc/cmdline && slot=B other=A

environment() { # NAME: its value, or nothing
    grub-editenv $grubenv list 2>/dev/null | sed -n "s/^$1=//p"
}

is_mounted() { # FOLDER
    while read -r _ at _; do
        [ "$at" != "$1" ] || return 0
    done </proc/mounts
    return 1
}

# A whole file or none: what is read after a power cut is old or new.
keep() { # FILE, from standard input
    cat >"$1.new" && sync "$1.new" && mv "$1.new" "$1" && sync "$(dirname "$1")"
}

say() { # to the journal and to the line that a technician reads
    echo "$*"
    echo "tillback: $*" >>/dev/console
}

# Has this version, on this slot, been healthy before? It is noted twice: the data partition may be what
# is ill.
is_confirmed() {
    [ "$(cat "$records/good-$slot" 2>/dev/null)" = "$version" ] ||
        [ "$(environment ${slot}_GOOD)" = "$version" ]
}

# Can it be started?
is_fit() { # SLOT
    [ "$(environment "$1_OK")$(environment "$1_TRY")" = 10 ]
}

bundle_version() { # FILE: what RAUC takes for it; nothing for a bundle that it refuses
    timeout 300 rauc info --output-format=shell "$1" 2>/dev/null | sed -n "s/^RAUC_MF_VERSION='\(.*\)'/\1/p"
}

# The last words of this boot, bounded; the oldest go.
keep_diagnostics() { # FILE
    journalctl --boot --no-pager --output=short-iso --lines=400 | keep "$1"
}

quoted() { # text as a JSON string
    printf '"%s"' "$(printf '%s' "$1" | tr '\n\t' '  ' | sed 's/\\/\\\\/g; s/"/\\"/g')"
}

# What became of an update, for people and for the hub.
report_update() { # RESULT VERSION REASON
    printf '{"result":%s,"version":%s,"slot":"%s","running":%s,"reason":%s}\n' \
        "$(quoted "$1")" "$(quoted "$2")" "$slot" "$(quoted "$version")" "$(quoted "$3")" |
        keep $records/last-update.json
    say "update to $2: $1${3:+: $3}"
}

# As tillbackd said, which is the one that writes there; nothing when it starts.
why_not_started() {
    refusal=/data/tillback/not-started.txt
    [ ! -f $refusal ] || [ -L $refusal ] || head -c 512 $refusal | tr -d '\000-\037\177'
}

# What a factory reset took away, and why: kept where none reaches.
report_wipe() { # EVENTS-THAT-WAITED REASON
    printf '{"wiped_at":"%s","waiting":"%s","reason":%s}\n' "$(date -u +%FT%TZ)" "$1" "$(quoted "$2")" |
        keep $records/last-wipe.json
}
