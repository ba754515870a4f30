"""An imitation of AWS on loopback that ends with the process that started it (`make run AWS=moto`).

Its caller becomes `slipway up` by exec, which keeps the process id: when that parent is gone, so are we.
"""
import os
import sys
import threading
import time


def end_with(parent):
    while os.getppid() == parent:
        time.sleep(0.5)
    os._exit(0)


threading.Thread(target=end_with, args=(os.getppid(),), daemon=True).start()

from moto.server import main  # noqa: E402 (slow to import: the watcher starts first)

main(["-H", "127.0.0.1", "-p", sys.argv[1]])
