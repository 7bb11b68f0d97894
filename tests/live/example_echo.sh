#!/bin/sh
# examples/echo_tun.c at work: a line, then a file that is larger than all buffers, come back from it,
# and a port where it does not listen is refused.
set -u
here=$(cd "$(dirname "$0")/../.." && pwd)
echo_tun=${BUILD_DIR:-$here/build}/examples/echo_tun

if [ "${TRIVET_LIVE_INSIDE-}" != 1 ]; then
	for tool in unshare ip nc timeout; do
		command -v $tool >/dev/null 2>&1 || { echo "not run: there is no $tool"; exit 0; }
	done
	new=-n
	[ "$(id -u)" = 0 ] || new=-Urn
	unshare $new true 2>/dev/null || { echo "not run: no network namespace here"; exit 0; }
	(exec 3<>/dev/net/tun) 2>/dev/null || { echo "not run: /dev/net/tun cannot be opened"; exit 0; }
	TRIVET_LIVE_INSIDE=1 exec unshare $new "$0" "$@"
fi
ip link set lo up

work=$(mktemp -d) || exit 1
"$echo_tun" >"$work/said" 2>&1 &
server=$!
trap 'kill $server 2>/dev/null; rm -rf "$work"' EXIT

step() {
	name=$1
	shift
	if "$@" >"$work/out" 2>&1; then
		echo "ok $name"
	else
		echo "FAIL $name: $(tail -n 2 "$work/out" "$work/said" | tr '\n' ' ')"
	fi
}

# It says a line when it listens.
for _ in $(seq 500); do
	[ -s "$work/said" ] && break
	kill -0 $server 2>/dev/null || break
	sleep 0.02
done

line() {
	[ "$(echo hello | timeout 10 nc -N 10.9.0.2 7)" = hello ]
}
# shellcheck disable=SC2094
file() {
	head -c 20000000 /dev/urandom >"$work/file"
	timeout 30 nc -N 10.9.0.2 7 <"$work/file" | cmp - "$work/file"
}
refused() {
	! nc -w 5 10.9.0.2 8 </dev/null
}
ended() {
	for _ in $(seq 500); do
		[ "$(grep -c 'closed by both sides' "$work/said")" = 2 ] && return
		sleep 0.02
	done
	return 1
}

step example_echo_sends_a_line_back line
step example_echo_sends_a_file_back file
step example_echo_refuses_other_ports refused
step example_echo_sees_orderly_ends ended
