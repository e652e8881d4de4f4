# Targets for people and CI.

C_FILES    = $(shell git ls-files -co --exclude-standard '*.c' '*.h')
PYTEST     = /usr/bin/python3 -B -m pytest -q -p no:cacheprovider
# Real programs wait more than they work: several files of tests go on at a time.
ABREAST    = -n 4 --dist loadfile
TIDY_FILES = $(shell git ls-files -co --exclude-standard 'firmware/*.c' 'hal/*.c' 'provisioning/*.c' 'sync/*.c' 'agent/*.c')

# What toolchain/check-includes reads.
print-folders:
	$(foreach f,$(FOLDERS),$(info $(f): $(MAY_INCLUDE_$(f))))@:

install-build: ; $(Q)toolchain/install build run
install-test:  ; $(Q)toolchain/install build run test

lint: lint-includes lint-cleanup lint-format lint-cppcheck lint-tidy
lint-includes: ; $(Q)toolchain/check-includes && echo '  ok      folders include only what they may'
lint-cleanup: ; $(Q)toolchain/check-cleanup && echo '  ok      what is freed at a return is prepared before it'
lint-format: ; $(Q)clang-format --dry-run --Werror $(C_FILES) && echo '  ok      formatting'
# Without the generated headers: reading the embedded files byte by byte would take minutes.
lint-cppcheck:
	$(Q)cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
	    --suppressions-list=toolchain/cppcheck.txt --error-exitcode=1 -j2 -U__clang_analyzer__ -I. $(TIDY_FILES) && \
	    echo '  ok      cppcheck'
lint-tidy: $(generated)
	$(Q)printf '%s\n' $(TIDY_FILES) | xargs -P2 -n12 toolchain/tidy $(CPPFLAGS) && echo '  ok      clang-tidy'
format: ; $(Q)clang-format -i $(C_FILES)

# The unit suite with Debian 13's libraries (mbedTLS 3.6: TLS 1.3), as on the appliance's image.
# build/embed is made here first, since both systems run it.
test-debian13: build/embed
	$(Q)toolchain/debian13 -j2 OUT=build/debian13/out unit
	$(Q)grep -h '^spoken: TLSv1.3' build/debian13/out/results/sync-transport-tls_test.txt

# Loaded into programs under test: a wall clock that a test lets jump, and a token that signs slowly.
CLOCK_SHIM := $(OUT)/clock_shim.so
SHIMS      := $(CLOCK_SHIM) $(OUT)/slow_token.so
$(SHIMS): $(OUT)/%.so: tests/fault/%.c
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -std=c17 -D_GNU_SOURCE -O2 $(WARNINGS) $(filter -I/usr/include/%,$(CPPFLAGS)) -shared -fPIC -o $@ $<

# The whole: what a change must pass.
test: install-test ; $(Q)toolchain/test

# The whole road on this machine. Packages first: the Makefile itself asks them for flags.
run demo:
	$(Q)toolchain/install build run
	$(Q)$(MAKE) --no-print-directory all
	$(Q)PROGRAMS=$(OUT) exec /usr/bin/python3 -B toolchain/$@

# Real programs and broker: the link cut, kill -9, bad input. TILLBACK_KILLS= and TILLBACK_SEED=.
system-test: all $(SHIMS) ; $(Q)PROGRAMS=$(OUT) toolchain/pytest-twice system $(ABREAST) tests/system

# The centre: returns become entries, posted and exported; what is parked, and who may decide.
hub-test: all $(OUT)/bench/hub_bench ; $(Q)PROGRAMS=$(OUT) toolchain/pytest-twice hub $(ABREAST) tests/hub

# Keys in a TPM 2.0: one in software. Without these packages system-test leaves it out.
tpm-test: all
	$(Q)toolchain/install test tpm
	$(Q)PROGRAMS=$(OUT) $(PYTEST) tests/system/test_tpm.py

