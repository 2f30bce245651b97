# SPDX-License-Identifier: Apache-2.0
# What can be done with wgm's tree. `make` alone builds.

CONFIGURATION ?= debug
PREFIX ?= /usr/local
SECONDS ?= 30
release_flags = $(if $(filter release,$(CONFIGURATION)),--static-swift-stdlib)

.PHONY: build install uninstall setup demo test vm-test check format bench deb deb-test fuzz sanitize clean

build: setup
	swift build -c $(CONFIGURATION) $(release_flags)

programs = wgmd wgmd-keeper wgmd-cluster wgmd-certificate wgmctl

# The five programs that `make` built, where every user can run them.
install:
	install -d $(DESTDIR)$(PREFIX)/bin
	cd "$$(swift build -c $(CONFIGURATION) $(release_flags) --show-bin-path)" && \
		install -m 0755 $(programs) $(abspath $(DESTDIR)$(PREFIX))/bin

uninstall:
	rm -f $(addprefix $(DESTDIR)$(PREFIX)/bin/,$(programs))

# Packages and system users; needs root once.
setup:
	scripts/setup

# The main job on real tunnels, in network namespaces of its own. Needs root.
demo: build
	WGM_PROGRAMS="$$(swift build -c $(CONFIGURATION) $(release_flags) --show-bin-path)" scripts/demo

# Everything that needs no kernel with WireGuard; many tests need root. One after the other: those that start processes and
# databases would starve the others on a small machine.
test: setup
	swift test --no-parallel

# The demo, the kernel tests and the data plane's promises over real netlink, in virtual machines. Needs root. WGM_VM_PARTS="flood
# kills" runs some parts: see CONTRIBUTING.md.
vm-test: setup
	Tests/vm/vm-test

# What a change must satisfy besides its tests.
check: setup
	scripts/check

# Formats our Swift code in place.
format:
	swift format -i -r -p Package.swift Sources Tests Fuzz

# Figures from a release build; JSON=1 prints one object a line, ONLY=rpc (gateway, rpc, hostile, attacks, scale) measures one part.
bench: setup
	JSON=$(JSON) Benchmarks/bench $(ONLY)

# The Debian packages, into packaging/deb/out.
deb: setup
	packaging/deb/build

# Installs them on a fresh Debian 12 with systemd, in a virtual machine, and tries them there. Needs root.
deb-test: deb
	Tests/vm/deb-test

# Hostile input for every parser, each for SECONDS; TARGET=name for one of them.
fuzz: setup
	Fuzz/fuzz $(SECONDS) $(TARGET)

# The tests of protocol and engine with ThreadSanitizer and AddressSanitizer.
sanitize: setup
	scripts/sanitize

clean:
	swift package clean
	rm -rf Tests/vm/work
