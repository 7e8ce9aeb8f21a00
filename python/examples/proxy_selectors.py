"""A TCP proxy on the module selectors: each client gets a server of a backend, which learns the client's address.

    python3 proxy_selectors.py ADDR:PORT SERVER_ADDR:PORT...
"""

from __future__ import annotations

import sys

from vestibule import Balance, BackendOptions, ConnectConfig, Event, EventKind, SelectorHost, SendProxy

address, *servers = sys.argv[1:]


def on_event(event: Event) -> None:
    if event.kind is EventKind.SESSION:
        event.conn.forward_to(backend)
    elif event.stream_end:
        print(event.stream_end.client.peer, event.stream_end.termination, event.stream_end.text, flush=True)


with SelectorHost(on_event) as host:
    backend = host.engine.backend("servers", BackendOptions(balance=Balance.LEAST_CONNECTIONS))
    to_server = ConnectConfig(send_proxy=SendProxy.V2)
    for number, server in enumerate(servers):
        backend.add_server(f"server{number}", server, connect=to_server)
    print("ready", host.engine.listen(address).address, flush=True)
    host.run()
