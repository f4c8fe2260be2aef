//! What stands between the world and the house: TLS and trusted proxies.

use std::path::Path;

use bailiwick_domain::uri::Issuer;
use bailiwick_net::{Acme, CertFiles, Front, Listen, Proxies, Tls};
use tokio::sync::mpsc;
use url::{Host, Url};

use crate::config::Certificate;
use crate::house::HouseError;

/// What the configuration says of it.
#[derive(Clone, Debug)]
pub(crate) struct FrontPlan {
    /// Where the certificate comes from; none where TLS is not spoken here.
    pub(crate) certificate: Option<Certificate>,
    /// Whose `X-Forwarded-For` counts.
    pub(crate) proxies: Proxies,
}

impl FrontPlan {
    /// Opens it; a certificate is kept true from now on, for as long as the process lives.
    pub(crate) fn open(self, issuer: &Issuer, listen: Listen, data: &Path) -> Result<Front, HouseError> {
        if self.certificate.is_some() && !issuer.is_https() {
            return Err(HouseError::Other(format!(
                "with `tls`, clients reach this process over https, but its public URL is {issuer}: set `public_url` to \
                 https://…"
            )));
        }
        if self.certificate.is_none() && issuer.is_https() && !listen.is_loopback() && self.proxies.is_empty() {
            tracing::warn!(
                "this listens beyond this machine without TLS though its public URL is https: set `tls`, or name the \
                 proxy that speaks TLS for it in `trusted_proxies`"
            );
        }
        let tls = self.certificate.map(|certificate| match certificate {
            Certificate::Files { cert, key } => files(&cert, &key),
            Certificate::Acme { contact, directory, ca_file } => {
                let acme = Acme { domain: domain(issuer)?, contact, directory, ca_file, keep: data.join("acme") };
                acme.begin().map_err(|error| HouseError::Other(format!("tls: {error}")))
            }
        });
        Ok(Front { tls: tls.transpose()?, proxies: self.proxies })
    }
}

/// A certificate from files, read again when they change and when the process gets a SIGHUP.
fn files(cert: &Path, key: &Path) -> Result<Tls, HouseError> {
    let files = CertFiles::open(cert, key).map_err(|error| HouseError::Other(format!("tls: {error}")))?;
    let tls = files.tls();
    let (nudge, nudged) = mpsc::channel(1);
    tokio::spawn(files.watch(nudged));
    tokio::spawn(async move {
        let Ok(mut hangup) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()) else { return };
        while hangup.recv().await.is_some() {
            // A full channel means that one look is due already.
            let _ = nudge.try_send(());
        }
    });
    Ok(tls)
}

/// The name a certificate is asked for: the host of the public URL.
fn domain(issuer: &Issuer) -> Result<String, HouseError> {
    match Url::parse(issuer.as_str()).ok().as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => Ok(name.to_owned()),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) | None => Err(HouseError::Other(format!(
            "tls: ACME gives certificates for names, and the public URL {issuer} has none; use `cert` and `key`"
        ))),
    }
}
