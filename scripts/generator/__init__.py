# SPDX-License-Identifier: Apache-2.0
"""The parts of protoc-gen-wgm, one module for each kind of file that it writes."""
