//! Controls that can be proven: a test build (feature `mutants`) can switch each one off at run time, and the test
//! that guards it must then turn red. Without the feature [`holds`] is constantly true and no switch exists.

/// One security control that a test must miss when it is gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Control {
    /// A token's signature is verified.
    Signature,
    /// A token's algorithm is one of the closed list and fits the key.
    Algorithm,
    /// A token's `typ` decides its class.
    TokenType,
    /// A token's issuer is ours.
    Issuer,
    /// A token's audience is exactly this server.
    Audience,
    /// A token past its expiry is refused.
    Expiry,
    /// A revoked grant's tokens are refused.
    Revocation,
    /// A session id serves only the user it was made for.
    SessionOwner,
    /// The caller's credentials never travel upstream.
    HeaderWall,
    /// A foreign `Origin` is refused.
    Origin,
    /// A foreign `Host` is refused.
    Host,
    /// A call needs the scope of its tool.
    Scope,
    /// A tool left out at consent stays out.
    LeftOut,
    /// A listing shows only what may be called.
    ListFilter,
    /// A code redeems only with its verifier.
    Pkce,
    /// A redirect URI is one of the registered ones.
    RedirectUri,
    /// A code is bound to its client.
    CodeClient,
    /// A code is redeemed once.
    CodeOnce,
    /// A refresh token is spent once.
    RefreshOnce,
    /// A form carries the token of the browser it was made for.
    FormToken,
    /// Wrong passwords slow the next attempt.
    Throttle,
    /// A secret of a server behind is kept sealed.
    Sealing,
    /// A hosted server sees only the directories it was given.
    ChildView,
    /// A hosted server reads and writes only what a rule names.
    ChildFiles,
    /// A hosted server sees and signals no process but its own.
    ChildProcesses,
    /// A hosted server without `network` reaches no address.
    ChildNetwork,
    /// A hosted server takes only so much of the machine.
    ChildLimits,
    /// The answer of an upstream provider comes back once, to the browser that was sent there.
    LoginState,
    /// An upstream ID token answers the one request its nonce was made for.
    LoginNonce,
    /// An upstream provider is exactly the configured issuer, in metadata, answer and ID token.
    LoginIssuer,
    /// A client's document comes from a public address.
    DocumentAddress,
    /// Only the answer 200 brings a client's document.
    DocumentStatus,
    /// A client's document is short.
    DocumentSize,
    /// A client's document names the URL it was found at.
    DocumentIdentity,
    /// A client's document sends codes to its own host only.
    DocumentOrigin,
    /// A client's document comes from a host that the operator allows.
    DocumentPolicy,
    /// Consent offers nobody what `allow` keeps from them.
    AllowConsent,
    /// A refreshed token holds nothing that `allow` keeps from its user.
    AllowRefresh,
    /// A call needs a scope that `allow` still lets its user hold.
    AllowCall,
    /// An exchanged token holds nothing that `allow` keeps from its user.
    AllowExchange,
    /// Only whom a token was handed to exchanges it.
    Recipient,
    /// Whoever is named by `may_act` alone acts next.
    MayAct,
    /// An `actor_token` is the client's own.
    ActorToken,
    /// A subject token is what it is declared to be.
    SubjectClass,
    /// An exchanged token opens no more than the one it comes from.
    ExchangeScope,
    /// An exchanged token names no tool the one it comes from leaves out.
    ExchangeTools,
    /// An exchanged token lives no longer than the one it comes from.
    ExchangeLife,
    /// Nothing is derived from what was revoked.
    ExchangeLive,
    /// Every actor stays on record.
    ChainKept,
    /// A chain has only so many actors.
    ChainDepth,
    /// Nobody stands in a chain twice.
    ChainLoop,
    /// An actor acts only where an edge lets it.
    Edge,
    /// A call through agents is checked against the edges again.
    EdgeCall,
    /// A target may ask for a proof of identity from everybody in a chain.
    Floor,
    /// What a server behind is sent as a credential is worth nothing here.
    UpstreamAudience,
    /// `X-Forwarded-For` counts only from a trusted proxy.
    ForwardedFor,
    /// A client's assertion is made for this authorization server.
    AssertionAudience,
    /// A client's assertion of its own serves once.
    AssertionOnce,
    /// A client's assertion is about that client.
    AssertionSubject,
    /// A client's assertion past its expiry is refused.
    AssertionExpiry,
    /// No other class of token stands for a client.
    AssertionClass,
    /// A revoked token ends everything that was derived from it.
    TokenCascade,
    /// A stopped agent ends every token that names it.
    AgentStop,
    /// A cut edge ends every token that came along it.
    EdgeStop,
    /// A stopped tool is called by nobody.
    ToolStop,
    /// A logout token is the provider's, for us, just now, and counts once.
    LogoutToken,
    /// A security event is the provider's, for us, and counts once.
    SecurityEvent,
    /// A call that changes something is on record before the server behind hears of it.
    AuditFirst,
    /// Each row of the audit is bound to the one before it.
    AuditLink,
    /// What a checkpoint signed is still there.
    AuditCheckpoint,
    /// A party that is stopped under a grant gets and uses nothing there.
    NodeStop,
    /// The console opens to administrators and auditors, and only administrators stop anything there.
    ConsoleRole,
    /// In a job act only the agents its person named.
    JobAgents,
    /// A job makes no more calls than its person gave it.
    JobBudget,
    /// Every actor in a chain is one we vouch for.
    ActorIssuer,
    /// A call gets the lowest credential that does for it.
    TierChoice,
    /// A token that is more than was asked for is not used.
    OvergrantCheck,
    /// What was obtained for one token of a caller's is used for no other.
    CacheKey,
    /// What the vault keeps opens only in the row it was sealed for.
    VaultBinding,
    /// One refresh of a connection at a time, in all processes.
    RefreshLease,
    /// Of a SAML document, exactly the element that was signed is read, and there is no other like it.
    XswOneElement,
    /// A SAML assertion is addressed to us.
    SamlAudience,
    /// A SAML assertion is delivered where it was sent.
    SamlRecipient,
    /// A SAML assertion is exchanged for a token once.
    SamlOnce,
    /// A SAML assertion made for a browser is never exchanged for a token.
    SsoAsGrant,
    /// A request to where somebody else pointed goes to no address of ours.
    BrokerGuard,
    /// A link to connect by serves only the person it was made for.
    TicketUser,
    /// A link to connect by serves once.
    TicketOnce,
    /// An answer to a person's way to a provider is that provider's.
    CallbackIssuer,
    /// What lets us in at a server behind never comes back out.
    Scrub,
    /// A credential goes to the place that was configured, and to no other.
    DestinationWall,
    /// Cookies of a server behind stay behind.
    CookieStrip,
    /// What the gateway shows for itself serves nobody who has not connected their own.
    NoFallback,
    /// What a person connected serves for that provider, that client and that place, whatever is configured later.
    BoundAccount,
    /// What arrives at one provider's place is never taken for another's answer.
    CallbackPath,
    /// Of a SAML document, nothing but elements, attributes and text is read.
    SamlPlain,
    /// A SAML assertion holds in its time only.
    SamlTime,
    /// A SAML answer is to the sign-in that its browser began.
    SamlRequest,
    /// A SAML answer came where it was sent.
    SamlDestination,
}

