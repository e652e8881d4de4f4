# Tillback. One Makefile, no recursion: everything is built below build/$(VARIANT)/.
#
#   make            the programs                    make test     everything a change must pass
#   make run        the whole road on this machine  make demo     a store's day in a minute
#   make lint       formatting, analysis, folders   make help     what else there is

VARIANT ?= release
V       ?=
OUT     := build/$(VARIANT)
Q       := $(if $(V),,@)
say      = $(if $(V),,@printf '  %-7s %s\n' '$(1)' '$(2)')

include toolchain/flags.mk
include toolchain/folders.mk

.DEFAULT_GOAL := all
.SECONDARY:
.DELETE_ON_ERROR:

# --- What is built ------------------------------------------------------------------------------

mains    := agent/main.c agent/cli/main.c sync/hub/main.c firmware/grub_editenv.c
sources   = $(filter-out $(mains),$(wildcard $(1)/*.c))
objects   = $(patsubst %.c,$(OUT)/obj/%.o,$(1))
archive   = $(OUT)/lib/lib$(subst /,-,$(1)).a
# A folder's own archive and all that it may include, in link order.
stack     = $(call archive,$(1)) $(foreach f,$(MAY_INCLUDE_$(1)),$(call archive,$(f)))

PROGRAMS := $(foreach p,$(PROGRAM_NAMES),$(OUT)/$(p))
all: $(PROGRAMS)

sql_files  := $(foreach f,$(FOLDERS),$(wildcard $(f)/*.sql))
sql_headers:= $(patsubst %,$(OUT)/gen/%.h,$(sql_files))
page_files := $(sort $(wildcard agent/page/*.html agent/page/*.css agent/page/*.js agent/page/*.json agent/page/*.svg agent/page/*.webmanifest))
hub_page_files := $(sort $(wildcard sync/hub/web/page/*)) sync/hub/web/openapi.json
document_files := $(sort $(wildcard agent/api/*.json sync/contract/schema/*.json agent/returns/*.json agent/capture/*.json agent/print/*.json sync/hub/ledger/*.json))
ingest_sql := $(sort $(wildcard sync/hub/ingest/sql/*.sql))
generated  := $(sql_headers) $(OUT)/gen/sync/hub/ingest/ingest.sql.h $(OUT)/gen/agent/page/files.h $(OUT)/gen/sync/hub/web/files.h $(OUT)/gen/documents.h \
              $(OUT)/gen/sync/contract/dictionary.h

build/embed: toolchain/embed.c
	$(Q)mkdir -p $(@D)
	$(Q)cc -O1 -Wall -Wextra -o $@ $< -lz

$(OUT)/gen/%.sql.h: %.sql build/embed
	$(Q)mkdir -p $(@D)
	$(Q)build/embed sql $(notdir $*) $< > $@

# One set of statements for a handle: the nouns of the hub's database together.
$(OUT)/gen/sync/hub/ingest/ingest.sql.h: $(ingest_sql) build/embed
	$(Q)mkdir -p $(@D)
	$(Q)build/embed sql ingest $(ingest_sql) > $@

$(OUT)/gen/agent/page/files.h: $(page_files) build/embed
	$(Q)mkdir -p $(@D)
	$(Q)build/embed pages page $(page_files) > $@

$(OUT)/gen/sync/hub/web/files.h: $(hub_page_files) build/embed
	$(Q)mkdir -p $(@D)
	$(Q)build/embed files web $(hub_page_files) > $@

$(OUT)/gen/documents.h: $(document_files) build/embed
	$(Q)mkdir -p $(@D)
	$(Q)build/embed files document $(document_files) > $@

$(OUT)/gen/sync/contract/dictionary.h: sync/contract/events-1.dict build/embed
	$(Q)mkdir -p $(@D)
	$(Q)build/embed files dictionary $< > $@

$(OUT)/obj/%.o: %.c | $(generated)
	$(call say,CC,$<)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

define folder_rules
$(call archive,$(1)): $(call objects,$(call sources,$(1)))
	$$(Q)mkdir -p $$(@D)
	$$(Q)rm -f $$@
	$$(Q)$$(AR) rcs $$@ $$^
$(patsubst tests/unit/%.c,$(OUT)/tests/%,$(wildcard tests/unit/$(1)/*_test.c)): \
    $(OUT)/tests/%: $(OUT)/obj/tests/unit/%.o $(call archive,tests/support) $(call stack,$(1))
	$$(call say,LINK,$$@)
	$$(Q)mkdir -p $$(@D)
	$$(Q)$$(CC) $$(CFLAGS) $$(LDFLAGS) -Wl,--wrap=setpriority -o $$@ $$(filter %.o,$$^) \
	    -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(LIBS) -lcmocka
endef
$(foreach f,$(FOLDERS),$(eval $(call folder_rules,$(f))))

$(call archive,tests/support): $(call objects,$(wildcard tests/support/*.c))
	$(Q)mkdir -p $(@D)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $^

define program_rules
$(OUT)/$(1): $(call objects,$(PROGRAM_MAIN_$(1))) $(foreach f,$(PROGRAM_FOLDERS_$(1)),$(call archive,$(f)))
	$$(call say,LINK,$$@)
	$$(Q)$$(CC) $$(CFLAGS) $$(LDFLAGS) -o $$@ $$(filter %.o,$$^) -Wl,--start-group $$(filter %.a,$$^) -Wl,--end-group $$(LIBS)
endef
$(foreach p,$(PROGRAM_NAMES) $(IMAGE_PROGRAM_NAMES),$(eval $(call program_rules,$(p))))

# --- Tests --------------------------------------------------------------------------------------

UNIT_SOURCES := $(filter-out $(UNIT_WITHOUT_$(VARIANT)),\
                $(foreach f,$(or $(UNIT_FOLDERS_$(VARIANT)),$(FOLDERS)),$(wildcard tests/unit/$(f)/*_test.c)))
UNIT_TESTS   := $(patsubst tests/unit/%.c,$(OUT)/tests/%,$(UNIT_SOURCES))

# One folder's tests: make unit-sync/eventlog
$(addprefix unit-,$(FOLDERS)): ; $(Q)$(MAKE) --no-print-directory unit-run UNIT_ONLY=$(@:unit-%=%)
UNIT_CHOSEN = $(if $(UNIT_ONLY),$(foreach s,$(wildcard tests/unit/$(UNIT_ONLY)/*_test.c),$(patsubst tests/unit/%.c,$(OUT)/tests/%,$(s))),$(UNIT_TESTS))
unit: unit-run
.PHONY: all unit unit-run
.SECONDEXPANSION:
unit-run: $$(UNIT_CHOSEN)
	$(Q)toolchain/run-tests $(OUT) $^

-include $(shell [ -d $(OUT)/obj ] && find $(OUT)/obj -name '*.d')

include toolchain/targets.mk
include toolchain/firmware.mk
include toolchain/cross.mk
