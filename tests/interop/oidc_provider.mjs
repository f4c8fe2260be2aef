// The npm package `oidc-provider` as a company's login: a few people in groups,
// a password for all, and the consent page that the package brings along. It
// tells groups in userinfo, as the standard has it for the code flow.
//
//   oidc_provider.mjs PORT CALLBACK   prints `ready ISSUER`
import Provider from 'oidc-provider';

const [port, callback] = process.argv.slice(2);
const issuer = `http://localhost:${port}`;

/** Who works there. */
const PEOPLE = {
  ada: { groups: ['dev', 'ops'], email: 'ada@corp.example', email_verified: true },
  bob: { groups: ['sales'], email: 'bob@corp.example', email_verified: false },
};

const provider = new Provider(issuer, {
  clients: [{
    client_id: 'bailiwick',
    client_secret: 'a secret of the test',
    redirect_uris: [callback],
    grant_types: ['authorization_code'],
    response_types: ['code'],
    backchannel_logout_uri: callback.replace(/callback$/, 'backchannel'),
    backchannel_logout_session_required: true,
  }],
  features: { backchannelLogout: { enabled: true } },
  // The house stands on this machine, where the package's own guard lets no request go.
  fetch: (url, { dispatcher: _guarded, ...options }) => globalThis.fetch(url, options),
  claims: {
    openid: ['sub'],
    profile: ['preferred_username'],
    email: ['email', 'email_verified'],
    groups: ['groups'],
  },
  scopes: ['openid', 'profile', 'email', 'groups'],
  pkce: { required: () => true },
  async findAccount(_context, id) {
    const person = PEOPLE[id];
    return person && { accountId: id, claims: () => ({ sub: id, preferred_username: id, ...person }) };
  },
});

provider.on('server_error', (_context, error) => console.error(error));
provider.on('backchannel.error', (_context, error) => console.error(error));
provider.listen(port, '127.0.0.1', () => console.log(`ready ${issuer}`));
