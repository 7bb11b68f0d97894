#!/bin/sh
# The workshop is tried on small trees with known faults: what it is there to notice, it notices.
set -u
here=$(cd "$(dirname "$0")/../.." && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

# expect NAME STATUS PATTERN COMMAND...: the command ends with this status and says this
expect() {
	name=$1 status=$2 pattern=$3
	shift 3
	"$@" >"$work/out" 2>&1
	got=$?
	if [ "$got" != "$status" ]; then
		echo "FAIL $name: exit status $got, not $status: $(tail -n 3 "$work/out" | tr '\n' ' ')"
	elif ! grep -qE -e "$pattern" "$work/out"; then
		echo "FAIL $name: does not say '$pattern': $(head -n 3 "$work/out" | tr '\n' ' ')"
	else
		echo "ok $name"
	fi
}

tree() {
	rm -rf "$work/t"
	mkdir -p "$work/t/src/tcp" "$work/t/src/base" "$work/t/tests" "$work/t/include" "$work/t/tools"
	cp -r "$here/tools/." "$work/t/tools"
	cp "$here/.clang-format" "$here/Makefile" "$work/t"
	printf '/* a.c - nothing */\n' >"$work/t/src/tcp/a.c"
}

# --- lint ------------------------------------------------------------------------------------------

lint() {
	"$work/t/tools/lint" --quick --root "$work/t"
}
put() {
	tree
	{
		echo '/* a.c - a fault */'
		cat
	} >"$work/t/src/tcp/$1"
}

tree
expect lint_clean_tree_passes 0 'nothing found' lint
put a.c <<'C'
#include <string.h>
C
expect lint_libc_header_in_core_is_found 1 'no libc header' lint
put a.c <<'C'
#include "tcp/none.h"
C
expect lint_missing_header_is_found 1 'not in the tree' lint
put a.c <<'C'
#include "base/up.h"
C
printf '/* up.h */\n#include "tcp/x.h"\n' >"$work/t/src/base/up.h"
printf '/* x.h */\n' >"$work/t/src/tcp/x.h"
expect lint_arrow_upward_is_found 1 'src/base may not include src/tcp/x.h' lint
put a.c <<'C'
#ifdef __linux__
#endif
C
expect lint_conditional_in_core_is_found 1 'no #if' lint
put a.c <<'C'
static const double x = 1;
C
expect lint_floating_point_in_core_is_found 1 'floating' lint
put a.c <<'C'
enum e { A, B };
int f(enum e e);
int f(enum e e)
{
	switch (e) {
	case A: return 1;
	default: return 2;
	}
}
C
expect lint_default_over_enum_is_found 1 ':6: a switch over enum e has no default' lint
put a.c <<'C'
int f(int e);
int f(int e)
{
	switch (e) {
	case 1: return 1;
	default: return 2;
	}
}
C
expect lint_default_over_int_passes 0 'nothing found' lint
put a.c <<'C'
int f(int e);
int f(int e)
{
	return e > 0 ? f(e - 1) : 0;
}
C
expect lint_recursion_in_core_is_found 1 'calls itself' lint
{
	echo 'int f(void);'
	echo 'int f(void)'
	echo '{'
	yes '	f0();' | head -n 69
	echo '}'
} | put a.c
expect lint_long_function_is_found 1 'f: 71 lines' lint
yes 'int x;' | head -n 600 | put a.c
expect lint_long_file_is_found 1 '601 lines: a file' lint
put a.c <<'C'
int f(int a) {
	return a;
}
C
expect lint_brace_of_function_is_found 1 'own line' lint
put a.c <<'C'
int f(int a);
int f(int a)
{
	if(a)
		return 1;
	return 0;
}
C
expect lint_layout_is_found 1 ':5: layout' lint
printf 'int x; \n' | put a.c
expect lint_trailing_blank_is_found 1 'blank at the end' lint
printf '/* TO%s: more */\n' DO | put a.c
expect lint_unfinished_work_is_found 1 'unfinished' lint

# --- purity ----------------------------------------------------------------------------------------

pure() {
	tree
	mkdir -p "$work/t/include/trivet"
	echo 'TV_API int tv_shown(void);' >"$work/t/include/trivet/trivet.h"
	cat >"$work/t/x.c"
	gcc -O2 -fno-stack-protector -c -o "$work/t/x.o" "$work/t/x.c" &&
		gcc -shared -fPIC -o "$work/t/x.so" "$work/t/x.c"
}
pure <<'C'
void *memcpy(void *, const void *, unsigned long);
static const char *const words[] = { "a", "b" };
const char *tv_shown(char *p, unsigned long n) { memcpy(p, words[n & 1], n); return words[n & 1]; }
C
expect purity_clean_object_passes 0 'nothing found' "$work/t/tools/purity" "$work/t/x.o"
expect purity_declared_export_passes 0 'nothing found' "$work/t/tools/purity" "$work/t/x.so"
pure <<'C'
void *malloc(unsigned long);
void *f(void) { return malloc(3); }
C
expect purity_foreign_function_is_found 1 'needs malloc' "$work/t/tools/purity" "$work/t/x.o"
expect purity_undeclared_export_is_found 1 'shows f' "$work/t/tools/purity" "$work/t/x.so"
pure <<'C'
static int calls;
int f(void) { return ++calls; }
C
expect purity_zeroed_state_is_found 1 'writable bytes in .bss' "$work/t/tools/purity" "$work/t/x.o"
pure <<'C'
static int calls = 7;
int f(void) { return ++calls; }
C
expect purity_initialised_state_is_found 1 'writable bytes in .data' "$work/t/tools/purity" "$work/t/x.o"

# --- reqs ------------------------------------------------------------------------------------------

reqs() {
	"$work/t/tools/reqs" --root "$work/t"
}
required() {
	tree
	mkdir -p "$work/t/tests/script/x"
	{
		echo 'id,level,rfc9293_section,requirement,test_stimulus,test_expectation,verified,note'
		echo 'MUST-1,MUST,3.1,one,,,,'
		echo 'EV-02,EVENT,3.1,two,,,,'
	} >"$work/t/tests/requirements.csv"
	echo '/* [MUST-1] and RFC 9293 3.10 [EV-2] */' >>"$work/t/src/tcp/a.c"
	printf '// shows [MUST-1, EV-02]\n0 x\n' >"$work/t/tests/script/x/a.pkt"
}
required
expect reqs_cited_twice_passes 0 '2 without a hole' reqs
expect reqs_document_names_the_test 0 'x/a.pkt' cat "$work/t/docs/REQUIREMENTS.md"
required
printf '0 x\n// late [MUST-1, EV-02]\n' >"$work/t/tests/script/x/a.pkt"
expect reqs_citation_behind_the_first_lines_does_not_count 1 'MUST-1: not tested' reqs
required
echo '/* a.c */' >"$work/t/src/tcp/a.c"
expect reqs_not_enforced_is_a_hole 1 'EV-02: not enforced' reqs
required
echo '/* [MUST-77] */' >>"$work/t/src/tcp/a.c"
expect reqs_unknown_id_is_found 1 'MUST-77: no such requirement' reqs
required
printf 'id\twhy\tline\nEV-02\tnobody sees it\tsrc/tcp/a.c: not there\n' >"$work/t/tests/reqs-exempt.tsv"
expect reqs_exemption_without_its_line_is_found 1 'does not stand in' reqs
required
echo '/* [MUST-1] */' >"$work/t/src/tcp/a.c"
printf 'id\treason\nEV-02\tas Linux does\n' >"$work/t/tests/reqs-deviations.tsv"
expect reqs_deviation_is_printed 0 'EV-02: deviation: as Linux does' reqs

# --- tally -----------------------------------------------------------------------------------------

tally() {
	rm -rf "$work/r"
	"$here/tools/tally" --limit 1 --results "$work/r" "$@" && "$here/tools/tally" --sum "$work/r"
}
expect tally_adds_up 0 '^3 passed, 0 failed, 1 skipped$' tally "lines printf 'ok a\nnot run: no\n'" \
	"counts echo '2 passed, 0 failed'"
expect tally_failed_line_fails 1 '^1 passed, 1 failed, 0 skipped$' tally "lines printf 'ok a\nFAIL b: x\n'"
expect tally_silence_fails 1 '^0 passed, 1 failed' tally "cmocka true"
expect tally_crash_behind_success_fails 1 '^1 passed, 1 failed' tally "lines sh -c 'echo ok a; kill -9 \$\$'"
expect tally_late_program_fails 1 'still running after' tally "plain sleep 20"
expect tally_owed_is_not_counted 0 '^1 passed, 0 failed, 0 skipped$' tally "lines printf 'ok a\nowed b: c\n'"

# The first of a row leaves a file that the second needs; the one beside them waits for nobody.
expect tally_row_runs_in_order 0 '^2 passed, 0 failed, 0 skipped$' tally -j 2 "row:plain sh -c 'mkdir $work/row'" \
	"row:plain rmdir $work/row"
expect tally_row_needs_a_known_kind 2 'what kind is' tally "row:what true"

# --- mutants ---------------------------------------------------------------------------------------

mutated() {
	tree
	mkdir -p "$work/t/tests/unit" "$work/t/docs"
	cat >"$work/t/src/tcp/a.c" <<'C'
/* a.c - two checks */
int tv_judge(int x);
int tv_judge(int x)
{
	if (x < 0) return 1;
	if (x > 9) return 2;
	return 0;
}
C
	cat >"$work/t/tests/unit/test_a.c"
}
mutants() {
	"$work/t/tools/mutants" --build "$work/m" -j 1 "$@"
}
test_program='#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
int tv_judge(int x);
static void t(void **s) { (void)s; BODY }
int main(void) { const struct CMUnitTest a[] = { cmocka_unit_test(t) }; return cmocka_run_group_tests(a, 0, 0); }'
with() {
	echo "$test_program" | sed "s/BODY/$1/" | mutated
}
with 'for (int i = -3; i < 13; i++) assert_int_equal(tv_judge(i), i < 0 ? 1 : i > 9 ? 2 : 0);'
expect mutants_good_test_kills_all 0 '6 mutants, 6 killed \(100.0 %\)' mutants
with 'assert_int_equal(tv_judge(-1), 1); assert_int_equal(tv_judge(4), 0);'
expect mutants_weak_test_is_found 1 'survives: src/tcp/a.c:6 tv_judge: delete' mutants
expect mutants_progress_is_kept 1 '3 survive' mutants
sed -i 's/-$/x is above 9/' "$work/t/docs/mutants.tsv"
rm -rf "$work/m"
expect mutants_reason_is_kept 1 '3 survive, 3 of them explained' mutants
expect mutants_survivors_alone_run_again 1 '^mutants: 3 mutants, 0 killed' mutants --survivors
expect mutants_explained_sample_passes 0 'seed 5' mutants --sample 6 --seed 5
with 'assert_int_equal(tv_judge(-1), 7);'
expect mutants_failing_test_is_told 2 'without a mutant' mutants
