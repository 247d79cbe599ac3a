#!/bin/sh
# Make the Linux packages from the frozen folder:   packaging/linux/make.sh FROZEN_FOLDER OUTPUT_FOLDER
# A .deb for the whole computer, a .tar.gz with an installer for one person, and their checksums.
set -eu
cd "$(dirname "$0")"
frozen=$(CDPATH='' cd -- "$1" && pwd)
mkdir -p "$2"
out=$(CDPATH='' cd -- "$2" && pwd)
version=$(sed -n 's/^version = "\(.*\)"/\1/p' ../../pyproject.toml)
machine=$(dpkg --print-architecture)
root=$(mktemp -d)
trap 'rm -rf "$root"' EXIT

# Files for the desktop, below a prefix: /usr, or ~/.local.
desktop_files() {
    install -Dm644 desktop-llm.desktop "$1/share/applications/desktop-llm.desktop"
    install -Dm644 ../../assets/desktop-llm.svg "$1/share/icons/hicolor/scalable/apps/desktop-llm.svg"
    install -Dm644 ../../assets/desktop-llm.png "$1/share/icons/hicolor/256x256/apps/desktop-llm.png"
    install -Dm644 desktop-llm.xml "$1/share/mime/packages/desktop-llm.xml"
    install -Dm755 ask-about-this.desktop "$1/share/kio/servicemenus/desktop-llm.desktop"
    install -Dm644 ask-about-this.nemo_action "$1/share/nemo/actions/desktop-llm.nemo_action"
    mkdir -p "$1/share/metainfo"
    sed "s/@VERSION@/$version/; s/@DATE@/$(date -u +%Y-%m-%d)/" io.github.desktop_llm.metainfo.xml \
        >"$1/share/metainfo/io.github.desktop_llm.metainfo.xml"
}

make_deb() {
    tree=$root/deb
    desktop_files "$tree/usr"
    mkdir -p "$tree/opt" "$tree/usr/bin" "$tree/DEBIAN"
    cp -a "$frozen" "$tree/opt/desktop-llm"
    ln -s /opt/desktop-llm/desktop-llm "$tree/usr/bin/desktop-llm"
    install -Dm644 ../../LICENSE "$tree/usr/share/doc/desktop-llm/copyright"
    chmod -R go=rX "$tree"
    sed "s/@VERSION@/$version/; s/@ARCHITECTURE@/$machine/; s/@SIZE@/$(du -sk "$tree" | cut -f1)/" control \
        >"$tree/DEBIAN/control"
    install -m755 postrm "$tree/DEBIAN/postrm"
    dpkg-deb --root-owner-group -Zzstd -z"${level:-15}" --build "$tree" "$out/desktop-llm_${version}_$machine.deb" >&2
    rm -rf "$tree"
}

make_tarball() {
    tree=$root/desktop-llm-$version
    desktop_files "$tree/desktop"
    cp -a "$frozen" "$tree/program"
    install -m755 install "$tree/install"
    install -m644 ../../LICENSE "$tree/LICENSE"
    chmod -R go=rX "$tree"
    tar -C "$root" --owner=0 --group=0 -cf - "desktop-llm-$version" |
        gzip -"${level_gzip:-6}" >"$out/desktop-llm-$version-linux-$(uname -m).tar.gz"
}

make_deb
make_tarball
cd "$out"
sha256sum desktop-llm[-_]"$version"* >SHA256SUMS
ls -l "$out" >&2
