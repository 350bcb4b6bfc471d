# SPDX-License-Identifier: Apache-2.0
"""The native sh_binary under the name from which BUILD files load it."""

sh_binary = native.sh_binary
