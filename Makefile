# What one does with a checkout. `make demo` and `make test` install or name what they need first.

PYTHON = .venv/bin/python

.PHONY: help demo test conformance bench build release format check setup clean

help:
	@echo "make demo         one writer, three readers: who sees what, and what the broker stores"
	@echo "make test         everything: format, build, unit tests, real brokers and clients"
	@echo "make check        the quick part of it: format, debug build, unit tests"
	@echo "make conformance  real brokers and clients only"
	@echo "make bench        measure, and write docs/PERFORMANCE.md"
	@echo "make build        the debug build;  make release: .build/release/waxwing"
	@echo "make format       lay out the Swift sources"

setup:
	@sh conformance/setup.sh

build:
	swift build

release: setup
	swift build -c release --product waxwing

demo: release
	@$(PYTHON) -m conformance.demo

test: setup
	@$(PYTHON) -m conformance.run

conformance: release
	@$(PYTHON) -m conformance.run --conformance

check: setup
	@$(PYTHON) -m conformance.run --only format,build,unit

bench: setup
	swift build -c release
	$(PYTHON) conformance/bench/loopback.py --full --write docs/PERFORMANCE.md

format:
	swift format --in-place --recursive Sources Tests Package.swift

clean:
	rm -rf .build .venv conformance/out
