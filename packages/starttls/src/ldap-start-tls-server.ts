import type { ByteDuplex, UpgradeReady } from '@rxtls/core';
import type { OperatorFunction } from 'rxjs';
import { textOf } from './ascii.ts';
import { berElement, type BerElement, berElements } from './ber.ts';
import type { Wire } from './dialogue.ts';
import { ldapMessage, ldapMessageBytes, ldapTag, startTlsName } from './ldap-message.ts';
import { misbehaved, refused } from './refusal.ts';
import type { Script } from './script.ts';
import { startTls } from './start-tls.ts';
import { resolveUpgradeOptions, type UpgradeOptions } from './upgrade-options.ts';

/** RFC 4511 §4.1.9. */
const resultCode = { success: 0, protocolError: 2, confidentialityRequired: 13 } as const;

/** RFC 4511 §4.2 to §4.12: the response to each request that has one. */
const responseTag: Readonly<Record<number, number>> = {
  0x60: 0x61, // bind
  0x63: 0x65, // search
  0x66: 0x67, // modify
  0x68: 0x69, // add
  0x4a: 0x6b, // delete
  0x6c: 0x6d, // modify DN
  0x6e: 0x6f, // compare
  [ldapTag.extendedRequest]: ldapTag.extendedResponse,
};

/**
 * The StartTLS operation of LDAP (RFC 4511 §4.14), the server's side, for `secureEach({ upgrade })`. Before TLS every other
 * operation is answered with confidentialityRequired. What comes in one piece with the request is refused unless it begins a
 * TLS handshake. A client that unbinds is a `PeerIncompatibleError`.
 *
 * @throws ApiMisuseError for options that cannot be
 * @example
 * listen({ port: 389 }).pipe(
 *   secureEach(nodeEngine.server({ credentials }), (c) => c.plaintext, { upgrade: ldapStartTlsServer() }),
 * )
 */
export function ldapStartTlsServer(options: UpgradeOptions = {}): OperatorFunction<ByteDuplex, UpgradeReady> {
  const { settings } = resolveUpgradeOptions('ldapStartTlsServer', options);
  return startTls('server', 'LDAP', settings, dialogue);
}

function* dialogue(wire: Wire): Script {
  for (;;) {
    const { id, operation } = yield* ldapMessage();
    const respond = (code: number, ...more: readonly number[][]): Uint8Array =>
      ldapMessageBytes(id, responseBytes(responseTag[operation.tag]!, code, ...more));
    if (operation.tag === ldapTag.unbindRequest) throw refused('the client unbound before TLS');
    if (operation.tag === ldapTag.abandonRequest) continue; // has no response
    if (responseTag[operation.tag] === undefined) throw misbehaved('an LDAP message is no request');
    if (operation.tag !== ldapTag.extendedRequest) {
      wire.answer(respond(resultCode.confidentialityRequired));
      continue;
    }
    const elements = berElements(operation.content);
    if (!isStartTls(elements)) wire.answer(respond(resultCode.confidentialityRequired));
    // §4.14.1: "The requestValue field is absent."
    else if (elements.length > 1) wire.answer(respond(resultCode.protocolError));
    else return wire.goAhead(respond(resultCode.success, berElement(ldapTag.responseName, startTlsName)));
  }
}

const isStartTls = ([name]: readonly BerElement[]): boolean =>
  name?.tag === ldapTag.requestName && textOf(name.content) === textOf(startTlsName);

function responseBytes(tag: number, code: number, ...more: readonly number[][]): number[] {
  const empty = berElement(ldapTag.octets);
  return berElement(tag, berElement(ldapTag.enumerated, [code]), empty, empty, ...more);
}
