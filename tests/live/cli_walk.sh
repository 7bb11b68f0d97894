#!/bin/sh
# The walk through serve and connect, as the manual page has it: its lines are run in a shell, one
# after the other, in a private network namespace. Where the page sleeps, this waits for the program in
# the background to listen.
set -u
here=$(cd "$(dirname "$0")/../.." && pwd)
page=$here/docs/man/trivet.1

if [ "${TRIVET_LIVE_INSIDE-}" != 1 ]; then
	for tool in unshare ip ss curl nc tcpdump; do
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
trap 'rm -rf "$work" /tmp/walk' EXIT
mkdir "$work/bin"
# The namespace is private, and its user may do everything in it: sudo has nothing to add.
printf '#!/bin/sh\nexec "$@"\n' > "$work/bin/sudo"
chmod +x "$work/bin/sudo"
ln -s "${TRIVET:-${BUILD_DIR:-$here/build}/trivet}" "$work/bin/trivet"
PATH=$work/bin:$PATH
export PATH

# The lines, as man(1) would show them, with the waiting that a person does.
{
	echo 'set -e'
	echo 'listening() { for i in $(seq 500); do'
	echo '	if grep -q Ctrl-C "$1" || ss -Hltn "sport = :7777" | grep -q .; then return 0; fi'
	echo '	sleep 0.02; done; echo "the program in the background does not listen" >&2; exit 1; }'
	sed -n '/^\.\\" walk begins/,/^\.\\" walk ends/p' "$page" | grep -v '^\.' | sed 's/\\-/-/g' |
		while IFS= read -r line; do
			case $line in
			*serve*'&') echo ": > $work/said; ${line%&} > $work/said &" ;;
			'sleep 1') echo "listening $work/said" ;;
			'sudo kill $!') echo 'kill $!; wait $! || true' ;;
			cat*) echo "wait; $line" ;;
			*) echo "$line" ;;
			esac
		done
} > "$work/walk"

timeout 60 sh "$work/walk" > "$work/out" 2> "$work/err"
status=$?

# said WHAT PATTERN COUNT: does the output have so many lines like this?
wrong=''
said() {
	n=$(grep -c -e "$1" "$work/out")
	[ "$n" -ge "$2" ] || wrong="$wrong '$1' $n times instead of $2;"
}
said '^hello' 3
said 'HTTP/1.1 200 OK' 1
said '^SYN, SYN-ACK, ACK$' 1
said 'Flags \[S\.\]' 2
[ "$(grep -c . "$work/walk")" -ge 15 ] || wrong="$wrong the page has lost its walk;"
if [ $status = 0 ] && [ -z "$wrong" ]; then
	echo 'ok cli_walk'
else
	echo "FAIL cli_walk: exit status $status;$wrong $(tail -n 3 "$work/err" | tr '\n' ' ')"
	exit 1
fi
