# SPDX-License-Identifier: Apache-2.0
"""pkg_config_library: a repository with one cc_library for an installed system library.

The compiler finds headers under /usr/include by itself, so the library is link options only. Where
pkg-config names another header folder (a private prefix in PKG_CONFIG_PATH), that folder is linked
into the repository and added to the include path.
"""

def _ask(repository_ctx, pkg_config, option, package):
    result = repository_ctx.execute([pkg_config, option, package])
    if result.return_code != 0:
        return None
    return [word for word in result.stdout.strip().split(" ") if word]

def _pkg_config_library_impl(repository_ctx):
    library = repository_ctx.attr.library
    hint = "run tools/setup, or install %s" % repository_ctx.attr.debian
    pkg_config = repository_ctx.which("pkg-config")
    if not pkg_config:
        fail("@%s needs pkg-config: run tools/setup, or install pkg-config" % library)

    found = None
    for package in repository_ctx.attr.packages:
        if _ask(repository_ctx, pkg_config, "--exists", package) != None:
            found = package
            break
    if not found:
        names = " or ".join(repository_ctx.attr.packages)
        fail("@%s: pkg-config knows no %s: %s" % (library, names, hint))

    includes = []
    defines = []
    for flag in _ask(repository_ctx, pkg_config, "--cflags", found) or []:
        if flag.startswith("-I") and flag != "-I/usr/include":
            folder = "include_%d" % len(includes)
            repository_ctx.symlink(flag[2:], folder)
            includes.append(folder)
        elif flag.startswith("-D"):
            defines.append(flag[2:])

    repository_ctx.file("BUILD", """\
load("@rules_cc//cc:defs.bzl", "cc_library")

# No module map: it would list no header, yet every user's compile would have to name it as an input.
package(features = [
    "-layering_check",
    "-module_maps",
])

cc_library(
    name = "{library}",
    hdrs = glob([folder + "/**" for folder in {includes}]),
    defines = {defines},
    includes = {includes},
    linkopts = {linkopts},
    visibility = ["//visibility:public"],
)
""".format(
        library = library,
        includes = repr(includes),
        defines = repr(defines),
        linkopts = repr(_ask(repository_ctx, pkg_config, "--libs", found)),
    ))

pkg_config_library = repository_rule(
    implementation = _pkg_config_library_impl,
    attrs = {
        "library": attr.string(mandatory = True, doc = "name of the cc_library"),
        "packages": attr.string_list(mandatory = True, doc = "pkg-config names, tried in order"),
        "debian": attr.string(mandatory = True, doc = "Debian package, for the error text"),
    },
    environ = ["PKG_CONFIG_PATH", "PKG_CONFIG_LIBDIR"],
    local = True,
)
