# Trivet is built by GNU make from what it finds: a new file in a room that exists already needs no
# line here. A directory that is absent builds nothing.
#
#   BUILD=dir    where everything goes (default build)
#   CC=compiler  gcc and clang are both tried by the checks
#   CFLAGS=...   added to our own flags, after them
#   V=1          print whole commands
#   WERROR=      the targets that check turn warnings into errors; this lets them pass
#
# Targets: all demo check test attacks san fuzz bench cover reqs captures cases portable mutants lint install
# uninstall clean, and one file for each program: build/trivet, build/trivet-script, build/trivet-bench,
# build/tests/unit/test_*.

BUILD ?= build
ifeq ($(origin CC),default)
CC = gcc
endif
AR ?= ar
PKG_CONFIG ?= pkg-config
PREFIX ?= /usr/local
VERSION = 0.1.0

# --- flags -----------------------------------------------------------------------------------------

LENIENT = all demo install uninstall bench examples clean
WERROR = $(if $(filter-out $(LENIENT),$(MAKECMDGOALS)),-Werror)
# For the mutants: LINKAGE=shared links the tests once, with a shared core that shows all; they are
# run with LD_LIBRARY_PATH.
LINKAGE = static
WARN = -Wall -Wextra -Wconversion -Wshadow
SAN =
BASE_CFLAGS = -std=c11 -O2 -g -Iinclude -Isrc -I$(WORDS_DIR) $(WARN) $(SAN)
# Compilers write two neighbouring fields of a record through a vector register: four steps instead of two stores.
# The same objects are the static and the shared library: nobody takes the place of one of its own calls.
CORE_CFLAGS = $(BASE_CFLAGS) -fno-tree-slp-vectorize $(if $(filter shared,$(LINKAGE)),-fPIC,-fPIE -fvisibility=hidden)
# Empty on purpose: a file that says "#define _GNU_SOURCE" itself is not a redefinition.
HOST_CFLAGS = $(BASE_CFLAGS) -D_GNU_SOURCE= -I. -pthread
LINK_FLAGS = $(SAN) -pthread -Wl,--as-needed

# Kernels for one instruction set are files with a suffix; the configuration decides at run time.
isa = $(if $(filter %_avx2.c,$1),-mavx2)$(if $(filter %_avx512.c,$1),-mavx512f -mavx512bw -mavx512vl)

say = $(if $(V),,@printf '  %-5s %s\n' '$1' '$(patsubst $(BUILD)/%,%,$2)' &&)

# --- sources ---------------------------------------------------------------------------------------

