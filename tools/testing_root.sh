#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tools/testing_root.sh FOLDER [COMMAND...]
#        e.g. tools/testing_root.sh build-root tools/build.sh build-newer -Dtests=true
#
# Makes a root folder of Debian testing in FOLDER where there is none: a Mesa, glslang and Vulkan
# headers newer than this machine's, with what Lewin needs to be built and tested, and the stand-ins for
# GPUs that are not there (mesa-drm-shim; tools/intel_shim.c needs libdrm-dev). Then runs COMMAND in it,
# in the checkout: the checkout and ../shared are bound at their own paths inside. All mounts are in a mount namespace of their own
# that ends with the command, so that nothing stays mounted and removing FOLDER or the checkout never
# reaches anything else. Needs root and, to make the folder, the network. The packages are checked
# against the Debian archive's keys. .ci/run and tools/compile_check.sh call it.
set -euo pipefail
cd "$(dirname "$0")/.."

say() {
    printf 'testing root: %s\n' "$*"
}

fail() {
    printf 'testing root: error: %s\n' "$*" >&2
    exit 1
}

[ $# -gt 0 ] || fail "which folder? usage: tools/testing_root.sh FOLDER [COMMAND...]"
mkdir -p "$1"
root=$(cd "$1" && pwd)
shift
checkout=$PWD
shared=$(cd .. && pwd)/shared
[ "$root" != / ] && [ "$root" != "$checkout" ] || fail "$root is no folder to put a root into"

# Says how far the folder got: "begun" or "complete". Without it the folder is not ours to remove.
mark=$root/.lewin-root

[ "$(id -u)" -eq 0 ] || fail "mounts and chroot need root: run this as root (sudo tools/...)"
unshare -m true 2>/dev/null ||
    fail "this machine allows no mount namespaces (a container needs the capability SYS_ADMIN)"

# Runs a command whose output matters only when it fails.
quietly() {
    local log status=0
    log=$(mktemp)
    "$@" >"$log" 2>&1 </dev/null || status=$?
    if [ "$status" -ne 0 ]; then
        tail -n 20 "$log" >&2
    fi
    rm -f "$log"
    return "$status"
}

# Runs a command inside, in the checkout. /sys and ../shared cannot be written to from there.
inside() {
    mkdir -p "$root$checkout"
    [ ! -d "$shared" ] || mkdir -p "$root$shared"
    # shellcheck disable=SC2016 # the inner shell's variables
    unshare -m sh -ec '
        root=$1 checkout=$2 shared=$3
        shift 3
        mount --rbind /dev "$root/dev"
        mount --rbind /proc "$root/proc"
        mount --bind -o ro /sys "$root/sys"
        mount --bind "$checkout" "$root$checkout"
        if [ -d "$shared" ]; then mount --bind -o ro "$shared" "$root$shared"; fi
        exec chroot "$root" env -C "$checkout" PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root \
            TMPDIR=/tmp LC_ALL=C.UTF-8 "$@"' sh "$root" "$checkout" "$shared" "$@"
}

# The mirror of this machine, as apt itself reports it, or Debian's public one.
find_mirror() {
    local release
    release=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-testing}")
    mirror=$(apt-get indextargets --format '$(REPO_URI) $(SUITE) $(CODENAME)' \
        'Created-By: Packages' 2>/dev/null |
        awk -v r="$release" '($2 == r || $3 == r) && /debian/ && !seen++ { print $1 }') || true
    mirror=${mirror:-http://deb.debian.org/debian}
}

# No files of documentation, no waiting for the disk after each file; and a mirror may be a snapshot,
# whose lists are out of date.
set_package_options() {
    mkdir -p "$root/etc/dpkg/dpkg.cfg.d" "$root/etc/apt/apt.conf.d"
    printf '%s\n' force-unsafe-io 'path-exclude=/usr/share/doc/*' 'path-exclude=/usr/share/man/*' \
        'path-exclude=/usr/share/locale/*' >"$root/etc/dpkg/dpkg.cfg.d/lewin"
    printf '%s\n' 'Acquire::Languages "none";' 'Acquire::Check-Valid-Until "false";' \
        >"$root/etc/apt/apt.conf.d/lewin"
}

make_root() {
    local start=$SECONDS mirror keys=/usr/share/keyrings/debian-archive-keyring.gpg
    tools/setup.sh bootstrap
    command -v debootstrap >/dev/null || fail "debootstrap is missing: install it"
    [ -r "$keys" ] || fail "the Debian archive's keys are missing: install debian-archive-keyring"
    if [ -e "$mark" ]; then
        say "removing $root, which is incomplete"
        find "$root" -xdev -mindepth 1 -delete || fail "cannot empty $root (is anything mounted there?)"
    elif [ -n "$(ls -A "$root")" ]; then
        fail "$root has files that this script did not put there: name an empty folder"
    fi
    find_mirror
    say "Debian testing in $root, from $mirror"
    echo begun >"$mark"
    set_package_options
    # It mounts /proc, so in a mount namespace too.
    quietly unshare -m debootstrap --variant=minbase --keyring="$keys" testing "$root" "$mirror" ||
        fail "debootstrap failed (the lines above say why; is there a network?)"
    inside tools/setup.sh build test validation shims || fail "the packages cannot be installed"
    quietly inside apt-get clean
    echo complete >"$mark"
    say "made in $((SECONDS - start)) s"
}

if [ "$(cat "$mark" 2>/dev/null)" != complete ]; then
    make_root
else
    # What the package lists in tools/setup.sh have got since.
    inside tools/setup.sh build test validation shims
fi
if [ $# -gt 0 ]; then
    inside "$@"
fi
