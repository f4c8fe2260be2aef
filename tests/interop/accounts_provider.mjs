// The npm package `oidc-provider` as a place where a person has an account: it
// rotates refresh tokens, and takes the second use of one for theft (the whole
// grant goes). The person has been here already, so there is a refresh token.
//
//   accounts_provider.mjs PORT CALLBACK
//
// prints `ready ISSUER REFRESH_TOKEN`, then a line for each refresh:
// `refreshed`, or `refused REASON`; and `theft` when a grant was revoked.
import Provider from 'oidc-provider';

const [port, callback] = process.argv.slice(2);
const issuer = `http://localhost:${port}`;
const scope = 'openid offline_access';

const provider = new Provider(issuer, {
  clients: [{
    client_id: 'bailiwick',
    client_secret: 'a secret of the test',
    redirect_uris: [callback],
    grant_types: ['authorization_code', 'refresh_token'],
    response_types: ['code'],
  }],
  features: { revocation: { enabled: true } },
  scopes: ['openid', 'offline_access'],
  rotateRefreshToken: true,
  ttl: { AccessToken: 3600, RefreshToken: 86400, Grant: 86400 },
  async findAccount(_context, id) {
    return { accountId: id, claims: () => ({ sub: id }) };
  },
});

provider.on('server_error', (_context, error) => console.error(error));
provider.on('grant.success', () => console.log('refreshed'));
provider.on('grant.error', (_context, error) => console.log(`refused ${error.error_detail ?? error.message}`));
provider.on('grant.revoked', () => console.log('theft'));

/** A refresh token of Ada's, as if she had let the client in before. */
async function connected() {
  const client = await provider.Client.find('bailiwick');
  const grant = new provider.Grant({ accountId: 'ada', clientId: client.clientId });
  grant.addOIDCScope(scope);
  const grantId = await grant.save();
  const token = new provider.RefreshToken({
    accountId: 'ada', client, grantId, scope, gty: 'authorization_code',
    authTime: Math.floor(Date.now() / 1000), rotations: 0, iiat: Math.floor(Date.now() / 1000),
  });
  return token.save();
}

const refresh = await connected();
provider.listen(port, '127.0.0.1', () => console.log(`ready ${issuer} ${refresh}`));