CPU := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))
# A processor without a folder of its own gets src/arch/other, if there is one.
ARCH_DIR := $(firstword $(wildcard src/arch/$(CPU)) src/arch/other)
# Where words.h is: sanitizers see nothing of what assembly reads.
WORDS_DIR = $(if $(SAN),src/arch/other,$(ARCH_DIR))
CORE_SRC := $(sort $(filter-out src/arch/%,$(wildcard src/*/*.c src/*/*/*.c)) \
	$(wildcard src/arch/portable/*.c $(ARCH_DIR)/*.c))
TOOL_SRC := $(sort $(wildcard links/*.c host/*.c posix/*.c sim/*.c diagnose/*.c gateway/*.c))
CLI_SRC := $(filter-out cli/elsewhere/%,$(wildcard cli/*.c cli/*/*.c))
RUNNER_SRC := $(wildcard tests/runner/*.c)
BENCH_SRC := $(wildcard bench/*.c)
GRID_SRC := $(wildcard tests/grid/*.c)
ATTACK_SRC := $(wildcard tests/attack/*.c)
UNIT_SRC := $(wildcard tests/unit/test_*.c)
SIM_SRC := $(wildcard tests/sim/test_*.c)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
# Peers for the live tests, one program each.
LIVE_SRC := $(wildcard tests/live/*.c)
EXAMPLE_SRC := $(wildcard examples/*.c)
# What the tests of one directory share: the files there that are no test themselves. They become an
# archive, so that a test that brings its own core is not given the whole one.
UNIT_HELP := $(filter-out $(UNIT_SRC),$(wildcard tests/unit/*.c))
SIM_HELP := $(filter-out $(SIM_SRC),$(wildcard tests/sim/*.c))
# Of the tool's verbs the fuzzer's programs have only what their targets call: a build with its counters takes long.
FUZZ_HELP := $(filter-out $(FUZZ_SRC),$(wildcard tests/fuzz/*.c)) $(addprefix cli/,address.c common.c explain_page.c \
	fastopen.c findings.c http_request.c ls_gather.c ls_odd.c ls_print.c machine.c options.c reading.c)
TEST_HELP = $(UNIT_HELP) $(SIM_HELP) $(filter-out cli/%,$(FUZZ_HELP))

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$1)
CORE_OBJ := $(call obj,$(CORE_SRC))
HOST_OBJ := $(call obj,$(TOOL_SRC) $(CLI_SRC) $(RUNNER_SRC) $(BENCH_SRC) $(GRID_SRC) $(ATTACK_SRC) $(UNIT_SRC) \
	$(SIM_SRC) $(FUZZ_SRC) $(LIVE_SRC) $(EXAMPLE_SRC) $(TEST_HELP))

LIB := $(if $(CORE_SRC),$(BUILD)/$(if $(filter shared,$(LINKAGE)),libtrivet-all.so,libtrivet.a))
SHARED := $(if $(CORE_SRC),$(BUILD)/libtrivet.so)
TOOL_LIB := $(if $(TOOL_SRC),$(BUILD)/libtrivet-tool.a)
CLI_LIB := $(if $(CLI_SRC),$(BUILD)/libtrivet-cli.a)
RUNNER_LIB := $(if $(RUNNER_SRC),$(BUILD)/libtrivet-script.a)
UNIT_LIB := $(if $(UNIT_HELP),$(BUILD)/tests-unit.a)
SIM_LIB := $(if $(SIM_HELP),$(BUILD)/tests-sim.a)
FUZZ_LIB := $(if $(FUZZ_HELP),$(BUILD)/tests-fuzz.a)
TRIVET_BIN := $(if $(CLI_SRC),$(BUILD)/trivet)
SCRIPT := $(if $(RUNNER_SRC),$(BUILD)/trivet-script)
BENCH := $(if $(BENCH_SRC),$(BUILD)/trivet-bench)
GRID := $(if $(GRID_SRC),$(BUILD)/test_grid)
ATTACKS := $(if $(ATTACK_SRC),$(BUILD)/test_attacks)
UNIT := $(patsubst %.c,$(BUILD)/%,$(UNIT_SRC))
SIM := $(patsubst %.c,$(BUILD)/%,$(SIM_SRC))
FUZZ := $(patsubst %.c,$(BUILD)/%,$(FUZZ_SRC))
LIVE_PEERS := $(patsubst %.c,$(BUILD)/%,$(LIVE_SRC))
EXAMPLES := $(patsubst %.c,$(BUILD)/%,$(EXAMPLE_SRC))

TOOL_LIBS = $(if $(TOOL_SRC)$(CLI_SRC),$(shell $(PKG_CONFIG) --libs libpcap jansson zlib openssl))
CMOCKA_LIBS = $(shell $(PKG_CONFIG) --libs cmocka)

# --- what is built ---------------------------------------------------------------------------------

.PHONY: all examples unit-programs mutant-programs programs fuzz-programs FORCE
all: $(LIB) $(SHARED) $(TRIVET_BIN) $(SCRIPT)
examples: $(EXAMPLES)
unit-programs: $(UNIT) $(GRID) $(SIM)
mutant-programs: $(UNIT) $(GRID) $(SCRIPT)
programs: all examples unit-programs $(ATTACKS) $(BENCH) $(LIVE_PEERS)
fuzz-programs: $(FUZZ)

# Objects are made again when the compiler or its flags change.
FLAGS_TEXT = $(CC) $(CORE_CFLAGS) $(HOST_CFLAGS) $(CFLAGS) $(LINK_FLAGS) $(LDFLAGS)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(FLAGS_TEXT)' | cmp -s - $@ || echo '$(FLAGS_TEXT)' > $@

# Archives are made again when a source comes or goes.
$(BUILD)/sources: FORCE
	@mkdir -p $(@D)
	@echo '$(CORE_SRC) $(TOOL_SRC) $(CLI_SRC) $(RUNNER_SRC) $(TEST_HELP)' | cmp -s - $@ || \
		echo '$(CORE_SRC) $(TOOL_SRC) $(CLI_SRC) $(RUNNER_SRC) $(TEST_HELP)' > $@

$(CORE_OBJ): $(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(CORE_CFLAGS) $(call isa,$<) $(CFLAGS) $(WERROR) -MMD -MP -c -o $@ $<

# The benchmarks tell the flags that they were made with.
$(BUILD)/obj/bench/main.o: private HOST_CFLAGS += -DTV_BENCH_FLAGS='"$(strip $(CORE_CFLAGS) $(CFLAGS))"'
# What a test does itself takes no time worth the compiler's.
$(call obj,$(UNIT_SRC) $(UNIT_HELP) $(SIM_SRC) $(SIM_HELP) $(ATTACK_SRC)): private HOST_CFLAGS += -O1
$(HOST_OBJ): $(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(HOST_CFLAGS) $(CFLAGS) $(WERROR) -MMD -MP -c -o $@ $<

$(BUILD)/libtrivet.a: $(CORE_OBJ)
$(BUILD)/libtrivet-tool.a: $(call obj,$(TOOL_SRC))
$(BUILD)/libtrivet-cli.a: $(call obj,$(CLI_SRC))
$(BUILD)/libtrivet-script.a: $(call obj,$(RUNNER_SRC))
$(BUILD)/tests-unit.a: $(call obj,$(UNIT_HELP))
$(BUILD)/tests-sim.a: $(call obj,$(SIM_HELP))
$(BUILD)/tests-fuzz.a: $(call obj,$(FUZZ_HELP))
$(BUILD)/%.a: $(BUILD)/sources
	@rm -f $@
	$(call say,AR,$@)$(AR) rcs $@ $(filter %.o,$^)

$(BUILD)/libtrivet.so: $(CORE_OBJ)
	$(call say,LINK,$@)$(CC) -shared -Wl,-soname,libtrivet.so.0 -Wl,-Bsymbolic $(SAN) $(LDFLAGS) -o $@ $(CORE_OBJ)

$(BUILD)/libtrivet-all.so: $(CORE_OBJ)
	$(call say,LINK,$@)$(CC) -shared $(SAN) $(LDFLAGS) -o $@ $(CORE_OBJ)

link = $(CC) $(LINK_FLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $1 $(LDLIBS)

$(BUILD)/trivet: $(call obj,$(CLI_SRC)) $(TOOL_LIB) $(LIB)
	$(call say,LINK,$@)$(call link,$^ $(TOOL_LIBS))
$(BUILD)/trivet-script: $(call obj,$(RUNNER_SRC)) $(TOOL_LIB) $(LIB)
	$(call say,LINK,$@)$(call link,$^ $(TOOL_LIBS))
$(BUILD)/trivet-bench: $(call obj,$(BENCH_SRC)) $(TOOL_LIB) $(LIB)
	$(call say,LINK,$@)$(call link,$^ $(TOOL_LIBS))
$(BUILD)/test_grid: $(call obj,$(GRID_SRC)) $(TOOL_LIB) $(LIB)
	$(call say,LINK,$@)$(call link,$^ $(TOOL_LIBS) $(CMOCKA_LIBS))
$(BUILD)/test_attacks: $(call obj,$(ATTACK_SRC)) $(UNIT_LIB) $(TOOL_LIB) $(LIB)
	$(call say,LINK,$@)$(call link,$^ $(TOOL_LIBS) $(CMOCKA_LIBS))

TEST_LIBS = $(CLI_LIB) $(RUNNER_LIB) $(TOOL_LIB) $(LIB)
$(UNIT): $(BUILD)/%: $(BUILD)/obj/%.o $(UNIT_LIB) $(TEST_LIBS)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(call link,$^ $(TOOL_LIBS) $(CMOCKA_LIBS))
$(SIM): $(BUILD)/%: $(BUILD)/obj/%.o $(SIM_LIB) $(TEST_LIBS)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(call link,$^ $(TOOL_LIBS) $(CMOCKA_LIBS))
$(EXAMPLES) $(LIVE_PEERS): $(BUILD)/%: $(BUILD)/obj/%.o $(TOOL_LIB) $(LIB)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(call link,$^ $(TOOL_LIBS))
$(FUZZ): $(BUILD)/%: $(BUILD)/obj/%.o $(FUZZ_LIB) $(TOOL_LIB) $(LIB)
	@mkdir -p $(@D)
	$(call say,LINK,$@)$(call link,-fsanitize=fuzzer $^ $(TOOL_LIBS))

-include $(patsubst %.o,%.d,$(CORE_OBJ) $(HOST_OBJ))

# --- purity: what the core needs from outside, natively and for WebAssembly -------------------------

WASM_SRC := $(filter-out src/arch/%,$(CORE_SRC)) $(wildcard src/arch/portable/*.c src/arch/other/*.c)
# A compiler that guards the stack of its own accord (Ubuntu's) calls for help from outside: there the core is made again.
GUARDS := $(filter __SSP%,$(shell echo | $(CC) $(CORE_CFLAGS) $(CFLAGS) -dM -E -x c - 2>/dev/null))
PURE_OBJ := $(if $(GUARDS),$(patsubst %.c,$(BUILD)/pure/%.o,$(CORE_SRC)),$(CORE_OBJ))
WASM_OBJ := $(patsubst %.c,$(BUILD)/wasm/%.o,$(WASM_SRC))

$(filter $(BUILD)/pure/%,$(PURE_OBJ)): $(BUILD)/pure/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(CORE_CFLAGS) -fno-stack-protector $(call isa,$<) $(CFLAGS) $(WERROR) -MMD -MP -c -o $@ $<

$(WASM_OBJ): $(BUILD)/wasm/%.o: %.c
	@mkdir -p $(@D)
	$(call say,WASM,$@)clang --target=wasm32 -ffreestanding -std=c11 -O2 -Iinclude -Isrc -Isrc/arch/other $(WARN) $(WERROR) -MMD -MP -c -o $@ $<

$(BUILD)/core-native.o: $(PURE_OBJ)
	$(call say,LD,$@)ld -r -o $@ $^
$(BUILD)/core-wasm.o: $(WASM_OBJ)
	$(call say,LD,$@)wasm-ld -r -o $@ $^

PURITY = $(if $(CORE_SRC),$(BUILD)/core-native.o $(BUILD)/core-wasm.o $(SHARED))
.PHONY: purity
purity: $(PURITY)
	tools/purity $(PURITY)

-include $(patsubst %.o,%.d,$(filter $(BUILD)/pure/%,$(PURE_OBJ)) $(WASM_OBJ))

# --- portable: explain, ladder and demo --sim, with POSIX and three libraries alone --------------------

# POSIX has no u_int and its like, which libpcap's header wants.
PORTABLE_CFLAGS = -std=c11 -O2 -g -I. -Iinclude -Isrc -Isrc/arch/other $(WARN) -D_POSIX_C_SOURCE=200809L -Du_char='unsigned char' \
	-Du_short='unsigned short' -Du_int='unsigned int' -Du_long='unsigned long'
PORTABLE_CLI := $(addprefix cli/,main.c explain.c explain_page.c findings.c ladder.c demo.c demo_scene.c demo_sim.c \
	common.c options.c reading.c address.c elsewhere/verbs.c) $(wildcard cli/experiments/*.c)
PORTABLE_SRC := $(WASM_SRC) $(wildcard sim/*.c diagnose/*.c) links/records.c links/pcap.c links/offload.c $(PORTABLE_CLI)
PORTABLE_OBJ := $(patsubst %.c,$(BUILD)/portable/%.o,$(PORTABLE_SRC))

$(PORTABLE_OBJ): $(BUILD)/portable/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(call say,CC,$@)$(CC) $(PORTABLE_CFLAGS) $(CFLAGS) -Werror -MMD -MP -c -o $@ $<
$(BUILD)/trivet-portable: $(PORTABLE_OBJ)
	$(call say,LINK,$@)$(CC) $(CFLAGS) $(LDFLAGS) -o $@ $^ $(TOOL_LIBS)

.PHONY: portable
portable: $(BUILD)/trivet-portable
	@tools/portable $(PORTABLE_SRC)
	@$(BUILD)/trivet-portable demo --sim -q -w $(BUILD)/portable.pcap > $(BUILD)/portable.out
	@$(BUILD)/trivet-portable ladder $(BUILD)/portable.pcap >> $(BUILD)/portable.out
	@$(BUILD)/trivet-portable explain $(BUILD)/portable.pcap >> $(BUILD)/portable.out; test $$? = 1

-include $(patsubst %.o,%.d,$(PORTABLE_OBJ))

# --- what runs -------------------------------------------------------------------------------------

# Every test program prints one line; the last line of a run adds them up. A stage never stops the
# run: what failed is in the sum.
RESULTS = $(BUILD)/results
SUM = tools/tally --sum $(RESULTS)
JOBS := $(shell nproc 2>/dev/null || echo 1)
TALLY = tools/tally --results $(RESULTS) -j $(JOBS)
SCRIPT_AREAS := $(sort $(dir $(wildcard tests/script/*/*.pkt)))
# What is executable is a test; what is not is there for the others.
CHECKS := $(sort $(shell find tests/check -maxdepth 1 -type f -perm -u+x 2>/dev/null))
LIVE := $(sort $(shell find tests/live -maxdepth 1 -type f -perm -u+x 2>/dev/null))

