# Dørbank. `make run` to try it, `make test` to prove it. Each does its own set-up and says what it installs.
.PHONY: help setup build run dev check test bench soak

help: ## this list
	@sed -n 's/^\([a-z]*\):.*## /\1\t/p' Makefile | expand -t 10

setup: ## what building needs
	@scripts/setup build

build: setup ## release build: target/release/dorbank and target/site
	@scripts/build

run: build ## serve a demo on SQLite under ./data, and say where to click
	@scripts/run

dev: setup ## hot reload: build, restart and reload pages while you edit
	@scripts/dev

check: setup ## formatting, lints (native and wasm), unused dependencies
	@scripts/check

test: ## every test
	@scripts/setup test
	@scripts/test

bench: ## measure, and write docs/benchmarks.md
	@scripts/setup test
	@scripts/build
	@scripts/bench

soak: ## what is too long for `make test`
	@scripts/setup test
	@scripts/build
	@scripts/soak
