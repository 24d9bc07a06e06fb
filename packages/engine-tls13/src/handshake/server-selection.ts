import type { LoadedCredentials } from '../certificate/load-credentials.ts';
import type { CipherSuite } from '../crypto/cipher-suite.ts';
import { type GroupName, groupNumber } from '../crypto/named-group.ts';
import type { SignatureScheme } from '../crypto/signature-scheme.ts';
import type { ServerSettings } from '../server-options.ts';
import { chooseScheme } from './certificate-proof.ts';
import { incompatible } from './handshake-checks.ts';
import type { ReadClientHello } from './read-client-hello.ts';
import { selectHost } from './select-host.ts';

/** What a server makes of a ClientHello before it looks at keys. */
export interface ServerSelection {
  readonly suite: CipherSuite;
  readonly group: GroupName;
  /** The client's share of that group; undefined: ask for one by HelloRetryRequest. */
  readonly share: Uint8Array | undefined;
  readonly alpn: string | undefined;
  /** The entry of `serverNames` that serves this client, or `*`. */
  readonly host: string;
  readonly credentials: readonly LoadedCredentials[];
}

/** Chooses in our order of preference. @throws PeerIncompatibleError with the alert that says what is not shared. */
export function selectParameters(settings: ServerSettings, hello: ReadClientHello): ServerSelection {
  const suite = settings.suites.find(({ id }) => hello.cipherSuites.includes(id));
  if (suite === undefined) throw incompatible('no cipher suite in common');
  const { pattern, credentials } = selectHost(settings, hello.serverName);
  return { suite, ...selectGroup(settings, hello), alpn: selectAlpn(settings, hello), host: pattern, credentials };
}

/** A group that the client has sent a share of, before one that would cost a round trip. */
function selectGroup(settings: ServerSettings, hello: ReadClientHello): Pick<ServerSelection, 'group' | 'share'> {
  for (const group of settings.groups) {
    const share = hello.shares.find((entry) => entry.group === groupNumber[group]);
    if (share !== undefined) return { group, share: share.keyExchange };
  }
  const group = settings.groups.find((name) => hello.groups.includes(groupNumber[name]));
  // RFC 8446 §4.1.1: "If there is no overlap between the received "supported_groups" and the groups supported by the server ... "handshake_failure"".
  if (group === undefined) throw incompatible('no key exchange group in common');
  return { group, share: undefined };
}

function selectAlpn({ alpnProtocols }: ServerSettings, hello: ReadClientHello): string | undefined {
  const offered = hello.alpnProtocols;
  if (offered === undefined || alpnProtocols.length === 0) return undefined;
  const chosen = alpnProtocols.find((name) => offered.includes(name));
  // RFC 7301 §3.2: "the server SHALL respond with a fatal "no_application_protocol" alert."
  if (chosen === undefined) throw incompatible('no application protocol in common', 'no_application_protocol');
  return chosen;
}

/** Credentials that can sign what the client accepts. @throws PeerIncompatibleError */
export function selectCredentials(
  credentials: readonly LoadedCredentials[],
  schemes: readonly number[],
  allowed: readonly SignatureScheme[],
): { readonly credentials: LoadedCredentials; readonly scheme: SignatureScheme } {
  for (const each of credentials) {
    const scheme = chooseScheme(each, schemes, allowed);
    if (scheme !== undefined) return { credentials: each, scheme };
  }
  // RFC 8446 §4.4.2.2: "If the server cannot produce a certificate chain that is signed only via the indicated supported algorithms" ... "handshake_failure".
  throw incompatible('no certificate whose signatures the client accepts');
}
