# SPDX-License-Identifier: Apache-2.0
# What can be done with wgm's tree. `make` alone builds.

CONFIGURATION ?= debug
SECONDS ?= 30
release_flags = $(if $(filter release,$(CONFIGURATION)),--static-swift-stdlib)

.PHONY: build setup demo test vm-test check format bench deb deb-test fuzz clean

build: setup
	swift build -c $(CONFIGURATION) $(release_flags)

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

# The demo and the kernel tests over real netlink, in a virtual machine. Needs root.
vm-test: setup
	Tests/vm/vm-test

# What a change must satisfy besides its tests.
check: setup
	scripts/check

# Formats our Swift code in place.
format:
	swift format -i -r -p Package.swift Sources Tests

# Figures from a release build; JSON=1 prints one object a line.
bench: setup
	JSON=$(JSON) Benchmarks/bench

# The Debian packages, into packaging/deb/out.
deb: setup
	packaging/deb/build

# Installs them on a fresh Debian 12 with systemd, in a virtual machine, and tries them there. Needs root.
deb-test: deb
	Tests/vm/deb-test

fuzz:
	@echo "make $@: not there yet; it is an issue of its own." >&2; exit 1

clean:
	swift package clean
	rm -rf Tests/vm/work
