#!/bin/sh
# Build the frozen app, copy it to another folder and see that it works there with an empty environment.
set -eu
cd "$(dirname "$0")/.."
build=$(mktemp -d)
hub=
trap '[ -z "$hub" ] || kill "$hub"; rm -rf "$build"' EXIT

uv run --group package pyinstaller --noconfirm --log-level WARN \
    --distpath "$build/dist" --workpath "$build/work" packaging/desktop-llm.spec
mv "$build/dist/desktop-llm" "$build/moved"
cat > "$build/bridge.md" <<'DOCUMENT'
# The bridge
The bridge at Aldergrove was opened in 1907. It is 214 metres long and carries one railway track.
DOCUMENT

frozen() {
    (cd / && env -i HOME="$build" PATH=/usr/bin:/bin LANG=C.UTF-8 QT_QPA_PLATFORM=offscreen HF_ENDPOINT="${HF_ENDPOINT:-}" \
        timeout "${limit_s:-300}" "$build/moved/desktop-llm" "$@")
}

frozen doctor --json | tee "$build/doctor.json"
grep -q '"ok": true' "$build/doctor.json"
frozen chat "Name one colour." --max-tokens 16
frozen index add Bridges "$build/bridge.md"
frozen search Bridges "How long is the bridge?" | grep "214 metres"

# A model from a small hub on this computer.
mkdir -p "$build/hub/maker/Tiny-GGUF"
find "$build/moved" -name 'SmolLM2*.gguf' -exec cp {} "$build/hub/maker/Tiny-GGUF/Tiny-Q4_1.gguf" \;
uv run python -m tests.hub "$build/hub" > "$build/hub.url" &
hub=$!
for _ in $(seq 50); do [ -s "$build/hub.url" ] || sleep 0.2; done
HF_ENDPOINT=$(cat "$build/hub.url")
frozen find tiny | grep Q4_1
frozen pull maker/Tiny-GGUF:Q4_1
frozen chat "Name one animal." -m tiny-q4_1 --max-tokens 8

# The window stays open until its time is up (124), and has nothing to complain of.
status=0
limit_s=15 frozen 2>"$build/window.log" || status=$?
cat "$build/window.log"
if [ "$status" != 124 ] || grep -q Traceback "$build/window.log"; then
    exit 1
fi
echo "The frozen app works from another folder: $(du -sh "$build/moved" | cut -f1), $(find "$build/moved" -type f | wc -l) files."
