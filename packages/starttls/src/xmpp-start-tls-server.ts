import type { ByteDuplex, UpgradeReady } from '@rxtls/core';
import { ApiMisuseError } from '@rxtls/core/engine';
import type { OperatorFunction } from 'rxjs';
import type { Wire } from './dialogue.ts';
import { nameOption } from './name-option.ts';
import { refused } from './refusal.ts';
import type { Script } from './script.ts';
import { startTls } from './start-tls.ts';
import { resolveUpgradeOptions, type UpgradeOptions } from './upgrade-options.ts';
import { xmlElement } from './xml-element.ts';
import { isElement, xmppNamespace, xmppStream } from './xmpp-stream.ts';

export interface XmppStartTlsServerOptions extends UpgradeOptions {
  /** The domain that this server serves. */
  readonly from: string;
  /** The content namespace: streams of clients (the default) or between servers. */
  readonly namespace?: 'jabber:client' | 'jabber:server';
}

/** The Web Crypto API's `randomUUID`, by structure. */
interface WithCrypto {
  readonly crypto?: { randomUUID?(): string };
}

/**
 * STARTTLS in XMPP (RFC 6120 §5), the receiving side, for `secureEach({ upgrade })`. Before TLS it takes the stream header and
 * `<starttls/>`; anything else is answered with `<failure/>` and ends the stream. What comes in one piece with `<starttls/>` is
 * refused unless it begins a TLS handshake.
 *
 * @throws ApiMisuseError for options that cannot be
 * @example
 * listen({ port: 5222 }).pipe(
 *   secureEach(nodeEngine.server({ credentials }), (c) => c.plaintext, { upgrade: xmppStartTlsServer({ from: 'example.org' }) }),
 * )
 */
export function xmppStartTlsServer(options: XmppStartTlsServerOptions): OperatorFunction<ByteDuplex, UpgradeReady> {
  const { own, settings } = resolveUpgradeOptions('xmppStartTlsServer', options, ['from', 'namespace']);
  const from = nameOption('xmppStartTlsServer', 'from', own.from);
  const namespace = own.namespace ?? 'jabber:client';
  if (namespace !== 'jabber:client' && namespace !== 'jabber:server')
    throw new ApiMisuseError("xmppStartTlsServer: namespace must be 'jabber:client' or 'jabber:server'");
  return startTls('server', 'XMPP', settings, (wire) => dialogue(wire, header(from, namespace)));
}

function* dialogue(wire: Wire, greeting: string): Script {
  const scope = yield* xmppStream();
  wire.answer(greeting);
  const request = yield* xmlElement(scope);
  if (isElement(request, 'starttls', xmppNamespace.tls)) return wire.goAhead(`<proceed xmlns='${xmppNamespace.tls}'/>`);
  wire.answer(`<failure xmlns='${xmppNamespace.tls}'/></stream:stream>`);
  wire.end();
  throw refused('the client began something else than TLS');
}

/** RFC 6120 §4.7.3: the id is unique and not to be guessed; it lives until TLS begins. */
function header(from: string, namespace: string): string {
  const id = (globalThis as WithCrypto).crypto?.randomUUID?.();
  if (id === undefined) throw new ApiMisuseError('this runtime has no globalThis.crypto.randomUUID');
  return (
    `<?xml version='1.0'?><stream:stream from='${from}' id='${id}' version='1.0' xmlns='${namespace}' ` +
    `xmlns:stream='${xmppNamespace.streams}'><stream:features><starttls xmlns='${xmppNamespace.tls}'><required/></starttls>` +
    `</stream:features>`
  );
}
