// SPDX-License-Identifier: Apache-2.0

import Testing
import WGMControl
import WGMModel

@testable import WGMStore

extension StoreTests {
    @Suite struct Migrations {
        @Test func migratingTwiceChangesNothing() async throws {
            let database = try TestCluster.database(migrated: false)
            try Migrator.migrate(database.address("wgm_owner"))
            try await database.store().make("wg0")
            try Migrator.migrate(database.address("wgm_owner"))
            #expect(try await database.store().load().interfaces.count == 1)
        }

        @Test func manyWhoMigrateAtOnceDoItOnce() async throws {
            let address = try TestCluster.database(migrated: false).address("wgm_owner")
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 { group.addTask { try Migrator.migrate(address) } }
                try await group.waitForAll()
            }
        }

        @Test func aDatabaseWithoutSchemaIsRefusedSayingWhatToDo() async throws {
            let database = try TestCluster.database(migrated: false)
            let store = try PostgresStore(address: database.address("wgm_owner"), node: name("gw1"))
            #expect(
                await failure { _ = try await store.load() }
                    == .other("the database has no schema of wgm: run the migration as its owner first")
            )
        }

        @Test func aNewerSchemaIsRefusedByMigrationAndStore() async throws {
            let database = try TestCluster.database()
            try database.connection().query(
                "INSERT INTO schema_version (version, checksum) VALUES (999, sha256('the future'))"
            )
            let expected = StoreFailure.other(
                "the database's schema is version 999, newer than this program's \(Migrator.newestVersion): install the newer wgm again"
            )
            #expect(await failure { try Migrator.migrate(database.address("wgm_owner")) } == expected)
            let store = try database.store()
            #expect(await failure { _ = try await store.load() } == expected)
            #expect(await failure { try await store.make("wg0") } == expected)
        }

        @Test func aSchemaMadeFromAnotherFileOfTheSameNumberIsRefused() async throws {
            let database = try TestCluster.database()
            try database.connection().query("UPDATE schema_version SET checksum = sha256('another')")
            guard case .other(let words) = await failure({ _ = try await database.store().load() }) else {
                Issue.record("not refused")
                return
            }
            #expect(words.contains("never released"))
        }

        @Test func anAddressThatCannotBeReadIsRefusedWithoutRepeatingItsPassword() {
            for uri in [
                "", "postgres//alice:hunter2@db/wgm", "postgresql://alice:hunter2@db:nonsense=/", "a=b hunter2",
            ] {
                do {
                    let address = try DatabaseAddress(uri: uri)
                    #expect(!"\(address)".contains("hunter2"), "\(uri)")
                } catch {
                    #expect(!"\(error)".contains("hunter2"), "\(uri)")
                }
            }
        }

        @Test func anAddressDoesNotShowItsPassword() throws {
            let address = try DatabaseAddress(uri: "postgresql://alice:hunter2@db.example.org/wgm")
            var dumped = ""
            dump(address, to: &dumped)
            #expect(!dumped.contains("hunter2"))
            #expect(!"\(address)".contains("hunter2"))
            #expect(!String(reflecting: address).contains("hunter2"))
        }

        @Test func aStoreWorksThroughAURIToo() async throws {
            let database = try TestCluster.database()
            let folder = database.socketFolder.replacing("/", with: "%2F")
            let address = try DatabaseAddress(uri: "postgresql://wgmd@\(folder)/\(database.name)?connect_timeout=3")
            let store = try PostgresStore(address: address, node: name("gw1"))
            #expect(try await store.currentRevision() == 0)
        }
    }
}
