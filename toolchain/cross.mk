# The programs for other processors, against Debian's own packages for them, and their unit tests under
# an emulator. `make cross ARCH=armhf`; the variant's name is the architecture's.

CROSS_ARCH = $(if $(filter arm64 armhf,$(ARCH)),$(ARCH),arm64)
EMULATOR_arm64 := qemu-aarch64-static
EMULATOR_armhf := qemu-arm-static
CROSS_SYSROOT = build/sysroot/$(SUITE)-$(1)

sysroot-arm64 sysroot-armhf:
	$(Q)toolchain/install cross
	$(Q)toolchain/sysroot $(@:sysroot-%=%) $(SUITE) $(call CROSS_SYSROOT,$(@:sysroot-%=%))

cross: sysroot-$(CROSS_ARCH)
	$(Q)$(MAKE) --no-print-directory VARIANT=$(CROSS_ARCH) all build/$(CROSS_ARCH)/grub-editenv
	$(Q)toolchain/sizes build/$(CROSS_ARCH) $(call CROSS_SYSROOT,$(CROSS_ARCH))

# A part that a CI has time for; CROSS_ALL=1 for all.
test-arm64 test-armhf: test-%: sysroot-%
	$(Q)RUN_WITH="$(EMULATOR_$*) -L $(call CROSS_SYSROOT,$*)" \
	    $(MAKE) --no-print-directory VARIANT=$* unit

# How large each program is, with its libraries: make sizes
sizes: all ; $(Q)toolchain/sizes $(OUT) /

# What computes and keeps, without any library of Debian's but SQLite's sources, against musl: for
# systems as small as OpenWrt.
.PHONY: cross test-arm64 test-armhf sysroot-arm64 sysroot-armhf sizes
