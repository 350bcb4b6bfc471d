# SPDX-License-Identifier: Apache-2.0
"""The native sh_library under the name from which BUILD files load it."""

sh_library = native.sh_library
