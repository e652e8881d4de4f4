# Compilers, warnings, hardening; one block for each variant. A variant that is another architecture's
# is built against that one's packages of the Debian that builds (toolchain/sysroot).

CROSS   := $(filter arm64 armhf,$(VARIANT))
SUITE   := $(shell . /etc/os-release && echo $$VERSION_CODENAME)
SYSROOT := $(CURDIR)/build/sysroot/$(SUITE)-$(VARIANT)

CC_release := gcc
CC_asan    := gcc
CC_tsan    := gcc
CC_fuzz    := clang
CC_arm64   := aarch64-linux-gnu-gcc --sysroot=$(SYSROOT)
CC_musl    := musl-gcc
CC_armhf   := arm-linux-gnueabihf-gcc --sysroot=$(SYSROOT)
CC          = $(or $(CC_$(VARIANT)),gcc)

WARNINGS := -Wall -Wextra -Wconversion -Wshadow -Wstrict-prototypes -Wmissing-prototypes \
            -Wpointer-arith -Wcast-qual -Wwrite-strings -Wvla -Wformat=2 -Werror

HARDENING := -D_FORTIFY_SOURCE=2 -fstack-protector-strong -fstack-clash-protection -fPIE
OPTIMISE_release := -O2 $(HARDENING) -fcf-protection
OPTIMISE_arm64   := -O2 $(HARDENING) -mbranch-protection=standard
OPTIMISE_armhf   := -O2 $(HARDENING) -D_FILE_OFFSET_BITS=64 -D_TIME_BITS=64
OPTIMISE_musl    := -O2 $(HARDENING)
OPTIMISE_asan    := -O1 -fno-omit-frame-pointer -fsanitize=address,undefined -fno-sanitize-recover=all
OPTIMISE_tsan    := -O1 -fno-omit-frame-pointer -fsanitize=thread
OPTIMISE_fuzz    := -O1 -fno-omit-frame-pointer -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all

CPPFLAGS := -I. -I$(OUT)/gen -D_GNU_SOURCE
# A char is signed on ARM too, so that a comparison means the same everywhere.
CFLAGS    = -std=c17 -g -fsigned-char $(WARNINGS) $(OPTIMISE_$(VARIANT))
LDFLAGS  := -Wl,-z,relro,-z,now -Wl,--as-needed
ifneq ($(filter release,$(VARIANT))$(CROSS),)
LDFLAGS += -pie
endif

LIBS := -lmicrohttpd -lmosquitto -luv -lserialport -levdev -lexpat -lcurl -lpq -lqrencode -lsqlite3 -lcjson \
        -lmbedtls -lmbedx509 -lmbedcrypto -lnettle -lzstd -lz -lm -lpthread
# Headers in folders of their own, in whose tree the others are too.
ALONE := libevdev-1.0 postgresql p11-kit-1
ifeq ($(VARIANT),musl)
CPPFLAGS += -isystem build/musl-headers $(ALONE:%=-isystem build/musl-headers/%)
LDFLAGS  := -static
LIBS     :=
else ifneq ($(CROSS),)
CPPFLAGS += $(ALONE:%=-isystem $(SYSROOT)/usr/include/%)
else
CPPFLAGS += $(shell pkg-config --cflags-only-I libevdev libpq p11-kit-1 2>/dev/null)
endif
