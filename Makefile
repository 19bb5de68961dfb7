# The two commands to know: `make quickstart` shows Drover at work, `make test` shows that it works.
.PHONY: help setup quickstart check test mutants clean

help:
	@echo 'make quickstart   set up, start a cluster, run nginx in it, fetch a page'
	@echo 'make test         every check and every test, those with real containers included (as root)'
	@echo 'make setup        install what is missing on this machine'
	@echo 'make check        format, lint, rooms, types, dead code, unit tests'
	@echo 'make mutants      plant known bugs one by one, and see that each makes a test fail'
	@echo 'make clean        delete all clusters and caches'

setup:
	@scripts/setup

quickstart: setup
	@scripts/run scripts/quickstart.ts

check: setup
	@status=0; scripts/run scripts/check.ts || status=1; scripts/run scripts/test.ts --unit || status=1; exit $$status

# The tests run also when a check failed: who reads the result sees all of it.
test: setup
	@status=0; scripts/run scripts/check.ts || status=1; scripts/run scripts/test.ts || status=1; exit $$status

mutants: setup
	@scripts/run scripts/mutants.ts

clean:
	@if [ -x drover ] && [ -d node_modules ]; then ./drover reset; fi
	@rm -rf .cache
