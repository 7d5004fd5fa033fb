// An OpenID Connect provider for tests: who logs in is who the request hints at, without a page in between.
import { createServer } from 'node:http';
import Provider from 'oidc-provider';

const [port, redirect] = process.argv.slice(2);
const issuer = `http://127.0.0.1:${port}`;
const accounts = {
  ann: { email: 'ann@example.org', email_verified: true },
  eve: { email: 'bob@example.org', email_verified: false },
};
const provider = new Provider(issuer, {
  clients: [{ client_id: 'arrakis', client_secret: 'a secret of the tests', redirect_uris: [redirect] }],
  claims: { email: ['email', 'email_verified'] },
  conformIdTokenClaims: false,
  cookies: { keys: ['for tests'] },
  features: { devInteractions: { enabled: false } },
  findAccount: (_, id) => accounts[id] && { accountId: id, claims: async () => ({ sub: id, ...accounts[id] }) },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
  async loadExistingGrant(ctx) {
    const { client, session } = ctx.oidc;
    const grant = new ctx.oidc.provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope('openid email');
    await grant.save();
    return grant;
  },
});
const others = provider.callback();
createServer(async (request, response) => {
  if (!request.url.startsWith('/interaction/')) return others(request, response);
  const { params } = await provider.interactionDetails(request, response);
  const login = { accountId: params.login_hint };
  return provider.interactionFinished(request, response, { login }, { mergeWithLastSubmission: false });
}).listen(Number(port), '127.0.0.1');
