# Two commands matter: "make demo" and "make test". Variables: HOST, PORT, DATA, RESET, DATABASE_URL, WORKERS;
# those given on the command line or in the environment reach the program unchanged.
MAKEFLAGS += --no-print-directory
.DEFAULT_GOAL := help
.NOTPARALLEL:
.PHONY: help demo test ux screenshots lint check audit sbom bench bench-peers bench-evaluation conformance prove doctor stop clean lock env env-dev

PYTHON := .venv/bin/python
export PYTHONUTF8 := 1
RESET_WANTED := $(filter-out 0 no false,$(RESET))
PYTEST_ARGS ?=

help: ## Danh sách lệnh · List these targets
	@sed -n 's/^\([a-z-]*\):.*## /\1|/p' Makefile | while IFS='|' read -r name text; do printf '  make %-11s %s\n' "$$name" "$$text"; done

demo: env ## Chạy dịch vụ kèm dữ liệu · Run the service with data (HOST PORT DATA RESET DATABASE_URL WORKERS)
	@.venv/bin/diaban demo $(if $(DATA),--data "$(DATA)") $(if $(RESET_WANTED),--reset)

test: env-dev ## Chạy mọi kiểm thử · Run the tests (PYTEST_ARGS)
	@$(PYTHON) -m pytest $(PYTEST_ARGS)

ux: env-dev ## Kiểm tra giao diện trong Chromium · Check the viewer in Chromium: axe, journeys, weight
	@$(PYTHON) -m pytest tests/web $(PYTEST_ARGS)

screenshots: env-dev ## Chụp các trang cho tài liệu · Take the pictures of every page into docs/images
	@$(PYTHON) -m pytest -q tests/web/screenshots.py

lint: env-dev ## Kiểm tra mã nguồn · Check style, types and import contracts
	@$(PYTHON) -m ruff check .
	@$(PYTHON) -m ruff format --check .
	@$(PYTHON) -m mypy
	@.venv/bin/lint-imports

check: lint test ## lint + test

audit: env-dev ## Lỗ hổng đã biết của các gói · Ask what is known against the locked packages
	@$(PYTHON) -m tools.supply_chain audit

sbom: env-dev ## Danh mục thành phần (CycloneDX) · Write what the service is made of
	@$(PYTHON) -m tools.supply_chain sbom

bench: env-dev ## Đo tốc độ · Measure against bare SQL, stock pygeoapi and tipg
	@$(PYTHON) -m tests.bench $(ARGS)

bench-peers: env-dev ## Đo với các phần mềm khác · Measure against other map servers (installs them)
	@$(PYTHON) -m tests.bench.against $(ARGS)

bench-evaluation: env-dev ## Đo việc tính quy tắc · Measure the evaluation of rules against SQL by hand
	@$(PYTHON) -m tests.bench.evaluation $(ARGS)

prove: env-dev ## Bằng chứng đầy đủ · Run one full proof (NAME=…)
	@if [ -n "$(NAME)" ] && [ -f "tests/prove/$(NAME).py" ]; then exec $(PYTHON) -m "tests.prove.$(NAME)" $(ARGS); fi; \
	echo "Chọn một tên · Choose one: make prove NAME=…"; \
	for file in tests/prove/[a-z]*.py; do [ -f "$$file" ] && basename "$$file" .py | sed 's/^/  /'; done; exit 2

conformance: env-dev ## Bộ kiểm thử OGC CITE · Run the OGC CITE suites and our own (Java, Maven or CITE_JARS)
	@$(PYTHON) -m tests.prove.conformance $(ARGS)

doctor: env ## Tìm điều còn thiếu · Say what is missing or misconfigured
	@.venv/bin/diaban doctor

stop: env ## Dừng dịch vụ và cơ sở dữ liệu riêng · Stop the service and the private database
	@.venv/bin/diaban stop

clean: ## Xoá .venv (và dữ liệu nếu DATA_TOO=1) · Remove .venv (and the data with DATA_TOO=1)
ifneq ($(filter-out 0 no false,$(DATA_TOO)),)
	@sh app/bootstrap.sh demo
	@$(PYTHON) -P -c 'from pathlib import Path; from app.cluster import remove_clusters; remove_clusters(Path.cwd())'
endif
	@rm -rf .venv .venv.lock .mypy_cache .ruff_cache .pytest_cache .import_linter_cache .hypothesis

lock: env ## Làm lại các tệp khoá · Remake the lock files from pyproject.toml
	@set -e; compile=".venv/bin/uv pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-emit-find-links"; \
	$$compile pyproject.toml -o requirements.lock; \
	$$compile --extra dev -c requirements.lock pyproject.toml -o requirements-dev.lock; \
	sed -n 's/^\(uv==[0-9.]*\).*/\1/p' requirements-bootstrap.lock | $$compile --no-header --no-annotate - -o requirements-bootstrap.lock

env:
	@sh app/bootstrap.sh demo

env-dev:
	@sh app/bootstrap.sh dev
