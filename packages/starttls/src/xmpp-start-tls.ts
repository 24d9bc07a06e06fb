import type { ByteDuplex, UpgradeReady } from '@rxtls/core';
import { ApiMisuseError } from '@rxtls/core/engine';
import type { OperatorFunction } from 'rxjs';
import type { Wire } from './dialogue.ts';
import { nameOption } from './name-option.ts';
import { misbehaved, refused } from './refusal.ts';
import type { Script } from './script.ts';
import { startTls } from './start-tls.ts';
import { resolveUpgradeOptions, type UpgradeOptions } from './upgrade-options.ts';
import { xmlElement } from './xml-element.ts';
import { isElement, xmppNamespace, xmppStream } from './xmpp-stream.ts';

export interface XmppStartTlsOptions extends UpgradeOptions {
  /** The domain that is to serve. Its certificate is for this name, whatever host was connected to (RFC 6120 §13.7.1.2). */
  readonly to: string;
  /** The content namespace: a client's stream (the default) or one between servers. */
  readonly namespace?: 'jabber:client' | 'jabber:server';
}

/**
 * STARTTLS in XMPP (RFC 6120 §5), the side that begins the stream. Over TLS the application begins a new stream; what the first one
 * said counts for nothing. XML is read by a strict scanner: no DTD, comment, CDATA or processing instruction, 16 elements deep.
 *
 * Errors as {@link smtpStartTls} does.
 *
 * @throws ApiMisuseError for options that cannot be
 * @example connect({ host, port: 5222 }).pipe(xmppStartTls({ to: 'example.org' }), secure(engine))
 */
export function xmppStartTls(options: XmppStartTlsOptions): OperatorFunction<ByteDuplex, UpgradeReady> {
  const { own, settings } = resolveUpgradeOptions('xmppStartTls', options, ['to', 'namespace']);
  const to = nameOption('xmppStartTls', 'to', own.to);
  const namespace = own.namespace ?? 'jabber:client';
  if (namespace !== 'jabber:client' && namespace !== 'jabber:server')
    throw new ApiMisuseError("xmppStartTls: namespace must be 'jabber:client' or 'jabber:server'");
  const header =
    `<?xml version='1.0'?><stream:stream to='${to}' version='1.0' xmlns='${namespace}' ` +
    `xmlns:stream='${xmppNamespace.streams}'>`;
  return startTls('client', 'XMPP', settings, (wire) => dialogue(wire, header));
}

function* dialogue(wire: Wire, header: string): Script {
  wire.ask(header);
  const scope = yield* xmppStream();
  const features = yield* xmlElement(scope);
  if (isElement(features, 'error', xmppNamespace.streams)) throw refused('the server ended the stream with an error');
  if (!isElement(features, 'features', xmppNamespace.streams)) throw misbehaved('the stream begins without features');
  if (!features.children.some((child) => isElement(child, 'starttls', xmppNamespace.tls)))
    throw refused('the server does not offer STARTTLS');
  wire.ask(`<starttls xmlns='${xmppNamespace.tls}'/>`);
  const answer = yield* xmlElement(scope);
  if (isElement(answer, 'failure', xmppNamespace.tls)) throw refused('the server refused STARTTLS');
  if (!isElement(answer, 'proceed', xmppNamespace.tls)) throw misbehaved('an element is no answer to STARTTLS');
}
