# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Completion of pointsman(1) for fish.  Subcommands, options and what they take are
# what 'pointsman help' prints.

# SHORT|LONG|ARGUMENT|WHAT of each option
function __pointsman_options -a command subcommand
    $command help $subcommand 2>/dev/null |
        sed -nE '/^ +-/s/^ +(-[A-Za-z])?(, )?(--[a-z-]+)?( ([A-Z][^ ]*))?( +(.*))?$/\1|\3|\5|\7/p'
end

function __pointsman_subcommands -a command
    $command help 2>/dev/null | string replace -rf '^  ([a-z][a-z-]*) +(\S.*)' '$1\t$2'
end

# Files of these suffixes, and directories; all files where there is none.
function __pointsman_files -a word
    set -l suffixes $argv[2..]
    for path in (__fish_complete_path $word)
        set -l name (string split -m1 \t -- $path)[1]
        if test (count $suffixes) -eq 0; or string match -q '*/' -- $name
            echo $path
            continue
        end
        for suffix in $suffixes
            string match -q "*.$suffix" -- $name; and echo $path
        end
    end
end

function __pointsman_value -a option argument word
    switch "$option,$argument"
        case '--backend,*'
            printf '%s\n' auto notify ptrace
        case '--color,*'
            printf '%s\n' auto always never
        case '--policy,NAME=FILE'
            set -l parts (string split -m1 = -- $word)
            test (count $parts) -eq 2; and printf "$parts[1]=%s\n" (__pointsman_files "$parts[2]" yaml yml)
        case '--policy,FILE'
            __pointsman_files "$word" yaml yml
        case '*,FROM=TO'
            set -l parts (string split -m1 = -- $word)
            if test (count $parts) -eq 2
                printf "$parts[1]=%s\n" (__pointsman_files "$parts[2]")
            else
                __pointsman_files "$word"
            end
        case '*,FILE' '*,PATH' '*,DIR' '*,PATTERN*'
            __pointsman_files "$word"
    end
end

function __pointsman_complete
    set -l words (commandline -opc)
    set -l word (commandline -ct)
    set -l command (string replace -r '^~/' "$HOME/" -- $words[1])
    if test (count $words) -eq 1
        __pointsman_subcommands $command
        printf '%s\n' --help --version
        return
    end
    set -l subcommand $words[2]
    if test "$subcommand" = help
        test (count $words) -eq 2; and __pointsman_subcommands $command
        return
    end
    set -l usage ($command help $subcommand 2>/dev/null)[1]
    set -l options (__pointsman_options $command $subcommand)
    set -l operands
    set -l i 3
    while test $i -le (count $words)
        if test -n "$operands"; or not string match -q -- '-?*' $words[$i]
            string match -q '*COMMAND*' -- $usage; and break
        else if test "$words[$i]" = --
            set operands 1
            if string match -q '*COMMAND*' -- $usage
                set i (math $i + 1)
                break
            end
        else
            for option in $options
                set -l parts (string split '|' -- $option)
                if test -n "$parts[3]"; and contains -- $words[$i] $parts[1] $parts[2]
                    set i (math $i + 1)
                    if test $i -gt (count $words)
                        __pointsman_value "$words[-1]" "$parts[3]" "$word"
                        return
                    end
                    break
                end
            end
        end
        set i (math $i + 1)
    end
    if test -z "$operands"; and test $i -gt (count $words); and string match -q -- '-*' $word
        set -l given (string split -m1 = -- $word)
        for option in $options
            set -l parts (string split -m3 '|' -- $option)
            if test (count $given) -eq 2
                test "$given[1]" = "$parts[2]"
                and printf "$given[1]=%s\n" (__pointsman_value $parts[2] "$parts[3]" $given[2])
                continue
            end
            test -n "$parts[1]"; and printf '%s\t%s\n' $parts[1] $parts[4]
            test -n "$parts[2]"; and printf '%s\t%s\n' $parts[2] $parts[4]
        end
    else if string match -q '*COMMAND*' -- $usage
        complete -C (string join ' ' -- (string escape -- $words[$i..]) "$word")
    else if string match -q '*POLICY*' -- $usage
        __pointsman_files "$word" yaml yml
    else if string match -q '*AUDIT*' -- $usage
        __pointsman_files "$word" json jsonl
    end
end

complete -c pointsman -f -k -a '(__pointsman_complete)'
