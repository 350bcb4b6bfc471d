# SPDX-License-Identifier: Apache-2.0
"""An optimised build of a program, for tests that count what the optimiser leaves.

The rest of the test runs in whatever configuration was asked for; the program and all that it is
made of are built as --config=opt builds them.
"""

_MODE = "//command_line_option:compilation_mode"
_COPT = "//command_line_option:copt"

def _opt_impl(_settings, _attr):
    return {_MODE: "opt", _COPT: ["-O2", "-g", "-UNDEBUG"]}

_opt = transition(implementation = _opt_impl, inputs = [], outputs = [_MODE, _COPT])

def _opt_binary_impl(ctx):
    program = ctx.actions.declare_file(ctx.label.name)
    ctx.actions.symlink(output = program, target_file = ctx.executable.program, is_executable = True)
    return [DefaultInfo(files = depset([program]), executable = program)]

opt_binary = rule(
    implementation = _opt_binary_impl,
    attrs = {
        "program": attr.label(cfg = _opt, executable = True, mandatory = True),
        "_allowlist_function_transition": attr.label(
            default = "@bazel_tools//tools/allowlists/function_transition_allowlist",
        ),
    },
    executable = True,
)
