// A certified OpenID provider that signs everybody in under the name that "as" says; for tests on this machine only.
import { createServer } from 'node:http';
import { pathToFileURL } from 'node:url';

const [folder, port, redirect] = process.argv.slice(2);
const { default: Provider } = await import(pathToFileURL(`${folder}/node_modules/oidc-provider/lib/index.js`));
const client = (id, more) => ({ client_id: id, redirect_uris: [redirect], response_types: ['code'], ...more });
const provider = new Provider(`http://127.0.0.1:${port}`, {
  clients: [client('diaban', { client_secret: 'secret-of-the-test', token_endpoint_auth_method: 'client_secret_basic' })],
  claims: { openid: ['sub', 'amr'], profile: ['preferred_username', 'roles'], amr: null },
  cookies: { keys: ['of-the-test'] },
  features: { devInteractions: { enabled: false } },
  pkce: { required: () => true },
  findAccount: (_, sub) => ({
    accountId: sub,
    claims: () => ({ sub, preferred_username: sub, roles: ['administrator'] }),
  }),
  loadExistingGrant: async (ctx) => {
    const { client, session, provider } = ctx.oidc;
    const grant = new provider.Grant({ clientId: client.clientId, accountId: session.accountId });
    grant.addOIDCScope('openid profile');
    await grant.save();
    return grant;
  },
  interactions: { url: (_, interaction) => `/interaction/${interaction.uid}` },
});
const callback = provider.callback();
createServer((request, response) => {
  const url = new URL(request.url, 'http://localhost');
  if (!url.pathname.startsWith('/interaction/')) return callback(request, response);
  const amr = url.searchParams.getAll('amr');
  const login = { accountId: url.searchParams.get('as'), ...(amr.length ? { amr } : {}) };
  return provider.interactionFinished(request, response, { login });
}).listen(Number(port), '127.0.0.1', () => console.log('listening'));
