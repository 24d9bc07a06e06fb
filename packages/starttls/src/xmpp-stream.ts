import { misbehaved } from './refusal.ts';
import type { Script } from './script.ts';
import { xmlRoot, type XmlElement, type XmlScope } from './xml-element.ts';

/** RFC 6120 §4.8 and §5.4. */
export const xmppNamespace = {
  streams: 'http://etherx.jabber.org/streams',
  tls: 'urn:ietf:params:xml:ns:xmpp-tls',
} as const;

/** The other side's stream header. */
export function* xmppStream(): Script<XmlScope> {
  const root = yield* xmlRoot();
  if (!isElement(root, 'stream', xmppNamespace.streams)) throw misbehaved('what comes is no XMPP stream');
  return root.scope;
}

export const isElement = (element: XmlElement, name: string, namespace: string): boolean =>
  element.name === name && element.namespace === namespace;
