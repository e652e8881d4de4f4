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
.PHONY: firmware firmware-quick firmware-still firmware-started firmware-test firmware-soak firmware-tools appliance-programs firmware-image

# The image in QEMU. Quick: first start, a return by each scanner, an update while tills work, the plug
# pulled while it is written and when it is to start, its trial without a network; beside it what needs no
# machine. TILLBACK_SEED= repeats a run.
FIRMWARE_TESTED = amd64
FIRMWARE_PYTEST = PROGRAMS=$(OUT) FIRMWARE=build/firmware/$(FIRMWARE_TESTED) $(PYTEST) --durations=0 --durations-min=1 \
    --junitxml=build/$@.xml
FIRMWARE_STILL := $(patsubst %,test_%.py,boot_loader contents guards rescue_script slots)
FIRMWARE_QUICK := test_appliance.py test_soak.py::test_every_cut_of_an_update_leaves_a_whole_appliance
FIRMWARE_SOAKS := firmware-soak-capture firmware-soak-update
FIRMWARE_ROWS := firmware-test-updates firmware-test-devices
.PHONY: $(FIRMWARE_ROWS)
FIRMWARE_RUNS := firmware-still firmware-started $(FIRMWARE_ROWS) $(FIRMWARE_SOAKS)
FIRMWARE_ENROLLED := test_appliance.py::test_bundle_on_a_stick_makes_the_box_a_stores
firmware-quick: all build/firmware/test/made
	$(Q)$(MAKE) --no-print-directory firmware-still >build/firmware-still.txt 2>&1 & still=$$!; \
	    $(MAKE) --no-print-directory firmware-started; started=$$?; \
	    wait $$still; still=$$?; cat build/firmware-still.txt; exit $$((started | still))
$(FIRMWARE_RUNS): all build/firmware/test/made
	$(Q)toolchain/install test firmware-test
	$(Q)$(FIRMWARE_RUN) $(FIRMWARE_PYTEST) $(addprefix tests/firmware/,$(FIRMWARE_CHOSEN))
firmware-still: FIRMWARE_CHOSEN := $(FIRMWARE_STILL)
firmware-started: FIRMWARE_CHOSEN := $(FIRMWARE_QUICK)
firmware-started: FIRMWARE_RUN := TILLBACK_KILLS=4

# All of it, in two rows of tests, each of a machine of its own; with -j2 side by side.
firmware-test: $(FIRMWARE_ROWS) firmware-test-arm64
firmware-test-updates: FIRMWARE_CHOSEN := $(FIRMWARE_STILL) $(patsubst %,test_%.py,appliance update power)
firmware-test-devices: FIRMWARE_CHOSEN := $(FIRMWARE_ENROLLED) \
    $(patsubst %,test_%.py,update_by_hub watchdog devices blocks rescue wipe)

# The plug pulled 200 times while tills work, and 200 times while an update is written. What was seen adds
# up in TILLBACK_TALLY, run by run, as long as the image is the same; a run ends after
# TILLBACK_MINUTES=. Side by side with make -j2.
TILLBACK_TALLY ?= build/firmware/kills.txt
.PHONY: $(FIRMWARE_SOAKS)
firmware-soak: $(FIRMWARE_SOAKS)
$(FIRMWARE_SOAKS): FIRMWARE_RUN = TILLBACK_KILLS=$(or $(TILLBACK_KILLS),200) TILLBACK_TALLY=$(abspath $(TILLBACK_TALLY))
firmware-soak-capture: FIRMWARE_CHOSEN := $(FIRMWARE_ENROLLED) \
    test_soak.py::test_what_was_answered_outlives_every_cut_while_tills_work
firmware-soak-update: FIRMWARE_CHOSEN := $(FIRMWARE_ENROLLED) \
    test_soak.py::test_every_cut_of_an_update_leaves_a_whole_appliance

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
