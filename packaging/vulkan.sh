#!/bin/sh
# Build the engine's GPU module for AMD, Intel and NVIDIA cards (Vulkan) from the sources of the installed engine:
#     packaging/vulkan.sh [FOLDER]       (FOLDER: where the app looks for modules, desktop_llm/backends)
# Takes some minutes once; what was built is kept in the user's cache, by version. Needs a C++ compiler, uv, and of the
# system: glslc, SPIRV-Headers, the Vulkan loader, and Vulkan headers of 2024 or later (Debian's are fetched if older).
set -eu
here=$(CDPATH='' cd -- "$(dirname -- "$0")/.." && pwd)
PATH="$PATH:${HOME:-/root}/.local/bin:$here/.tools/bin:/usr/sbin:/sbin"
to=${1:-$here/desktop_llm/backends}
version=$(sed -n 's/^ *"llama-cpp-python==\([0-9.]*\)".*/\1/p' "$here/pyproject.toml" | head -n 1)
cache=${XDG_CACHE_HOME:-${HOME:-/root}/.cache}/desktop-llm-build
kept=$cache/llama-cpp-python-$version-$(uname -m)/libggml-vulkan.so

tools() {
    uv run --quiet --no-project --with cmake --with ninja --with pip -- "$@"
}

say_what_is_missing() {
    echo "The GPU module needs some packages of your system first. Nothing was changed. Install them, then try again:" >&2
    if command -v apt-get >/dev/null; then echo "    sudo apt-get install g++ glslc spirv-headers libvulkan1" >&2
    elif command -v dnf >/dev/null; then echo "    sudo dnf install gcc-c++ glslc spirv-headers-devel vulkan-headers vulkan-loader-devel" >&2
    elif command -v pacman >/dev/null; then echo "    sudo pacman -S --needed gcc shaderc spirv-headers vulkan-headers vulkan-icd-loader" >&2
    else echo "    a C++ compiler, glslc, SPIRV-Headers, the Vulkan loader and headers (as in the Vulkan SDK)" >&2
    fi
    exit 1
}

new_enough() {
    grep -qs VkLayerSettingsCreateInfoEXT "$1/vulkan/vulkan_core.h"
}

# Debian 12's headers are too old: those of the Debian after it are unpacked for this build, not installed.
fetch_headers() {
    grep -qs '^ID=debian' /etc/os-release || say_what_is_missing
    # shellcheck disable=SC2016  # for apt to fill in
    mirror=$(apt-get indextargets --format '$(REPO_URI)' | grep 'debian/$' | head -n 1)
    mkdir -p lists/partial cache/archives/partial headers
    echo "deb [signed-by=/usr/share/keyrings/debian-archive-keyring.gpg] $mirror trixie main" > list
    for step in update "download libvulkan-dev"; do
        # shellcheck disable=SC2086  # a command and its argument
        apt-get -qq -o Dir::Etc::sourcelist="$PWD/list" -o Dir::Etc::sourceparts=/dev/null \
            -o Dir::State::lists="$PWD/lists" -o Dir::Cache="$PWD/cache" -o APT::Sandbox::User=root $step >&2
    done
    dpkg-deb -x libvulkan-dev_*.deb headers
}

build() {
    echo "Building the GPU module for llama-cpp-python $version, which takes some minutes." >&2
    tools python -m pip download --quiet --no-deps --no-binary llama-cpp-python --dest . "llama-cpp-python==$version"
    tar -xzf llama_cpp_python-*.tar.gz
    include=/usr/include
    [ -z "${VULKAN_SDK:-}" ] || include=$VULKAN_SDK/include
    new_enough "$include" || { fetch_headers; include=$PWD/headers/usr/include; }
    new_enough "$include" || say_what_is_missing
    tools cmake -S llama_cpp_python-*/vendor/llama.cpp -B build -G Ninja -DCMAKE_BUILD_TYPE=Release \
        -DLLAMA_BUILD_COMMON=OFF -DLLAMA_BUILD_TESTS=OFF -DLLAMA_BUILD_EXAMPLES=OFF -DLLAMA_BUILD_TOOLS=OFF \
        -DBUILD_SHARED_LIBS=ON -DGGML_BACKEND_DL=ON -DGGML_NATIVE=OFF -DGGML_CPU=OFF -DGGML_VULKAN=ON \
        -DVulkan_INCLUDE_DIR="$include" -DVulkan_LIBRARY="$loader" >&2
    tools cmake --build build --target ggml-vulkan >&2
    mkdir -p "$(dirname "$kept")"
    built=$(find build -name libggml-vulkan.so)
    strip "$built"
    cp "$built" "$kept.new"
    mv "$kept.new" "$kept"
}

if [ ! -e "$kept" ]; then
    loader=$(ldconfig -p | sed -n 's/.*libvulkan\.so\.1 .*=> //p' | head -n 1)
    { command -v c++ && command -v glslc && [ -n "$loader" ]; } >/dev/null || say_what_is_missing
    work=$(mktemp -d)
    trap 'rm -rf "$work"' EXIT
    (cd "$work" && build)
fi
mkdir -p "$to"
cp "$kept" "$to/libggml-vulkan.so.new"
mv "$to/libggml-vulkan.so.new" "$to/libggml-vulkan.so"
echo "The GPU module is in $to."
