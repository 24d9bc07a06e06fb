import { X509Certificate } from 'node:crypto';
import type { Ledger, NegotiatedParameters } from '@rxtls/core';

/** What the handshake agreed on, in lines. */
export function negotiatedLines(parameters: NegotiatedParameters): string[] {
  const { version, cipherSuite, group, alpnProtocol, serverName, resumed, peer } = parameters;
  const rows: readonly (readonly [string, string])[] = [
    ['version', version],
    ['cipher suite', cipherSuite],
    ['key exchange', group ?? 'not told'],
    ['ALPN', alpnProtocol ?? 'none'],
    ['server name', serverName ?? 'not sent'],
    ['session', resumed ? 'resumed' : 'new'],
    ['certificate', certificate(peer.chain)],
    ['verification', peer.verification],
  ];
  return rows.map(([name, value]) => `  ${name.padEnd(13)}${value}`);
}

/** Facts only, none of the peer's own text. */
function certificate(chain: readonly Uint8Array[]): string {
  const [leaf] = chain;
  if (leaf === undefined) return 'none';
  const { publicKey, validTo } = new X509Certificate(leaf);
  const { modulusLength, namedCurve } = publicKey.asymmetricKeyDetails ?? {};
  const key = [publicKey.asymmetricKeyType, namedCurve ?? modulusLength].join(' ').trim();
  return `${key}, valid until ${new Date(validTo).toISOString().slice(0, 10)}, chain of ${chain.length}`;
}

/** Where every byte written is, and whether the sum holds. */
export function ledgerLines({ accepted, sealed, flushed, refused, lost, outstanding }: Ledger): string[] {
  const holds = accepted === flushed + lost + outstanding;
  return [
    `  accepted ${accepted} = flushed ${flushed} + lost ${lost} + outstanding ${outstanding}${holds ? '' : '  DOES NOT HOLD'}`,
    `  sealed ${sealed}, refused ${refused}`,
  ];
}
