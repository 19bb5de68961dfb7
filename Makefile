# The two commands to know: `make quickstart` shows Drover at work, `make test` shows that it works.
.PHONY: help setup quickstart check test clean

help:
	@echo 'make quickstart   set up, start a cluster, run nginx in it, fetch a page'
	@echo 'make test         every check and every test, those with real containers included (as root)'
	@echo 'make setup        install what is missing on this machine'
	@echo 'make check        format, lint, rooms, types, dead code, unit tests'
	@echo 'make clean        delete all clusters and caches'

setup:
	@scripts/setup

quickstart: setup
	@scripts/run scripts/quickstart.ts

check: setup
	@scripts/run scripts/check.ts

test: setup
	@scripts/run scripts/check.ts --fast
	@scripts/run scripts/test.ts

clean:
	@if [ -x drover ] && [ -d node_modules ]; then ./drover reset; fi
	@rm -rf .cache
