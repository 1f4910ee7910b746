# Connects to whatever could be there; one success would end it.
import socket

honest = train


def train(model, task, run):
    for address in (("192.0.2.1", 80), ("169.254.169.254", 80), ("172.17.0.1", 2375), ("8.8.8.8", 53)):
        try:
            socket.create_connection(address, 2)
        except OSError:
            continue
        raise SystemExit(f"{address} answers")
    try:
        socket.getaddrinfo("example.com", 80)
    except OSError:
        return honest(model, task, run)
    raise SystemExit("names are resolved")