# For the tests, which may call make themselves, and programs.
export CC CFLAGS
export BUILD_DIR = $(abspath $(BUILD))
export TRIVET = $(BUILD_DIR)/trivet
export TRIVET_SCRIPT = $(BUILD_DIR)/trivet-script

# Those that take longest come first: at the end of a stage no core waits for one of them.
SLOW = $(addprefix $(BUILD)/tests/,sim/test_sim_talk unit/test_tcp_predict unit/test_base_table unit/test_tcp_early) $(GRID)
core-tests = $(foreach t,$(filter $(SLOW),$(SIM) $(GRID) $(UNIT)) $(filter-out $(SLOW),$(SIM) $(GRID) $(UNIT)),'cmocka $t') \
	$(if $(SCRIPT),$(foreach a,$(SCRIPT_AREAS),'counts $(SCRIPT) $(wildcard $a*.pkt)'))

.PHONY: demo check test attacks san fuzz bench cover reqs captures cases mutants lint
demo: $(TRIVET_BIN)
	@$(BUILD)/trivet demo

check test:
	@rm -rf $(RESULTS)
	@mkdir -p $(RESULTS)
	@$(foreach s,$(STAGES_$@),$(MAKE) --no-print-directory -s $s &&) $(SUM)
STAGES_check = stage-check
STAGES_test = stage-check stage-san stage-rest

