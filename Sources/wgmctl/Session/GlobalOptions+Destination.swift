// SPDX-License-Identifier: Apache-2.0

extension GlobalOptions {
    /// Where to, in this order: the command line, WGM_SERVER, WGM_SOCKET, the profile, the socket of this host.
    var destination: Destination {
        get throws(Failure) {
            if let profile { return completed(try self.profile(named: profile)) }
            let named = try namedServers()
            if !named.isEmpty { return completed(Destination(servers: named)) }
            if let path = socket ?? Environment.nonEmpty("WGM_SOCKET") {
                return completed(Destination(servers: [.unix(path: path)]))
            }
            if let name = Environment.nonEmpty("WGM_PROFILE") { return completed(try self.profile(named: name)) }
            if let file = ProfileFile() {
                let profiles = try file.read()
                if let name = profiles.current {
                    guard let profile = profiles.profiles[name] else { throw Failure(noProfile: name) }
                    return completed(Destination(profile))
                }
            }
            return completed(Destination(servers: [.unix(path: Self.defaultSocket)]))
        }
    }

    /// The servers of the command line, else of WGM_SERVER, where they stand between commas.
    func namedServers() throws(Failure) -> [ServerAddress] {
        var texts = server
        if texts.isEmpty, socket == nil, let variable = Environment.nonEmpty("WGM_SERVER") {
            texts = variable.split(separator: ",").map { String($0).trimmed }
        }
        var servers: [ServerAddress] = []
        for text in texts {
            guard let server = ServerAddress(text) else {
                throw Failure(.usage, "\(text) is not a server's address", hint: ServerAddress.rule)
            }
            servers.append(server)
        }
        return servers
    }

    private func profile(named name: String) throws(Failure) -> Destination {
        guard let profile = try ProfileFile.required().read().profiles[name] else { throw Failure(noProfile: name) }
        return Destination(profile)
    }

    private func completed(_ destination: Destination) -> Destination {
        var destination = destination
        if let authority = ca ?? Environment.nonEmpty("WGM_CA") {
            destination.authority = authority
            // Who names an authority wants it asked.
            destination.pins = []
        }
        destination.certificate = cert ?? Environment.nonEmpty("WGM_CERT") ?? destination.certificate
        destination.key = key ?? Environment.nonEmpty("WGM_KEY") ?? destination.key
        destination.tokenFile = tokenFile ?? Environment.nonEmpty("WGM_TOKEN_FILE") ?? destination.tokenFile
        return destination
    }
}

extension Destination {
    init(_ profile: Profiles.Profile) {
        servers = profile.servers
        authority = profile.authority
        certificate = profile.certificate
        key = profile.key
        tokenFile = profile.tokenFile
        pins = profile.pins
    }

    init(servers: [ServerAddress]) { self.servers = servers }
}
