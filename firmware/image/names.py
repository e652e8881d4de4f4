"""What is the same on every appliance: the architectures' words, and the disk's layout."""

TRIPLETS = {"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}
# GRUB's name of the platform, and the file that UEFI looks for.
GRUB = {"amd64": ("x86_64-efi", "BOOTX64.EFI"), "arm64": ("arm64-efi", "BOOTAA64.EFI")}

# The serial line that a technician reads, and what runs the architecture's programs elsewhere: an
# emulator, and its option that names the folder of their libraries.
SERIAL_LINE = {"amd64": "ttyS0", "arm64": "ttyAMA0"}
EMULATOR = {"amd64": (), "arm64": ("qemu-aarch64", "-L")}

# What takes out of a program what only a debugger needs.
STRIP = {"amd64": "strip", "arm64": "aarch64-linux-gnu-strip"}

# Discoverable partitions' type of a root file system: so that the data partition is the only one of
# its type, which is how it is found again.
ROOT_TYPE = {
    "amd64": "4f68bce3-e8cd-4db1-96e7-fbcaf984b709",
    "arm64": "b921b045-1df0-41c3-af44-4c6f280d3fae",
}

COMPATIBLE = {"amd64": "tillback-appliance-amd64", "arm64": "tillback-appliance-arm64"}

# Ids that udev's rules and GRUB's configuration know; fixed, so that two builds are alike.
DISK_ID = "7b1f0d5e-4c1a-4f0e-9a57-6f3d1c2b0a00"
ESP_ID = "7b1f0d5e-4c1a-4f0e-9a57-6f3d1c2b0a01"
ROOT_A_ID = "7b1f0d5e-4c1a-4f0e-9a57-6f3d1c2b0a02"
ROOT_B_ID = "7b1f0d5e-4c1a-4f0e-9a57-6f3d1c2b0a03"
FAT_ID = "7b1f0d5e"

MIB = 1024 * 1024
SECTOR = 512
ALIGN = MIB // SECTOR
ESP_MIB = 64
SLOT_MIB = 160
