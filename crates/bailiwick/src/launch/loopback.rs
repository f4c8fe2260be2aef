//! Brings the loopback device of a new network namespace up.

use rustix::net::netlink::SocketAddrNetlink;
use rustix::net::{AddressFamily, RecvFlags, SendFlags, SocketFlags, SocketType, recv, sendto, socket_with};

/// `RTM_NEWLINK`.
const NEW_LINK: u16 = 16;
/// `NLM_F_REQUEST | NLM_F_ACK`.
const REQUEST: u16 = 5;
/// `IFF_UP`.
const UP: u32 = 1;
/// The loopback device, in every new namespace.
const LOOPBACK: u32 = 1;

/// Brings it up.
pub(super) fn bring_up() -> std::io::Result<()> {
    // The first protocol of netlink, which is also the default, speaks of devices.
    let socket = socket_with(AddressFamily::NETLINK, SocketType::RAW, SocketFlags::CLOEXEC, None)?;
    sendto(&socket, &message(), SendFlags::empty(), &SocketAddrNetlink::new(0, 0))?;
    let mut answer = [0_u8; 256];
    recv(&socket, &mut answer, RecvFlags::empty())?;
    // After a head of sixteen bytes: nothing, or the number of an error, negative.
    match answer.get(16..20).and_then(|bytes| <[u8; 4]>::try_from(bytes).ok()).map(i32::from_ne_bytes) {
        Some(0) => Ok(()),
        Some(number) => Err(std::io::Error::from_raw_os_error(-number)),
        None => Err(std::io::ErrorKind::UnexpectedEof.into()),
    }
}

/// A head (length, type, flags, sequence, port) and what it is about (family, device, flags, which of them change).
fn message() -> Vec<u8> {
    let mut bytes = Vec::with_capacity(32);
    bytes.extend(32_u32.to_ne_bytes());
    bytes.extend([NEW_LINK, REQUEST].into_iter().flat_map(u16::to_ne_bytes));
    bytes.extend([1, 0, 0, LOOPBACK, UP, UP].into_iter().flat_map(u32::to_ne_bytes));
    bytes
}
