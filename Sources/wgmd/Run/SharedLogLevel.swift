// SPDX-License-Identifier: Apache-2.0

import Logging
import Synchronization

/// The log level of all of wgmd's loggers, which a reload may change.
final class SharedLogLevel: Sendable {
    private let level: Mutex<Logger.Level>

    init(_ level: Logger.Level) { self.level = Mutex(level) }

    var current: Logger.Level {
        get { level.withLock { $0 } }
        set { level.withLock { $0 = newValue } }
    }

    func makeLogger() -> Logger {
        Logger(label: "wgmd") { Handler(shared: self, stream: StreamLogHandler.standardError(label: $0)) }
    }

    /// Standard error's handler with a level that all copies share.
    private struct Handler: LogHandler {
        let shared: SharedLogLevel
        var stream: StreamLogHandler

        var logLevel: Logger.Level {
            get { shared.current }
            set { shared.current = newValue }
        }

        var metadata: Logger.Metadata {
            get { stream.metadata }
            set { stream.metadata = newValue }
        }

        subscript(metadataKey key: String) -> Logger.Metadata.Value? {
            get { stream[metadataKey: key] }
            set { stream[metadataKey: key] = newValue }
        }

        func log(event: LogEvent) { stream.log(event: event) }
    }
}
