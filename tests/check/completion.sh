#!/bin/bash
# The completions: bash, driven as it drives itself, offers every verb and every flag that --help tells,
# and values where it can; zsh and fish are asked the same where this machine has them.
set -u
cd "$(dirname "$0")/../.." || exit 1
build=${BUILD_DIR:-$PWD/build}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export PATH=$build:$PATH LC_ALL=C
: >"$work/seen.pcap"
mkdir "$work/folder"

# What --help tells, read another way than the completions do.
verbs() { trivet --help | awk '/^  [a-z]/ { print $1 }'; }
flags() {
	trivet "$1" --help | awk '/^Flags/ { on = 1; next } /^(Examples|Exit)/ { on = 0 }
		on && /^ / { for (i = 1; i <= 2 && $i ~ /^-/; i++) { sub(",", "", $i); print $i } }'
}
result() { # NAME, what is missing
	if [ -z "$2" ]; then echo "ok $1"; else echo "FAIL $1: $(echo "$2" | tr '\n' ' ')"; fi
}
# Lines of the first that are not among those of the second.
missing() { comm -23 <(sort -u <<<"$1") <(sort -u <<<"$2"); }

# --- bash ------------------------------------------------------------------------------------------

# shellcheck disable=SC1091
source completions/trivet.bash
function=$(complete -p trivet | sed -n 's/^complete -F \([^ ]*\) trivet$/\1/p')
# in_bash WORD...: what bash would offer for the last word
in_bash() {
	COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMPREPLY=()
	"$function" trivet "${*: -1}" "${*: -2:1}"
	printf '%s\n' "${COMPREPLY[@]}"
}
result completion_bash_offers_every_verb "$(missing "$(verbs)" "$(in_bash trivet '')")"
result completion_bash_offers_nothing_but_verbs "$(missing "$(in_bash trivet '')" "$(verbs; printf '%s\n' --help --version)")"
for verb in $(verbs); do
	result "completion_bash_offers_every_flag_of_$verb" "$(missing "$(flags "$verb")" "$(in_bash trivet "$verb" -)")"
done
result completion_bash_narrows "$(diff <(echo serve) <(in_bash trivet ser))"
result completion_bash_knows_when "$(missing $'auto\nalways\nnever' "$(in_bash trivet demo --color '')")"
result completion_bash_knows_when_behind_equals "$(missing always "$(in_bash trivet demo --color = al)")"
cd "$work" || exit 1
result completion_bash_finds_files "$(missing seen.pcap "$(in_bash trivet explain se)")"
result completion_bash_finds_files_behind_a_flag "$(missing seen.pcap "$(in_bash trivet demo -w '')")"
result completion_bash_finds_folders_only "$(missing "$(in_bash trivet serve --http '')" folder)"
result completion_bash_offers_no_file_for_a_number "$(in_bash trivet watch --count '' | grep .)"
[ -d /sys/class/net/lo ] && result completion_bash_knows_interfaces "$(missing $'any\nlo' "$(in_bash trivet watch -i '')")"
cd - >/dev/null || exit 1

# --- fish ------------------------------------------------------------------------------------------

in_fish() {
	HOME=$work fish --no-config -c "source completions/trivet.fish; complete -C '$1'" 2>&1 | cut -f1
}
if command -v fish >/dev/null 2>&1; then
	result completion_fish_offers_every_verb "$(missing "$(verbs)" "$(in_fish 'trivet ')")"
	for verb in $(verbs); do
		result "completion_fish_offers_every_flag_of_$verb" "$(missing "$(flags "$verb" | grep ^--)" "$(in_fish "trivet $verb --")")"
	done
	result completion_fish_knows_when "$(missing $'auto\nalways\nnever' "$(in_fish 'trivet demo --color ')")"
	result completion_fish_finds_files "$(missing "$work/seen.pcap" "$(in_fish "trivet explain $work/se")")"
else
	echo "not run: completion_fish: there is no fish"
fi

# --- zsh -------------------------------------------------------------------------------------------

# zsh completes only at a terminal: one is made for it, and what it lists is read from there.
in_zsh() {
	cat >"$work/zsh.rc" <<-RC
		autoload -U compinit; fpath=($PWD/completions \$fpath); compinit -u -d $work/dump
		zstyle ':completion:*' list-colors; zstyle ':completion:*' menu no
		setopt no_beep no_list_beep; LISTMAX=1000; PROMPT='READY>'
	RC
	python3 tests/check/completion_zsh.py "$work/zsh.rc" "$1"
}
if command -v zsh >/dev/null 2>&1; then
	list=$(in_zsh 'trivet ')
	result completion_zsh_offers_every_verb "$(missing "$(verbs)" "$list")"
	for verb in $(verbs); do
		result "completion_zsh_offers_every_flag_of_$verb" "$(missing "$(flags "$verb")" "$(in_zsh "trivet $verb -")")"
	done
	result completion_zsh_knows_when "$(missing $'auto\nalways\nnever' "$(in_zsh 'trivet demo --color ')")"
else
	echo "not run: completion_zsh: there is no zsh"
fi
