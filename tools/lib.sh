# shellcheck shell=bash
# SPDX-License-Identifier: MIT
# Shared by the scripts in tools/: steps that say what they do, keep their output in a log, and end with a cause.
# The sourcing script sets `steps` (how many there are) and calls start_log once.

root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
PATH=$PATH:/usr/sbin:/sbin # bpftool is there, and not every root shell looks
log=/dev/null
steps=0
step_number=0

# The end of every failed run: one sentence on what failed, on stderr.
die() {
    printf 'error: %s\n' "$*" >&2
    exit 1
}

require_root() {
    [[ $EUID -eq 0 ]] || die "tools/${0##*/} must run as root ($1); try: sudo tools/${0##*/}"
}

start_log() {
    log=$1
    mkdir -p "$(dirname "$log")"
    : >"$log"
}

# The build folders belong to whoever owns the checkout, not to the root that filled them.
give_back() {
    local folder
    for folder in "$@"; do
        [[ ! -d $folder ]] || chown -RhP --reference="$root" "$folder"
    done
}

# Says the next step, without ending the line.
announce() {
    step_number=$((step_number + 1))
    printf '[%d/%d] %s' "$step_number" "$steps" "$1"
}

# try_step WHAT COMMAND...: one line on the terminal, the command's output in the log, which is shown only when the
# command fails (its last 30 lines). Returns the command's status. Never reads stdin.
try_step() {
    local what=$1 began=$SECONDS from status=0
    shift
    announce "$what ... "
    from=$(($(wc -l <"$log") + 1))
    # A subshell, so that the command's own `set -e` and `cd` end with it.
    ("$@") </dev/null >>"$log" 2>&1 || status=$?
    if [[ $status -eq 0 ]]; then
        printf '%d s\n' $((SECONDS - began))
        return 0
    fi
    printf 'failed\n'
    tail -n "+$from" "$log" | tail -n 30 >&2
    printf 'error: %s failed (exit status %d); the whole output: %s\n' "$what" "$status" "${log#"$root"/}" >&2
    return "$status"
}

# packages_of SECTION...: the package names of those sections of tools/packages.txt.
packages_of() {
    local section line current=
    while IFS= read -r line; do
        line=${line%%#*}
        line=${line//[[:space:]]/}
        case $line in
            '') ;;
            \[*) current=${line:1:-1} ;;
            *) for section in "$@"; do [[ $current != "$section" ]] || printf '%s\n' "$line"; done ;;
        esac
    done <"$root/tools/packages.txt"
}

missing_packages() {
    local package
    for package in $(packages_of "$@"); do
        # An error of dpkg-query means that it has never heard of the package.
        [[ $(dpkg-query -W -f='${db:Status-Status}' "$package" 2>/dev/null) == installed ]] || printf '%s\n' "$package"
    done
}

apt() {
    DEBIAN_FRONTEND=noninteractive apt-get -y -o DPkg::Lock::Timeout=120 "$@"
}

update_and_install() {
    apt update && apt install --no-install-recommends "$@"
}

# install_packages SECTION...: a step; touches neither network nor apt when nothing is missing.
install_packages() {
    local -a missing
    if ! command -v dpkg-query >/dev/null; then
        announce "packages: not a Debian system, so none is installed (tools/packages.txt lists what is needed)"
        printf '\n'
        return 0
    fi
    mapfile -t missing < <(missing_packages "$@")
    if [[ ${#missing[@]} -eq 0 ]]; then
        try_step "packages: all installed" true
    else
        try_step "installing packages: ${missing[*]}" update_and_install "${missing[@]}"
    fi
}

# configure FOLDER OPTION...: meson setup that downloads nothing, also over a folder of an older configuration.
configure() {
    local folder=$1
    shift
    local -a options=(--wrap-mode=nodownload "$@")
    if [[ -f $folder/meson-private/coredata.dat ]]; then
        meson setup --reconfigure "${options[@]}" "$folder" "$root" && return 0
        # A folder that another Meson version or compiler wrote cannot be reconfigured, but it can be begun anew.
        # Not by --wipe, which would take the log with it.
        rm -rf "$folder/meson-private" "$folder/build.ninja"
    fi
    meson setup "${options[@]}" "$folder" "$root"
}
