# SPDX-License-Identifier: Apache-2.0
"""The native sh_test under the name from which BUILD files load it."""

sh_test = native.sh_test
