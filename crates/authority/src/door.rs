//! The door through which the first account is made: open to whoever holds the one-time link, and on a house that is
//! plain http on this machine also to a visitor from this machine.

use std::net::IpAddr;

use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::opaque::{Opaque, SetupLink};
use bailiwick_domain::uri::Issuer;

/// Decides who may make the first account. It is shut for good once an account exists; the store decides that race.
pub struct SetupDoor {
    link: Opaque<SetupLink>,
    loopback: bool,
}

impl SetupDoor {
    /// A door with a new link; `loopback` when both listener and public URL are on this machine.
    pub fn new(entropy: &dyn Entropy, loopback: bool) -> Self {
        Self { link: Opaque::mint(entropy), loopback }
    }

    /// The link to print for whoever started the house.
    pub fn link(&self, issuer: &Issuer) -> String {
        issuer.join(&format!("/setup?link={}", self.link.expose().as_str()))
    }

    /// True when `raw` is the link or its secret part.
    pub(crate) fn opens_with(&self, raw: &str) -> bool {
        let secret = raw.trim().rsplit_once("link=").map_or(raw.trim(), |(_, secret)| secret);
        let secret = secret.split('&').next().unwrap_or("");
        Opaque::<SetupLink>::parse(secret).is_some_and(|presented| presented.digest() == self.link.digest())
    }

    /// True when a visitor from that address needs no link.
    pub(crate) fn open_to(&self, peer: Option<IpAddr>) -> bool {
        self.loopback && peer.is_some_and(|peer| peer.to_canonical().is_loopback())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    struct Count;
    impl Entropy for Count {
        fn fill(&self, bytes: &mut [u8]) {
            bytes.fill(3);
        }
    }

    #[test]
    fn the_link_opens_as_a_whole_or_by_its_secret_and_nothing_else_does() {
        let door = SetupDoor::new(&Count, true);
        let link = door.link(&Issuer::parse("http://localhost:8787").unwrap());
        let secret = link.rsplit_once('=').unwrap().1;

        assert!(door.opens_with(&link));
        assert!(door.opens_with(secret));
        assert!(!door.opens_with(""));
        assert!(!door.opens_with("bw_su_AAAA"));
    }

    #[test]
    fn only_a_loopback_house_lets_a_loopback_visitor_in_without_the_link() {
        let (near, far) = (Some([127, 0, 0, 1].into()), Some([10, 0, 0, 1].into()));
        let mapped = Some("::ffff:127.0.0.1".parse().unwrap());

        assert!(SetupDoor::new(&Count, true).open_to(near));
        assert!(SetupDoor::new(&Count, true).open_to(mapped));
        assert!(!SetupDoor::new(&Count, true).open_to(far));
        assert!(!SetupDoor::new(&Count, true).open_to(None));
        assert!(!SetupDoor::new(&Count, false).open_to(near));
    }
}
