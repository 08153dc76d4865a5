#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tools/setup.sh [build] [test] [lint] [validation] [bootstrap] [shims]
# (default: build test)
#
# Installs what Lewin needs on Debian (12 or newer) and Ubuntu (24.04 or newer), and only what is
# missing: with everything in place it neither needs the network nor root. Drivers that are already
# there are left alone; Mesa's package adds the CPU driver (lavapipe) and the open GPU drivers.
# On other systems it names what to install. tools/demo.sh, tools/test.sh and .ci/run call it.
set -euo pipefail

build_packages=(gcc libc6-dev meson ninja-build pkgconf glslang-tools spirv-tools libvulkan-dev
    mesa-vulkan-drivers libcjson-dev libzstd-dev libyaml-dev libpcre2-dev libutf8proc-dev
    libssl-dev)
test_packages=(libcmocka-dev)
lint_packages=(git clang-format-14 clang-tidy-14 binutils)
validation_packages=(vulkan-validationlayers)
bootstrap_packages=(debootstrap debian-archive-keyring) # for tools/testing_root.sh
shims_packages=(mesa-drm-shim libdrm-dev) # stand-ins for GPUs; the first is not in Debian 12

say() {
    printf 'setup: %s\n' "$*"
}

fail() {
    printf 'setup: error: %s\n' "$*" >&2
    exit 1
}

is_installed() {
    case "$(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null)" in
    installed) return 0 ;;
    esac
    return 1
}

# Runs a command as root; its output is shown only when it fails.
as_root() {
    local log status=0
    log=$(mktemp)
    "${root_command[@]}" env DEBIAN_FRONTEND=noninteractive "$@" >"$log" 2>&1 </dev/null || status=$?
    if [ "$status" -ne 0 ]; then
        tail -n 20 "$log" >&2
    fi
    rm -f "$log"
    return "$status"
}

wanted=()
for group in "${@:-build test}"; do
    for name in $group; do
        case "$name" in
        build) wanted+=("${build_packages[@]}") ;;
        test) wanted+=("${test_packages[@]}") ;;
        lint) wanted+=("${lint_packages[@]}") ;;
        validation) wanted+=("${validation_packages[@]}") ;;
        bootstrap) wanted+=("${bootstrap_packages[@]}") ;;
        shims) wanted+=("${shims_packages[@]}") ;;
        *) fail "unknown group '$name'; known are build, test, lint, validation, bootstrap, shims" ;;
        esac
    done
done

if ! command -v apt-get >/dev/null || ! command -v dpkg-query >/dev/null; then
    missing=()
    for program in cc meson ninja pkg-config glslangValidator; do
        command -v "$program" >/dev/null || missing+=("$program")
    done
    if [ ${#missing[@]} -eq 0 ]; then
        say "not Debian or Ubuntu: going on with the programs that are here"
        exit 0
    fi
    fail "this is not Debian or Ubuntu, and ${missing[*]} is missing. Install what these Debian" \
        "packages hold: ${wanted[*]}"
fi

missing=()
for package in "${wanted[@]}"; do
    is_installed "$package" || missing+=("$package")
done

if [ ${#missing[@]} -gt 0 ]; then
    root_command=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null || { [ ! -t 0 ] && ! sudo -n true 2>/dev/null; }; then
            fail "missing: ${missing[*]}. This needs root; run:" \
                "apt-get install --no-install-recommends ${missing[*]}"
        fi
        [ ! -t 0 ] || sudo -v || fail "sudo was refused; missing: ${missing[*]}"
        root_command=(sudo)
    fi
    say "installing ${missing[*]}"
    # The lists of a fresh container are empty, and those of an old machine name files that are gone.
    install=(apt-get install -y -q --no-install-recommends "${missing[@]}")
    as_root apt-get update -q || say "the package lists could not all be refreshed; trying anyway"
    as_root "${install[@]}" || fail "could not install: ${missing[*]} (the lines above say why)." \
        "Check the network and the package sources, or install them by hand"
fi

meson_version=$(meson --version 2>/dev/null || echo 0)
if [ "$(printf '%s\n1.0\n' "$meson_version" | sort -V | head -n 1)" != 1.0 ]; then
    fail "meson is $meson_version, Lewin needs 1.0 or newer: install one with" \
        "'pipx install meson' and put it first in PATH"
fi
