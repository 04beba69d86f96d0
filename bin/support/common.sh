# Shared by the commands in bin/; sourced by bash. Expects $root and $self (the command's name in messages).

say() { printf '%s: %s\n' "$self" "$*" >&2; }

die() {
    local status=$1
    shift
    say "$*"
    exit "$status"
}

# What building needs. All but libzmq3-dev are also needed to build somebody's test package against Loads.
build_packages="libcurl4-openssl-dev libmsgpack-dev zlib1g-dev libbrotli-dev libzstd-dev libzmq3-dev"
# What the tests start or call.
test_packages="libsqlite3-dev nginx-light python3-venv openssl curl procps iproute2 nodejs node-tweetnacl libxml2-utils
prometheus collectd-core"

need_swift() {
    command -v swift >/dev/null ||
        die 69 "there is no 'swift' in PATH: install Swift 6.3 (https://www.swift.org/install/linux) and try again"
}

# as_root COMMAND...: succeeds only where that needs no password.
as_root() {
    if [ "$(id -u)" -eq 0 ]; then "$@"; else sudo -n "$@"; fi
}

missing_packages() {
    local package
    for package in "$@"; do
        [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" = installed ] || printf '%s ' "$package"
    done
}

apt() {
    # RUNLEVEL=1 keeps nginx from being started as a service: the tests run their own.
    as_root env DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 apt-get -q -y -o DPkg::Lock::Timeout=600 "$@" </dev/null
}

# apt-get update waits for no lock by itself: somebody else's update may be running.
apt_update() {
    local attempt
    for attempt in 1 2 3 4 5 6 7 8 9 10 11 12; do
        if apt update; then return 0; fi
        grep -q 'Could not get lock' "$1" || return 1
        sleep 10
    done
    return 1
}

# install_packages PACKAGE...: makes sure that Debian's packages are there.
install_packages() {
    # Elsewhere the packages have other names: the compiler will say what it misses.
    command -v dpkg-query >/dev/null || return 0
    local missing line log
    missing=$(missing_packages "$@")
    [ -n "$missing" ] || return 0
    line="apt-get install -y --no-install-recommends ${missing% }"
    if [ "$(id -u)" -ne 0 ] && ! { command -v sudo && sudo -n true; } >/dev/null 2>&1; then
        say "system packages are missing, and installing them needs root. Run this, then try again:"
        printf '    sudo %s\n' "$line" >&2
        exit 69
    fi
    say "installing ${missing% }"
    log=$(mktemp "${TMPDIR:-/tmp}/loads-apt-XXXXXX.log")
    # shellcheck disable=SC2086 # a list of words
    if { ls /var/lib/apt/lists/*_Packages* >/dev/null 2>&1 && apt install --no-install-recommends $missing; } \
        >"$log" 2>&1 || { apt_update "$log" && apt install --no-install-recommends $missing; } >>"$log" 2>&1; then
        rm -f "$log"
    else
        tail -n 15 "$log" >&2
        die 69 "could not install the system packages (log: $log). Try: sudo apt-get update && sudo $line"
    fi
}

# show_progress LOG PID: says how far the build is until the process ends.
show_progress() {
    local seconds=0 step
    while kill -0 "$2" 2>/dev/null; do
        sleep 1
        seconds=$((seconds + 1))
        step=$(tail -c 4096 "$1" 2>/dev/null | tr '\r' '\n' | grep -oE '^\[[0-9]+/[0-9]+\]' | tail -n 1)
        if [ -t 2 ]; then
            printf '\r\033[K%s: building %s %ss' "$self" "${step:-…}" "$seconds" >&2
        elif [ $((seconds % 15)) -eq 0 ]; then
            say "building ${step:-…} ${seconds}s"
        fi
    done
    if [ -t 2 ]; then printf '\r\033[K' >&2; fi
}

# is_current PRODUCT: whether its executable is newer than every source.
is_current() {
    [ -x "$root/.build/release/$1" ] && [ -e "$root/.build/$1.stamp" ] &&
        [ -z "$(find "$root/Package.swift" "$root/Sources" -newer "$root/.build/$1.stamp" -print -quit)" ]
}

build_loads() { build_product loads; }

# build_product PRODUCT: builds a release executable if a source is newer than the last build.
build_product() {
    local product=$1
    if is_current "$product"; then return 0; fi
    need_swift
    mkdir -p "$root/.build"
    # One build at a time; who waited finds the work done. The lock is not handed down to what we start.
    exec 9>"$root/.build/loads.lock"
    flock 9
    if is_current "$product"; then
        exec 9>&-
        return 0
    fi
    local log="$root/.build/$product-build.log" stamp="$root/.build/$product.stamp" began=$SECONDS build
    if [ -e "$stamp" ]; then
        say "sources have changed: building"
    else
        say "building for the first time (some minutes)"
    fi
    # What is saved while the build runs is newer than this.
    touch "$stamp.new"
    swift build --package-path "$root" -c release --product "$product" </dev/null >"$log" 2>&1 9>&- &
    build=$!
    trap 'kill "$build" 2>/dev/null; say "build interrupted"; exit 130' INT TERM
    show_progress "$log" "$build" 9>&-
    if ! wait "$build"; then
        if grep -qE '(^|: )(error|fatal error):' "$log"; then
            grep -E '(^|: )(error|fatal error):' "$log" | sort -u | head -n 20 >&2
        else
            tail -n 20 "$log" >&2
        fi
        die 65 "the build failed (log: $log)"
    fi
    trap - INT TERM
    mv -f "$stamp.new" "$stamp"
    say "built in $((SECONDS - began)) s"
    exec 9>&-
}
