# Completion of trivet(1) for bash: source this file, or install it as
# .../share/bash-completion/completions/trivet.
#
# Verbs and flags are read from `trivet --help` and `trivet VERB --help`, which print the tool's own
# tables: what is completed is what this trivet has. What a flag takes is told by the word behind it.

_trivet_help() { "${COMP_WORDS[0]/#\~/$HOME}" "$@" --help 2>/dev/null; }

_trivet_values()
{
	case $1 in
	FILE) mapfile -t COMPREPLY < <(compgen -f -- "$2") && compopt -o filenames 2>/dev/null ;;
	DIR) mapfile -t COMPREPLY < <(compgen -d -- "$2") && compopt -o filenames 2>/dev/null ;;
	WHEN) mapfile -t COMPREPLY < <(compgen -W 'auto always never' -- "$2") ;;
	IF) mapfile -t COMPREPLY < <(compgen -W "any $(ls /sys/class/net 2>/dev/null)" -- "$2") ;;
	NAME) mapfile -t COMPREPLY < <(compgen -W "$(ls /sys/class/net 2>/dev/null)" -- "$2") ;;
	esac
}

_trivet()
{
	local current=${COMP_WORDS[COMP_CWORD]} before=${COMP_WORDS[COMP_CWORD - 1]} verb='' help flag value

	COMPREPLY=()
	if ((COMP_CWORD == 1)); then
		mapfile -t COMPREPLY < <(compgen -W "$(_trivet_help |
			sed -n '/^Usage/d; s/^  \([a-z][a-z-]*\)  *[^ ].*/\1/p') --help --version" -- "$current")
		return
	fi
	verb=${COMP_WORDS[1]}
	help=$(_trivet_help "$verb")
	# --flag=value is three words to bash.
	if [[ $current == = ]]; then
		current=''
	elif [[ $before == = ]]; then
		before=${COMP_WORDS[COMP_CWORD - 2]}
	fi
	if [[ $before == -* ]]; then
		flag=${before//[^a-z0-9-]/}
		value=$(sed -n "s/^  \(.*[ ,]\)\{0,1\}$flag\(, --[a-z0-9-]*\)\{0,1\} \([A-Z][A-Z\/]*\) .*/\3/p" <<<"$help")
		if [[ $value ]]; then
			_trivet_values "$value" "$current"
			return
		fi
	fi
	if [[ $current == -* ]]; then
		mapfile -t COMPREPLY < <(compgen -W "$(sed -n \
			's/^  \(-.\), \(--[a-z0-9-]*\) .*/\1 \2/p; s/^      \(--[a-z0-9-]*\) .*/\1/p' <<<"$help")" -- "$current")
	elif sed -n 's/\[[^]]*\]//g; /^Usage/p' <<<"$help" | grep -qw FILE; then
		_trivet_values FILE "$current"
	fi
}

complete -F _trivet trivet
