#!/bin/sh
# Builds a small Linux to run in the tests' VMs: guest.sh [--optional]
#
# .guest/vmlinuz and .guest/initrd out of Debian's packages alone, which are downloaded and unpacked
# there; the system itself stays as it is. Under TCG it boots in 5 to 10 s. It has root shells on
# ttyS0 and tty1, qemu-ga on the port org.qemu.guest_agent.0, drivers for what is plugged in and
# out, acpid that powers off on the power button, and says `guest: up` on its console.
# .guest/font.psf.gz is a font with the letters of the kernel's framebuffer console.
#
# Words of the kernel command line that it knows:
#   nobutton    the power button is ignored
#   noga        no guest agent is started
#
# Does nothing when that was done before, by this very script. Exits 1 when it cannot be done,
# unless it is --optional.
set -eu

MODULES="virtio_pci virtio_blk virtio_net virtio_balloon virtio_console virtio_scsi virtio_mem
    virtio_input virtio_rng button evdev pvpanic-pci i6300esb iTCO_wdt ahci sr_mod sd_mod usb-storage
    xhci_pci usbhid hid-generic ext4 isofs e1000e nvme"

here=$(cd "$(dirname "$0")" && pwd)
guest=${here%/*}/.guest
without="the tests that need a guest are skipped"
. "$here/unpacking.sh"

# unpack PACKAGE: into $work/PACKAGE, which is kept nowhere.
unpack() {
    mkdir -p "$work/$1"
    (cd "$work/$1" && apt-get -q download "$1") >"$work/log" 2>&1 ||
        fail "the package $1 cannot be downloaded ($(tail -n 1 "$work/log"))"
    dpkg -x "$work/$1"/*.deb "$work/$1"
    rm "$work/$1"/*.deb
}

# The package of Debian's present kernel.
kernel_package() {
    apt-cache depends linux-image-amd64 2>/dev/null |
        sed -n 's/ *Depends: \(linux-image-.*\)/\1/p' | head -n 1
}

# add_modules KERNEL VERSION: the modules, and all that they depend on.
add_modules() {
    from=$1/lib/modules/$2
    to=$root/lib/modules/$2
    mkdir -p "$to"
    [ -f "$from/modules.dep" ] || depmod -b "$1" "$2"
    for module in $MODULES; do
        modprobe -d "$1" -S "$2" --show-depends "$module" 2>/dev/null | sed -n 's/^insmod //p'
    done | awk '{ print $1 }' | sort -u | while read -r file; do
        mkdir -p "$(dirname "$to/${file#"$from/"}")"
        cp "$file" "$to/${file#"$from/"}"
    done
    cp "$from"/modules.builtin* "$from/modules.order" "$to/"
    depmod -b "$root" "$2"
}

# add_program FILE NAME: a program of this system with its libraries.
add_program() {
    cp "$1" "$root/$2"
    ldd "$1" | awk '/=> \//{ print $3 } /^\t*\/lib64/{ print $1 }' | while read -r library; do
        mkdir -p "$root$(dirname "$library")"
        cp -L "$library" "$root$library"
    done
}

# What qemu-ga calls: shutdown -h -P +0, -h -H +0, -h -r +0.
write_shutdown() {
    cat >"$root/sbin/shutdown" <<'END'
#!/bin/sh
case " $* " in
    *" -r "*) exec /bin/busybox reboot -f ;;
    *" -H "*) exec /bin/busybox halt -f ;;
    *) exec /bin/busybox poweroff -f ;;
esac
END
    cat >"$root/etc/acpi/PWRF/00000080" <<'END'
#!/bin/sh
echo "power button" >/dev/console
sync
sleep 1
exec /bin/busybox poweroff -f
END
}

write_init() {
    cat >"$root/init" <<END
#!/bin/sh
export PATH=/bin:/sbin:/usr/sbin HOME=/root
mount -t proc proc /proc
mount -t sysfs sysfs /sys
mount -t devtmpfs dev /dev
mkdir -p /dev/pts /dev/virtio-ports
mount -t devpts devpts /dev/pts
mount -t tmpfs tmp /tmp
mount -t tmpfs run /run
read -r line </proc/cmdline
has() { case " \$line " in *" \$1 "*) return 0 ;; esac; return 1; }
for module in $(echo $MODULES); do modprobe -q "\$module"; done
echo online >/sys/devices/system/memory/auto_online_blocks 2>/dev/null
[ ! -d /sys/class/virtio-ports ] || sleep 1
for port in /sys/class/virtio-ports/*; do
    [ -f "\$port/name" ] && ln -sf "/dev/\${port##*/}" "/dev/virtio-ports/\$(cat "\$port/name")"
done
has nobutton || acpid -c /etc/acpi -d >/dev/null 2>&1 &
if ! has noga && [ -e /dev/virtio-ports/org.qemu.guest_agent.0 ]; then
    (while :; do
        qemu-ga -m virtio-serial -p /dev/virtio-ports/org.qemu.guest_agent.0 -t /run >/tmp/ga.log 2>&1
        sleep 2
    done) &
fi
for tty in ttyS0 tty1; do
    [ -e /dev/\$tty ] && echo "\$tty::respawn:/bin/sh" >>/etc/inittab
done
echo "guest: up" >/dev/console
exec init # which starts the shells so that Ctrl-C ends what they run
END
}

build() {
    image=$(kernel_package)
    [ -n "$image" ] || fail "apt knows no kernel here"
    unpack "$image"
    unpack busybox-static
    version=$(ls "$work/$image/lib/modules")
    root=$work/root
    mkdir -p "$root/etc/acpi/PWRF" "$root/usr/sbin"
    (cd "$root" && mkdir bin sbin proc sys dev tmp run root mnt)
    cp "$work/busybox-static/bin/busybox" "$root/bin/"
    for name in $("$root/bin/busybox" --list); do
        [ "$name" = busybox ] || ln -s /bin/busybox "$root/bin/$name"
    done
    unpack console-setup-linux
    # Of Debian's console fonts this one has the kernel's own letters, which has no file.
    cp "$work/console-setup-linux/usr/share/consolefonts/Ethiopian-Goha16.psf.gz" \
        "$guest/font.psf.gz"
    add_modules "$work/$image" "$version"
    add_program "$(command -v qemu-ga)" usr/sbin/qemu-ga
    write_shutdown
    write_init
    chmod +x "$root/init" "$root/sbin/shutdown" "$root/etc/acpi/PWRF/00000080"
    echo 'root:x:0:0:root:/root:/bin/sh' >"$root/etc/passwd"
    echo 'root:x:0:' >"$root/etc/group"
    cp "$work/$image/boot/vmlinuz-$version" "$guest/vmlinuz"
    (cd "$root" && find . -print0 | cpio -0 --quiet -o -H newc | gzip -1) >"$guest/initrd"
}

main() {
    PATH=$PATH:/usr/sbin:/sbin
    ! cmp -s "$0" "$guest/built-by" || exit 0
    need "build a guest" apt-get dpkg cpio depmod modprobe qemu-ga ldd gzip
    work_in "$guest"
    say "building a small Linux in .guest"
    build
    cp "$0" "$guest/built-by" # last: with it all is there
}

main
