import { misbehaved } from './refusal.ts';
import type { Script } from './script.ts';
import { type XmlToken, xmlToken } from './xml-token.ts';

/** Prefixes and the namespaces they stand for; `''` is the default. */
export type XmlScope = ReadonlyMap<string, string>;

/** An element with its children; what text it has is passed over. */
export interface XmlElement {
  readonly namespace: string;
  readonly name: string;
  readonly children: readonly XmlElement[];
}

type Tag = Extract<XmlToken, { readonly attributes: ReadonlyMap<string, string> }>;

const maxDepth = 16;
const nothing: XmlScope = new Map<string, string>([['xml', 'http://www.w3.org/XML/1998/namespace']]);

/** The open tag that a document begins with, after its declaration if there is one, and the scope inside it. */
export function* xmlRoot(): Script<XmlElement & { readonly scope: XmlScope }> {
  let token = yield* xmlToken();
  if (token.kind === 'declaration') token = yield* tag();
  if (token.kind !== 'open') throw misbehaved('what comes is no stream');
  const scope = scopeIn(token, nothing);
  return { ...named(token, scope), children: [], scope };
}

/** A whole element in that scope; only white space may come before it. */
export function* xmlElement(scope: XmlScope): Script<XmlElement> {
  const token = yield* tag();
  if (token.kind === 'close') throw misbehaved('the stream was closed before TLS');
  if (token.kind !== 'open' && token.kind !== 'empty') throw misbehaved('a tag is out of place');
  return yield* elementOf(token, scope, 1);
}

function* elementOf(begin: Tag, outer: XmlScope, depth: number): Script<XmlElement> {
  const scope = scopeIn(begin, outer);
  const children: XmlElement[] = [];
  for (let isOpen = begin.kind === 'open'; isOpen; ) {
    const token = yield* xmlToken();
    if (token.kind === 'text') continue;
    if (token.kind === 'declaration') throw misbehaved('a tag is out of place');
    if (token.kind === 'close') {
      if (token.name !== begin.name) throw misbehaved('a tag closes another element than the one that is open');
      isOpen = false;
    } else {
      if (depth >= maxDepth) throw misbehaved(`elements are more than ${maxDepth} deep`);
      children.push(yield* elementOf(token, scope, depth + 1));
    }
  }
  return { ...named(begin, scope), children };
}

function* tag(): Script<XmlToken> {
  for (;;) {
    const token = yield* xmlToken();
    if (token.kind !== 'text') return token;
    if (/[^ \t\r\n]/.test(token.text)) throw misbehaved('there is text between the elements');
  }
}

function scopeIn({ attributes }: Tag, outer: XmlScope): XmlScope {
  const scope = new Map(outer);
  for (const [key, value] of attributes) {
    if (key === 'xmlns') scope.set('', value);
    else if (key.startsWith('xmlns:')) scope.set(key.slice(6), value);
  }
  return scope;
}

function named(begin: Tag, scope: XmlScope): Pick<XmlElement, 'namespace' | 'name'> {
  const [local = '', prefix = ''] = begin.name.split(':').reverse();
  const namespace = scope.get(prefix);
  if (namespace === undefined && prefix !== '') throw misbehaved('a prefix stands for no namespace');
  return { namespace: namespace ?? '', name: local };
}
