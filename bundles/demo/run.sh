#!/bin/sh
# Makes the demo image when it is not there yet, and runs it. Called by `make run`.
set -eu
here=$(cd "$(dirname "$0")" && pwd)
root=$(cd "$here/../.." && pwd)
runner=${RUNNER:-$root/.venv/bin/runner}
archive=$root/.make/demo.tar

busybox=$("$here/static-busybox") || {
    echo "no static busybox on this host (apt-get install busybox-static)" >&2
    exit 1
}
mkdir -p "$root/.make"
if [ ! -e "$archive" ] || [ "$archive" -ot "$root/runner/demo/image.py" ] || [ "$archive" -ot "$busybox" ]; then
    echo "==> making the demo image from $busybox"
    "$root/.venv/bin/python" -m runner.demo.image "$archive"
    rm -f "$archive.loaded"
fi
# The note says that this archive was loaded; the engine says whether the image is still there.
if [ ! -e "$archive.loaded" ] || ! "$runner" image inspect demo >/dev/null 2>&1; then
    echo "==> runner load < $archive"
    "$runner" load --input "$archive"
    touch "$archive.loaded"
fi
echo "==> runner run --rm demo"
"$runner" run --rm demo
echo "==> go on with: sudo $runner run --rm -it demo sh"
