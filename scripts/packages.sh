# shellcheck shell=bash disable=SC2034
# Sourced by the other scripts: the Debian and Ubuntu packages that rncl needs, and how they get installed.
# Nothing is downloaded, and the network is not needed, where everything is there already.

build_packages=(build-essential cmake ninja-build pkg-config ocl-icd-opencl-dev opencl-headers libclblast-dev
    libpng-dev libjpeg-dev libwebp-dev libcairo2-dev zlib1g-dev libjansson-dev libinih-dev libpopt-dev librandom123-dev libprotobuf-c-dev protobuf-c-compiler libcmocka-dev)
driver_package=pocl-opencl-icd
dataset_package=dataset-fashion-mnist
dataset_folder=/usr/share/datasets/fashion-mnist

# Tools count as installed however they came.
declare -A package_command=([build-essential]=cc [cmake]=cmake [ninja-build]=ninja [pkg-config]=pkg-config
    [oclgrind]=oclgrind [clang-14]=clang-14 [clang-format-14]=clang-format-14 [clang-tidy-14]=clang-tidy-14)

say() {
    printf '\n==> %s\n' "$*" | fold -s -w 80
}

fail() {
    printf '%s: %s\n' "${0##*/}" "$*" >&2
    exit 1
}

is_installed() {
    local command=${package_command[$1]:-}
    if [[ -n $command ]] && command -v "$command" >/dev/null; then
        return 0
    fi
    [[ $(dpkg-query -W -f='${db:Status-Status}' "$1" 2>/dev/null) == installed ]]
}

as_root() {
    if [[ $(id -u) -eq 0 ]]; then
        "$@"
    elif command -v sudo >/dev/null; then
        sudo "$@"
    else
        fail "installing packages needs root: run it as root, or install ${missing[*]} yourself"
    fi
}

# quietly LOG COMMAND...: its output goes to the file, and to the terminal only if it fails.
quietly() {
    local log=$1
    shift
    if ! "$@" >"$log" 2>&1; then
        tail -n 30 "$log" >&2
        return 1
    fi
}

# install_missing PACKAGE...: fails if one of them cannot be had.
install_missing() {
    missing=()
    local package log
    if ! command -v dpkg-query >/dev/null; then
        say "not Debian or Ubuntu: going on in the hope that the likes of $* are installed"
        return
    fi
    for package; do
        is_installed "$package" || missing+=("$package")
    done
    [[ ${#missing[@]} -gt 0 ]] || return 0
    say "installing ${missing[*]}"
    log=$(mktemp)
    quietly "$log" as_root apt-get -q update || fail "apt-get update failed; ${missing[*]} are missing"
    quietly "$log" as_root env DEBIAN_FRONTEND=noninteractive apt-get -q -y --no-install-recommends install \
        "${missing[@]}" || fail "apt-get install failed; ${missing[*]} are missing"
    rm -f "$log"
}

# install_offered PACKAGE...: installs those that the release has, and never fails. The others are left out, which is said.
install_offered() {
    local package wanted=() absent=()
    for package; do
        is_installed "$package" || wanted+=("$package")
    done
    [[ ${#wanted[@]} -gt 0 ]] && command -v apt-cache >/dev/null || return 0
    # A fresh system has no lists of packages yet.
    missing=("${wanted[@]}")
    apt-cache show "${wanted[0]}" >/dev/null 2>&1 || (quietly /dev/null as_root apt-get -q update) || true
    missing=()
    for package in "${wanted[@]}"; do
        # No pipe: whoever stops reading at the first line makes apt-cache fail, now and then.
        if [[ $(apt-cache show "$package" 2>/dev/null) == *Package:* ]]; then
            missing+=("$package")
        else
            absent+=("$package")
        fi
    done
    [[ ${#missing[@]} -eq 0 ]] || (install_missing "${missing[@]}") || absent+=("${missing[@]}")
    [[ ${#absent[@]} -eq 0 ]] || say "left out, since it is not to be had here: ${absent[*]}"
}

# has COMMAND...: whether all are there.
has() {
    command -v "$@" >/dev/null && [[ $(command -v "$@" | wc -l) -eq $# ]]
}

# build PRESET CMAKE-ARGUMENTS...: configures and builds everything, or the target $build_target.
build() {
    local preset=$1 log folder=build/$1
    shift
    mkdir -p build
    log=build/$preset.log
    # A folder that was configured before keeps its generator.
    if [[ ! -f $folder/CMakeCache.txt ]]; then
        set -- -G Ninja "$@"
    fi
    quietly "$log" cmake --preset "$preset" "$@" || fail "configuring $folder failed; all of it is in $log"
    quietly "$log" cmake --build --preset "$preset" --parallel "${jobs:-$(nproc)}" \
        ${build_target:+--target "$build_target"} || fail "building $folder failed; all of it is in $log"
}