.PHONY: stage-check stage-san stage-san-run stage-rest stage-fuzz
stage-check: programs $(PURITY)
	@$(TALLY) $(foreach t,$(CHECKS),'lines $t') 'plain tools/lint --quick' \
		$(if $(BENCH),'plain $(BENCH) --self-test') $(if $(ATTACKS),'lines $(ATTACKS) --quick') $(core-tests) \
		$(if $(CORE_SRC),'plain tools/purity $(PURITY)')

# Builds of their own: what libFuzzer counts would make the tests take twice as long.
SAN_ALL = -fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer
SAN_MAKE = $(MAKE) --no-print-directory BUILD=$(BUILD)/san CC=clang SAN='$(SAN_ALL)' CFLAGS='-O1 -g1' LDFLAGS=-fuse-ld=lld
stage-san:
	+@$(SAN_MAKE) RESULTS=$(RESULTS) stage-san-run
stage-san-run: unit-programs $(SCRIPT)
	@$(TALLY) --label san --limit 300 $(core-tests)

# The live tests wait for timers and peers most of the time, so they are a row of their own, one after another;
# beside it runs what only computes: the analysis, bounded here (make lint goes to its end), and each fuzz target.
# explain has to get it right as well: kept captures (make cases makes them), others made out of them, ten new ones.
stage-rest: all examples $(LIVE_PEERS)
	+@$(FUZZ_MAKE) fuzz-programs
	@$(TALLY) --limit 900 $(foreach t,$(LIVE),'live:lines $t') \
		'live:lines tests/cases/check.py --matrix $(BUILD)/cases.txt' \
		'plain tools/mutants --build $(BUILD)/mutants -j 1 --sample 40 --seed $(MUTANT_SEED)' \
		'plain tools/lint -j 1 --states 30000' $(fuzz-tests) \
		'plain $(MAKE) --no-print-directory -s portable' 'plain tools/reqs'; cat $(BUILD)/cases.txt

