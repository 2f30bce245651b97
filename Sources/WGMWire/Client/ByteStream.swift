// SPDX-License-Identifier: Apache-2.0

/// A connection that carries bytes to a server and back, as `BlockingClient` uses it.
public protocol ByteStream: AnyObject {
    /// Waits until the other end has sent something, or there is room to send if that is wanted.
    ///
    /// False after `timeout`.
    func wait(orWritable: Bool, timeout: Duration) throws(ByteStreamFailure) -> Bool

    /// How many bytes were taken, without waiting; 0 when there is no room now.
    func send(_ bytes: ArraySlice<UInt8>) throws(ByteStreamFailure) -> Int

    /// What has arrived, without waiting.
    func receive() throws(ByteStreamFailure) -> ByteStreamInput

    /// Why the other end refused the whole connection, in case it did so below the frames; no call has run then.
    var refusal: Status? { get }
}

/// The error number of a system call that failed on a connection.
public struct ByteStreamFailure: Error, Sendable {
    public let number: Int32

    public init(number: Int32) { self.number = number }
}

/// What one receive brought.
public enum ByteStreamInput: Sendable {
    case bytes([UInt8])
    case nothingYet
    case end
}
