#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tools/fetch_glslang.sh
#
# Puts a newer glslang than the system's into build-tools/glslang, for kernels that the shader
# compiler of an older Debian cannot compile (bfloat16 and cooperative matrices). Nothing outside
# that folder changes: the packages of Debian testing are taken from the Debian mirror that this
# machine is set up with, unpacked, and started through their own C library. tools/build.sh uses it
# where it is present. Failing to fetch it is no error: those kernels are then left out.
set -euo pipefail
cd "$(dirname "$0")/.."

target=$PWD/build-tools/glslang
packages=(glslang-tools libc6 libstdc++6 libgcc-s1)

# Says why there will be no newer glslang; the build goes on with the system's.
give_up() {
    printf 'glslang: %s; going on with the system'"'"'s\n' "$*"
    exit 0
}

if [ -x "$target/glslangValidator" ] && "$target/glslangValidator" --version >/dev/null 2>&1; then
    exit 0
fi
command -v apt-get >/dev/null && command -v dpkg >/dev/null || give_up "this is not a Debian system"
keys=/usr/share/keyrings/debian-archive-keyring.gpg
[ -r "$keys" ] || give_up "this machine has no Debian archive keys ($keys)"

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
chmod 755 "$work"

# The mirror of this machine's own main suite, as apt itself reports it.
release=$(. /etc/os-release && printf '%s' "${VERSION_CODENAME:-testing}")
mirror=$(apt-get indextargets --format '$(REPO_URI) $(SUITE) $(CODENAME)' \
    'Created-By: Packages' 2>/dev/null |
    awk -v r="$release" '$2 == r || $3 == r && !seen++ { print $1 }')
[ -n "$mirror" ] || give_up "no Debian package source is configured"

mkdir -p "$work/state/lists/partial" "$work/cache/archives/partial" "$work/files" "$work/root"
printf 'deb [signed-by=%s] %s testing main\n' "$keys" "$mirror" >"$work/sources.list"
: >"$work/status"
apt_options=(-q -o "Dir::Etc::sourcelist=$work/sources.list" -o Dir::Etc::sourceparts=-
    -o "Dir::State=$work/state" -o "Dir::State::status=$work/status" -o "Dir::Cache=$work/cache"
    -o APT::Sandbox::User=root -o Acquire::Languages=none)
apt-get "${apt_options[@]}" update >"$work/log" 2>&1 ||
    give_up "the package lists of Debian testing cannot be read"
(cd "$work/files" && apt-get "${apt_options[@]}" download "${packages[@]}") >"$work/log" 2>&1 ||
    give_up "the packages ${packages[*]} cannot be downloaded"
for file in "$work"/files/*.deb; do
    dpkg -x "$file" "$work/root"
done

program=$(find "$work/root/usr/bin" -name 'glslang*' -type f | head -n 1)
loader=$(find "$work/root/" -name 'ld-linux*.so.*' | head -n 1)
libraries=$(dirname "$(find "$work/root/" -name 'libstdc++.so.6' | head -n 1)")
[ -n "$program" ] && [ -n "$loader" ] && [ -n "$libraries" ] ||
    give_up "the packages hold no glslang that this script knows how to start"

rm -rf "$target"
mkdir -p "$(dirname "$target")"
cp -a "$work/root" "$target"
cat >"$target/glslangValidator" <<END
#!/bin/sh
exec "$target/${loader#"$work"/root/}" --library-path "$target/${libraries#"$work"/root/}" \\
    "$target/${program#"$work"/root/}" "\$@"
END
chmod 755 "$target/glslangValidator"
version=$("$target/glslangValidator" --version 2>/dev/null | head -n 1) ||
    { rm -rf "$target"; give_up "the glslang that was fetched does not start here"; }
printf 'glslang: %s, in build-tools/glslang\n' "$version"
