# The appliance's image: packages unpacked on this machine, programs and image made in a Debian 13; those
# for arm64 by a cross compiler there, against Debian 13's libraries for arm64.

ARCH         ?= amd64
FIRMWARE     := build/firmware/$(ARCH)
FIRMWARE_OUT_amd64 := build/debian13/out
FIRMWARE_OUT_arm64 := build/debian13/arm64
FIRMWARE_OUT  = $(FIRMWARE_OUT_$(ARCH))
FIRMWARE_VARIANT = $(or $(filter arm64,$(ARCH)),release)

firmware: build/embed
	$(Q)toolchain/install firmware
	$(Q)$(if $(filter arm64,$(ARCH)),toolchain/sysroot arm64 trixie build/sysroot/trixie-arm64)
	$(Q)toolchain/debian13 -s ARCH=$(ARCH) firmware-tools
	$(Q)firmware/unpack $(ARCH) $(FIRMWARE) & unpacking=$$!; \
	    toolchain/debian13 -s -j2 VARIANT=$(FIRMWARE_VARIANT) OUT=$(FIRMWARE_OUT) appliance-programs && wait $$unpacking
	$(Q)toolchain/debian13 -s ARCH=$(ARCH) firmware-image

# Inside the Debian 13.
firmware-tools: ; $(Q)toolchain/install image $(filter image-arm64,image-$(ARCH))
appliance-programs: $(addprefix $(OUT)/,tillbackd tillback grub-editenv)
firmware-image:
	$(Q)python3 -B -m firmware.image --arch $(ARCH) --debian $(FIRMWARE)/debian \
	    --programs $(FIRMWARE_OUT) --out $(FIRMWARE)

# The same image again, from nothing but the packages: not a byte may differ.
firmware-reproducible: firmware ; $(Q)toolchain/reproduce $(ARCH)

.PHONY: cve-test firmware-test-arm64 firmware-reproducible firmware-test-bundles
.PHONY: firmware firmware-quick firmware-test firmware-soak firmware-tools appliance-programs firmware-image

# The image in QEMU. Quick: the scripts of the slots, first start, a return by each scanner, the plug
# pulled, an update. TILLBACK_SEED= repeats a run. Soak: the plug pulled 200 times each, for hours.
FIRMWARE_TESTED = amd64
FIRMWARE_PYTEST = PROGRAMS=$(OUT) FIRMWARE=build/firmware/$(FIRMWARE_TESTED) $(PYTEST) --durations=0 --durations-min=1 \
    --junitxml=build/$@.xml
FIRMWARE_QUICK := test_contents.py test_slots.py test_appliance.py \
    test_update.py::test_good_update_runs_in_the_other_slot_though_the_network_is_lost_and_a_restart_is_wanted \
    test_power.py::test_what_was_answered_outlives_the_plug_pulled_at_random_moments
firmware-quick firmware-test firmware-soak: all build/firmware/test/made
	$(Q)toolchain/install test firmware-test
	$(Q)$(FIRMWARE_RUN) $(FIRMWARE_PYTEST) $(addprefix tests/firmware/,$(FIRMWARE_CHOSEN))
firmware-quick: FIRMWARE_CHOSEN := $(FIRMWARE_QUICK)
firmware-quick: FIRMWARE_RUN := TILLBACK_KILLS=1
firmware-test: FIRMWARE_CHOSEN := $(patsubst %,test_%.py,contents slots appliance update power update_by_hub watchdog devices blocks rescue wipe)
firmware-soak: FIRMWARE_CHOSEN := test_appliance.py test_power.py test_blocks.py
firmware-soak: FIRMWARE_RUN := TILLBACK_KILLS=200

firmware-test: firmware-test-arm64
firmware-test-arm64: FIRMWARE_TESTED := arm64
firmware-test-arm64: all build/firmware/arm64/tillback.img
	$(Q)toolchain/install test firmware-test-arm64
	$(Q)$(FIRMWARE_PYTEST) $(patsubst %,tests/firmware/test_%.py,contents arm64)

# The page on vulnerabilities for real: unpacked, built, signed and rolled out anew, in minutes.
cve-test: all build/firmware/amd64/tillback.img
	$(Q)toolchain/install cve
	$(Q)CVE_FOR_REAL=1 PROGRAMS=$(OUT) $(PYTEST) --durations=1 tests/system/test_cve.py

# Updates that are good, that break, and that must be refused.
build/firmware/test/made: build/firmware/amd64/tillback.img tests/firmware/make_bundles.py
	$(Q)toolchain/debian13 -s firmware-test-bundles
	$(Q)touch $@
firmware-test-bundles: ; $(Q)python3 -B -m tests.firmware.make_bundles build/firmware/amd64 build/firmware/test
$(patsubst %,build/firmware/%/tillback.img,amd64 arm64): build/firmware/%/tillback.img: \
    $(shell find firmware agent hal sync provisioning -type f)
	$(Q)$(MAKE) --no-print-directory firmware ARCH=$*
