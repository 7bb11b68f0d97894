#!/bin/sh
# ./run on machines that this one is not: programs are hidden from it, and sudo, apt-get and make are
# little scripts that write down how they were called.
set -u
cd "$(dirname "$0")/../.." || exit 1
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
unset MAKEFLAGS MFLAGS MAKELEVEL MAKEOVERRIDES

# machine: a folder with the basic tools, and nothing else
machine() {
	rm -rf "${work:?}/bin" "$work/calls"
	mkdir -p "$work/bin" "$work/tree"
	: >"$work/calls"
	for tool in sh dirname sed id mktemp rm cut head nproc cat env cp chmod; do
		ln -s "$(command -v "$tool")" "$work/bin/$tool"
	done
	# The system's folders are in the way of hiding anything: this copy of ./run does not add them.
	# shellcheck disable=SC2016
	sed 's|^PATH=.*|PATH=$PATH|' run >"$work/tree/run"
}
# script NAME: a program in that machine, from standard input
script() {
	{
		echo '#!/bin/sh'
		echo "echo \"$1 \$*\" >>'$work/calls'"
		cat
	} >"$work/bin/$1"
	chmod +x "$work/bin/$1"
}
# expect NAME STATUS PATTERN ARGUMENT...: run the front door there
expect() {
	name=$1 status=$2 pattern=$3
	shift 3
	PATH=$work/bin sh "$work/tree/run" "$@" </dev/null >"$work/out" 2>&1
	got=$?
	cat "$work/calls" >>"$work/out"
	if [ "$got" = "$status" ] && tr '\n' ' ' <"$work/out" | grep -qE -e "$pattern"; then
		echo "ok $name"
	else
		echo "FAIL $name: status $got, said: $(tr '\n' ' ' <"$work/out")"
	fi
}
build_tools() {
	script make </dev/null
	script gcc </dev/null
	script pkg-config </dev/null
}
user_is() {
	rm -f "$work/bin/id"
	echo "echo $1" | script id
}

machine
build_tools
expect run_without_arguments_tells_usage 2 'run demo'
expect run_with_everything_there_only_makes 0 'make -j[0-9]+ demo' demo
machine
expect run_without_apt_lists_what_is_missing 1 'Missing on this machine: gcc C-library-headers make pkg-config libpcap jansson' demo
machine
script make </dev/null
expect run_test_without_apt_lists_the_test_tools 1 'clang .*cppcheck tshark' test

# apt-get install "installs" by putting the scripts there
apt() {
	script apt-cache </dev/null
	script apt-get <<-APT
		case \$* in *install*)
			for tool in gcc make pkg-config; do
				printf '#!/bin/sh\necho "%s \$*" >>"$work/calls"\n' \$tool >"$work/bin/\$tool"
				chmod +x "$work/bin/\$tool"
			done
		esac
	APT
}
machine
apt
user_is 0
expect run_as_root_installs_then_makes 0 \
	'apt-get install -y --no-install-recommends gcc libc6-dev make pkg-config libpcap-dev libjansson-dev .*apt-get install -q -y --no-install-recommends gcc .*make -j[0-9]+ demo' demo
machine
apt
user_is 1000
script sudo <<'SUDO'
[ "$1" != -n ] || shift
exec "$@"
SUDO
expect run_as_user_tells_the_command_before_sudo 0 \
	'They will be installed with +sudo apt-get update +sudo apt-get install .*sudo -n apt-get update .*make -j[0-9]+ demo' demo
machine
apt
user_is 1000
expect run_as_user_without_sudo_says_what_root_types 1 'no sudo. As root, type: .*apt-get .*install' demo
