// SPDX-License-Identifier: Apache-2.0

/// Something that takes bytes from outside and must keep its promises whatever they are.
package protocol FuzzTarget: SendableMetatype {
    /// As in `make fuzz TARGET=name` and in the names of its seeds.
    static var name: String { get }
    /// How an input is put together, for mutations that keep most of it meaningful.
    static var shape: InputShape { get }
    /// Whose seeds it takes; its own unless it shares them.
    static var seeds: String { get }

    init() throws

    /// Throws when a promise is broken; crashes are found without it.
    mutating func run(_ input: [UInt8]) throws
}

extension FuzzTarget {
    package static var shape: InputShape { .bytes }
    package static var seeds: String { name }
}

/// A promise that was broken.
package struct Finding: Error, CustomStringConvertible {
    package let description: String
}

/// Finds fault unless the condition holds.
func require(_ condition: Bool, _ words: @autoclosure () -> String) throws(Finding) {
    if !condition { throw Finding(description: words()) }
}

/// Every target; a new one needs a line here and seeds in Fuzz/Seeds.
package let fuzzTargets: [any FuzzTarget.Type] = [
    ServerFrames.self,
    ClientFrames.self,
    Messages.self,
    MessagesBesidePython.self,
    KeeperPackets.self,
    KeeperConversation.self,
    QuickFile.self,
    GatewayFileText.self,
    NetlinkAnswers.self,
    TextProtocol.self,
]
