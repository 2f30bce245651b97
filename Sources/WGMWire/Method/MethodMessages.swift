// SPDX-License-Identifier: Apache-2.0

/// What goes to and fro in a call of one method.
public struct MethodMessages: Sendable {
    public let request: any WireMessage.Type
    public let reply: any WireMessage.Type
}
