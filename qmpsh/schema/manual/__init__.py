"""The locally installed QEMU manuals: finding an article in the roff and laying it out."""
