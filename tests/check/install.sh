#!/bin/sh
# What `make install` puts down is enough: a program is built with pkg-config alone, against each of
# the two libraries, and uninstall takes everything away again.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD_DIR:-build}
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

cat >"$work/program.c" <<'C'
#include <stdio.h>
#include <trivet/trivet.h>
int main(void)
{
	return puts(tv_state_name(TV_ESTABLISHED)) < 0;
}
C
cp "$work/program.c" "$work/program.cc"

module() {
	PKG_CONFIG_PATH=$work/root/opt/lib/pkgconfig pkg-config --define-variable=prefix="$work/root/opt" \
		--define-variable=libdir="$work/root/opt/lib" --define-variable=includedir="$work/root/opt/include" \
		"$@" trivet
}
# The words that pkg-config prints are arguments, split on purpose.
# shellcheck disable=SC2046
shared() {
	gcc -Wall -Wextra -Werror -o "$work/shared" "$work/program.c" $(module --cflags --libs) &&
		LD_LIBRARY_PATH=$work/root/opt/lib "$work/shared" | grep -qi established
}
# shellcheck disable=SC2046
static() {
	gcc -Wall -Wextra -Werror -o "$work/static" "$work/program.c" $(module --cflags) "$work/root/opt/lib/libtrivet.a" &&
		"$work/static" | grep -qi established
}
# shellcheck disable=SC2046
cplusplus() {
	g++ -Wall -Wextra -Werror -fsyntax-only "$work/program.cc" $(module --cflags)
}
versions_agree() {
	header=$(sed -n 's/^#define TV_VERSION_[A-Z]* \([0-9]*\)$/\1/p' include/trivet/trivet.h | paste -sd. -)
	case $(module --modversion) in "$header"*) ;; *) return 1 ;; esac
}
nothing_left() {
	[ -z "$(find "$work/root" ! -type d)" ]
}
build_folder() {
	make -s --no-print-directory BUILD="$build" "$1" DESTDIR="$work/root" PREFIX=/opt
}

step install_into_a_folder_succeeds build_folder install
step install_module_has_the_version_of_the_header versions_agree
step install_shared_program_runs shared
step install_static_program_runs static
if command -v g++ >/dev/null 2>&1; then
	step install_header_is_cplusplus_too cplusplus
fi
step install_tool_is_there test -x "$work/root/opt/bin/trivet"
step install_manuals_are_there test -s "$work/root/opt/share/man/man1/trivet.1" -a -s "$work/root/opt/share/man/man3/trivet.3"
step install_completions_are_there test -s "$work/root/opt/share/bash-completion/completions/trivet" -a \
	-s "$work/root/opt/share/zsh/site-functions/_trivet" -a -s "$work/root/opt/share/fish/vendor_completions.d/trivet.fish"
step uninstall_succeeds build_folder uninstall
step uninstall_leaves_nothing nothing_left
