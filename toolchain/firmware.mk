# The appliance's image: packages unpacked on this machine, programs and image made in a Debian 13.

ARCH         ?= amd64
FIRMWARE     := build/firmware/$(ARCH)
FIRMWARE_OUT := build/debian13/out

firmware: build/embed
	$(Q)toolchain/install firmware
	$(Q)toolchain/debian13 -s -j2 OUT=$(FIRMWARE_OUT) appliance-programs
	$(Q)firmware/unpack $(ARCH) $(FIRMWARE)
	$(Q)toolchain/debian13 -s ARCH=$(ARCH) firmware-image

# Inside the Debian 13.
appliance-programs: $(addprefix $(OUT)/,tillbackd tillback grub-editenv)
firmware-image:
	$(Q)toolchain/install image
	$(Q)python3 -B -m firmware.image --arch $(ARCH) --debian $(FIRMWARE)/debian \
	    --programs $(FIRMWARE_OUT) --out $(FIRMWARE)

# The same image again, somewhere else and later: not a byte may differ. (A bundle's signature has a
# time and chance in it.)
firmware-reproducible: firmware
	$(Q)toolchain/debian13 -s ARCH=$(ARCH) FIRMWARE=$(FIRMWARE) firmware-image-again
	$(Q)for file in tillback.img root.squashfs sbom.cdx.json licences.txt packages.lock; do \
	    cmp $(FIRMWARE)/$$file $(FIRMWARE)-again/$$file || exit 1; done
	$(Q)cd $(FIRMWARE) && sha256sum tillback.img root.squashfs
firmware-image-again:
	$(Q)python3 -B -m firmware.image --arch $(ARCH) --debian $(FIRMWARE)/debian \
	    --programs $(FIRMWARE_OUT) --out $(FIRMWARE)-again

.PHONY: firmware-reproducible firmware-image-again firmware-test-bundles
.PHONY: firmware firmware-test appliance-programs firmware-image

# The image in QEMU: the short form. TILLBACK_SEED= repeats a run.
firmware-test: all build/firmware/test/made
	$(Q)toolchain/install firmware-test
	$(Q)PROGRAMS=$(OUT) FIRMWARE=build/firmware/amd64 $(PYTEST) --junitxml=build/firmware-tests.xml tests/firmware

# Updates that are good, that break, and that must be refused.
build/firmware/test/made: build/firmware/amd64/tillback.img tests/firmware/make_bundles.py
	$(Q)toolchain/debian13 -s firmware-test-bundles
	$(Q)touch $@
firmware-test-bundles: ; $(Q)python3 -B -m tests.firmware.make_bundles build/firmware/amd64 build/firmware/test
build/firmware/amd64/tillback.img: ; $(Q)$(MAKE) --no-print-directory firmware