FUZZ_SECONDS ?= 60
# The sample of make test is the same for everybody; another one: make test MUTANT_SEED=N.
MUTANT_SEED ?= 5
FUZZ_MAKE = $(MAKE) --no-print-directory BUILD=$(BUILD)/fuzz CC=clang \
	SAN=-fsanitize=fuzzer-no-link,address,undefined CFLAGS='-g1 -fno-sanitize-recover=all' LDFLAGS=-fuse-ld=lld
fuzz-tests = $(foreach f,$(FUZZ_SRC),'plain tools/fuzz $(FUZZ_SECONDS) $(BUILD)/fuzz/tests/fuzz/$(basename $(notdir $f))')
stage-fuzz:
	+@$(FUZZ_MAKE) fuzz-programs
	@$(TALLY) --limit $$(($(FUZZ_SECONDS) + 120)) $(fuzz-tests)

san fuzz:
	@rm -rf $(RESULTS)
	@mkdir -p $(RESULTS)
	@$(MAKE) --no-print-directory -s stage-$@
	@$(SUM)
fuzz: FUZZ_SECONDS = 600
export FUZZ_SECONDS

# Each case of tests/attack/cases.tsv: what is asked, and what was measured.
attacks: $(ATTACKS)
	@$(ATTACKS)
bench: $(BENCH)
	@$(BENCH)
