//! What stands between the world and the house: TLS and trusted proxies.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use arc_swap::ArcSwap;
use bailiwick_domain::uri::Issuer;
use bailiwick_net::{Acme, CertFiles, Front, Listen, Proxies, Tls};
use tokio::sync::mpsc;
use url::{Host, Url};

use crate::config::{Certificate, ConfigError};
use crate::plan::Plan;

/// What the configuration says of it.
#[derive(Clone, Debug)]
pub(crate) struct FrontPlan {
    /// Where the certificate comes from; none where TLS is not spoken here.
    pub(crate) certificate: Option<Certificate>,
    /// Whose `X-Forwarded-For` counts.
    pub(crate) proxies: Proxies,
}

impl FrontPlan {
    /// Opens it; a certificate is kept true from now on, for as long as something is served with it.
    fn open(self, issuer: &Issuer, listen: Listen, data: &Path) -> Result<Front, ConfigError> {
        if self.certificate.is_some() && !issuer.is_https() {
            return Err(refused(&format!(
                "clients reach this process over https, but its public URL is {issuer}: set `public_url` to \
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
                acme.begin().map_err(|error| refused(&error.to_string()))
            }
        });
        Ok(Front { tls: tls.transpose()?, proxies: self.proxies })
    }
}

/// The front in force, for as long as the process runs.
pub(crate) struct Gate {
    issuer: Issuer,
    listen: Listen,
    data: PathBuf,
    /// What every listener shows.
    pub(crate) front: Arc<ArcSwap<Front>>,
}

impl Gate {
    /// Opens the front.
    pub(crate) fn open(plan: &Plan, issuer: &Issuer) -> Result<Self, ConfigError> {
        let front = plan.front.clone().open(issuer, plan.listen, &plan.data)?;
        let front = Arc::new(ArcSwap::from_pointee(front));
        Ok(Self { issuer: issuer.clone(), listen: plan.listen, data: plan.data.clone(), front })
    }

    /// The front as `plan` has it; the certificate in force goes on where `tls` says the same.
    pub(crate) fn another(&self, plan: FrontPlan, tls: bool) -> Result<Front, ConfigError> {
        if tls {
            return plan.open(&self.issuer, self.listen, &self.data);
        }
        Ok(Front { tls: self.front.load().tls.clone(), proxies: plan.proxies })
    }
}

/// A certificate from files, read again when they change and when the process gets a SIGHUP.
fn files(cert: &Path, key: &Path) -> Result<Tls, ConfigError> {
    let files = CertFiles::open(cert, key).map_err(|error| refused(&error.to_string()))?;
    let tls = files.tls();
    let (nudge, nudged) = mpsc::channel(1);
    let tls = tls.kept_true_by(tokio::spawn(files.watch(nudged)));
    Ok(tls.kept_true_by(tokio::spawn(async move {
        let Ok(mut hangup) = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()) else { return };
        while hangup.recv().await.is_some() {
            // A full channel means that one look is due already.
            let _ = nudge.try_send(());
        }
    })))
}

fn refused(says: &str) -> ConfigError {
    ConfigError::Value(format!("tls: {says}"))
}

/// The name a certificate is asked for: the host of the public URL.
fn domain(issuer: &Issuer) -> Result<String, ConfigError> {
    match Url::parse(issuer.as_str()).ok().as_ref().and_then(Url::host) {
        Some(Host::Domain(name)) => Ok(name.to_owned()),
        Some(Host::Ipv4(_) | Host::Ipv6(_)) | None => Err(refused(&format!(
            "ACME gives certificates for names, and the public URL {issuer} has none; use `cert` and `key`"
        ))),
    }
}
