// SPDX-License-Identifier: Apache-2.0

import ArgumentParser
import Testing
import WGMControl

@testable import wgmd

@Suite("The end of wgmd")
struct EndingTests {
    @Test("A bad configuration is one line per fault, and nothing that a restart helps against")
    func configuration() {
        let problems: [ConfigurationError.Problem] = [
            .init(line: 3, message: "bad"), .init(line: nil, message: "worse"),
        ]
        let ending = Ending.words(for: ConfigurationError(path: "wgmd.toml", problems: problems))
        #expect(ending?.lines == ["wgmd.toml:3: bad", "wgmd.toml: worse"])
        #expect(ending?.code == 78)
    }

    @Test("A database that is newer than the program is said in its own words")
    func newerDatabase() {
        let ending = Ending.words(for: StoreFailure.other("version 9, newer than this program's 1"))
        #expect(ending?.lines == ["version 9, newer than this program's 1"])
        #expect(ending?.code == 78)
        #expect(Ending.words(for: StoreFailure.unavailable("refused"))?.code == 1)
    }

    @Test("Usage, help and exit codes stay with the argument parser")
    func usage() {
        #expect(Ending.words(for: ExitCode(75)) == nil)
        #expect(Ending.words(for: CleanExit.helpRequest()) == nil)
        #expect(throws: (any Error).self) {
            do { _ = try WGMD.parseAsRoot(["run", "--nonsense"]) } catch {
                #expect(Ending.words(for: error) == nil)
                throw error
            }
        }
        #expect(Ending.words(for: StartError("no user wgmd; make it"))?.lines == ["no user wgmd; make it"])
    }
}
