"""Runs OpenStack Swift with its S3 API in one process on a loopback port: S3Server.py <directory> <port>.

These are Swift's own servers, which run as four processes elsewhere. It ends with the process that started it.
"""
import os
import sys

import eventlet

eventlet.monkey_patch()

from swift.common import utils  # noqa: E402

directory, port, parent = sys.argv[1], int(sys.argv[2]), os.getppid()
with open(os.path.join(directory, 'swift.conf'), 'w') as file:
    file.write('[swift-hash]\nswift_hash_path_suffix = tests\n[storage-policy:0]\nname = one\ndefault = yes\n')
utils.set_swift_dir(directory)

from swift.account.server import AccountController  # noqa: E402
from swift.common.middleware import catch_errors, gatekeeper, tempauth  # noqa: E402
from swift.common.middleware.s3api import s3api  # noqa: E402
from swift.common.ring import RingBuilder  # noqa: E402
from swift.container.server import ContainerController  # noqa: E402
from swift.obj.server import ObjectController  # noqa: E402
from swift.proxy.server import Application  # noqa: E402

SETTINGS = {
    'swift_dir': directory, 'devices': directory, 'mount_check': 'false', 'fallocate_reserve': '0', 'log_level': 'ERROR',
    'log_address': '/nonexistent', 'user_test_tester': 'testing .admin', 'account_autocreate': 'true',
    'auth_pipeline_check': 'false', 'allow_multipart_uploads': 'false', 'storage_domain': 'localhost',
}


class Cache:
    """Takes the place of memcached."""

    def __init__(self):
        self.values = {}

    def get(self, key, raise_on_error=False):
        return self.values.get(key)

    def set(self, key, value, **_):
        self.values[key] = value

    def delete(self, key, **_):
        self.values.pop(key, None)


def serve(socket, app):
    eventlet.spawn(eventlet.wsgi.server, socket, app, log_output=False, debug=False)


def answer(environ, start):
    """Refuses to read objects while there is a file named unreadable."""
    if environ['REQUEST_METHOD'] == 'GET' and environ['PATH_INFO'].endswith('.jpg') \
            and os.path.exists(os.path.join(directory, 'unreadable')):
        start('403 Forbidden', [('Content-Type', 'application/xml')])
        return [b'<Error><Code>AccessDenied</Code></Error>']
    return app({**environ, 'swift.cache': cache}, start)


def ring(name, port):
    builder = RingBuilder(1, 1, 0)
    builder.add_dev({'id': 0, 'region': 1, 'zone': 1, 'weight': 1, 'ip': '127.0.0.1', 'port': port, 'device': 'disk'})
    builder.rebalance()
    builder.get_ring().save(os.path.join(directory, name + '.ring.gz'))


os.makedirs(os.path.join(directory, 'disk'), exist_ok=True)
for name, controller in (('account', AccountController), ('container', ContainerController), ('object', ObjectController)):
    socket = eventlet.listen(('127.0.0.1', 0))
    ring(name, socket.getsockname()[1])
    serve(socket, controller(SETTINGS))
app = Application(SETTINGS)
for layer in (tempauth, s3api, gatekeeper, catch_errors):
    app = layer.filter_factory(SETTINGS)(app)
cache = Cache()
serve(eventlet.listen(('127.0.0.1', port)), answer)
print('ready', flush=True)
while os.getppid() == parent:
    eventlet.sleep(1)