impl Control {
    /// Every control.
    pub const ALL: [Self; 99] = [
        Self::Signature,
        Self::Algorithm,
        Self::TokenType,
        Self::Issuer,
        Self::Audience,
        Self::Expiry,
        Self::Revocation,
        Self::SessionOwner,
        Self::HeaderWall,
        Self::Origin,
        Self::Host,
        Self::Scope,
        Self::LeftOut,
        Self::ListFilter,
        Self::Pkce,
        Self::RedirectUri,
        Self::CodeClient,
        Self::CodeOnce,
        Self::RefreshOnce,
        Self::FormToken,
        Self::Throttle,
        Self::Sealing,
        Self::ChildView,
        Self::ChildFiles,
        Self::ChildProcesses,
        Self::ChildNetwork,
        Self::ChildLimits,
        Self::LoginState,
        Self::LoginNonce,
        Self::LoginIssuer,
        Self::DocumentAddress,
        Self::DocumentStatus,
        Self::DocumentSize,
        Self::DocumentIdentity,
        Self::DocumentOrigin,
        Self::DocumentPolicy,
        Self::AllowConsent,
        Self::AllowRefresh,
        Self::AllowCall,
        Self::AllowExchange,
        Self::Recipient,
        Self::MayAct,
        Self::ActorToken,
        Self::SubjectClass,
        Self::ExchangeScope,
        Self::ExchangeTools,
        Self::ExchangeLife,
        Self::ExchangeLive,
        Self::ChainKept,
        Self::ChainDepth,
        Self::ChainLoop,
        Self::Edge,
        Self::EdgeCall,
        Self::Floor,
        Self::UpstreamAudience,
        Self::ForwardedFor,
        Self::AssertionAudience,
        Self::AssertionOnce,
        Self::AssertionSubject,
        Self::AssertionExpiry,
        Self::AssertionClass,
        Self::TokenCascade,
        Self::AgentStop,
        Self::EdgeStop,
        Self::ToolStop,
        Self::LogoutToken,
        Self::SecurityEvent,
        Self::AuditFirst,
        Self::AuditLink,
        Self::AuditCheckpoint,
        Self::NodeStop,
        Self::ConsoleRole,
        Self::JobAgents,
        Self::JobBudget,
        Self::ActorIssuer,
        Self::TierChoice,
        Self::OvergrantCheck,
        Self::CacheKey,
        Self::VaultBinding,
        Self::RefreshLease,
        Self::XswOneElement,
        Self::SamlAudience,
        Self::SamlRecipient,
        Self::SamlOnce,
        Self::SsoAsGrant,
        Self::BrokerGuard,
        Self::TicketUser,
        Self::TicketOnce,
        Self::CallbackIssuer,
        Self::Scrub,
        Self::DestinationWall,
        Self::CookieStrip,
        Self::NoFallback,
        Self::BoundAccount,
        Self::CallbackPath,
        Self::SamlPlain,
        Self::SamlTime,
        Self::SamlRequest,
        Self::SamlDestination,
    ];

