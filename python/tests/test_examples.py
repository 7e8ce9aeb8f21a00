"""The examples do what they say, and what docs/python.md shows is in one of them."""

from __future__ import annotations

import os
import re
import signal
import socket
import ssl
import subprocess
import sys
import textwrap
import unittest

from support import EXAMPLES, PATIENCE, ROOT, Example, connected, environment, folder, identity, read_all

MOST_LINES = 30


class Examples(unittest.TestCase):
    def test_the_echo_server_is_short_and_serves_tls(self) -> None:
        lines = (EXAMPLES / "echo_asyncio.py").read_text().splitlines()
        self.assertLessEqual(len(lines), MOST_LINES)
        example = Example(self, "echo_asyncio.py", "127.0.0.1:0")
        context = ssl.create_default_context()
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        with connected(example.address) as raw, context.wrap_socket(raw) as client:
            host, port = client.getsockname()
            greeting = b"hello %s:%d\n" % (host.encode(), port)
            self.assertEqual(client.recv(len(greeting)), greeting)
            client.sendall(b"an echo")
            self.assertEqual(client.recv(16), b"an echo")

    def test_the_client_reaches_it_by_its_name_and_says_why_it_does_not(self) -> None:
        pem = str(identity(folder(self)))
        example = Example(self, "echo_asyncio.py", "127.0.0.1:0", pem)
        command = [sys.executable, "-B", "-W", "error", str(EXAMPLES / "connect_asyncio.py"), example.address]
        options = {"env": environment(), "capture_output": True, "timeout": PATIENCE, "input": b"an echo"}
        done = subprocess.run([*command, "localhost", pem], **options)  # type: ignore[call-overload]
        self.assertRegex(done.stdout, rb"^hello 127.0.0.1:\d+\nan echo$")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        done = subprocess.run([*command, "elsewhere.test", pem], **options)  # type: ignore[call-overload]
        self.assertRegex(done.stderr, rb"^TLS_CONNECT: .*elsewhere.test")
        self.assertEqual(done.returncode, 1)

    def test_the_proxy_says_how_each_stream_ended(self) -> None:
        with socket.create_server(("127.0.0.1", 0)) as server:
            example = Example(self, "proxy_selectors.py", "127.0.0.1:0", "127.0.0.1:%d" % server.getsockname()[1])
            with connected(example.address) as client:
                client.sendall(b"question")
                client.shutdown(socket.SHUT_WR)
                with server.accept()[0] as accepted:
                    accepted.settimeout(PATIENCE)
                    asked = read_all(accepted)
                    self.assertTrue(asked.startswith(b"\r\n\r\n\0\r\nQUIT\n\x21\x11"), asked)
                    self.assertTrue(asked.endswith(b"question"), asked)
                    accepted.sendall(b"answer")
                self.assertEqual(read_all(client), b"answer")
                name = "%s:%d" % client.getsockname()
            self.assertTrue(example.line().startswith(f"{name} -- "))

    def test_rules_are_read_again_and_a_mistake_changes_nothing(self) -> None:
        path = folder(self) / "rules"
        path.write_text("tcp-request connection track-sc0 src table clients\n")
        example = Example(self, "rules.py", "127.0.0.1:0", str(path))

        def reload(text: str) -> None:
            path.write_text(text)
            os.kill(example.process.pid, signal.SIGHUP)

        for number in (1, 2):
            with connected(example.address) as client:
                self.assertEqual(read_all(client), b"this is connection %d\n" % number)
        reload("tcp-request connection refuse\n")
        self.assertEqual(
            [example.line() for _ in range(3)][2].strip(), "|" + " " * 24 + "^" * len("refuse")
        )
        with connected(example.address) as client:
            self.assertEqual(read_all(client), b"this is connection 3\n")
        reload("tcp-request connection reject\n")
        self.assertEqual(example.line(), "replaced")
        with connected(example.address) as client:
            try:
                self.assertEqual(client.recv(1), b"")
            except ConnectionError:
                pass

    def test_the_handler_lets_those_in_who_know_the_password(self) -> None:
        example = Example(self, "handler_asyncio.py", "127.0.0.1:0")
        for password, answer in ((b"open sesame\r\n", b"an echo"), (b"guess\n", b"")):
            with connected(example.address) as client:
                self.assertEqual(client.recv(16), b"password: ")
                client.sendall(password + b"an echo")
                client.shutdown(socket.SHUT_WR)
                try:
                    self.assertEqual(read_all(client), answer)
                except ConnectionResetError:
                    self.assertEqual(answer, b"")

    def test_what_the_page_shows_is_in_an_example(self) -> None:
        examples = [path.read_text() for path in sorted(EXAMPLES.glob("*.py"))]
        page = (ROOT / "docs" / "python.md").read_text()
        snippets = re.findall(r"^```python\n(.*?)^```", page, re.MULTILINE | re.DOTALL)
        self.assertGreater(len(snippets), 3)
        for snippet in snippets:
            shown = textwrap.dedent(snippet)
            found = any(
                shown in textwrap.dedent(example) or textwrap.indent(shown, " " * depth) in example
                for example in examples
                for depth in (4, 8)
            )
            self.assertTrue(found, f"no example has this:\n{snippet}")
