// A real OpenID provider in Google's place: it speaks the whole protocol, and says of its accounts what Google would. The
// page where one chooses an account is all that is ours.
import { Provider } from 'oidc-provider';
import { createServer } from 'node:http';

const account = (sub, email, more = {}) => ({ sub, email, email_verified: true, hd: 'example.com', name: email.split('@')[0], ...more });

/** The accounts by the word on the page. */
export const accounts = {
  root: account('100', 'root@example.com'),
  dana: account('101', 'dana@example.com'),
  sam: account('102', 'sam@example.com'),
  // Somebody else, who was given Dana's address after she left.
  danas_heir: account('103', 'dana@example.com'),
  gmail: account('200', 'mallory@gmail.com', { hd: undefined }),
  suffix: account('201', 'mallory@exploitexample.com', { hd: 'exploitexample.com' }),
  dressed: account('202', 'mallory@example.com', { hd: 'evil.com' }),
  unverified: account('203', 'eve@example.com', { email_verified: false }),
};

/** Starts one for a portal that is reached at `portal`. Answers its address and how to stop it. */
export async function startProvider(portal) {
  const server = createServer();
  await new Promise((resolve) => server.listen(0, '127.0.0.1', resolve));
  const issuer = `http://127.0.0.1:${server.address().port}`;
  const provider = new Provider(issuer, {
    clients: [{ client_id: 'portal', client_secret: 'canary-client-secret', redirect_uris: [`${portal}/auth/callback`], grant_types: ['authorization_code'], response_types: ['code'] }],
    claims: { openid: ['sub'], email: ['email', 'email_verified', 'hd'], profile: ['name'] },
    // The claims in the ID token, as Google does it.
    conformIdTokenClaims: false,
    pkce: { required: () => true },
    features: { devInteractions: { enabled: false } },
    cookies: { keys: ['only-for-tests'] },
    findAccount: (_, word) => accounts[word] && { accountId: word, claims: () => accounts[word] },
    interactions: { url: (_, interaction) => `/choose/${interaction.uid}` },
    loadExistingGrant: async ({ oidc }) => {
      const grant = new oidc.provider.Grant({ clientId: oidc.client.clientId, accountId: oidc.session.accountId });
      grant.addOIDCScope('openid email profile');
      await grant.save();
      return grant;
    },
  });
  provider.use(async (ctx, next) => {
    const [, uid, word] = ctx.path.match(/^\/choose\/([^/]+)(?:\/(.+))?$/) ?? [];
    if (!uid) return next();
    if (!word) {
      ctx.type = 'html';
      ctx.body = Object.keys(accounts).map((one) => `<p><a href="/choose/${uid}/${one}">${one}</a></p>`).join('');
      return;
    }
    await provider.interactionFinished(ctx.req, ctx.res, { login: { accountId: word, remember: false } }, { mergeWithLastSubmission: false });
    ctx.respond = false;
  });
  server.on('request', provider.callback());
  return {
    issuer,
    stop: () => {
      server.closeAllConnections();
      return new Promise((resolve) => server.close(resolve));
    },
  };
}
