# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Completion of pointsman(1) for bash.  Subcommands, options and what they take are
# what 'pointsman help' prints.

# _pointsman_help [SUBCOMMAND]: SHORT|LONG|ARGUMENT of each option, or each subcommand
_pointsman_help()
{
	if [ $# -gt 0 ]; then
		"$_pointsman_command" help "$1" 2>/dev/null |
			sed -nE '/^ +-/s/^ +(-[A-Za-z])?(, )?(--[a-z-]+)?( ([A-Z][^ ]*))?( .*)?$/\1|\3|\5/p'
	else
		"$_pointsman_command" help 2>/dev/null | sed -nE 's/^  ([a-z][a-z-]*) +[^ ].*/\1/p'
	fi
}

# _pointsman_files [SUFFIX...]: files that match $cur, and directories
_pointsman_files()
{
	local suffix

	compopt -o filenames 2>/dev/null
	if [ $# -eq 0 ]; then
		mapfile -t COMPREPLY < <(compgen -f -- "$cur")
		return
	fi
	mapfile -t COMPREPLY < <(compgen -d -- "$cur"
		for suffix; do compgen -f -X "!*.$suffix" -- "$cur"; done)
}

_pointsman_list()
{
	mapfile -t COMPREPLY < <(compgen -W "$1" -- "$cur")
}

# _pointsman_value OPTION ARGUMENT WORD: of what an option takes; WORD is all that there is of it
_pointsman_value()
{
	case $1,$2 in
	--backend,*) _pointsman_list 'auto notify ptrace' ;;
	--color,*) _pointsman_list 'auto always never' ;;
	--policy,NAME=FILE) [[ $3 != *=* ]] || _pointsman_files yaml yml ;;
	--policy,FILE) _pointsman_files yaml yml ;;
	*,FILE | *,PATH | *,PATH*,FROM=TO | *,FROM=TO | *,DIR | *,PATTERN*) _pointsman_files ;;
	esac
}

# _pointsman_operand USAGE: of what is no option
_pointsman_operand()
{
	case $1 in
	*POLICY*) _pointsman_files yaml yml ;;
	*AUDIT*) _pointsman_files json jsonl ;;
	esac
}

_pointsman()
{
	local _pointsman_command=${1/#\~\//$HOME/}
	local cur=$2 words=() word i index option usage operands=
	local short long argument
	local -A takes=()
	local all=()

	# Readline takes words apart at '=' and ':'; what is asked for is the last part.
	for ((i = 0; i <= COMP_CWORD; i++)); do
		word=${COMP_WORDS[i]}
		if [ "$i" -gt 1 ] && [ -n "$word" ] && [[ $word == [=:]* || ${words[-1]} == *[=:] ]]; then
			words[-1]+=$word
		else
			words+=("$word")
		fi
	done
	[[ $cur != [=:] ]] || cur=
	word=${words[-1]}
	if [ "${#words[@]}" -le 2 ]; then
		_pointsman_list "$(_pointsman_help) --help --version"
		return
	fi
	if [ "${words[1]}" = help ]; then
		[ "${#words[@]}" -ne 3 ] || _pointsman_list "$(_pointsman_help)"
		return
	fi
	usage=$("$_pointsman_command" help "${words[1]}" 2>/dev/null | head -n 1)
	while IFS='|' read -r short long argument; do
		[ -z "$short" ] || takes[$short]=$argument
		[ -z "$long" ] || takes[$long]=$argument
		all+=(${short:+"$short"} ${long:+"$long"})
	done < <(_pointsman_help "${words[1]}")

	for ((i = 2; i < ${#words[@]} - 1; i++)); do
		option=${words[i]}
		if [ -n "$operands" ] || [[ $option != -?* ]]; then
			[[ $usage != *COMMAND* ]] || break
		elif [ "$option" = -- ]; then
			operands=1
			[[ $usage != *COMMAND* ]] || i=$((i + 1))
			[[ $usage != *COMMAND* ]] || break
		elif [ -n "${takes[$option]-}" ]; then
			i=$((i + 1))
			if [ "$i" -eq $((${#words[@]} - 1)) ]; then
				_pointsman_value "$option" "${takes[$option]}" "$word"
				return
			fi
		fi
	done
	if [ -z "$operands" ] && [ "$i" -eq $((${#words[@]} - 1)) ] && [[ $word == -* ]]; then
		if [[ $word == --*=* ]]; then
			option=${word%%=*}
			_pointsman_value "$option" "${takes[$option]-}" "${word#*=}"
		else
			_pointsman_list "${all[*]}"
		fi
	elif [[ $usage != *COMMAND* ]]; then
		_pointsman_operand "$usage"
	elif [ "$i" -eq $((${#words[@]} - 1)) ]; then
		mapfile -t COMPREPLY < <(compgen -c -- "$cur")
		[[ $cur != */* ]] || _pointsman_files
	elif declare -F _command_offset >/dev/null; then
		# The command's own completion: where its name is among the words of readline.
		for ((index = 2; index < COMP_CWORD; index++)); do
			[ "${COMP_WORDS[index]}" != "${words[i]}" ] || break
		done
		_command_offset "$index"
	else
		_pointsman_files
	fi
}

complete -F _pointsman pointsman
