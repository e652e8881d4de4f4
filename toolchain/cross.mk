# The programs for other processors, against Debian's own packages for them, and their unit tests under
# an emulator. The variant's name is the architecture's: make cross ARCH=armhf

CROSS_ARCH = $(if $(filter arm64 armhf,$(ARCH)),$(ARCH),arm64)
EMULATOR_arm64 := qemu-aarch64-static
EMULATOR_armhf := qemu-arm-static
CROSS_SYSROOT = build/sysroot/$(SUITE)-$(1)
export RUN_WITH = $(if $(CROSS),$(EMULATOR_$(VARIANT)) -L $(SYSROOT))

sysroot-arm64 sysroot-armhf:
	$(Q)toolchain/install cross cross-$(@:sysroot-%=%)
	$(Q)toolchain/sysroot $(@:sysroot-%=%) $(SUITE) $(call CROSS_SYSROOT,$(@:sysroot-%=%))

cross: sysroot-$(CROSS_ARCH)
	$(Q)$(MAKE) --no-print-directory VARIANT=$(CROSS_ARCH) all build/$(CROSS_ARCH)/grub-editenv
	$(Q)toolchain/sizes build/$(CROSS_ARCH) $(call CROSS_SYSROOT,$(CROSS_ARCH))

test-arm64 test-armhf: test-%: sysroot-%
	$(Q)toolchain/install test
	$(Q)$(MAKE) --no-print-directory VARIANT=$* unit

# How large each program is, with its libraries: make sizes
sizes: all ; $(Q)toolchain/sizes $(OUT) /

# Against musl, for systems as small as OpenWrt: all that tillbackd and tillback are made of compiles;
# what needs no library is linked statically, and runs. Debian has the other libraries for glibc only:
# whoever makes such a system brings them, and links.
musl:
	$(Q)toolchain/install musl
	$(Q)toolchain/musl-headers build/musl-headers
	$(Q)$(MAKE) --no-print-directory VARIANT=musl musl-archives build/musl/grub-editenv
	$(Q)toolchain/musl-smoke build/musl/grub-editenv
musl-archives: $(foreach f,$(PROGRAM_FOLDERS_tillbackd),$(call archive,$(f)))

.PHONY: cross test-arm64 test-armhf sysroot-arm64 sysroot-armhf sizes musl musl-archives
