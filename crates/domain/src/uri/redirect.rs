//! Redirect URIs.
/// Placeholder.
pub struct RedirectUri;
/// Placeholder.
pub struct RedirectError;
