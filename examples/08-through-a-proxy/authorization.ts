import type { Journey } from './journey.ts';

/** RFC 7617, for the proxy alone: what goes to the origin is inside the tunnel. */
export const authorization = (credentials: Journey['credentials']): { readonly [name: string]: string } => {
  if (credentials === undefined) return {};
  const { user, password } = credentials;
  return { 'Proxy-Authorization': `Basic ${Buffer.from(`${user}:${password}`).toString('base64')}` };
};
