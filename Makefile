# SPDX-License-Identifier: Apache-2.0
#
# A thin front of Meson: `make help` lists what there is. Build results are in build/, or build-VARIANT/ with m=VARIANT.

PREFIX  ?= /usr/local
DESTDIR ?=
V       ?= 0
m       ?=
ARGS    ?=
FUZZ_SECONDS ?= 60

BUILD := build$(if $(m),-$(m))

options-      :=
options-asan  := -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1
options-ubsan := -Db_sanitize=undefined -Db_lundef=false -Doptimization=1
options-tsan  := -Db_sanitize=thread -Db_lundef=false -Doptimization=1
options-cov   := -Db_coverage=true -Doptimization=1
options-clang :=
options-fuzz  := -Dfuzz=true -Db_sanitize=address,undefined -Db_lundef=false -Doptimization=1
compiler      := $(if $(filter clang fuzz,$(m)),CC=clang)

ifeq ($(filter undefined,$(origin options-$(m))),undefined)
$(error m=$(m) is no build variant; there are asan, ubsan, tsan, cov, clang and fuzz)
endif

NINJA := ninja -C $(BUILD) $(if $(filter 1,$(V)),-v)
QUIET := $(if $(filter 1,$(V)),,@)

.PHONY: all setup setup-test build run demo boot test test-kernel test-long test-unit bench fuzz install format clean help guests
.NOTPARALLEL:

all: build

setup:
	$(QUIET)tools/setup

setup-test:
	$(QUIET)tools/setup --test

$(BUILD)/build.ninja: | setup
	$(QUIET)echo "configuring $(BUILD)"
	$(QUIET)$(compiler) meson setup $(BUILD) --prefix=$(abspath $(PREFIX)) $(options-$(m)) >$(BUILD).log 2>&1 || \
	    { cat $(BUILD).log; rm -f $(BUILD).log; exit 1; }
	$(QUIET)rm -f $(BUILD).log

build: setup $(BUILD)/build.ninja
	$(QUIET)$(NINJA)

guests: setup
	$(QUIET)tools/fetch-guests

run: build
	$(QUIET)tools/run $(BUILD) $(ARGS)

demo: build guests
	$(QUIET)tools/demo $(BUILD) $(ARGS)

boot: build guests
	$(QUIET)tools/boot $(BUILD) $(ARGS)

test: setup-test build guests
	$(QUIET)tools/run-tests $(BUILD) short $(ARGS)
ifeq ($(m),cov)
	$(QUIET)gcovr -r . $(BUILD) -e '.*_test\.c' --print-summary
endif

test-kernel: setup-test
	$(QUIET)tools/build-test-kernel

test-long: setup-test build guests test-kernel
	$(QUIET)tools/run-tests $(BUILD) long $(ARGS)

test-unit: setup-test build
	$(QUIET)tools/run-tests $(BUILD) unit $(ARGS)

bench: setup-test build guests
	$(QUIET)tests/bench/run-bench $(BUILD) $(ARGS)

fuzz: setup-test
	$(QUIET)$(MAKE) --no-print-directory m=fuzz build
	$(QUIET)tools/run-fuzz build-fuzz $(FUZZ_SECONDS) $(ARGS)

install: build
	$(QUIET)meson configure $(BUILD) --prefix=$(abspath $(PREFIX))
	$(QUIET)DESTDIR=$(abspath $(DESTDIR)) meson install -C $(BUILD) $(if $(filter 1,$(V)),,--quiet)
	@echo "installed below $(DESTDIR)$(PREFIX)"

format:
	$(QUIET)tools/setup --test
	$(QUIET)git ls-files '*.c' '*.h' | xargs -r clang-format -i

clean:
	$(QUIET)rm -rf $(BUILD)

help:
	@echo 'make                 build $(BUILD)/openlpar; installs missing Debian packages first and says so'
	@echo 'make run             a managed system with a Virtual I/O Server and two Debian installations on its disks (the first time: some 5 minutes)'
	@echo 'make demo            fetch a Debian kernel and a small user space; a managed system with three partitions of them, in seconds'
	@echo 'make boot            one partition of them, no managed system: a shell on this terminal (none: a short show)'
	@echo 'make test            unit tests, instruction tests and short boot matrix (under 15 minutes on 2 cores)'
	@echo 'make test-unit       only what needs no guest'
	@echo 'make test-long       every boot, 10,000 operand sets for each instruction, the kernel for tests'
	@echo 'make test-kernel     build a kernel with all that a partition has (8 minutes); make test uses it once it is there'
	@echo 'make bench           workloads compared with QEMU and the host; ARGS=--quick for one run'
	@echo 'make fuzz            every fuzz target for FUZZ_SECONDS=$(FUZZ_SECONDS) seconds'
	@echo 'make install         PREFIX=$(PREFIX) DESTDIR=$(DESTDIR)'
	@echo 'make format          clang-format over the C sources'
	@echo 'make clean           remove $(BUILD)'
	@echo 'Variants: m=asan m=ubsan m=tsan m=cov m=clang, each in its own build-VARIANT. V=1 prints commands.'
	@echo 'ARGS="..." goes to the program that a target starts: make boot ARGS="--vcpus 4", make test ARGS="--suite cpu".'