# The centre's own tests once more, with a PostgreSQL server in SQLite's place.
# POSTGRESQL_TESTS=tests/hub: all of them.
POSTGRESQL_TESTS ?= tests/hub/test_failover.py tests/hub/test_workers.py tests/hub/test_finance.py tests/hub/test_orders.py tests/hub/test_journal.py tests/hub/test_backup.py tests/hub/test_config.py tests/hub/test_verify.py tests/hub/test_database.py
SERVER_TESTS := hal/database_postgresql_test hal/postgresql_send_test $(patsubst tests/unit/%.c,%,$(wildcard $(addprefix tests/unit/sync/hub/, \
    connect/poster_test.c connect/poster_companies_test.c connect/recall_test.c connect/finding_test.c connect/order_test.c connect/reconcile_test.c connect/reconcile_payout_test.c connect/reconcile_tax_test.c connect/payout_check_test.c connect/payout_order_test.c ingest/schema_test.c ingest/bookkeeper_test.c ingest/contact_test.c ingest/inbox_test.c ingest/ingest_test.c ingest/stream_log_test.c fleet/roster_test.c web/metrics_test.c)))
postgresql-test: all $(addprefix $(OUT)/tests/,$(SERVER_TESTS))
	$(Q)toolchain/install postgresql
	$(Q)toolchain/postgresql toolchain/run-tests $(OUT) $(addprefix $(OUT)/tests/,$(SERVER_TESTS))
	$(Q)PROGRAMS=$(OUT) toolchain/postgresql toolchain/pytest-twice postgresql $(ABREAST) $(POSTGRESQL_TESTS)

# Entries in a real Tryton, on SQLite and on PostgreSQL; ERP_ONLY=quick: those on SQLite that tell
# most. TILLBACK_KILLS= and TILLBACK_SEED=.
erp-test: all
	$(Q)toolchain/install erp
	$(Q)PROGRAMS=$(OUT) $(if $(ERP_ONLY),,toolchain/postgresql) toolchain/pytest-twice erp -n 2 $(if $(ERP_ONLY),-m $(ERP_ONLY)) tests/erp

contract-test: all ; $(Q)PROGRAMS=$(OUT) $(PYTEST) --junitxml=build/contract-tests.xml tests/contract

