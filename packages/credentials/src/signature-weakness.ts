import type { X509Certificate } from 'node:crypto';
import { derElements, onlyElement } from '@rxtls/core/engine-parts';

const sequence = 0x30;

/** Algorithms of signatures (RFC 3279 §2.2, and its elder of OIW) by the content of their object identifiers. */
const weak: Readonly<Record<string, string>> = {
  '2a864886f70d010104': 'MD5', // md5WithRSAEncryption
  '2a864886f70d010105': 'SHA-1', // sha1WithRSAEncryption
  '2b0e03021d': 'SHA-1', // sha1WithRSASignature
  '2a8648ce3d0401': 'SHA-1', // ecdsa-with-SHA1
};
const rsassaPss = '2a864886f70d01010a';
const weakHash: Readonly<Record<string, string>> = { '2a864886f70d0205': 'MD5', '2b0e03021a': 'SHA-1' };

/**
 * The hash that makes a certificate's signature one that peers refuse, and OpenSSL before them where its security level is 2;
 * nothing where it is good, or a certificate's on itself, which nobody relies on.
 */
export function signatureWeakness({ raw, subject, issuer }: X509Certificate): string | undefined {
  if (subject === issuer) return undefined;
  const outer = onlyElement(raw, sequence);
  const [algorithm, parameters] = (outer && derElements(derElements(outer)?.[1]?.content ?? outer)) ?? [];
  const id = hex(algorithm?.content);
  return id === rsassaPss ? weakPss(parameters?.content) : weak[id];
}

/** RFC 4055 §3.1: without a `[0]` for the hash it is SHA-1. */
function weakPss(parameters: Uint8Array | undefined): string | undefined {
  const hash = parameters && derElements(parameters)?.find(({ tag }) => tag === 0xa0);
  if (hash === undefined) return 'SHA-1';
  const [id] = derElements(onlyElement(hash.content, sequence) ?? hash.content) ?? [];
  return weakHash[hex(id?.content)];
}

const hex = (bytes: Uint8Array = new Uint8Array()): string => Buffer.from(bytes).toString('hex');
