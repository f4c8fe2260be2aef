//! The master key: from where the configuration says, else a file in the data directory, made on first run.

use std::path::Path;

use bailiwick_domain::entropy::Entropy;
use bailiwick_domain::seal::MasterKey;

use super::{ConfigError, Secret};
use crate::keep;

/// The file in the data directory that holds the key when nothing else is configured.
const FILE: &str = "master.key";

/// Fetches the master key, or makes one when `fresh`: that is, when there is no data yet that another key has sealed.
pub(crate) fn master_key(
    configured: Option<&Secret>,
    data: &Path,
    fresh: bool,
    entropy: &dyn Entropy,
) -> Result<MasterKey, ConfigError> {
    if let Some(secret) = configured {
        let text = secret.fetch("key")?;
        return MasterKey::parse(&text).ok_or_else(|| {
            ConfigError::Value("key: not a master key: base64url of 32 bytes, as `openssl rand -base64 32 | tr '+/' '-_' | tr -d '='` makes".to_owned())
        });
    }
    let path = data.join(FILE);
    match std::fs::read_to_string(&path) {
        Ok(text) => MasterKey::parse(&text)
            .ok_or_else(|| ConfigError::Value(format!("{} is damaged; restore it from a backup", path.display()))),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound && fresh => {
            let key = MasterKey::draw(entropy);
            keep::write_private(&path, key.expose().as_bytes())
                .map_err(|error| ConfigError::Value(format!("cannot write {}: {error}", path.display())))?;
            Ok(key)
        }
        Err(error) => Err(ConfigError::Value(format!(
            "the master key {} cannot be read ({error}), and the data was sealed with it; restore it from a backup or set `key`",
            path.display()
        ))),
    }
}
