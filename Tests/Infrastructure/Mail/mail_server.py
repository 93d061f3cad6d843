"""A real mail server for the tests, Debian's python3-aiosmtpd: STARTTLS and AUTH are asked for, each mail becomes a file. Ends with its input."""
import json
import ssl
import sys
from pathlib import Path

from aiosmtpd.controller import Controller
from aiosmtpd.smtp import AuthResult

port, directory, certificate, key, username, password = int(sys.argv[1]), Path(sys.argv[2]), *sys.argv[3:]


class Keep:
    def __init__(self):
        self.seen = set()

    async def handle_RCPT(self, server, session, envelope, address, options):
        if address.startswith("refused-"):
            return f"550 5.1.1 <{address}> is nobody here"
        if address.startswith("later-") and address not in self.seen:
            self.seen.add(address)
            return f"451 4.7.1 <{address}> may be tried again"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    async def handle_DATA(self, server, session, envelope):
        mail = {
            "tls": session.ssl is not None,
            "authenticated": session.authenticated,
            "helo": session.host_name,
            "from": envelope.mail_from,
            "to": envelope.rcpt_tos,
            "content": envelope.content.decode("ascii"),
        }
        name = directory / f"{len(list(directory.glob('*.json'))):04}.json"
        unfinished = name.with_suffix(".tmp")
        unfinished.write_text(json.dumps(mail))
        unfinished.rename(name)
        return "250 taken"


def authenticate(server, session, envelope, mechanism, data):
    right = mechanism == "PLAIN" and data.login == username.encode() and data.password == password.encode()
    return AuthResult(success=right, handled=False)


tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
tls.load_cert_chain(certificate, key)
controller = Controller(Keep(), hostname="127.0.0.1", port=port, require_starttls=True, tls_context=tls, auth_required=True, authenticator=authenticate)
controller.start()
print("ready", flush=True)
sys.stdin.read()
controller.stop()
