// SPDX-License-Identifier: Apache-2.0

package import WGMKeys
package import WGMModel

/// What the keeper needs of the kernel side.
package protocol KeeperKernel: ~Copyable {
    mutating func apply(
        _ change: KernelChange,
        to name: InterfaceName,
        owner: InterfaceID,
        keys: borrowing SealingKey
    ) throws(KernelFailure)

    /// nil when there is no interface of that name.
    ///
    /// Without `marking` a preshared key's mark is `unknown`.
    mutating func dump(_ name: InterfaceName, marking: KeyMarker?) throws(KernelFailure) -> ActualInterface?

    /// The keys of a link that carries nobody's mark: the private key, then preshared keys.
    mutating func secrets(
        of name: InterfaceName,
        for interface: InterfaceID,
        keys: borrowing SealingKey
    ) throws(KernelFailure) -> [SealedSecret]

    /// Can be read when `takeEvents` may have something to tell; nil when it never has.
    var eventDescriptor: Int32? { get }

    /// The interfaces of ours that somebody else changed since the last time.
    mutating func takeEvents() -> ChangedLinks

    mutating func ownedInterfaces() throws(KernelFailure) -> [InterfaceName: InterfaceID]
}
