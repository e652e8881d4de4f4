# The folders, and which other folder each may include: the table of the README, as the linker and
# the include check (toolchain/check-includes) see it. Each list holds all that stands below.

HAL      := hal hal/base
CONTRACT := sync/contract hal/base

MAY_INCLUDE_hal/base       :=
MAY_INCLUDE_firmware       := hal/base
MAY_INCLUDE_hal            := hal/base
MAY_INCLUDE_provisioning   := $(HAL)
MAY_INCLUDE_sync/contract  := hal/base
MAY_INCLUDE_sync/eventlog  := sync/contract $(HAL)
MAY_INCLUDE_sync/transport := provisioning $(HAL)
MAY_INCLUDE_sync/uplink    := sync/eventlog sync/transport sync/contract provisioning $(HAL)
MAY_INCLUDE_sync/config    := $(MAY_INCLUDE_sync/uplink)
MAY_INCLUDE_sync/enrol     := $(MAY_INCLUDE_sync/uplink)

HUB_BELOW := sync/transport sync/contract provisioning $(HAL)
HUB_ALL   := sync/hub sync/hub/ingest sync/hub/ledger sync/hub/connect sync/hub/fleet sync/hub/web
MAY_INCLUDE_sync/hub/ledger  := $(CONTRACT)
MAY_INCLUDE_sync/hub/ingest  := sync/hub/ledger $(HUB_BELOW)
MAY_INCLUDE_sync/hub/connect := sync/hub/ledger sync/hub/ingest $(HUB_BELOW)
MAY_INCLUDE_sync/hub/fleet   := sync/hub/ingest $(HUB_BELOW)
MAY_INCLUDE_sync/hub/web     := sync/hub/fleet sync/hub/connect sync/hub/ingest sync/hub/ledger $(HUB_BELOW)
MAY_INCLUDE_sync/hub         := sync/hub/web sync/hub/fleet sync/hub/connect sync/hub/ingest sync/hub/ledger $(HUB_BELOW)

AGENT_BELOW := sync/config sync/enrol sync/uplink sync/eventlog sync/transport sync/contract provisioning $(HAL)
AGENT_ALL   := agent agent/capture agent/returns agent/views agent/people agent/service agent/api agent/page agent/print agent/cli
MAY_INCLUDE_agent/returns := $(CONTRACT)
MAY_INCLUDE_agent/views   := agent/returns $(AGENT_BELOW)
MAY_INCLUDE_agent/people  := agent/views agent/returns $(AGENT_BELOW)
MAY_INCLUDE_agent/print   := agent/returns $(AGENT_BELOW)
MAY_INCLUDE_agent/capture := agent/print agent/people agent/views agent/returns $(AGENT_BELOW)
MAY_INCLUDE_agent/service := agent/capture agent/print agent/people agent/views agent/returns $(AGENT_BELOW)
MAY_INCLUDE_agent/page    := $(HAL)
MAY_INCLUDE_agent/api     := agent/page agent/service agent/capture agent/print agent/people agent/views agent/returns $(AGENT_BELOW)
MAY_INCLUDE_agent/cli     := agent/service agent/capture agent/print agent/people agent/views agent/returns $(AGENT_BELOW)
MAY_INCLUDE_agent         := agent/api agent/page agent/service agent/capture agent/print agent/people agent/views agent/returns $(AGENT_BELOW)

FOLDERS := hal/base hal provisioning sync/contract sync/eventlog sync/transport sync/uplink \
           sync/config sync/enrol $(HUB_ALL) $(AGENT_ALL) firmware

# Where threads meet; elsewhere there is nothing for the thread sanitizer to find. Nor in the tests
# that do the same few things at each call of the disk.
UNIT_FOLDERS_tsan := hal sync/eventlog sync/transport sync/uplink sync/hub/ingest sync/hub/connect \
                     agent agent/capture agent/people agent/api
UNIT_WITHOUT_tsan := %/power_cut_test.c %/disk_test.c %/salvage_test.c %/salvage_crash_test.c %/flip_test.c %/torture_test.c

PROGRAM_NAMES := tillbackd tillback tillback-hub tillback-sim
# Only for the appliance's image.
IMAGE_PROGRAM_NAMES := grub-editenv
PROGRAM_MAIN_tillbackd       := agent/main.c
PROGRAM_MAIN_tillback        := agent/cli/main.c
PROGRAM_MAIN_tillback-hub    := sync/hub/main.c
PROGRAM_MAIN_tillback-sim    := $(wildcard tests/sim/*.c)
PROGRAM_MAIN_grub-editenv    := firmware/grub_editenv.c
PROGRAM_FOLDERS_tillbackd    := $(AGENT_ALL) $(AGENT_BELOW)
PROGRAM_FOLDERS_tillback     := $(AGENT_ALL) $(AGENT_BELOW)
PROGRAM_FOLDERS_tillback-hub := $(HUB_ALL) $(HUB_BELOW)
PROGRAM_FOLDERS_tillback-sim := $(AGENT_BELOW)
PROGRAM_FOLDERS_grub-editenv := firmware hal/base
