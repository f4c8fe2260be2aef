//! A person who is away at a provider to connect: what must come back with them, bound to their link and their browser,
//! and used once.

use bailiwick_domain::control::{Control, holds};
use bailiwick_domain::opaque::{Digest, LoginState};
use bailiwick_domain::text;
use bailiwick_domain::time::REQUEST_LIFE;
use bailiwick_store::UpstreamLogin;
use zeroize::Zeroizing;

use super::connector::Departure;
use super::fault::ConnectFault;
use super::ticket::Invitation;
use crate::authority::Authority;
use crate::fault::Fault;
use crate::visit::Visit;

/// What is kept while they are away; the store sees it sealed.
pub(super) struct Away {
    /// Which link led there.
    pub(super) ticket: String,
    /// What whoever connects needs to take the answer.
    pub(super) sealed: Zeroizing<String>,
}

impl Away {
    /// Keeps it for the browser that is about to leave.
    pub(super) async fn keep(
        authority: &Authority,
        visit: &Visit,
        invitation: &Invitation,
        departure: Departure,
    ) -> Result<(), Fault> {
        let browser = visit.browser_digest().ok_or(Fault::ForeignForm)?;
        let digest = digest(&departure.state);
        // A link has no line break in it.
        let plain = Zeroizing::new(format!("{}\n{}", invitation.raw, departure.sealed.as_str()));
        let ours = &authority.secrets.upstream_login;
        let sealed = ours.seal(authority.entropy.as_ref(), &context(&digest), plain.as_bytes());
        let login = UpstreamLogin { sealed, browser };
        authority.store.begin_upstream_login(&digest, login, visit.now.after(REQUEST_LIFE)).await?;
        Ok(())
    }

    /// Finds what belongs to `state`: begun by this browser, and not finished before. A guess by another browser leaves
    /// it alone.
    pub(super) async fn take(authority: &Authority, visit: &Visit, state: Option<&str>) -> Result<Self, Fault> {
        let digest = digest(state.ok_or(ConnectFault::State)?);
        let row = authority.store.upstream_login(&digest, visit.now).await?.ok_or(ConnectFault::State)?;
        let same = visit.browser_digest().is_some_and(|browser| browser == row.browser);
        if !same && holds(Control::LoginState) {
            return Err(ConnectFault::OtherBrowser.into());
        }
        // A sign-in under way is sealed for another purpose, and opens here for nobody.
        let opened = authority.secrets.upstream_login.open(&context(&digest), &row.sealed);
        let plain = opened.as_ref().and_then(|plain| std::str::from_utf8(plain).ok());
        let (ticket, sealed) = plain.and_then(|plain| plain.split_once('\n')).ok_or(ConnectFault::State)?;
        if !authority.store.finish_upstream_login(&digest, visit.now).await? {
            return Err(ConnectFault::State.into());
        }
        Ok(Self { ticket: ticket.to_owned(), sealed: Zeroizing::new(sealed.to_owned()) })
    }
}

fn digest(state: &str) -> Digest<LoginState> {
    Digest::from_stored(format!("connect:{}", text::encode(&text::sha256(state.as_bytes()))))
}

fn context(digest: &Digest<LoginState>) -> String {
    format!("connect|{}", digest.as_str())
}
