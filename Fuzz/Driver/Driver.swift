// SPDX-License-Identifier: Apache-2.0
// What libFuzzer calls. The target is named by WGM_FUZZ_TARGET, since libFuzzer owns the command line.
internal import FuzzTargets
internal import Glibc

@_silgen_name("LLVMFuzzerMutate")
private func libFuzzerMutate(_ bytes: UnsafeMutablePointer<UInt8>?, _ size: Int, _ limit: Int) -> Int

/// The one target of this process.
private nonisolated(unsafe) var target: (any FuzzTarget)?

private func say(_ words: String) {
    let line = Array("wgm-fuzz: \(words)\n".utf8)
    _ = unsafe line.withUnsafeBytes { unsafe write(2, $0.baseAddress, $0.count) }
}

@_cdecl("LLVMFuzzerInitialize")
public func initialize(_ count: UnsafeMutableRawPointer?, _ arguments: UnsafeMutableRawPointer?) -> CInt {
    let name = unsafe getenv("WGM_FUZZ_TARGET").map { unsafe String(cString: $0) } ?? ""
    if name == "list" {
        for type in fuzzTargets { print(type.name) }
        exit(0)
    }
    guard let type = fuzzTargets.first(where: { $0.name == name }) else {
        say("WGM_FUZZ_TARGET is \(name), which is none of \(fuzzTargets.map { $0.name }.joined(separator: ", "))")
        exit(2)
    }
    do {
        unsafe target = try type.init()
        if let corpus = unsafe getenv("WGM_FUZZ_CORPUS") {
            try Seeds(of: type).write(into: unsafe String(cString: corpus))
        }
    } catch {
        say("\(name) cannot begin: \(error)")
        exit(2)
    }
    return 0
}

@_cdecl("LLVMFuzzerTestOneInput")
public func runOnce(_ start: UnsafePointer<UInt8>?, _ size: Int) -> CInt {
    let input = unsafe [UInt8](UnsafeBufferPointer(start: start, count: size))
    do { try unsafe target?.run(input) } catch {
        say("FOUND: \(error)")
        abort()
    }
    return 0
}

@_cdecl("LLVMFuzzerCustomMutator")
public func neighbour(_ start: UnsafeMutablePointer<UInt8>?, _ size: Int, _ limit: Int, _ seed: CUnsignedInt) -> Int {
    let buffer = unsafe UnsafeMutableBufferPointer(start: start, count: limit)
    let input = unsafe Array(buffer.prefix(size))
    var random = SeededGenerator(seed: UInt64(seed))
    let shape = unsafe target.map { type(of: $0).shape } ?? .bytes
    guard let other = shape.neighbour(of: input, &random, mutate: { mutated($0, room: 64) }), !other.isEmpty else {
        return unsafe libFuzzerMutate(start, size, limit)
    }
    let count = min(other.count, limit)
    _ = unsafe buffer.update(fromContentsOf: other.prefix(count))
    return count
}

/// Bytes without a meaning of their own, changed as libFuzzer does it.
private func mutated(_ bytes: [UInt8], room: Int) -> [UInt8] {
    var copy = bytes + [UInt8](repeating: 0, count: room)
    let count = unsafe copy.withUnsafeMutableBufferPointer {
        unsafe libFuzzerMutate($0.baseAddress, bytes.count, $0.count)
    }
    return Array(copy.prefix(count))
}
