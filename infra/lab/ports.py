"""ports.py N : N free ports on loopback, a number each. Whoever asks next, at the same time or a minute later, gets others: a
port that was merely free when it was asked for may be somebody's by the time that a server begins. They lie below those
that the kernel gives to outgoing connections."""
import fcntl, os, socket, sys, tempfile

FIRST, COUNT = 18000, 12000
wanted, found = int(sys.argv[1]), []
with open(os.path.join(tempfile.gettempdir(), f"slipway-ports-{os.getuid()}"), "a+") as book:
    fcntl.flock(book, fcntl.LOCK_EX)
    book.seek(0)
    at = int(book.read() or 0)
    for _ in range(COUNT):
        if len(found) == wanted:
            break
        port, at = FIRST + at % COUNT, (at + 1) % COUNT
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
    book.truncate(0)
    book.write(str(at))
if len(found) < wanted:
    sys.exit("no port is free on loopback")
print(*found)
