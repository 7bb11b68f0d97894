#!/bin/sh
# The library's manual page: its programs are those of examples/ to the letter, the one that needs
# nothing else is built against the installed library and runs, every call of the header is in the
# page and every call of the page in the header, and the page is well formed.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD_DIR:-build}
page=docs/man/trivet.3
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

step() {
	name=$1
	shift
	if "$@" >"$work/out" 2>&1; then
		echo "ok $name"
	else
		echo "FAIL $name: $(tail -n 3 "$work/out" | tr '\n' ' ')"
	fi
}

# A program as the page shows it.
program() {
	sed -n "/^\.\\\\\" $1 begins/,/^\.\\\\\" $1 ends/p" "$page" | grep -v '^\.\\"' |
		sed -e 's/^\\&//' -e 's/\\-/-/g' -e "s/\\\\(aq/'/g" -e 's/\\e/\\/g' >"$work/$1"
	diff "examples/$1" "$work/$1"
}
# The words that pkg-config prints are arguments, split on purpose.
# shellcheck disable=SC2046
runs() {
	make -s --no-print-directory BUILD="$build" install DESTDIR="$work/root" PREFIX=/opt >/dev/null || return 1
	gcc -Wall -Wextra -Werror -o "$work/loop" "$work/loop.c" $(PKG_CONFIG_PATH=$work/root/opt/lib/pkgconfig \
		pkg-config --define-variable=libdir="$work/root/opt/lib" \
		--define-variable=includedir="$work/root/opt/include" --cflags --libs trivet) || return 1
	LD_LIBRARY_PATH=$work/root/opt/lib "$work/loop" | grep -qx 'echoed: Hello'
}
calls() {
	grep -o '\<tv_[a-z0-9_]*(' | sort -u
}
same_calls() {
	sed -n '/^TV_API/p' include/trivet/trivet.h | calls >"$work/declared"
	sed -n '/^\.B .*(/p' "$page" | calls >"$work/told"
	diff "$work/declared" "$work/told"
}
# Each name of an enumeration or a limit that a caller writes or reads.
same_words() {
	{
		sed -n '/^enum tv_error {/,/^};/p' include/trivet/names.h | grep -o '\<TV_E[A-Z]*\>\|\<TV_AGAIN\>'
		grep -o '^#define TV_EV_[A-Z_]*' include/trivet/trivet.h | cut -d' ' -f2
		sed -n '/^enum tv_option {/,/^};/p' include/trivet/trivet.h | grep -o '\<TV_OPT_[A-Z0-9_]*' | sed 's/TV_OPT_//'
	} | sort -u | while read -r word; do
		sed 's/\\-/-/g' "$page" | grep -qw "$word" || echo "$word is not in the page"
	done >"$work/missing"
	cat "$work/missing"
	[ ! -s "$work/missing" ]
}
well_formed() {
	mandoc -Tlint -W style "$page"
}

step manual_loop_is_the_example program loop.c
step manual_loop_runs_against_the_installed_library runs
step manual_echo_is_the_example program echo_tun.c
step manual_tells_every_call same_calls
step manual_tells_every_word same_words
if command -v mandoc >/dev/null 2>&1; then
	step manual_is_well_formed well_formed
fi
