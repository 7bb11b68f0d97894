# Trivet is built by GNU make from what it finds: a new file in a room that exists already needs no
# line here. A directory that is absent builds nothing.
#
#   BUILD=dir    where everything goes (default build)
#   CC=compiler  gcc and clang are both tried by the checks
#   CFLAGS=...   added to our own flags, after them
#   WERROR=      the targets that check turn warnings into errors; this lets them pass

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
WARN = -Wall -Wextra -Wconversion -Wshadow
SAN =
BASE_CFLAGS = -std=c11 -O2 -g -Iinclude -Isrc $(WARN) $(WERROR) $(SAN)
CORE_CFLAGS = $(BASE_CFLAGS) -fvisibility=hidden
# Empty on purpose: a file that says "#define _GNU_SOURCE" itself is not a redefinition.
HOST_CFLAGS = $(BASE_CFLAGS) -D_GNU_SOURCE= -I. -pthread
LINK_FLAGS = $(SAN) -pthread -Wl,--as-needed

# Kernels for one instruction set are files with a suffix; the configuration decides at run time.
isa = $(if $(filter %_avx2.c,$1),-mavx2)$(if $(filter %_avx512.c,$1),-mavx512f -mavx512bw -mavx512vl)

# --- sources ---------------------------------------------------------------------------------------

