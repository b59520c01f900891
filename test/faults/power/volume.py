"""Keeps an ext4 file system in a file mounted, where no other process sees it, and cuts its power.

Arguments: image, folder to mount it on, mount options. A line on standard input is a command, answered by a line:
`cut` (nothing that was not flushed survives; every later access fails) and `remount`. It ends with its input, and the
mount is gone with the last process in this namespace.
"""

import fcntl
import os
import struct
import subprocess
import sys
import time

FS_IOC_SHUTDOWN = 0x8004587D
NO_LOG_FLUSH = struct.pack("I", 2)

image, folder, options = sys.argv[1:4]


def mount():
    subprocess.run(["mount", "-t", "ext4", "-o", "loop," + options, image, folder], check=True)


def cut():
    root = os.open(folder, os.O_RDONLY)
    fcntl.ioctl(root, FS_IOC_SHUTDOWN, NO_LOG_FLUSH)
    os.close(root)


def remount():
    # A process that was killed may hold its files for another moment.
    for attempt in range(200):
        if subprocess.run(["umount", folder], stderr=subprocess.DEVNULL).returncode == 0:
            return mount()
        time.sleep(0.02)
    sys.exit("the volume is still in use")


mount()
print("mounted", flush=True)
for line in sys.stdin:
    {"cut": cut, "remount": remount}[line.strip()]()
    print("done", flush=True)
