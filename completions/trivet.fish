# Completion of trivet(1) for fish: install it as .../share/fish/vendor_completions.d/trivet.fish.
#
# Verbs and flags are read from `trivet --help` and `trivet VERB --help`, which print the tool's own
# tables: what is completed is what this trivet has. What a flag takes is told by the word behind it.

function __trivet_help
	set -l words (commandline -opc)
	set -l tool (string replace -r '^~' $HOME -- $words[1])
	command $tool $argv --help 2>/dev/null
end

function __trivet_needs_verb
	test (count (commandline -opc)) -eq 1
end

function __trivet_verbs
	__trivet_help | string replace -f -r '^  ([a-z][a-z-]*) +(\S.*)' '$1\t$2'
end

# The value that a flag takes ("FILE"), or nothing.
function __trivet_value
	__trivet_help (commandline -opc)[2] | string replace -f -r -- \
		'^  (?:.*[ ,])?'(string escape --style=regex -- $argv[1])'(?:, --[a-z0-9-]+)? ([A-Z][A-Z/]*) .*' '$1'
end

function __trivet_interfaces
	path basename /sys/class/net/* 2>/dev/null; or for i in /sys/class/net/*
		string replace -r '.*/' '' -- $i
	end
end

function __trivet_words
	set -l words (commandline -opc)
	set -l current (commandline -ct)
	set -l before $words[-1]
	set -l lead ''

	# --flag=value is one word to fish.
	if string match -q -- '--*=*' $current
		set before (string replace -r '=.*' '' -- $current)
		set lead $before=
		set current (string replace -r '^[^=]*=' '' -- $current)
	end
	switch "$(string match -q -- '-*' $before; and __trivet_value $before)"
		case FILE
			__fish_complete_path $current | string replace -r '^' -- $lead
			return
		case DIR
			__fish_complete_directories $current '' | string replace -r '^' -- $lead
			return
		case WHEN
			printf '%s\n' $lead{auto,always,never}
			return
		case IF
			printf '%s\n' {$lead}any {$lead}(__trivet_interfaces)
			return
		case NAME
			printf '%s\n' {$lead}(__trivet_interfaces)
			return
		case '?*'
			return
	end
	if string match -q -- '-*' $current
		__trivet_help $words[2] | string replace -f -r \
			'^  (?:-., |    )(--[a-z0-9-]+)(?: [A-Z][A-Z/]*)? +(\S.*)' '$1\t$2'
		__trivet_help $words[2] | string replace -f -r \
			'^  (-.), --[a-z0-9-]+(?: [A-Z][A-Z/]*)? +(\S.*)' '$1\t$2'
	else if __trivet_help $words[2] | string replace -r -a '\[[^]]*\]' '' | string match -q -r '^Usage.*\bFILE\b'
		__fish_complete_path $current
	end
end

complete -c trivet -f
complete -c trivet -n __trivet_needs_verb -a '(__trivet_verbs)'
complete -c trivet -n __trivet_needs_verb -l help -d 'tell the verbs'
complete -c trivet -n __trivet_needs_verb -l version -d 'tell the version'
complete -c trivet -n 'not __trivet_needs_verb' -a '(__trivet_words)'