CPU := $(firstword $(subst -, ,$(shell $(CC) -dumpmachine)))
# A processor without a folder of its own gets src/arch/other, if there is one.
ARCH_DIR := $(firstword $(wildcard src/arch/$(CPU)) src/arch/other)
CORE_SRC := $(sort $(filter-out src/arch/%,$(wildcard src/*/*.c src/*/*/*.c)) \
	$(wildcard src/arch/portable/*.c $(ARCH_DIR)/*.c))
TOOL_SRC := $(sort $(wildcard links/*.c host/*.c posix/*.c sim/*.c diagnose/*.c gateway/*.c))
CLI_SRC := $(wildcard cli/*.c)
RUNNER_SRC := $(wildcard tests/runner/*.c)
BENCH_SRC := $(wildcard bench/*.c)
GRID_SRC := $(wildcard tests/grid/*.c)
UNIT_SRC := $(wildcard tests/unit/test_*.c)
SIM_SRC := $(wildcard tests/sim/test_*.c)
FUZZ_SRC := $(wildcard tests/fuzz/fuzz_*.c)
EXAMPLE_SRC := $(wildcard examples/*.c)
# What the tests of one directory share: the files there that are no test themselves.
UNIT_HELP := $(filter-out $(UNIT_SRC),$(wildcard tests/unit/*.c))
SIM_HELP := $(filter-out $(SIM_SRC),$(wildcard tests/sim/*.c))
FUZZ_HELP := $(filter-out $(FUZZ_SRC),$(wildcard tests/fuzz/*.c))

obj = $(patsubst %.c,$(BUILD)/obj/%.o,$1)
CORE_OBJ := $(call obj,$(CORE_SRC))
PIC_OBJ := $(patsubst %.c,$(BUILD)/pic/%.o,$(CORE_SRC))
HOST_OBJ := $(call obj,$(TOOL_SRC) $(CLI_SRC) $(RUNNER_SRC) $(BENCH_SRC) $(GRID_SRC) $(UNIT_SRC) \
	$(SIM_SRC) $(FUZZ_SRC) $(EXAMPLE_SRC) $(UNIT_HELP) $(SIM_HELP) $(FUZZ_HELP))

LIB := $(if $(CORE_SRC),$(BUILD)/libtrivet.a)
SHARED := $(if $(CORE_SRC),$(BUILD)/libtrivet.so)
TOOL_LIB := $(if $(TOOL_SRC),$(BUILD)/libtrivet-tool.a)
CLI_LIB := $(if $(CLI_SRC),$(BUILD)/libtrivet-cli.a)
RUNNER_LIB := $(if $(RUNNER_SRC),$(BUILD)/libtrivet-script.a)
TRIVET := $(if $(CLI_SRC),$(BUILD)/trivet)
SCRIPT := $(if $(RUNNER_SRC),$(BUILD)/trivet-script)
BENCH := $(if $(BENCH_SRC),$(BUILD)/trivet-bench)
GRID := $(if $(GRID_SRC),$(BUILD)/test_grid)
UNIT := $(patsubst %.c,$(BUILD)/%,$(UNIT_SRC))
SIM := $(patsubst %.c,$(BUILD)/%,$(SIM_SRC))
FUZZ := $(patsubst %.c,$(BUILD)/%,$(FUZZ_SRC))
EXAMPLES := $(patsubst %.c,$(BUILD)/%,$(EXAMPLE_SRC))

TOOL_LIBS = $(if $(TOOL_SRC)$(CLI_SRC),$(shell $(PKG_CONFIG) --libs libpcap jansson))
CMOCKA_LIBS = $(shell $(PKG_CONFIG) --libs cmocka)

# --- what is built ---------------------------------------------------------------------------------

.PHONY: all examples unit-programs programs fuzz-programs FORCE
all: $(LIB) $(SHARED) $(TRIVET) $(SCRIPT)
examples: $(EXAMPLES)
unit-programs: $(UNIT) $(GRID) $(SIM)
programs: all examples unit-programs $(BENCH)
fuzz-programs: $(FUZZ)

# Objects are made again when the compiler or its flags change.
FLAGS_TEXT = $(CC) $(CORE_CFLAGS) $(HOST_CFLAGS) $(CFLAGS) $(LINK_FLAGS) $(LDFLAGS)
$(BUILD)/flags: FORCE
	@mkdir -p $(@D)
	@echo '$(FLAGS_TEXT)' | cmp -s - $@ || echo '$(FLAGS_TEXT)' > $@

$(CORE_OBJ): $(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CORE_CFLAGS) $(call isa,$<) $(CFLAGS) -MMD -MP -c -o $@ $<

$(PIC_OBJ): $(BUILD)/pic/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(CORE_CFLAGS) -fPIC $(call isa,$<) $(CFLAGS) -MMD -MP -c -o $@ $<

$(HOST_OBJ): $(BUILD)/obj/%.o: %.c $(BUILD)/flags
	@mkdir -p $(@D)
	$(CC) $(HOST_CFLAGS) $(CFLAGS) -MMD -MP -c -o $@ $<

$(BUILD)/libtrivet.a: $(CORE_OBJ)
$(BUILD)/libtrivet-tool.a: $(call obj,$(TOOL_SRC))
$(BUILD)/libtrivet-cli.a: $(call obj,$(CLI_SRC))
$(BUILD)/libtrivet-script.a: $(call obj,$(RUNNER_SRC))
$(BUILD)/%.a:
	@rm -f $@
	$(AR) rcs $@ $^

$(BUILD)/libtrivet.so: $(PIC_OBJ)
	$(CC) -shared -Wl,-soname,libtrivet.so.0 $(SAN) $(LDFLAGS) -o $@ $(PIC_OBJ)

link = $(CC) $(LINK_FLAGS) $(CFLAGS) $(LDFLAGS) -o $@ $1 $(LDLIBS)

$(BUILD)/trivet: $(call obj,$(CLI_SRC)) $(TOOL_LIB) $(LIB)
	$(call link,$^ $(TOOL_LIBS))
$(BUILD)/trivet-script: $(call obj,$(RUNNER_SRC)) $(TOOL_LIB) $(LIB)
	$(call link,$^ $(TOOL_LIBS))
$(BUILD)/trivet-bench: $(call obj,$(BENCH_SRC)) $(TOOL_LIB) $(LIB)
	$(call link,$^ $(TOOL_LIBS))
$(BUILD)/test_grid: $(call obj,$(GRID_SRC)) $(TOOL_LIB) $(LIB)
	$(call link,$^ $(TOOL_LIBS) $(CMOCKA_LIBS))

TEST_LIBS = $(CLI_LIB) $(RUNNER_LIB) $(TOOL_LIB) $(LIB)
$(UNIT): $(BUILD)/%: $(BUILD)/obj/%.o $(call obj,$(UNIT_HELP)) $(TEST_LIBS)
	@mkdir -p $(@D)
	$(call link,$^ $(TOOL_LIBS) $(CMOCKA_LIBS))
$(SIM): $(BUILD)/%: $(BUILD)/obj/%.o $(call obj,$(SIM_HELP)) $(TEST_LIBS)
	@mkdir -p $(@D)
	$(call link,$^ $(TOOL_LIBS) $(CMOCKA_LIBS))
$(EXAMPLES): $(BUILD)/%: $(BUILD)/obj/%.o $(TOOL_LIB) $(LIB)
	@mkdir -p $(@D)
	$(call link,$^ $(TOOL_LIBS))
$(FUZZ): $(BUILD)/%: $(BUILD)/obj/%.o $(call obj,$(FUZZ_HELP)) $(TEST_LIBS)
	@mkdir -p $(@D)
	$(call link,-fsanitize=fuzzer $^ $(TOOL_LIBS))

-include $(patsubst %.o,%.d,$(CORE_OBJ) $(PIC_OBJ) $(HOST_OBJ))

.PHONY: clean
clean:
	rm -rf $(BUILD)