cover:
	@$(MAKE) --no-print-directory -s BUILD=$(BUILD)/cover CFLAGS='-O0 --coverage' cover-run
.PHONY: cover-run
cover-run: unit-programs $(SCRIPT)
	@rm -rf $(RESULTS); find $(BUILD) -name '*.gcda' -delete
	@$(TALLY) -j 1 $(core-tests) > $(BUILD)/log
	@tools/cover $(BUILD)
reqs:
	@tools/reqs
captures: $(TRIVET_BIN)
	@tools/captures --trivet $(BUILD)/trivet
cases:
	@tests/cases/make.py
mutants:
	@tools/mutants --build $(BUILD)/mutants -j $(JOBS)
lint:
	@tools/lint -j $(JOBS)

# --- install ---------------------------------------------------------------------------------------

BINDIR = $(PREFIX)/bin
LIBDIR = $(PREFIX)/lib
INCLUDEDIR = $(PREFIX)/include
MANDIR = $(PREFIX)/share/man
MAN := $(wildcard docs/man/*.[1-8])
# Where each shell looks for completions.
SHELL_BASH = $(PREFIX)/share/bash-completion/completions/trivet
SHELL_ZSH = $(PREFIX)/share/zsh/site-functions/_trivet
SHELL_FISH = $(PREFIX)/share/fish/vendor_completions.d/trivet.fish
to = $(DESTDIR)$1

.PHONY: install uninstall
install: $(LIB) $(SHARED) $(TRIVET_BIN)
	install -d $(call to,$(LIBDIR)/pkgconfig) $(call to,$(INCLUDEDIR)/trivet)
	install -m 644 $(BUILD)/libtrivet.a $(call to,$(LIBDIR)/libtrivet.a)
	install -m 755 $(BUILD)/libtrivet.so $(call to,$(LIBDIR)/libtrivet.so.$(VERSION))
	ln -sf libtrivet.so.$(VERSION) $(call to,$(LIBDIR)/libtrivet.so.0)
	ln -sf libtrivet.so.0 $(call to,$(LIBDIR)/libtrivet.so)
	install -m 644 include/trivet/trivet.h include/trivet/names.h $(call to,$(INCLUDEDIR)/trivet)
	sed -e 's|@PREFIX@|$(PREFIX)|' -e 's|@LIBDIR@|$(LIBDIR)|' -e 's|@INCLUDEDIR@|$(INCLUDEDIR)|' \
		-e 's|@VERSION@|$(VERSION)|' tools/trivet.pc.in > $(call to,$(LIBDIR)/pkgconfig/trivet.pc)
	chmod 644 $(call to,$(LIBDIR)/pkgconfig/trivet.pc)
ifneq ($(TRIVET_BIN),)
	install -d $(call to,$(BINDIR))
	install -m 755 $(TRIVET_BIN) $(call to,$(BINDIR)/trivet)
	install -d $(call to,$(dir $(SHELL_BASH))) $(call to,$(dir $(SHELL_ZSH))) $(call to,$(dir $(SHELL_FISH)))
	install -m 644 completions/trivet.bash $(call to,$(SHELL_BASH))
	install -m 644 completions/_trivet $(call to,$(SHELL_ZSH))
	install -m 644 completions/trivet.fish $(call to,$(SHELL_FISH))
endif
	$(foreach m,$(MAN),install -d $(call to,$(MANDIR)/man$(subst .,,$(suffix $m))) && \
		install -m 644 $m $(call to,$(MANDIR)/man$(subst .,,$(suffix $m))/$(notdir $m)) &&) true

uninstall:
	rm -f $(call to,$(LIBDIR)/libtrivet.a) $(call to,$(LIBDIR)/libtrivet.so) $(call to,$(LIBDIR)/libtrivet.so.0) \
		$(call to,$(LIBDIR)/libtrivet.so.$(VERSION)) $(call to,$(INCLUDEDIR)/trivet/trivet.h) $(call to,$(INCLUDEDIR)/trivet/names.h) \
		$(call to,$(LIBDIR)/pkgconfig/trivet.pc) $(call to,$(BINDIR)/trivet) \
		$(call to,$(SHELL_BASH)) $(call to,$(SHELL_ZSH)) $(call to,$(SHELL_FISH)) \
		$(foreach m,$(MAN),$(call to,$(MANDIR)/man$(subst .,,$(suffix $m))/$(notdir $m)))
	-rmdir $(call to,$(INCLUDEDIR)/trivet)

.PHONY: clean
clean:
	rm -rf $(BUILD)
