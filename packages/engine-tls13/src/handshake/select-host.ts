import type { LoadedCredentials } from '../certificate/load-credentials.ts';
import type { ServerSettings } from '../server-options.ts';
import { incompatible } from './handshake-checks.ts';

/** One entry of `serverNames`: `host.example` or `*.example`. */
export interface VirtualHost {
  readonly pattern: string;
  readonly credentials: readonly LoadedCredentials[];
}

/** Who serves a name: the exact entry, the wildcard of one more label, or the credentials for all the others. */
export function selectHost(settings: ServerSettings, serverName: string | undefined): VirtualHost {
  const name = serverName?.toLowerCase().replace(/\.$/, '');
  if (name !== undefined) {
    const dot = name.indexOf('.');
    const wildcard = dot > 0 ? `*${name.slice(dot)}` : undefined;
    const found =
      settings.virtualHosts.find(({ pattern }) => pattern === name) ??
      settings.virtualHosts.find(({ pattern }) => pattern === wildcard);
    if (found !== undefined) return found;
  }
  if (settings.requireServerName) {
    // RFC 8446 §9.2: "Servers requiring this extension SHOULD respond to a ClientHello lacking a "server_name" extension by terminating the connection with a "missing_extension" alert."
    if (serverName === undefined) throw incompatible('the client names no server', 'missing_extension');
    // RFC 6066 §3: a server that does not know the name "SHOULD ... abort the handshake by sending a fatal-level unrecognized_name(112) alert".
    throw incompatible('the client asks for a name that is not served here', 'unrecognized_name');
  }
  return { pattern: '*', credentials: settings.credentials };
}
