#!/usr/bin/env bash
# SPDX-License-Identifier: Apache-2.0
# usage: tools/compile_check.sh [--matrices] [--require] [GPU...]
#        e.g. tools/testing_root.sh build-root tools/compile_check.sh gfx1201 172
#
# Compiles the kernels for GPUs that are not there, with the compilers of Mesa's drivers, and prints
# what they made of them: registers, shared memory, occupancy and spills of each kernel, then a line
# for each GPU. GPU is a name that RADV knows (navi21, navi31, gfx1201), NVK's number of a chip (162:
# Turing, 172: Ampere; with the mesa-drm-shim of Mesa 26.2 also 192: Ada, 1b2: Blackwell) or a name that
# tools/intel_shim.c has for ANV (dg2, bmg, lnl, ptl); without any, those in `known` are compiled.
# --matrices leaves out all but the kernels on matrix cores, and so does NVK always, which takes 0.3 s a
# pipeline. A matrix kernel that spills, or that cannot be compiled, fails; a GPU that the driver does
# not show, or that has no matrices, fails with --require only.
# LEWIN_BUILD names the build folder (default build), LEWIN_CHECK_CASES how many shapes to try.
# Needs Mesa 26 and what tools/setup.sh calls shims: see tools/testing_root.sh.
set -euo pipefail
cd "$(dirname "$0")/.."

program=${LEWIN_BUILD:-build}/tests/kernels/kernelcheck
drivers=/usr/share/vulkan/icd.d
known=(navi21 navi31 gfx1201 162 172 192 dg2 bmg)

fail() {
    printf 'compile check: error: %s\n' "$*" >&2
    exit 1
}

only_matrices=()
require=
while [ $# -gt 0 ]; do
    case "$1" in
    --matrices) only_matrices=(--matrices) ;;
    --require) require=1 ;;
    -*) fail "unknown option $1" ;;
    *) break ;;
    esac
    shift
done
[ $# -gt 0 ] || set -- "${known[@]}"
[ -x "$program" ] || fail "$program is not built (LEWIN_BUILD names another build folder)"

folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
log=$folder/log

# The library that stands in for the kernel's driver of this name: of mesa-drm-shim, or our own, which
# is compiled here.
find_shim() {
    if [ "$1" != intel ]; then
        find /usr/lib -name "lib$1_noop_drm_shim.so" 2>/dev/null | head -n 1
        return
    fi
    local flags
    read -ra flags < <(pkg-config --cflags libdrm) || return 0 # it says what is missing
    [ -f "$folder/intel.so" ] || cc -std=c17 -O1 -Wall -Wextra -Werror -shared -fPIC "${flags[@]}" \
        tools/intel_shim.c -o "$folder/intel.so" || return
    printf '%s\n' "$folder/intel.so"
}

summary=()
failed=0

# Runs kernelcheck for the GPU and adds its line to the summary.
compile() {
    local gpu=$1 kind=amdgpu driver=radeon_icd.json variable=AMDGPU_GPU_ID label="RADV $1" shim
    local options=(--compile --seed 1 "${only_matrices[@]}") start=$SECONDS status=0 figures
    case "$gpu" in
    1[0-9a-f][0-9a-f])
        kind=nouveau driver=nouveau_icd.json variable=NOUVEAU_CHIPSET label="NVK $gpu"
        options=(--compile --seed 1 --matrices)
        ;;
    dg2 | bmg | lnl | ptl)
        kind=intel driver=intel_icd.json variable=INTEL_GPU_ID label="ANV $gpu"
        ;;
    esac
    shim=$(find_shim "$kind")
    [ -n "$shim" ] && [ -f "$drivers/$driver" ] ||
        fail "no driver for $gpu: install mesa-vulkan-drivers and mesa-drm-shim of Mesa 26 and" \
            "libdrm-dev, or run this through tools/testing_root.sh"
    printf '\n== %s\n' "$label"
    # RADV has the second matrix extension for those who ask.
    env "$variable=$gpu" LD_PRELOAD="$shim" VK_DRIVER_FILES="$drivers/$driver" \
        radv_cooperative_matrix2_nv=true MESA_SHADER_CACHE_DISABLE=true \
        "$program" "${options[@]}" >"$log" 2>&1 || status=$?
    if grep -q 'finds no device' "$log"; then
        summary+=("$label: no device")
        [ -z "$require" ] || failed=1
        return
    fi
    cat "$log"
    figures=$(sed -n 's/^compiled: //p' "$log")
    summary+=("$label: ${figures:-did not end (status $status)}; $((SECONDS - start)) s")
    [ "$status" -eq 0 ] && [ -n "$figures" ] || failed=1
    case "$figures" in
    *'of matrix kernels 0,'*) [ -z "$require" ] || failed=1 ;;
    esac
}

for gpu in "$@"; do
    compile "$gpu"
done
printf '\n'
printf 'compile check: %s\n' "${summary[@]}"
exit "$failed"
