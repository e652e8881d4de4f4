# Targets for people and CI.

C_FILES    = $(shell git ls-files -co --exclude-standard '*.c' '*.h')
TIDY_FILES = $(shell git ls-files -co --exclude-standard 'hal/*.c' 'provisioning/*.c' 'sync/*.c' 'agent/*.c')

# What toolchain/check-includes reads.
print-folders:
	$(foreach f,$(FOLDERS),$(info $(f): $(MAY_INCLUDE_$(f))))@:

install-build: ; $(Q)toolchain/install build run
install-test:  ; $(Q)toolchain/install build run test

lint: lint-includes lint-format lint-cppcheck lint-tidy
lint-includes: ; $(Q)toolchain/check-includes && echo '  ok      folders include only what they may'
lint-format: ; $(Q)clang-format --dry-run --Werror $(C_FILES) && echo '  ok      formatting'
lint-cppcheck: $(generated)
	$(Q)cppcheck --quiet --std=c11 --enable=warning,performance,portability --inline-suppr \
	    --suppressions-list=toolchain/cppcheck.txt --error-exitcode=1 -j2 -I. -I$(OUT)/gen $(TIDY_FILES) && \
	    echo '  ok      cppcheck'
lint-tidy: $(generated)
	$(Q)printf '%s\n' $(TIDY_FILES) | xargs -P2 -n6 toolchain/tidy $(CPPFLAGS) && echo '  ok      clang-tidy'
format: ; $(Q)clang-format -i $(C_FILES)

# The unit suite with Debian 13's libraries (mbedTLS 3.6: TLS 1.3), as on the appliance's image.
# build/embed is made here first, since both systems run it.
test-debian13: build/embed
	$(Q)toolchain/debian13 -j2 OUT=build/debian13/out unit

clean: ; $(Q)rm -rf build

help: ; @sed -n 's/^#   make/  make/p' Makefile

.PHONY: print-folders install-build install-test lint lint-includes lint-format lint-cppcheck \
        lint-tidy format test-debian13 clean help
