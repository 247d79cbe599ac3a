#!/bin/sh
# Build the frozen app, copy it to another folder and see that it works there with an empty environment.
set -eu
cd "$(dirname "$0")/.."
build=$(mktemp -d)
trap 'rm -rf "$build"' EXIT

uv run --group package pyinstaller --noconfirm --log-level WARN \
    --distpath "$build/dist" --workpath "$build/work" packaging/desktop-llm.spec
mv "$build/dist/desktop-llm" "$build/moved"
cat > "$build/bridge.md" <<'DOCUMENT'
# The bridge
The bridge at Aldergrove was opened in 1907. It is 214 metres long and carries one railway track.
DOCUMENT

frozen() {
    (cd / && env -i HOME="$build" PATH=/usr/bin:/bin LANG=C.UTF-8 QT_QPA_PLATFORM=offscreen \
        timeout "${limit_s:-300}" "$build/moved/desktop-llm" "$@")
}

frozen doctor --json | tee "$build/doctor.json"
grep -q '"ok": true' "$build/doctor.json"
frozen chat "Name one colour." --max-tokens 16
frozen index add Bridges "$build/bridge.md"
frozen search Bridges "How long is the bridge?" | grep "214 metres"

# The window stays open until its time is up (124), and has nothing to complain of.
status=0
limit_s=15 frozen 2>"$build/window.log" || status=$?
cat "$build/window.log"
if [ "$status" != 124 ] || grep -q Traceback "$build/window.log"; then
    exit 1
fi
echo "The frozen app works from another folder: $(du -sh "$build/moved" | cut -f1), $(find "$build/moved" -type f | wc -l) files."
