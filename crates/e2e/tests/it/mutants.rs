//! Every control is needed: with it switched off, its attack gets through.

use bailiwick_domain::control::Control;
use bailiwick_e2e::probe::{PROBES, run};

/// Each probe of `control` turns red when the control is off.
async fn dies_without(control: Control) {
    let mut probes = PROBES.iter().filter(|(_, proven)| *proven == control).peekable();
    assert!(probes.peek().is_some(), "every control has a probe");
    for (name, _) in probes {
        // A probe's own expectations may break before its verdict when the house no longer holds together: red as well.
        let verdict = tokio::spawn(run(name, Box::leak(Box::new([control])))).await;
        assert!(!matches!(verdict, Ok(Ok(()))), "{name} is still green without {control:?}");
    }
}

macro_rules! every_control { ($($name:ident: $control:ident),+ $(,)?) => {
    $(#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn $name() {
        dies_without(Control::$control).await;
    })+

    #[test]
    fn no_control_is_left_out() {
        let named = [$(Control::$control),+];
        assert!(Control::ALL.iter().all(|control| named.contains(control)));
    }
} }

every_control![
    actor_issuer: ActorIssuer,
    actor_token: ActorToken,
    agent_stop: AgentStop,
    algorithm: Algorithm,
    allow_call: AllowCall,
    allow_consent: AllowConsent,
    allow_exchange: AllowExchange,
    allow_refresh: AllowRefresh,
    assertion_audience: AssertionAudience,
    assertion_class: AssertionClass,
    assertion_expiry: AssertionExpiry,
    assertion_once: AssertionOnce,
    assertion_subject: AssertionSubject,
    audience: Audience,
    audit_checkpoint: AuditCheckpoint,
    audit_first: AuditFirst,
    audit_link: AuditLink,
    cache_key: CacheKey,
    chain_depth: ChainDepth,
    chain_kept: ChainKept,
    chain_loop: ChainLoop,
    broker_guard: BrokerGuard,
    callback_issuer: CallbackIssuer,
    child_files: ChildFiles,
    child_limits: ChildLimits,
    child_network: ChildNetwork,
    child_processes: ChildProcesses,
    child_view: ChildView,
    code_client: CodeClient,
    code_once: CodeOnce,
    console_role: ConsoleRole,
    cookie_strip: CookieStrip,
    no_fallback: NoFallback,
    bound_account: BoundAccount,
    callback_path: CallbackPath,
    destination_wall: DestinationWall,
    scrub: Scrub,
    document_address: DocumentAddress,
    document_identity: DocumentIdentity,
    document_origin: DocumentOrigin,
    document_policy: DocumentPolicy,
    document_size: DocumentSize,
    document_status: DocumentStatus,
    edge: Edge,
    edge_call: EdgeCall,
    edge_stop: EdgeStop,
    exchange_life: ExchangeLife,
    exchange_live: ExchangeLive,
    exchange_scope: ExchangeScope,
    exchange_tools: ExchangeTools,
    expiry: Expiry,
    floor: Floor,
    form_token: FormToken,
    forwarded_for: ForwardedFor,
    header_wall: HeaderWall,
    host: Host,
    issuer: Issuer,
    job_agents: JobAgents,
    job_budget: JobBudget,
    left_out: LeftOut,
    list_filter: ListFilter,
    login_issuer: LoginIssuer,
    login_nonce: LoginNonce,
    login_state: LoginState,
    logout_token: LogoutToken,
    may_act: MayAct,
    node_stop: NodeStop,
    origin: Origin,
    overgrant_check: OvergrantCheck,
    pkce: Pkce,
    recipient: Recipient,
    refresh_lease: RefreshLease,
    redirect_uri: RedirectUri,
    refresh_once: RefreshOnce,
    revocation: Revocation,
    saml_audience: SamlAudience,
    saml_once: SamlOnce,
    saml_destination: SamlDestination,
    saml_plain: SamlPlain,
    saml_recipient: SamlRecipient,
    saml_request: SamlRequest,
    saml_time: SamlTime,
    scope: Scope,
    sealing: Sealing,
    security_event: SecurityEvent,
    session_owner: SessionOwner,
    signature: Signature,
    sso_as_grant: SsoAsGrant,
    subject_class: SubjectClass,
    throttle: Throttle,
    ticket_once: TicketOnce,
    ticket_user: TicketUser,
    token_cascade: TokenCascade,
    token_type: TokenType,
    tool_stop: ToolStop,
    upstream_audience: UpstreamAudience,
    tier_choice: TierChoice,
    xsw_one_element: XswOneElement,
    vault_binding: VaultBinding,
];
