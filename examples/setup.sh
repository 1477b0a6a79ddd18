#!/bin/sh
# setup.sh [PACKAGE ...] - installs what is missing on Debian and builds dgmc in build/, or in $SETUP_BUILD
# with $SETUP_OPTIONS. Called by examples/demo.sh and tests/check.sh; packages given are added.
set -eu
cd "$(dirname "$0")/.."
build=${SETUP_BUILD:-build}

packages="gcc libc6-dev cmake make flex bison libopenblas-openmp-dev libjansson-dev libxxhash-dev
    zlib1g-dev libpng-dev librandom123-dev libcmocka-dev $*"
missing=
for p in $packages; do
    dpkg-query -W -f '${Status}' "$p" 2>/dev/null | grep -q 'ok installed' || missing="$missing $p"
done
if [ -n "$missing" ]; then
    echo "setup: installing$missing"
    as_root=
    if [ "$(id -u)" != 0 ]; then
        if ! command -v sudo >/dev/null || ! sudo -n true 2>/dev/null; then
            echo "setup: these packages are missing; run this line as root, then try again:" >&2
            echo "  apt-get update && apt-get install -y --no-install-recommends$missing" >&2
            exit 1
        fi
        as_root="sudo"
    fi
    $as_root apt-get update -q >/dev/null
    # shellcheck disable=SC2086
    $as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends $missing >/dev/null
fi

# Both flavours of OpenBLAS may be there; single-threaded calls make them alike.
# shellcheck disable=SC2086
cmake -S . -B "$build" -DCMAKE_BUILD_TYPE=Release ${SETUP_OPTIONS:-} >"$build.log" 2>&1 ||
    { cat "$build.log" >&2; exit 1; }
cmake --build "$build" -j "$(nproc)" >>"$build.log" 2>&1 || { tail -40 "$build.log" >&2; exit 1; }
rm -f "$build.log"
echo "setup: $build/dgmc is ready"
