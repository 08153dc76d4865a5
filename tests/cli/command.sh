#!/bin/sh
# SPDX-License-Identifier: Apache-2.0
# What every command has in common: help, version, exit statuses. usage: command.sh LEWIN
lewin=$(cd "$(dirname "$1")" && pwd)/$(basename "$1")
failures=0

# expect STATUS PART COMMAND...: the exit status, and a part of what is printed (stdout and stderr).
expect()
{
    status=$1 part=$2
    shift 2
    printed=$("$@" 2>&1)
    got=$?
    case $printed in *"$part"*) found=yes ;; *) found=no ;; esac
    if [ $got != "$status" ] || [ $found = no ]; then
        echo "FAILED: $*"
        echo "  exit status $got, expected $status; expected in the output: $part"
        echo "$printed" | sed 's/^/  | /'
        failures=$((failures + 1))
    fi
}

expect 2 'usage: lewin' "$lewin"
expect 0 'exit status: 0 done' "$lewin" --help
expect 0 'lewin 0.' "$lewin" --version
expect 2 'did you mean "data"' "$lewin" dta
expect 2 'there is no command "frobnicate"' "$lewin" frobnicate
for command in $("$lewin" --help | sed -n '/^commands:/,/^$/s/^  \([a-z]*\) .*/\1/p'); do
    expect 0 "usage: lewin $command" "$lewin" "$command" --help
    expect 2 'lewin: there is no flag --frobnicate' "$lewin" "$command" --frobnicate
done
if [ -w /dev/full ]; then
    "$lewin" data --help > /dev/full 2> /dev/null
    [ $? = 1 ] || { echo "FAILED: a full disk goes unnoticed"; failures=$((failures + 1)); }
fi
[ $failures = 0 ]
