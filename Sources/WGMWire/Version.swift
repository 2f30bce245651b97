// SPDX-License-Identifier: Apache-2.0

/// The version of wgm: one number for the daemon, its keeper, the command line and the libraries.
public enum WGMVersion {
    public static let current = "0.1.0"
}