# Each target runs its corpus and then new inputs for FUZZ_SECONDS. Everything of ours is built with
# it: this is how clang sees our code.
FUZZ_SECONDS ?= 60
FUZZ_NAMES   := $(patsubst tests/fuzz/%_fuzz.c,%,$(wildcard tests/fuzz/*_fuzz.c))
fuzz: ; $(Q)$(MAKE) --no-print-directory -j2 VARIANT=fuzz all fuzz-run
fuzz-run: $(addprefix $(OUT)/fuzz/,$(FUZZ_NAMES))
	$(Q)toolchain/run-fuzz $(FUZZ_SECONDS) $^

$(OUT)/obj/tests/fuzz/%.o: CFLAGS += -Wno-missing-prototypes

# Each side has an exception_raise of its own: an appliance takes nothing of the hub's.
FUZZ_FOLDERS_http := $(AGENT_ALL) $(AGENT_BELOW)
FUZZ_FOLDERS_setting := $(AGENT_ALL) $(AGENT_BELOW)
FUZZ_FOLDERS_hub_http := $(HUB_ALL) $(HUB_BELOW)
$(OUT)/fuzz/%: $(OUT)/obj/tests/fuzz/%_fuzz.o $(addprefix $(OUT)/obj/tests/support/,fuzz_ground.o http_asker.o pki.o scratch.o) $$(foreach f,$$(or $$(FUZZ_FOLDERS_$$*),$(FOLDERS)),$$(call archive,$$f))
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) -fsanitize=fuzzer $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) \
	    -Wl,--end-group $(LIBS)

# How much of what the disk and the broker can do; ratios, and build/bench/*.json.
BENCHES := $(patsubst tests/bench/%.c,$(OUT)/bench/%,$(wildcard tests/bench/*_bench.c))
bench: bench-packages all $(BENCHES) bench-peers
	$(Q)PROGRAMS=$(OUT) /usr/bin/python3 -B toolchain/bench
	$(Q)PROGRAMS=$(OUT) /usr/bin/python3 -B toolchain/bench-fleet

bench-packages: ; $(Q)toolchain/install run bench

# The same in minutes, with less of everything and no fleet.
BENCH_SHORT := BENCH_ROUNDS=2 BENCH_EVENTS=20000 BENCH_BACKLOG=50000 BENCH_APPENDS=16000 BENCH_RETURNS=1000 \
               BENCH_HUB_EVENTS=20000 BENCH_RECORDS=3000
bench-short: bench-packages all $(BENCHES)
	$(Q)$(BENCH_SHORT) $(MAKE) --no-print-directory bench-peers
	$(Q)$(BENCH_SHORT) PROGRAMS=$(OUT) /usr/bin/python3 -B toolchain/bench

# What was measured last, into the README.
bench-table: ; $(Q)/usr/bin/python3 -B toolchain/bench-table

# The same job on what others use for it.
PEER_MODULES := tests/bench/node_modules/.package-lock.json
bench-peers: bench-packages all $(BENCHES) $(OUT)/bench/paho_peer $(PEER_MODULES)
	$(Q)PROGRAMS=$(OUT) /usr/bin/python3 -B toolchain/bench-peers

$(OUT)/obj/tests/bench/paho_peer.o: | bench-packages
$(OUT)/bench/paho_peer: $(addprefix $(OUT)/obj/tests/bench/,paho_peer.o raw.o counted.o)
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ -lpaho-mqtt3as -lsqlite3

# Ten thousand appliances and a rollout over them; BENCH_FLEET= takes fewer.
bench-fleet: all ; $(Q)PROGRAMS=$(OUT) /usr/bin/python3 -B toolchain/bench-fleet

# A year of a chain of 500 stores in one hub, and what the dashboard asks of it then; YEAR_EVENTS=144000 is
# a week, in minutes.
bench-year: all $(OUT)/bench/hub_bench ; $(Q)PROGRAMS=$(OUT) /usr/bin/python3 -B toolchain/bench-year

# What is the hub's takes nothing of the appliance's, see FUZZ_FOLDERS.
BENCH_FOLDERS_hub_bench := $(HUB_ALL) $(HUB_BELOW)
$(OUT)/bench/%: $(OUT)/obj/tests/bench/%.o $(addprefix $(OUT)/obj/tests/bench/,raw.o counted.o retailer.o) \
    $(call archive,tests/support) $$(foreach f,$$(or $$(BENCH_FOLDERS_$$*),$(FOLDERS)),$$(call archive,$$f))
	$(call say,LINK,$@)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)

# A dictionary for compressed batches, trained anew: into build/, since released ones never change.
dictionary: all
	$(Q)toolchain/install dictionary
	$(Q)PROGRAMS=$(OUT) /usr/bin/python3 -B toolchain/train-dictionary build/events.dict

# Keyboard-like scanners on a kernel of its own, with devices that a container hasn't.
kernel-test: $(OUT)/tests/hal/scanner_hid_test
	$(Q)toolchain/install kernel
	$(Q)toolchain/kernel-test $< evdev uinput

# The power cut and each thing failing at every call, not at a sample of them; a bit turned over in
# every byte of a small log and a small hub. Then everything at once for SOAK_MINUTES; TILLBACK_SEED
# repeats a run.
SOAK_MINUTES ?= 60
SOAKS := sync/eventlog/torture_test sync/hub/ingest/torture_test sync/eventlog/flip_test sync/hub/ingest/flip_test \
         sync/eventlog/power_cut_test sync/eventlog/disk_test sync/hub/ingest/power_cut_test sync/hub/ingest/rescue_test
soak: all $(CLOCK_SHIM) soak-calls
	$(Q)SOAK_MINUTES=$(SOAK_MINUTES) PROGRAMS=$(OUT) $(PYTEST) tests/system/test_chaos.py
soak-calls: $(addprefix $(OUT)/tests/,$(SOAKS)) ; $(Q)toolchain/soak $(OUT) $^

# The test stands in the place of what it makes fail.
$(addprefix $(OUT)/tests/,hal/aside_test hal/storage_test sync/eventlog/torture_test sync/hub/ingest/torture_test): LDFLAGS += \
    $(foreach f,malloc calloc realloc open rename unlink mkdir fsync,-Wl,--wrap=$(f))

# Power cuts below the file system, replayed from a virtual machine's log of its disk. BLOCK_CUTS=
block-test: all $(OUT)/block_workload
	$(Q)toolchain/install block
	$(Q)/usr/bin/python3 -B tests/fault/block/run.py $(OUT)/block_workload --cuts $(or $(BLOCK_CUTS),60)
	$(Q)BLOCK_CUTS=$(BLOCK_CUTS) PROGRAMS=$(OUT) $(PYTEST) tests/fault/block

$(OUT)/block_workload: $(patsubst %,$(OUT)/obj/tests/fault/block/%.o,workload hub_workload) \
    $(call archive,tests/support) $(foreach f,sync/eventlog sync/hub/ingest $(MAY_INCLUDE_sync/hub/ingest),$(call archive,$(f)))
	$(call say,LINK,$@)
	$(Q)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $(filter %.o,$^) -Wl,--start-group $(filter %.a,$^) -Wl,--end-group $(LIBS)

# The store page in Debian's Chromium; a picture of every step lands in build/screenshots.
BROWSER_MODULES := tests/browser/node_modules/.package-lock.json
browser-test: all $(BROWSER_MODULES)
	$(Q)toolchain/install browser
	$(Q)PROGRAMS=$(OUT) toolchain/browser-tests tests/browser/*.test.mjs

# The part of it that a CI has time for: the page on a whole road, receipts, and the security scan.
# And, since Node.js is there, what other implementations say of the contract's documents.
browser-quick: all $(BROWSER_MODULES) contract-check
	$(Q)toolchain/install browser
	$(Q)PROGRAMS=$(OUT) toolchain/browser-tests $(patsubst %,tests/browser/%.test.mjs,online print security)

CONTRACT_MODULES := tests/contract/node_modules/.package-lock.json
contract-check: $(CONTRACT_MODULES) ; $(Q)npm --prefix tests/contract run --silent check

# How quick the page is on this machine, into build/bench/page.json.
bench-page: all $(BROWSER_MODULES)
	$(Q)toolchain/install browser
	$(Q)PROGRAMS=$(OUT) node --test --test-name-pattern='first paint' tests/browser/page.test.mjs >/dev/null
	$(Q)cat build/bench/page.json

# The README's pictures, taken anew.
PICTURES := tests/browser/pictures
pictures: all $(BROWSER_MODULES)
	$(Q)toolchain/install browser test
	$(Q)PROGRAMS=$(OUT) PICTURES=$(PICTURES) node --test $(patsubst %,tests/browser/%.test.mjs,online hub)
	$(Q)cp $(patsubst %,build/screenshots/%.png,hub-overview hub-trail) $(PICTURES)/
	$(Q)toolchain/shrink $(PICTURES)/*.png

$(BROWSER_MODULES) $(CONTRACT_MODULES) $(PEER_MODULES): tests/%/node_modules/.package-lock.json: tests/%/package-lock.json
	$(Q)command -v node >/dev/null && command -v npm >/dev/null || toolchain/install node
	$(Q)cd tests/$* && npm ci --ignore-scripts --no-audit --no-fund --silent

# Man pages, made of what --help says, in build/VARIANT/man: man -l build/release/man/tillback.1
man: all ; $(Q)toolchain/manpages $(PROGRAMS) $(OUT)/man && echo '  MAN     $(OUT)/man'

clean: ; $(Q)rm -rf build

# Those of the Makefile's head, and the README's table.
help:
	@sed -n 's/^#   make/  make/p' Makefile
	@echo
	@sed -n 's/^| `\(make [^|]*\)` | \(.*\) |$$/\1|\2/p' README.md | tr -d '`' | \
	    awk -F'|' '{printf "  %-36s %s\n", $$1, $$2}'

.PHONY: print-folders install-build install-test lint lint-includes lint-cleanup lint-format lint-cppcheck
.PHONY: lint-tidy format test-debian13 run demo test system-test hub-test erp-test
.PHONY: tpm-test browser-quick pictures bench-page dictionary
.PHONY: contract-test contract-check postgresql-test browser-test fuzz fuzz-run bench bench-fleet bench-peers bench-year bench-packages \
        bench-short bench-table soak soak-calls man clean help
