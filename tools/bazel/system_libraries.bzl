# SPDX-License-Identifier: Apache-2.0
"""The system libraries we link, once for WORKSPACE and MODULE.bazel alike.

packages: pkg-config names, first found wins (msgpack-c 4 calls itself msgpack, 5 and newer
msgpack-c). debian: what to install when none is found.
"""

SYSTEM_LIBRARIES = {
    "cmocka": {
        "packages": ["cmocka"],
        "debian": "libcmocka-dev",
    },
    "msgpack": {
        "packages": ["msgpack-c", "msgpack"],
        "debian": "libmsgpack-dev",
    },
    "uv": {
        "packages": ["libuv"],
        "debian": "libuv1-dev",
    },
}
