// What a client and a server of given options are to come to, written down a second time from the options' meaning.
import type { AlertDescription, TlsRole } from '@rxtls/core/engine';
import type { CipherSuiteName, GroupName } from '@rxtls/engine-tls13/node';
import type { ClientChoice, ServerChoice, Who } from './tls13-options.ts';

export type Forecast =
  | {
      readonly fails: false;
      readonly cipherSuite: string;
      readonly group: string;
      readonly alpnProtocol: string | undefined;
      readonly serverName: string | undefined;
      /** A key that both have from elsewhere is used. */
      readonly byKey: boolean;
      readonly clientShows: boolean;
      /** The next connection of the same factories resumes this one. */
      readonly mayResume: boolean;
    }
  /** Who notices, and with which alert: one of them where several things are wrong at once. */
  | { readonly fails: TlsRole; readonly alerts: readonly AlertDescription[] };

const allSuites: readonly CipherSuiteName[] = [
  'TLS_AES_128_GCM_SHA256',
  'TLS_AES_256_GCM_SHA384',
  'TLS_CHACHA20_POLY1305_SHA256',
];
const allGroups: readonly GroupName[] = ['x25519', 'secp256r1', 'secp384r1'];
const leafAlert: Readonly<Record<string, AlertDescription>> = {
  'wrong-name': 'bad_certificate',
  expired: 'certificate_expired',
  untrusted: 'unknown_ca',
  'client-untrusted': 'unknown_ca',
  'client-expired': 'certificate_expired',
};

export function forecast(client: ClientChoice, server: ServerChoice, who: Readonly<Record<TlsRole, Who>>): Forecast {
  const refused = (fails: TlsRole, ...alerts: AlertDescription[]): Forecast => ({ fails, alerts });
  const offered = client.cipherSuites ?? allSuites;
  const cipherSuite = (server.cipherSuites ?? allSuites).find((name) => offered.includes(name));
  if (cipherSuite === undefined) return refused('server', 'handshake_failure');
  const serverName = client.serverName === '127.0.0.1' ? undefined : client.serverName;
  if (server.serverNames !== undefined && server.requireServerName && server.serverNames !== serverName)
    return refused(
      'server',
      serverName === undefined && who.server === 'tls13' ? 'missing_extension' : 'unrecognized_name',
    );
  const theirs = client.groups ?? allGroups;
  const ours = server.groups ?? allGroups;
  const group = ours.includes(theirs[0]!) ? theirs[0] : ours.find((name) => theirs.includes(name));
  if (group === undefined) return refused('server', 'handshake_failure');
  const { alpnProtocols } = client;
  const alpnProtocol = server.alpnProtocols?.find((name) => alpnProtocols?.includes(name));
  if (alpnProtocol === undefined && server.alpnProtocols !== undefined && alpnProtocols !== undefined)
    return refused('server', 'no_application_protocol');

  const isOurs = who.client === 'tls13' && who.server === 'tls13';
  // Keys of even numbers are of SHA-256.
  const hash = cipherSuite.endsWith('SHA384') ? 1 : 0;
  const byKey = isOurs && client.psks.some((number) => server.psks.includes(number) && number % 2 === hash);
  const clientShows = !byKey && server.clientAuth !== 'none' && client.leaf !== undefined;
  if (!byKey) {
    const wrong = [
      ...(client.serverName === '127.0.0.1' ? ['bad_certificate' as const] : []),
      ...[leafAlert[server.leaf]].filter((alert) => alert !== undefined),
    ];
    if (wrong.length > 0) return refused('client', ...wrong);
  }
  // Asked whatever has proved the peer: a key from elsewhere too.
  if (client.verify === false) return refused('client', 'certificate_unknown');
  if (!byKey) {
    if (server.clientAuth === 'require' && client.leaf === undefined) return refused('server', 'certificate_required');
    const shown = clientShows ? leafAlert[client.leaf ?? ''] : undefined;
    if (shown !== undefined) return refused('server', shown);
  }
  if (server.verify === false) return refused('server', 'certificate_unknown');
  const mayResume = client.sessions && server.sessions && !byKey;
  return { fails: false, cipherSuite, group: group!, alpnProtocol, serverName, byKey, clientShows, mayResume };
}
