# SPDX-License-Identifier: Apache-2.0
"""The system libraries as a module extension: in a file of its own, because Bazel 4.2.3 does not
know module_extension and must never load this."""

load("//tools/bazel:pkg_config.bzl", "pkg_config_library")
load("//tools/bazel:system_libraries.bzl", "SYSTEM_LIBRARIES")

def _system_impl(_module_ctx):
    for library, facts in SYSTEM_LIBRARIES.items():
        pkg_config_library(
            name = library,
            debian = facts["debian"],
            library = library,
            packages = facts["packages"],
        )

system = module_extension(implementation = _system_impl)
