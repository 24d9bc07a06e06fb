import type { KeyObject } from 'node:crypto';
import { derElements, onlyElement } from '@rxtls/core/engine-parts';
import type { CryptoProvider, RandomBytes, SubjectPublicKey } from '../src/crypto/crypto-provider.ts';
import { bitLength } from '../src/crypto/is-usable-rsa.ts';
import { nobleCryptoWith } from '../src/crypto/noble/noble-crypto.ts';
import { x25519MLKEM768 } from '../src/crypto/noble/x25519-mlkem768.ts';
import { nodeCryptoWith } from '../src/crypto/node/node-crypto.ts';

/** Both, with everything they can be given. */
export const providers: readonly CryptoProvider[] = [nodeCryptoWith, nobleCryptoWith].map((make) =>
  make({ postQuantum: x25519MLKEM768 }),
);

export const hex = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text.replaceAll(/\s/g, ''), 'hex'));
export const toHex = (bytes: Uint8Array | undefined): string | undefined =>
  bytes === undefined ? undefined : Buffer.from(bytes).toString('hex');
export const ascii = (text: string): Uint8Array => Uint8Array.from(Buffer.from(text, 'latin1'));

/** Draws that are the same in every run; `seed` tells two of them apart. */
export function draws(seed: number): RandomBytes {
  let state = seed + 1;
  return (length) =>
    Uint8Array.from({ length }, () => {
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return state >>> 24;
    });
}

/** Gives those, one after the other. */
export const fixed = (...values: readonly Uint8Array[]): RandomBytes => {
  const left = [...values];
  return () => left.shift()!;
};

/** What the certificate reader makes of a SubjectPublicKeyInfo. */
export function subjectOf(key: KeyObject): SubjectPublicKey {
  const der = Uint8Array.from(key.export({ type: 'spki', format: 'der' }));
  const type = key.asymmetricKeyType;
  if (type === 'ed25519') return { type, der, raw: der.slice(-32) };
  if (type === 'rsa' || type === 'rsa-pss') {
    const bits = derElements(onlyElement(der, 0x30)!)![1]!.content.subarray(1);
    const [modulus, exponent] = derElements(onlyElement(bits, 0x30)!)!.map(({ content }) =>
      content.slice(content[0] === 0 ? 1 : 0),
    );
    return rsaSubject(type, modulus!, exponent!, der);
  }
  return key.asymmetricKeyDetails?.namedCurve === 'prime256v1'
    ? { type: 'p256', der, point: der.slice(-65) }
    : { type: 'p384', der, point: der.slice(-97) };
}

export const rsaSubject = (
  type: 'rsa' | 'rsa-pss',
  modulus: Uint8Array,
  exponent: Uint8Array,
  der: Uint8Array = new Uint8Array(),
): SubjectPublicKey => ({ type, der, modulus, exponent, bits: bitLength(modulus) });