    /// Its name in the mutation run: the variant in lower case with hyphens.
    pub fn name(self) -> String {
        let mut name = String::new();
        for c in format!("{self:?}").chars() {
            if c.is_ascii_uppercase() && !name.is_empty() {
                name.push('-');
            }
            name.push(c.to_ascii_lowercase());
        }
        name
    }

    /// The control of that name.
    pub fn named(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|control| control.name() == name)
    }
}

#[cfg(feature = "mutants")]
static OFF: [std::sync::atomic::AtomicBool; Control::ALL.len()] =
    [const { std::sync::atomic::AtomicBool::new(false) }; Control::ALL.len()];

/// True while `control` is in force.
#[cfg(feature = "mutants")]
pub fn holds(control: Control) -> bool {
    !OFF.get(control as usize).is_some_and(|off| off.load(std::sync::atomic::Ordering::Relaxed))
}

/// True while `control` is in force: always, in every build but the mutation run's.
#[cfg(not(feature = "mutants"))]
pub const fn holds(_control: Control) -> bool {
    true
}

/// Switches `control` off for the rest of this process.
#[cfg(feature = "mutants")]
pub fn switch_off(control: Control) {
    if let Some(off) = OFF.get(control as usize) {
        off.store(true, std::sync::atomic::Ordering::Relaxed);
    }
}

#[cfg(all(feature = "mutants", not(debug_assertions)))]
compile_error!("feature `mutants` switches controls off and must never be in a release build");
